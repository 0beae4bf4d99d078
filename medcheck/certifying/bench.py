"""Asking a judge outside of any run: the same graders, door and store, so nothing is paid twice."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from medcheck.client import Door, Model
from medcheck.engine.session import LINGER_SECONDS, owner_prefix
from medcheck.engine.setup import FREE_PROVIDERS
from medcheck.errors import MedcheckError, SettingsError
from medcheck.graders import Grader
from medcheck.limits import Policy
from medcheck.providers import Entry, key_of, load_registry, resolve
from medcheck.settings import Settings
from medcheck.store.batch import BatchStore
from medcheck.store.database import open_database
from medcheck.store.responses import Responses
from medcheck.types import Case, Completion, Verdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An answer and the criteria to judge it by, with what is known of the truth."""

    name: str
    case: Case
    answer: str
    truth: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    """By criterion id: what people said, or the one known truth."""
    category: str = ""
    cluster: str = ""
    """Subjects of one name are not independent."""

    def told(self, answer: str) -> Subject:
        """Return the same with another answer."""
        return replace(self, answer=answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a judge said of one criterion."""

    met: bool | None
    """`None`: no usable verdict."""
    replied: bool = False
    """Whether it replied at all."""
    error: str = ""

    @classmethod
    def of(cls, verdict: Verdict) -> Said:
        """Return what the only judge of a verdict said."""
        met = {"met": True, "not_met": False}.get(verdict.state)
        ballot = verdict.ballots[0] if verdict.ballots else None
        return cls(
            met=met,
            replied=bool(ballot and ballot.asks),
            error=(ballot.error if ballot else None) or "" if met is None else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A judge at work with one grader."""

    judge: Entry
    door: Door
    grader: Grader
    params: Mapping[str, Any]

    async def said(self, subject: Subject, *, grading: int = 1) -> dict[str, Said]:
        """Return the verdicts on one answer by criterion id; a failure is a verdict of nobody.

        Gradings of another number are requests of their own.
        """
        model = Model(
            entry=self.judge, door=self.door, repeat=grading, copy=subject.case.copy,
            params=self.params,
        )  # fmt: skip
        case = subject.case
        answer = Completion(text=subject.answer)
        try:
            score = await self.grader.grade(case, answer, (model,), asked=case.messages)
        except MedcheckError as error:
            return {c.id: Said(met=None, error=str(error)) for c in case.criteria}
        return {verdict.criterion.id: Said.of(verdict) for verdict in score.verdicts}

    async def all_said(
        self, subjects: Sequence[Subject], *, grading: int = 1
    ) -> list[dict[str, Said]]:
        """Return the verdicts on several answers, in their order."""
        return await asyncio.gather(*(self.said(each, grading=grading) for each in subjects))


def judge_entry(name: str, settings: Settings, environ: Mapping[str, str]) -> Entry:
    """Return the entry of a judge whose key is present.

    Raises:
        SettingsError: unknown judge, no key, or a budget without a price.
    """
    path = Path(settings.models_file) if settings.models_file else None
    entry = resolve(
        name,
        registry=load_registry(path),
        environ=environ,
        base_url=settings.judge_base_url,
        role="judge",
    )
    key_of(entry, environ, role="judge")
    if settings.budget is not None and entry.price is None and entry.provider not in FREE_PROVIDERS:
        raise SettingsError(
            f'--budget {settings.budget:g}: the price of "{name}" is not known.',
            hint="Give it a price in your models file, or use --max-calls.",
        )
    return entry


def with_door(
    settings: Settings,
    environ: Mapping[str, str],
    work: Callable[[Door], Coroutine[Any, Any, T]],
    *,
    account: str = "",
) -> T:
    """Return what `work` makes of a door to the store and to the endpoints.

    `account` names the run whose hard stops its calls count against; empty: a new account.
    """

    async def main() -> T:
        async with _door(settings, environ, account) as door:
            return await work(door)

    return asyncio.run(main())


@asynccontextmanager
async def _door(
    settings: Settings, environ: Mapping[str, str], account: str
) -> AsyncIterator[Door]:
    # A name of its own: hard stops then count this command's calls, and `fresh` is fresh each time.
    run = f"{settings.run}-{uuid.uuid4().hex[:8]}"
    policy = Policy(
        run=run,
        charged_to=account,
        responses=settings.responses,
        max_calls=settings.max_calls,
        budget_usd=settings.budget,
        slots=settings.concurrency,
    )
    with open_database(settings.store) as database:
        store = BatchStore(Responses(database), linger_seconds=LINGER_SECONDS)
        door = Door(store=store, owner=f"{owner_prefix(run)}main", policy=policy, environ=environ)
        try:
            yield door
        finally:
            await door.close()
            store.close()
