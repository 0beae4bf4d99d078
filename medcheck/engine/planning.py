"""What a run would need: calls, tokens, cost, less what is stored. Calls nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from medcheck.canonical import Prepared, prepare
from medcheck.engine.evaluate import Job, Plan, evaluate, first_request, request_of
from medcheck.engine.session import Work, bind
from medcheck.engine.setup import FREE_PROVIDERS, Setup
from medcheck.errors import ProviderError
from medcheck.graders import Call, Grader
from medcheck.limits import Policy
from medcheck.providers import Entry
from medcheck.settings import Settings
from medcheck.store.responses import Responses
from medcheck.tokens import estimate_messages, estimate_tokens
from medcheck.types import Completion, Request, Result

ANSWER_TOKENS = 500
VERDICT_TOKENS = 100
PROMPT_TOKENS = 600
"""Assumed where nothing better is known: an answer, a verdict, a judge's instructions."""


@dataclass(slots=True)
class Need:
    """What one model or judge would still be asked."""

    calls: int = 0
    stored: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    """`None`: the price is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the run would need, by `model NAME` or `judge NAME`."""

    cases: int
    answers: int
    needs: Mapping[str, Need]
    instead: Mapping[str, Mapping[str, Need]] = field(default_factory=dict)
    """What the suites that can be graded in another way would need then, by that way's name."""

    @property
    def calls(self) -> int:
        """Return the calls that are not stored."""
        return sum(need.calls for need in self.needs.values())

    @property
    def lines(self) -> list[str]:
        """Return the forecast as lines for people."""
        texts = [f"{self.cases} cases, {self.answers} answers, {self.calls:,} calls not stored"]
        texts += _lines(self.needs)
        for way, needs in self.instead.items():
            texts.append(f"instead, with {way}:")
            texts += [f"  {line}" for line in _lines(needs)]
        return texts


def _lines(needs: Mapping[str, Need]) -> Iterator[str]:
    for who, need in needs.items():
        cost = "unknown" if need.cost_usd is None else f"${need.cost_usd:,.2f}"
        yield (
            f"{who}: {need.calls:,} calls ({need.stored:,} more are stored), about "
            f"{need.input_tokens:,} input and {need.output_tokens:,} output tokens, cost {cost}"
        )


def forecast(
    setup: Setup, settings: Settings, works: Sequence[Work], responses: Responses | None
) -> Forecast:
    """Return what the works would need, less what `responses` holds."""

    def count(setup: Setup, works: Sequence[Work]) -> Forecast:
        return asyncio.run(_Counter(setup, settings, responses).count(works))

    found = count(setup, works)
    instead = {}
    for suite, way, plan in _other_ways(setup):
        own = [work for work in works if work.suite == suite]
        needs = count(replace(setup, plans={**setup.plans, suite: plan}), own).needs if own else {}
        judges = {who: need for who, need in needs.items() if who.startswith("judge ")}
        if judges:
            instead[f"{suite}.{way}"] = judges
    return replace(found, instead=instead)


def _other_ways(setup: Setup) -> Iterator[tuple[str, str, Plan]]:
    for suite, plan in setup.plans.items():
        modes: Mapping[str, Grader] = getattr(plan.grader, "modes", {})
        for way, grader in modes.items():
            yield suite, way, replace(plan, grader=grader)


