"""Statements of an answer that serve no point: found by one judge, graded S1 to S4 by several.

Each becomes an ordinary criterion that is met. A step that fails is a verdict in state
`judge_error`: never an answer without such statements, never S1.

Source: gaps.md section 3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from medcheck.client import Askable
from medcheck.errors import SettingsError, nearest
from medcheck.graders._asked import Asked, Task, ask_for, builder
from medcheck.replies import Grade, Protocol, Statement, parse_extract, parse_grade
from medcheck.scoring.gaps import IRRELEVANT, LEVEL_RULES, SEVERITIES, level_vote
from medcheck.types import Ballot, Completion, Criterion, Verdict

EXTRACTION = "irrelevant"
"""Id of the criterion that says whether the search itself succeeded; it is worth nothing."""
PROMPTS = ("gaps/extract", "gaps/grade_irrelevant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How irrelevant content is looked for."""

    protocol: Protocol
    weights: Mapping[str, float]
    extractor: str | None = None
    """Name of the judge that looks for statements; `None`: the first grader."""
    judges: tuple[str, ...] = ()
    """Names of the graders; empty: the suite's judges."""
    vote: str = "conservative"

    @classmethod
    def of(
        cls, options: Mapping[str, Any], protocol: Protocol, weights: Mapping[str, float]
    ) -> Step:
        """Return the step that the option `irrelevant` describes.

        Raises:
            SettingsError: unknown vote, or more than one extractor.
        """
        vote = options.get("vote", "conservative")
        if vote not in LEVEL_RULES:
            hint = nearest(vote, LEVEL_RULES)
            raise SettingsError(f'grader.irrelevant.vote: unknown rule "{vote}".', hint=hint)
        extractors = _names(options.get("extractor"))
        if len(extractors) > 1:
            raise SettingsError(
                f"grader.irrelevant.extractor takes one judge, found {len(extractors)}.",
                hint="Grading takes several: grader.irrelevant.judges.",
            )
        return cls(
            protocol=protocol,
            weights=weights,
            extractor=extractors[0] if extractors else None,
            judges=_names(options.get("judges")),
            vote=vote,
        )

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """The names of judges by role, for those that the options name."""
        extractor = (self.extractor,) if self.extractor else ()
        found = {"extractor": extractor, "irrelevant_judges": self.judges}
        return {role: names for role, names in found.items() if names}

    async def verdicts(
        self,
        completion: Completion,
        *,
        question: str,
        points: Sequence[Criterion],
        extractor: Askable,
        judges: Sequence[Askable],
    ) -> tuple[Verdict, ...]:
        """Return the verdict on the search, then one for each statement, in the answer's order."""
        task = Task(
            prompt="gaps/extract",
            answer=completion.text,
            values={"question": question, "items": [point.text for point in points]},
        )
        seen = task.seen if self.protocol == "strict" else task.answer
        asked = await ask_for(
            extractor,
            builder(task, self.protocol, extractor),
            lambda text, verdict_id: parse_extract(
                text, answer=seen, protocol=self.protocol, verdict_id=verdict_id
            ),
        )
        if asked.found is None:
            return (self._failed(EXTRACTION, "Statements that serve no point", (asked.ballot,)),)
        pending = [
            self._graded(number, statement, task, judges)
            for number, statement in enumerate(asked.found, start=1)
        ]
        return (_searched(asked), *await asyncio.gather(*pending))

    async def _graded(
        self, number: int, statement: Statement, found_in: Task, judges: Sequence[Askable]
    ) -> Verdict:
        values = {"question": found_in.values["question"], "statement": statement.quote}
        task = Task(prompt="gaps/grade_irrelevant", answer=found_in.answer, values=values)
        grades = await asyncio.gather(*(self._grade(judge, task) for judge in judges))
        ballots = tuple(_graded_ballot(asked) for asked in grades)
        levels = [asked.found.level for asked in grades if asked.found is not None]
        if not levels or len(levels) < len(grades):
            return self._failed(f"{IRRELEVANT}-{number}", statement.quote, ballots)
        level = level_vote(levels, self.vote)
        criterion = Criterion(
            id=f"{IRRELEVANT}-{number}",
            text=statement.quote,
            points=self.weights.get(level, 0.0),
            level=level,
            tags=(IRRELEVANT, f"{IRRELEVANT}:{level}"),
        )
        return Verdict(
            criterion=criterion, state="met", value=1.0, label=level, ballots=ballots, how=self.vote
        )

    async def _grade(self, judge: Askable, task: Task) -> Asked[Grade]:
        return await ask_for(
            judge,
            builder(task, self.protocol, judge),
            lambda text, verdict_id: parse_grade(
                text, protocol=self.protocol, verdict_id=verdict_id
            ),
        )

    def _failed(self, name: str, text: str, ballots: tuple[Ballot, ...]) -> Verdict:
        # Worth an S4, so that the lowest score that the failure leaves open holds the worst level.
        worst = self.weights.get(SEVERITIES[-1], 0.0)
        criterion = Criterion(id=name, text=text, points=worst, tags=(IRRELEVANT,))
        return Verdict(
            criterion=criterion, state="judge_error", value=None, ballots=ballots, how=self.vote
        )


def _searched(asked: Asked[tuple[Statement, ...]]) -> Verdict:
    """Return the verdict that carries the price of a search that succeeded."""
    assert asked.found is not None
    criterion = Criterion(
        id=EXTRACTION, text="Statements that serve no point", points=0.0, tags=(IRRELEVANT,)
    )
    met = bool(asked.found)
    reasons = "\n".join(f"{s.quote}: {s.reason}" for s in asked.found)
    ballot = replace(
        asked.ballot,
        state="met" if met else "not_met",
        value=float(met),
        explanation=reasons,
    )
    return Verdict(
        criterion=criterion, state=ballot.state, value=ballot.value, ballots=(ballot,), how="single"
    )


def _graded_ballot(asked: Asked[Grade]) -> Ballot:
    if asked.found is None:
        return asked.ballot
    return replace(asked.ballot, label=asked.found.level, explanation=asked.found.reason)


def _names(given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(str(name) for name in _listed(given))


def _listed(given: object) -> Sequence[object]:
    if not isinstance(given, Sequence):
        raise SettingsError("grader.irrelevant: judges are names.", hint="Write a list of names.")
    return given
