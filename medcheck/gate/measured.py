"""What a comparison needs of a run: numbers and hashes by case, no answers.

A `Side` is one model on one suite; it is made from a stored run here, or read from a reviewed file
(`baselines`). What two sides make of each other stands in `changes` and in the package itself.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from medcheck.extras import PAIRWISE
from medcheck.scoring.gaps import IRRELEVANT
from medcheck.scoring.points import points
from medcheck.types import Ballot, Result, Run, Usage, Verdict, VerdictState

MISSING = "-"
"""State of a criterion that was not judged."""
_TOKENS: Mapping[VerdictState, str] = {
    "met": "m",
    "not_met": "n",
    "undecided": "u",
    "judge_error": "e",
    "not_run": MISSING,
}
_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A criterion in words, for tables."""

    text: str
    points: float
    zero_tolerance: bool = False
    scale: tuple[float, float] = (0.0, 1.0)
    level: str | None = None
    check: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One case as one model answered it."""

    case_id: str
    question: str | None
    """Hash of what the user says; `None`: unknown, since no answer was measured."""
    rubric: str | None
    """Hash of texts, points and tags of the criteria in any order; `None` likewise."""
    terms: str | None = None
    """Hash of zero tolerance, scale, level and check of the same criteria; `None` likewise, or read
    from a baseline file that does not say."""
    categories: tuple[str, ...] = ()
    cluster: str = ""
    """Cases of one name are not independent; empty: the case stands alone."""
    scores: tuple[float | None, ...] = ()
    """Unclipped, by repeat; `None`: not measured."""
    states: tuple[tuple[str, ...], ...] = ()
    """By repeat, then criterion in the order of their hashes: m (met), n, u, e, -, or a value."""
    demands: tuple[Demand, ...] = ()
    """The criteria in the same order; empty where they were read from a baseline file."""
    answers: tuple[str, ...] = ()
    """Hash of each repeat's answer; empty text: none."""
    gradings: tuple[tuple[float, ...], ...] = ()
    """By repeat: the score by each judge's own ballots, where there are several judges."""

    @property
    def mean(self) -> float | None:
        """The mean of the measured repeats."""
        known = [score for score in self.scores if score is not None]
        return math.fsum(known) / len(known) if known else None

    @property
    def lost(self) -> int:
        """Repeats that were not measured."""
        return sum(score is None for score in self.scores)

    @property
    def unit(self) -> str:
        """The name of what is independent of all else."""
        return f"cluster {self.cluster}" if self.cluster else f"case {self.case_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What answers or gradings took."""

    calls: int = 0
    input: int = 0
    output: int = 0
    cost_usd: float | None = 0.0
    """`None`: the price of a part is unknown."""

    def plus(self, usage: Usage, cost_usd: float | None, *, calls: int = 1) -> Spent:
        """Return the sum with one reply or one ballot."""
        known = self.cost_usd is not None and cost_usd is not None
        return Spent(
            calls=self.calls + calls,
            input=self.input + (usage.input or 0),
            output=self.output + (usage.output or 0),
            cost_usd=(self.cost_usd or 0.0) + (cost_usd or 0.0) if known else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One model on one suite, ready to be compared."""

    name: str
    """The run's id, or the path of a baseline file."""
    suite: str
    model: str
    protocol: str
    judges: tuple[str, ...]
    compared: Mapping[str, Any]
    """Whatever else must be equal, by name: judge prompts, parameters, grading options."""
    cases: tuple[Measured, ...]
    """In dataset order."""
    gate: Mapping[str, float] = field(default_factory=dict)
    """The suite's settings of the gate."""
    ungraded_at_most: float = 0.0
    """Share of answers that may stay without a score."""
    answering: Spent | None = None
    """`None`: a file does not say."""
    judging: Spent | None = None

    @property
    def lost(self) -> int:
        """Answers that were not measured."""
        return sum(case.lost for case in self.cases)

    @property
    def planned(self) -> int:
        """Answers that were asked for."""
        return sum(len(case.scores) for case in self.cases)

    @property
    def dated(self) -> bool:
        """Whether it was read from a file that says nothing of terms and of the gate's settings."""
        return not self.gate and all(case.terms is None for case in self.cases)

    @property
    def incomplete(self) -> bool:
        """Whether more answers are missing than the suite allows, or there are none at all."""
        # Divided, not multiplied: 0.29 * 100 is a little less than 29.
        return not self.planned or self.lost / self.planned > self.ungraded_at_most

    @property
    def repeats(self) -> str:
        """How many answers a case has, for people: `1`, or `1 to 3`."""
        counts = [len(case.scores) for case in self.cases] or [0]
        low, high = min(counts), max(counts)
        return str(low) if low == high else f"{low} to {high}"


def sides(run: Run) -> tuple[Side, ...]:
    """Return each suite and model of a run, in the run's order; reads the results once."""
    found: dict[tuple[str, str], _Builder] = {}
    for result in run.results:
        key = (result.suite, result.model)
        if key not in found:
            found[key] = _Builder(run, *key)
        found[key].add(result)
    return tuple(builder.side() for builder in found.values())


def digest(value: Any) -> str:
    """Return the hash of plain data that stands for it in comparisons: 16 hex digits."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:_DIGITS]


def plain(value: Any) -> Any:
    """Return data as JSON gives it back, so that a file and a run can be equal."""
    return json.loads(json.dumps(value, sort_keys=True))


class _Builder:
    """One side while the results stream by."""

    def __init__(self, run: Run, suite: str, model: str) -> None:
        self._run = run
        self._suite = suite
        self._model = model
        self._told = run.suites.get(suite, {})
        self._cases: dict[str, list[_Answer]] = {}
        self._judges: set[str] = set()
        self._answering = Spent()
        self._judging = Spent()

    def add(self, result: Result) -> None:
        self._cases.setdefault(result.case_id, []).append(_Answer.of(result, self._told))
        # An answer that existed already has no key: nothing was asked for it.
        if result.completion is not None and result.completion.key:
            used = (result.completion.usage, result.completion.cost_usd)
            self._answering = self._answering.plus(*used)
        for verdict in _rubric(result):
            self._judges.update(ballot.judge for ballot in verdict.ballots)
        for ballot in _ballots(result):
            if ballot.asks:
                used = (ballot.usage, ballot.cost_usd)
                self._judging = self._judging.plus(*used, calls=ballot.asks)

    def side(self) -> Side:
        prompts = {k: v for k, v in self._run.versions.items() if k.startswith("prompt ")}
        return Side(
            name=self._run.id,
            suite=self._suite,
            model=self._model,
            protocol=str(self._told.get("protocol", "")),
            judges=self._who_judged(),
            compared=plain(self._told.get("compared", {"prompts": prompts})),
            cases=tuple(_case(name, answers) for name, answers in self._cases.items()),
            gate=dict(self._told.get("gate", {})),
            ungraded_at_most=float(self._told.get("ungraded_at_most") or 0.0),
            answering=self._answering,
            judging=self._judging,
        )

    def _who_judged(self) -> tuple[str, ...]:
        # In a meta-evaluation the judge is what is measured, not what measures.
        if self._told.get("summary", {}).get("measure") == PAIRWISE:
            return ()
        return tuple(sorted(self._judges or self._told.get("judges", ())))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """One result in compact form."""

    score: float | None
    question: str
    judged: Mapping[str, tuple[Demand, str]]
    """By the criterion's hash: the demand and its state."""
    categories: tuple[str, ...]
    cluster: str
    answer: str
    gradings: tuple[float, ...]

    @property
    def graded(self) -> bool:
        """Whether a judge or a check looked at it."""
        return any(state != MISSING for _, state in self.judged.values())

    @classmethod
    def of(cls, result: Result, told: Mapping[str, Any]) -> _Answer:
        said = [(m.text, [i.sha256 for i in m.images]) for m in result.messages if m.role == "user"]
        prefix = str(told.get("cluster") or "")
        return cls(
            score=result.score.value if result.score else None,
            question=digest(said),
            judged=_judged(_rubric(result)),
            categories=_categories(result, told, without=prefix),
            cluster=_cluster(result, told, prefix),
            answer=digest(result.completion.text) if result.completion else "",
            gradings=tuple(_by_judge(_rubric(result))) if result.measured else (),
        )


def _case(name: str, answers: Sequence[_Answer]) -> Measured:
    # Only a graded answer shows the criteria and the question as they were really used.
    sure = [answer for answer in answers if answer.score is not None]
    sure += [answer for answer in answers if answer.score is None and answer.graded]
    shown = (sure or answers)[0]
    keys = sorted(shown.judged)
    return Measured(
        case_id=name,
        question=shown.question if sure else None,
        rubric=digest(keys) if sure else None,
        terms=_terms(shown) if sure else None,
        categories=shown.categories,
        cluster=shown.cluster,
        scores=tuple(answer.score for answer in answers),
        states=tuple(
            tuple(answer.judged[key][1] if key in answer.judged else MISSING for key in keys)
            for answer in answers
        ),
        demands=tuple(shown.judged[key][0] for key in keys),
        answers=tuple(answer.answer for answer in answers),
        gradings=tuple(answer.gradings for answer in answers),
    )


def _rubric(result: Result) -> list[Verdict]:
    """Return the verdicts on the case's own criteria, without what an answer brought along."""
    verdicts = result.score.verdicts if result.score else ()
    return [v for v in verdicts if IRRELEVANT not in v.criterion.tags]


def _judged(verdicts: Iterable[Verdict]) -> dict[str, tuple[Demand, str]]:
    found: dict[str, tuple[Demand, str]] = {}
    seen: Counter[str] = Counter()
    for verdict in verdicts:
        criterion = verdict.criterion
        key = digest([criterion.text, float(criterion.points), sorted(criterion.tags)])
        seen[key] += 1
        # The same criterion twice in a case is two criteria.
        name = key if seen[key] == 1 else f"{key}#{seen[key]}"
        demand = Demand(
            text=criterion.text,
            points=float(criterion.points),
            zero_tolerance=criterion.zero_tolerance,
            scale=criterion.scale,
            level=criterion.level,
            check=criterion.check,
        )
        found[name] = (demand, _token(verdict))
    return found


def _terms(answer: _Answer) -> str:
    # Apart from the rubric's hash: baseline files that know nothing of it stay comparable.
    return digest(
        sorted(
            digest(
                [key.partition("#")[0], d.zero_tolerance, *map(float, d.scale), d.level, d.check]
            )
            for key, (d, _) in answer.judged.items()
        )
    )


def _token(verdict: Verdict) -> str:
    if verdict.state in _TOKENS:
        return _TOKENS[verdict.state]
    return MISSING if verdict.value is None else repr(float(verdict.value))


def _categories(result: Result, told: Mapping[str, Any], *, without: str) -> tuple[str, ...]:
    """Return the groups of a case that can fall on their own: its tags that the suite names."""
    prefixes = set(told.get("summary", {}).get("by") or ()) - {without.rstrip(":")}
    tags = [tag for tag in result.tags if tag.partition(":")[0] in prefixes]
    path = ["/".join(result.category)] if result.category else []
    return tuple(dict.fromkeys((*tags, *path)))


def _cluster(result: Result, told: Mapping[str, Any], prefix: str) -> str:
    """Return what a case belongs to: a tag with the suite's prefix, or its conversation."""
    if prefix:
        start = f"{prefix.rstrip(':')}:"
        own = next((tag for tag in result.tags if tag.startswith(start)), None)
        if own is not None:
            return own
    return str(told.get("conversations", {}).get(result.case_id, ""))


def _by_judge(verdicts: Sequence[Verdict]) -> Iterator[float]:
    """Yield the score that each judge of a panel alone would have given."""
    judges = dict.fromkeys(b.judge for v in verdicts if len(v.ballots) > 1 for b in v.ballots)
    for judge in judges:
        score = points([_said(verdict, judge) for verdict in verdicts]).value
        if score is not None:
            yield score


def _said(verdict: Verdict, judge: str) -> Verdict:
    own = next((b for b in verdict.ballots if b.judge == judge), None)
    return verdict if own is None else replace(verdict, state=own.state, value=own.value)


def _ballots(result: Result) -> Iterator[Ballot]:
    for verdict in result.score.verdicts if result.score else ():
        yield from verdict.ballots
