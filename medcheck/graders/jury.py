"""MedHELM's jury: each judge marks an answer on several criteria at once, and the marks are joined.

How marks become one is in `scoring.juries`; what a reply may look like, in `replies`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from medcheck.client import Askable
from medcheck.errors import SettingsError, nearest
from medcheck.graders import Call
from medcheck.graders._asked import Asked, Task, ask_for, builder, versions
from medcheck.replies import Mark, Protocol, parse_jury
from medcheck.scoring import juries
from medcheck.types import (
    Ballot,
    Case,
    Completion,
    Criterion,
    Message,
    Score,
    Usage,
    Verdict,
    VerdictState,
)

PROMPT = "medhelm/jury"
RECORDED = "jury"
"""What a recorded reply of a juror is found by, beside the answer."""
FACET = "jury:"
"""Before a criterion's name in a score's facets."""
COVERAGE = f"{FACET}coverage"
QUESTIONS: Mapping[str, str] = {
    "accuracy": "Is what the answer says medically right, and true to the source it was given?",
    "completeness": "Does it hold everything of weight that the task asks for?",
    "clarity": "Can the one who asked read it easily, and take it in only one way?",
    "structure": "Are its parts there, in a sensible order, and each thing in its part?",
}
"""The guiding question of a criterion that a suite names without one."""
DEFAULT = ("accuracy", "completeness", "clarity")
SCALE = (1, 5)
SPAN = 100
"""A longer scale is no scale of whole marks."""

_TEXT = {"type": "string", "minLength": 1}
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "criteria": {
            "type": ["array", "object"],
            "items": _TEXT,
            "additionalProperties": _TEXT,
            "minItems": 1,
            "minProperties": 1,
            "uniqueItems": True,
            "description": "What is marked: names, or names with a guiding question each; "
            f"default {', '.join(DEFAULT)}.",
        },
        "scale": {
            "type": "array",
            "items": {"type": "integer"},
            "minItems": 2,
            "maxItems": 2,
            "description": "The lowest and the highest mark; default [1, 5].",
        },
        "aggregate": {
            "enum": list(juries.RULES),
            "description": "What the jurors' marks become: mean (default), median, or trimmed, "
            "the mean without the highest and the lowest.",
        },
    },
}


class Grader:
    """Asks each judge once for whole marks on all criteria.

    A juror whose reply cannot be used, or that cannot be reached, is missing: never the lowest
    mark. Then there is no score, unless `min_judges` others are there (`official`: one, as in the
    original, where the loss went unseen; its mark for an answer without any juror is not copied).
    `official` is one message, `strict` sends the answer as data of its own and wants a verdict id
    back that the answer cannot know.

    Source: medhelm.md section 4, and section 7, item 7.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.protocol: Protocol = options.get("protocol", "strict")
        self.how: str = options.get("aggregate") or options.get("vote") or "mean"
        fewest = 1 if self.protocol == "official" else None
        self.min_judges: int | None = options.get("min_judges", fewest)
        self.scale = _scale(options.get("scale", SCALE))
        self.criteria = _criteria(options.get("criteria", DEFAULT), self.scale)
        if self.how not in juries.RULES:
            hint = nearest(self.how, juries.RULES)
            raise SettingsError(f'grader.aggregate: unknown rule "{self.how}".', hint=hint)

    @property
    def needs_judge(self) -> bool:
        """Return True: only a judge can give marks."""
        return True

    @property
    def judges_every_case(self) -> bool:
        """Return True: the criteria are the suite's, so that cases have none of their own."""
        return True

    @property
    def versions(self) -> dict[str, str]:
        """Return the sha256 of the prompts."""
        return versions((PROMPT,), self.protocol)

    def calls(self, case: Case) -> tuple[Call, ...]:
        """Return the calls that grading one answer takes: one to each juror."""
        text = "\n".join([*(criterion.text for criterion in self.criteria), *case.references])
        return (Call(text=text, verdicts=len(self.criteria)),)

    async def grade(
        self,
        case: Case,
        completion: Completion,
        judges: Sequence[Askable],
        *,
        asked: Sequence[Message] = (),
    ) -> Score:
        """Return the score of one answer; see `Grader` in the shelf's contract.

        The value is the mean over the criteria as a share of the scale, so that 4 of 5 is .75.
        Facets: `score` (the same on the scale), `jury:CRITERION` (its share), `jury:coverage` (the
        share of the jurors that gave marks).

        Raises:
            SettingsError: too few judges for a trimmed mean.
        """
        if self.how == "trimmed" and len(judges) < juries.TRIMMED_FEWEST:
            problem = f"grader.aggregate: trimmed needs three judges, found {len(judges)}."
            raise SettingsError(problem, hint="Choose mean or median.")
        turns = [message for message in asked or case.messages if message.role != "system"]
        low, high = self.scale
        task = Task(
            prompt=PROMPT,
            answer=completion.text,
            values={
                "conversation": [{"role": turn.role, "content": turn.text} for turn in turns],
                "references": [text for text in case.references if text.strip()],
                "criteria": [{"name": c.id, "question": c.text} for c in self.criteria],
                "low": low,
                "high": high,
            },
            criterion=RECORDED,
            name=RECORDED,
        )
        found = await asyncio.gather(*(self._asked(task, judge) for judge in judges))
        return self._score(found)

    async def _asked(self, task: Task, judge: Askable) -> Asked[dict[str, Mark]]:
        names = [criterion.id for criterion in self.criteria]

        def parse(text: str, verdict_id: str | None) -> dict[str, Mark]:
            return parse_jury(text, criteria=names, scale=self.scale, verdict_id=verdict_id)

        return await ask_for(judge, builder(task, self.protocol, judge), parse)

    def _score(self, jurors: Sequence[Asked[dict[str, Mark]]]) -> Score:
        verdicts = tuple(
            self._verdict(
                criterion, [_ballot(juror, criterion.id, first=not at) for juror in jurors]
            )
            for at, criterion in enumerate(self.criteria)
        )
        values = [verdict.value for verdict in verdicts if verdict.value is not None]
        possible = float(len(self.criteria))
        if len(values) < len(verdicts):
            return Score(value=None, possible=possible, verdicts=verdicts)
        shares = [juries.share(value, self.scale) for value in values]
        named = zip(self.criteria, shares, strict=True)
        usable = sum(juror.found is not None for juror in jurors)
        facets = {
            "score": math.fsum(values) / len(values),
            **{f"{FACET}{criterion.id}": value for criterion, value in named},
            COVERAGE: usable / len(jurors),
        }
        earned = math.fsum(shares)
        return Score(
            value=earned / possible,
            earned=earned,
            possible=possible,
            facets=facets,
            verdicts=verdicts,
        )

    def _verdict(self, criterion: Criterion, ballots: Sequence[Ballot]) -> Verdict:
        marks = [ballot.value for ballot in ballots if ballot.value is not None]
        needed = len(ballots) if self.min_judges is None else self.min_judges
        value = juries.together(marks, self.how) if len(marks) >= needed else None
        state: VerdictState = "scored"
        if value is None:
            state = "judge_error" if ballots else "not_run"
        return Verdict(
            criterion=criterion,
            state=state,
            value=value,
            ballots=tuple(ballots),
            how=self.how if len(ballots) > 1 else "single",
        )