@dataclass(slots=True)
class _Counter:
    """Evaluates like the engine, with a door that only looks things up."""

    setup: Setup
    settings: Settings
    responses: Responses | None
    needs: dict[str, Need] = field(default_factory=dict)

    async def count(self, works: Sequence[Work]) -> Forecast:
        jobs = [job for work in works for job in self._jobs(work)]
        keys = [
            job.model.key(first_request(job.plan, job.case)) if job.asks else "" for job in jobs
        ]
        have = self.responses.have(filter(None, keys)) if self.responses else set()
        turns: dict[tuple[str, str, str, int], Result] = {}
        for job, key in zip(jobs, keys, strict=True):
            case = job.case
            previous = turns.get((case.suite, case.follows or "", job.model.name, job.repeat))
            known = self._stored(job, previous) if case.follows else key in have
            if job.asks and not known:
                self._unanswered(job)
                continue
            result = await evaluate(job, previous)
            if case.id in self.setup.suites[case.suite].followed:
                turns[case.suite, case.id, job.model.name, job.repeat] = result
        cases = len({(work.suite, work.id) for work in works})
        return Forecast(cases=cases, answers=len(jobs), needs=dict(sorted(self.needs.items())))

    def _jobs(self, work: Work) -> Iterable[Job]:
        for repeat in range(1, self.setup.repeats(work.case, work.model) + 1):
            yield bind(
                self.setup, self, work.case, work.model, position=work.position, repeat=repeat
            )

    def _stored(self, job: Job, previous: Result | None) -> bool:
        """Return whether the answer to a later turn is stored: it depends on the turns before."""
        if self.responses is None or previous is None or previous.completion is None:
            return False
        return bool(self.responses.have([job.model.key(request_of(job, previous))]))

    def _unanswered(self, job: Job) -> None:
        """Count an answer that is missing, and the verdicts that will be asked about it."""
        prepared = job.model.prepare(first_request(job.plan, job.case))
        output = int(prepared.request.params.get("max_tokens") or ANSWER_TOKENS)
        self._add(job.model.entry, prepared, output=min(output, ANSWER_TOKENS))
        asked = estimate_messages(job.case.messages) + ANSWER_TOKENS + PROMPT_TOKENS
        for call in _calls(job):
            for judge in job.roles.get(
                call.role, job.judges[:1] if call.role != "judges" else job.judges
            ):
                need = self._need("judge", judge.entry)
                output = VERDICT_TOKENS * call.verdicts
                _count(need, judge.entry, asked + estimate_tokens(call.text), output)

    def prepare(self, entry: Entry, request: Request) -> Prepared:
        """Return the request in its endpoint's form, as the engine's door does."""
        policy = Policy(run=self.settings.run, responses=self.settings.responses)
        return prepare(entry, request, salt=policy.salt)

    async def ask(self, entry: Entry, request: Request) -> Completion:
        """Return a stored reply, or count the call that is missing."""
        prepared = self.prepare(entry, request)
        stored = self.responses.get(prepared.key) if self.responses else None
        if stored is None:
            output = VERDICT_TOKENS if request.role == "judge" else ANSWER_TOKENS
            self._add(entry, prepared, output=output)
            raise ProviderError("not stored")
        self._need(request.role, entry).stored += 1
        return stored.to_completion(cached=True)

    def _add(self, entry: Entry, prepared: Prepared, *, output: int) -> None:
        need = self._need(prepared.request.role, entry)
        _count(need, entry, estimate_messages(prepared.request.messages), output)

    def _need(self, role: str, entry: Entry) -> Need:
        who = f"{role} {entry.name}"
        if who not in self.needs:
            self.needs[who] = Need(
                cost_usd=0.0 if entry.price or entry.provider in FREE_PROVIDERS else None
            )
        return self.needs[who]


def _calls(job: Job) -> Sequence[Call]:
    """Return the calls that grading takes: the grader's own account, or one a criterion."""
    account = getattr(job.plan.grader, "calls", None)
    if account is not None:
        found: Sequence[Call] = account(job.case)
        return found
    return [Call(text=criterion.text) for criterion in job.case.criteria if criterion.check is None]


def _count(need: Need, entry: Entry, tokens: int, output: int) -> None:
    need.calls += 1
    need.input_tokens += tokens
    need.output_tokens += output
    if need.cost_usd is not None and entry.price is not None:
        need.cost_usd += (tokens * entry.price.input + output * entry.price.output) / 1e6
