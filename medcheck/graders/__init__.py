"""The shelf of graders: one file per way of grading, named in YAML by its file name.

A grader module holds a frozen class `Grader` that is built once per suite with
`Grader(options)`, where `options` is the suite's `grader` block, and that keeps no state
between cases. It never sees a provider: judges answer `Askable.ask`.

A class may also have `judged_by_model` (the model under test is the judge), `answer_column` (the
answer stands in the case), `roles` (names of further judges by role, which `grade` then takes as
`roles`), `calls(case)` (what grading one answer takes, see `Call`) and `modes` (graders of the same
points at another price, by name, for the plan). A module may have `counts_missing(options)`:
whether what has no score counts against the model, so that no case may be left out of a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from medcheck.client import Askable
from medcheck.types import Case, Completion, Message, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to each judge of a role, for the plan of a run."""

    text: str
    """What it holds beside the question, the answer and the instructions."""
    role: str = "judges"
    verdicts: int = 1
    """How many verdicts come back."""


class Grader(Protocol):
    """What the engine asks of a grader."""

    async def grade(
        self,
        case: Case,
        completion: Completion,
        judges: Sequence[Askable],
        *,
        asked: Sequence[Message] = (),
    ) -> Score:
        """Return the score of one answer.

        A criterion that no judge could decide is a verdict in state `judge_error` and leaves
        the score's value `None`; it is never turned into "not met".

        Args:
            case: with its criteria.
            completion: the answer; its `text` is free of reasoning.
            judges: in the suite's order; empty for graders that need none.
            asked: the messages the model was really asked, system text included.
        """
        ...

    @property
    def needs_judge(self) -> bool:
        """Whether grading calls a judge at all."""
        ...

    @property
    def versions(self) -> dict[str, str]:
        """The prompts it judges with, by name, as sha256."""
        ...