def _ballot(juror: Asked[dict[str, Mark]], name: str, *, first: bool) -> Ballot:
    """Return a juror's ballot on one criterion; the first carries the price of its one reply."""
    ballot = juror.ballot
    if not first:
        ballot = replace(ballot, asks=0, usage=Usage(), cost_usd=None)
    if juror.found is None:
        return ballot
    mark = juror.found[name]
    return replace(ballot, state="scored", value=float(mark.score), explanation=mark.explanation)


def _scale(given: Sequence[int]) -> tuple[int, int]:
    low, high = given
    if not 0 < high - low <= SPAN:
        raise SettingsError(
            f"grader.scale is {low} to {high}.", hint="Write the lowest mark, then the highest."
        )
    return low, high


def _criteria(
    given: Sequence[str] | Mapping[str, str], scale: tuple[int, int]
) -> tuple[Criterion, ...]:
    texts = given if isinstance(given, Mapping) else {name: _question(name) for name in given}
    if not texts or "verdict_id" in texts:
        raise SettingsError("grader.criteria holds no criterion, or one called verdict_id.")
    low, high = scale
    return tuple(
        Criterion(id=name, text=text, points=1.0, scale=(float(low), float(high)))
        for name, text in texts.items()
    )


def _question(name: str) -> str:
    return QUESTIONS.get(name, f"How good is the answer in this: {name.replace('_', ' ')}?")
