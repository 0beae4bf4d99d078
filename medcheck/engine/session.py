"""What a process needs to run its cases: store, door, models, judges, the background thread."""

from __future__ import annotations

import asyncio
import platform
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from medcheck.client import Door, Model, Passage
from medcheck.engine.background import Background
from medcheck.engine.evaluate import Job, evaluate, graded
from medcheck.engine.setup import Setup, judged
from medcheck.errors import SettingsError, StoreError
from medcheck.limits import Policy
from medcheck.providers import Entry
from medcheck.settings import Settings
from medcheck.store.batch import BatchStore
from medcheck.store.database import open_database
from medcheck.store.responses import Responses
from medcheck.store.runs import Runs
from medcheck.types import Case, Completion, Request, Result, Score

SWITCH_SECONDS = 0.0005
MEANWHILE_SECONDS = 0.25
LINGER_SECONDS = 0.003
"""How long a write waits for company: one transaction for several replies costs little more than
one for a single reply. Short, because a request keeps its slot until its reply is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One item of a run: a case and the model that answers it."""

    case: Case = field(compare=False)
    suite: str
    id: str
    model: str
    position: int = field(compare=False)

    @classmethod
    def of(cls, case: Case, model: str, position: int) -> Work:
        """Return the work of a case and a model."""
        return cls(case=case, suite=case.suite, id=case.id, model=model, position=position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The part of the run that falls to one process."""

    ahead: tuple[Work, ...] = ()
    """What to prefetch, in the order of awaiting."""
    workers: int = 1
    owner: str = "main"
    """Names this process in the store."""
    cautious: bool = False
    """Run few cases ahead, because the session may stop at the first failure."""


class Engine:
    """Asks and grades this process's share of a run; records every result in the store."""

    def __init__(
        self, setup: Setup, settings: Settings, share: Share, environ: Mapping[str, str]
    ) -> None:
        self._setup = setup
        slots = max(1, settings.concurrency // share.workers)
        database = open_database(settings.store)
        self._store = BatchStore(Responses(database), linger_seconds=LINGER_SECONDS)
        self._recorder = Recorder(Runs(database))
        self._database = database
        self._run = settings.run
        self._owner = share.owner
        self._switch = sys.getswitchinterval()
        # A commit takes the interpreter several times. At Python's 5 ms a turn it would keep its
        # request slots for tens of milliseconds while the loop is busy.
        sys.setswitchinterval(SWITCH_SECONDS)
        policy = Policy(
            run=settings.run,
            responses=settings.responses,
            max_calls=settings.max_calls,
            budget_usd=settings.budget,
            slots=slots,
            share=1 / share.workers,
        )
        owner = f"{owner_prefix(settings.run)}{share.owner}/{uuid.uuid4().hex}"
        self.door = Door(store=self._store, owner=owner, policy=policy, environ=environ)
        self._turns: dict[tuple[str, str, str, int], asyncio.Task[Result]] = {}
        self._background = Background(
            self._work,
            share.ahead,
            running=min(slots, 8) if share.cautious else slots,
            closing=self._closing,
        )

    def start(self) -> None:
        """Begin to prefetch; once is enough."""
        self._background.start()

    def adopt(self, role: str, name: str, target: object) -> None:
        """Let an object of the user's own answer under the name of a model or judge."""
        self.door.adopt(self._setup.own_entry(role, name), target)

    def ask(self, model: str, request: Request, *, repeat: int = 1) -> Completion:
        """Return one answer, outside of any case, through the same door and store.

        Raises:
            SettingsError: the model only repeats answers that exist.
        """
        if model in self._setup.answers:
            raise SettingsError(f'"{model}" holds answers to cases.', hint="Ask a model instead.")
        client = Model(entry=self._setup.models[model], door=self.door, repeat=repeat)
        return self._background.run(client.ask(request))

    def grade(self, suite: str, model: str, case: Case, answer: Completion) -> Score:
        """Return the score of one answer, outside of the run's results.

        Raises:
            SettingsError: there is no judge.
        """
        grader = self._setup.plans[suite].grader
        needed = grader.needs_judge and judged(case, grader)
        if needed and not self._setup.judges.get((suite, model)):
            raise SettingsError("no judge to grade with.", hint="Name one with --judge NAME.")
        asked = replace(case, suite=suite)
        job = bind(self._setup, self.door, asked, model, position=0, repeat=1, given=False)
        return self._background.run(graded(job, answer, case.messages))

    def wait(
        self, work: Work, *, meanwhile: Callable[[], None] = lambda: None
    ) -> tuple[Result, ...]:
        """Return the results of an item, one per repeat, recorded in the store.

        `meanwhile` is called several times a second until they are there.
        """
        future = self._background.submit(work)
        while wait((future,), timeout=MEANWHILE_SECONDS).not_done:
            meanwhile()
        return future.result()

    def close(self) -> None:
        """Stop the spending: cancel what is open, keep what is paid, note the traffic."""
        self._background.close()
        self._store.close()
        sys.setswitchinterval(self._switch)
        stopped = None if self.door.stopped is None else str(self.door.stopped)
        noted = {"traffic": asdict(self.door.traffic), "stopped": stopped}
        Runs(self._database).note(
            self._run, {f"{name}:{self._owner}": part for name, part in noted.items()}
        )
        self._database.close()

    async def _closing(self) -> None:
        await self.door.close()

    async def _work(self, work: Work) -> tuple[Result, ...]:
        repeats = self._setup.numbers(work.case, work.model)
        turns = [self._turn(work.case, work.model, work.position, repeat) for repeat in repeats]
        results = await asyncio.gather(*turns)
        try:
            await self._recorder.record(results)
        except StoreError as error:
            self.door.stopped = error
            raise
        return tuple(results)

    async def _turn(self, case: Case, model: str, position: int, repeat: int) -> Result:
        """Return one result; turns of a conversation are shared between those that follow."""
        if not case.follows and not self._followed(case):
            return await self._evaluate(case, model, position, repeat, None)
        key = (case.suite, case.id, model, repeat)
        if key not in self._turns:
            self._turns[key] = asyncio.ensure_future(self._follow(case, model, position, repeat))
        return await asyncio.shield(self._turns[key])

    async def _follow(self, case: Case, model: str, position: int, repeat: int) -> Result:
        previous = None
        if case.follows:
            before = self._setup.suites[case.suite].case(case.follows)
            previous = await self._turn(before, model, position, repeat)
        return await self._evaluate(case, model, position, repeat, previous)

    def _followed(self, case: Case) -> bool:
        return case.id in self._setup.suites[case.suite].followed

    async def _evaluate(
        self, case: Case, model: str, position: int, repeat: int, previous: Result | None
    ) -> Result:
        job = bind(self._setup, self.door, case, model, position=position, repeat=repeat)
        return await evaluate(job, previous)


def owner_prefix(run: str) -> str:
    """Return what the owner of every lease of a run begins with, on one machine.

    The run folder's lock tells that no other process of this machine works on the run, so leases
    under this prefix are left over from a dead one. Other machines only wait for theirs to expire.
    """
    return f"{platform.node()}/{run}/"


class Recorder:
    """Writes results in few transactions: what comes while one is written goes with the next."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._waiting: list[tuple[Sequence[Result], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def record(self, results: Sequence[Result]) -> None:
        """Return once the results are committed."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((results, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await asyncio.shield(future)

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(LINGER_SECONDS)
            group, self._waiting = self._waiting, []
            results = [result for part, _ in group for result in part]
            try:
                await asyncio.to_thread(self._runs.record_many, results)
            except StoreError as error:
                for _, future in group:
                    future.set_exception(error)
            else:
                for _, future in group:
                    future.set_result(None)


def bind(
    setup: Setup,
    door: Passage,
    case: Case,
    model: str,
    *,
    position: int,
    repeat: int,
    given: bool = True,
) -> Job:
    """Bind a case to its model, judges and plan."""
    plan = setup.plans[case.suite]

    def bound(entry: Entry, params: Mapping[str, Any]) -> Model:
        return Model(entry=entry, door=door, repeat=repeat, copy=case.copy, params=params)

    def panel(entries: Sequence[Entry]) -> tuple[Model, ...]:
        return tuple(bound(entry, plan.judge_params) for entry in entries)

    roles = setup.roles.get((case.suite, model), {})
    answers = setup.given(case, model) if given else None
    found = answers[repeat - 1] if answers is not None and len(answers) >= repeat else None
    return Job(
        case=case,
        model=bound(setup.models[model], {}),
        judges=panel(setup.judges.get((case.suite, model), ())),
        roles={role: panel(entries) for role, entries in roles.items()},
        plan=plan,
        position=position,
        repeat=repeat,
        given=found,
        gap=_gap(model, repeat) if answers is not None and found is None else None,
    )


def _gap(model: str, repeat: int) -> str:
    which = f" {repeat}" if repeat > 1 else ""
    return f'"{model}" holds no answer{which} to it'
