"""Recall of key points: a judge says of each point of the gold whether the answer holds it.

The mean over the answers is the macro-recall; which cases have key points is decided in `closed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from medcheck import prompts
from medcheck.client import Askable
from medcheck.errors import SettingsError, nearest
from medcheck.graders._asked import Task, ask_for, builder
from medcheck.replies import Reply, parse_verdict
from medcheck.scoring import voting
from medcheck.scoring.points import UndecidedPolicy, points
from medcheck.types import Ballot, Criterion, Score, Verdict

RECALL = "macro_recall"
"""The name of the measure, and of its facet."""
PROMPT = "medbench/point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Asks each judge about each key point, one call a point; the score is held by all points.

    The answer is sent as data of its own, and a verdict must bring back an id that the answer
    cannot know. The platform has not published its judge or its prompt: this is our own.

    Source: medbench.md section 2 (Macro-Recall); trust.md 3.2 (D1 to D3).
    """

    how: str | None
    min_judges: int | None
    undecided: UndecidedPolicy

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Recall:
        """Return what the options of a grader ask for.

        Raises:
            SettingsError: unknown vote, or a protocol that the platform has not published.
        """
        how = options.get("vote")
        if how is not None and how not in voting.RULES:
            hint = nearest(how, voting.RULES)
            raise SettingsError(f'grader.vote: unknown rule "{how}".', hint=hint)
        if options.get("protocol") == "official":
            raise SettingsError(
                f"grader.measure: {RECALL} has no official judge: the platform's is not published.",
                hint="Leave protocol out, or write protocol: strict.",
            )
        return cls(
            how=how,
            min_judges=options.get("min_judges"),
            undecided=options.get("undecided", "exclude"),
        )

    @property
    def versions(self) -> dict[str, str]:
        """Return the sha256 of the prompts that judge."""
        names = (f"{PROMPT}_strict", "gaps/answer_strict")
        return {f"prompt {name}": prompts.version(name) for name in names}

    async def score(
        self, question: str, answer: str, wanted: Sequence[str], judges: Sequence[Askable]
    ) -> Score:
        """Return the share of the points that an answer holds; `None`: a verdict was lost."""
        verdicts = await asyncio.gather(
            *(
                self._verdict(question, answer, _criterion(text, number), judges, copy)
                for number, (text, copy) in enumerate(_numbered(wanted), start=1)
            )
        )
        return points(verdicts, undecided=self.undecided)

    async def _verdict(
        self,
        question: str,
        answer: str,
        criterion: Criterion,
        judges: Sequence[Askable],
        copy: int,
    ) -> Verdict:
        task = Task(
            prompt=PROMPT,
            answer=answer,
            values={"question": question, "point": criterion.text},
            criterion=criterion.text,
            name=criterion.id,
            copy=str(copy),
        )
        ballots = await asyncio.gather(*(_ballot(judge, task) for judge in judges))
        how = self.how or ("single" if len(ballots) == 1 else "majority")
        return voting.vote(criterion, ballots, how, min_judges=self.min_judges)


async def _ballot(judge: Askable, task: Task) -> Ballot:
    def parse(text: str, verdict_id: str | None) -> Reply:
        return parse_verdict(text, protocol="strict", verdict_id=verdict_id)

    asked = await ask_for(judge, builder(task, "strict", judge), parse)
    if asked.found is None:
        return asked.ballot
    return replace(
        asked.ballot,
        state="met" if asked.found.met else "not_met",
        value=float(asked.found.met),
        explanation=asked.found.explanation,
    )


def _criterion(text: str, number: int) -> Criterion:
    return Criterion(id=f"point:{number}", text=text, points=1.0, tags=(RECALL,))


def _numbered(wanted: Sequence[str]) -> list[tuple[str, int]]:
    """Return each point with how often it stood there before: the same text is asked again."""
    return [(text, wanted[:place].count(text)) for place, text in enumerate(wanted)]
