"""Meta-evaluation: the model under test is the judge, and physicians' labels are the truth.

What one answer earns is the share of the labels that the verdict equals; agreement over all
answers is computed in `stats.agreement`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from medcheck.client import Askable
from medcheck.errors import DatasetError, SettingsError
from medcheck.graders._panel import ballot
from medcheck.graders._wording import wording
from medcheck.graders.rubric import JUDGE_SYSTEM
from medcheck.replies import parse_verdict
from medcheck.scoring import voting
from medcheck.types import Ballot, Case, Completion, Criterion, Message, Request, Score, Verdict


class Grader:
    """Asks the model under test, as a judge, about the one criterion of a case.

    The prompt is that of the rubric grader, but the criterion shows no points, and the
    conversation is the case's own, without the system text of the model that once answered.

    Source: simple-evals healthbench_meta_eval.py:76-110.
    """

    judged_by_model: ClassVar[bool] = True
    """The judge is the model under test; the suite names none."""
    answer_column: ClassVar[str] = "completion"
    """Where in `Case.answers` the answer to judge stands."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        protocol = options.get("protocol", "official")
        if protocol != "official":
            raise SettingsError(
                f'the grader "meta" has no protocol "{protocol}".', hint="Use protocol: official."
            )
        self._wording = wording(options, "healthbench/meta")

    @property
    def needs_judge(self) -> bool:
        """Return True: the model under test is asked as one."""
        return True

    @property
    def versions(self) -> dict[str, str]:
        """Return the sha256 of the wording that judges."""
        return self._wording.versions

    async def grade(
        self,
        case: Case,
        completion: Completion,
        judges: Sequence[Askable],
        *,
        asked: Sequence[Message] = (),
    ) -> Score:
        """Return the share of the labels that the verdict of `judges[0]` equals.

        Without labels nothing is asked, since nothing can be measured: the value is `None`.

        Raises:
            DatasetError: the case has not exactly one criterion, or its labels are not booleans.
        """
        del asked
        criterion = _criterion(case)
        labels = _labels(case, criterion)
        if not labels:
            unlabeled = Verdict(criterion=criterion, state="undecided", value=None)
            return Score(value=None, verdicts=(unlabeled,))
        vote = await self._ballot(judges[0], case, criterion, answer=completion.text)
        return _score(voting.vote(criterion, [vote]), labels)

    async def _ballot(
        self, judge: Askable, case: Case, criterion: Criterion, *, answer: str
    ) -> Ballot:
        turns = (*case.messages, Message(role="assistant", text=answer))
        conversation = "\n\n".join(f"{turn.role}: {turn.text}" for turn in turns)
        text = self._wording.render(conversation=conversation, item=criterion.text)
        messages = (Message(role="system", text=JUDGE_SYSTEM), Message(role="user", text=text))
        recorded = {"answer": answer, "criterion": criterion.text, "verdict_id": None}

        def build(attempt: int) -> Request:
            return Request(messages=messages, role="judge", attempt=attempt, recorded=recorded)

        def parse(reply: Completion, _request: Request) -> Ballot:
            found = parse_verdict(reply.text, protocol="official")
            return Ballot(
                judge=judge.name,
                state="met" if found.met else "not_met",
                value=1.0 if found.met else 0.0,
                explanation=found.explanation,
                key=reply.key,
            )

        return await ballot(judge, build, parse)


def _score(verdict: Verdict, labels: tuple[bool, ...]) -> Score:
    """Count the labels that a verdict equals; a verdict that is missing equals none of them."""
    possible = float(len(labels))
    if verdict.state not in ("met", "not_met"):
        return Score(value=None, possible=possible, verdicts=(verdict,))
    equal = float(sum(label == (verdict.state == "met") for label in labels))
    return Score(value=equal / possible, earned=equal, possible=possible, verdicts=(verdict,))


def _criterion(case: Case) -> Criterion:
    if len(case.criteria) != 1:
        raise DatasetError(
            f'case "{case.id}" has {len(case.criteria)} criteria; a meta-evaluation takes one.',
            hint="Write a case for each criterion.",
        )
    return case.criteria[0]


def _labels(case: Case, criterion: Criterion) -> tuple[bool, ...]:
    given = case.labels.get(criterion.id, ())
    labels = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    if not all(isinstance(label, bool) for label in labels):
        raise DatasetError(
            f'case "{case.id}": the labels of criterion "{criterion.id}" are not all true or false.'
        )
    return labels
