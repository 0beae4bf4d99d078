"""Rubric grading: every criterion is met or not met, by a judge or by a deterministic check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medcheck import prompts
from medcheck.client import Askable
from medcheck.errors import SettingsError, nearest
from medcheck.graders import claims
from medcheck.graders._panel import ballot
from medcheck.graders._wording import wording
from medcheck.replies import Protocol, parse_verdict
from medcheck.scoring import voting
from medcheck.scoring.checks import checked
from medcheck.scoring.points import RULES, UndecidedPolicy, points
from medcheck.scoring.views import judge_view
from medcheck.types import Ballot, Case, Completion, Criterion, Message, Request, Score, Verdict

JUDGE_SYSTEM = "You are a helpful assistant."
"""Source: simple-evals simple_evals.py:254-258 (the grader's own system message)."""
VERDICT_ID_DIGITS = 16
OPTIONS = {
    "properties": {
        "evidence": {
            "type": "boolean",
            "description": "Show the judge the tool calls and passages that came with the answer.",
        },
        "batch": {
            "type": "boolean",
            "description": "All criteria of an answer in one call; another measurement than single "
            "calls, so never under official.",
        },
    }
}
"""The grader's own fields in YAML. Only the strict protocol shows evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What one judge request is about."""

    case: Case
    criterion: Criterion
    completion: Completion
    asked: tuple[Message, ...]
    copy: str


class Grader:
    """Asks each judge about each criterion, one call a criterion, or with `batch` one an answer.

    `official` is HealthBench's own protocol: the conversation as it was really asked, the
    criterion with its points, one user message. `strict` shows no points, sends the answer as data
    of its own, and wants a verdict id back that the answer cannot know.

    Source: simple-evals healthbench_eval.py:358-391; trust.md 3.2 (D1-D3).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.protocol: Protocol = options.get("protocol", "strict")
        self.rule: str = options.get("points", "healthbench")
        self.undecided: UndecidedPolicy = options.get("undecided", "exclude")
        self.how: str | None = options.get("vote")
        self.min_judges: int | None = options.get("min_judges")
        self.shows_evidence = bool(options.get("evidence", False))
        _known("points", self.rule, RULES)
        if self.how is not None:
            _known("vote", self.how, voting.RULES)
        self._wording = wording(options, "healthbench/rubric")
        if self._wording.imported is not None and self.protocol == "strict":
            raise SettingsError(
                "grader.prompt: an imported wording cannot carry a verdict id.",
                hint="Use it with protocol: official.",
            )
        self.batch = bool(options.get("batch", False))
        self._sheet = self._batched() if self.batch else None

    @property
    def needs_judge(self) -> bool:
        """Return True: criteria without a check go to a judge."""
        return True

    @property
    def versions(self) -> dict[str, str]:
        """Return the sha256 of the wording that judges."""
        if self._sheet is not None:
            return self._sheet.versions
        if self.protocol == "official":
            return self._wording.versions
        names = ("healthbench/rubric_strict", "healthbench/rubric_strict_answer")
        return {f"prompt {name}": prompts.version(name) for name in names}

    async def grade(
        self,
        case: Case,
        completion: Completion,
        judges: Sequence[Askable],
        *,
        asked: Sequence[Message] = (),
    ) -> Score:
        """Return the points of one answer; see `Grader` in the shelf's contract."""
        if self._sheet is not None:
            score = await self._sheet.grade(case, completion, judges, asked=asked)
            return points(score.verdicts, rule=self.rule, undecided=self.undecided)
        seen: dict[str, int] = {}
        pending = []
        for criterion in case.criteria:
            # Two criteria of the same text are two questions to the judge.
            text = f"{criterion.points} {criterion.text}"
            occurrence = seen[text] = seen.get(text, -1) + 1
            question = _Question(
                case=case,
                criterion=criterion,
                completion=completion,
                asked=tuple(asked),
                copy=str(occurrence),
            )
            pending.append(self._verdict(question, judges))
        verdicts = await asyncio.gather(*pending)
        return points(verdicts, rule=self.rule, undecided=self.undecided)

    def _batched(self) -> claims.Grader:
        """Return what asks about all criteria of an answer in one call.

        Source: healthbench.md section 11, item 11 (another measurement, which must be labeled).
        """
        if self.protocol == "official" or self.shows_evidence:
            wrong = "evidence: true" if self.shows_evidence else "the official protocol"
            raise SettingsError(
                f"grader.batch does not go with {wrong}.", hint="Leave one of the two out."
            )
        options = {"vote": self.how, "min_judges": self.min_judges}
        given = {name: value for name, value in options.items() if value is not None}
        return claims.Grader({"protocol": self.protocol, "batch": True, **given})

    async def _verdict(self, question: _Question, judges: Sequence[Askable]) -> Verdict:
        criterion = question.criterion
        if criterion.check is not None:
            return voting.vote(criterion, [checked(criterion, question.completion.text)])
        ballots = await asyncio.gather(*(self._ballot(judge, question) for judge in judges))
        how = self.how or ("single" if len(ballots) == 1 else "majority")
        return voting.vote(criterion, ballots, how, min_judges=self.min_judges)

    async def _ballot(self, judge: Askable, question: _Question) -> Ballot:
        build = self._official if self.protocol == "official" else self._strict(judge)

        def parse(completion: Completion, request: Request) -> Ballot:
            reply = parse_verdict(
                completion.text,
                protocol=self.protocol,
                verdict_id=request.recorded["verdict_id"],
            )
            return Ballot(
                judge=judge.name,
                state="met" if reply.met else "not_met",
                value=1.0 if reply.met else 0.0,
                explanation=reply.explanation,
                key=completion.key,
            )

        return await ballot(judge, lambda attempt: build(question, attempt), parse)

    def _official(self, question: _Question, attempt: int) -> Request:
        answer = Message(role="assistant", text=question.completion.text)
        conversation = "\n\n".join(f"{m.role}: {m.text}" for m in (*question.asked, answer))
        item = f"[{question.criterion.points:g}] {question.criterion.text}"
        text = self._wording.render(conversation=conversation, item=item)
        messages = (Message(role="system", text=JUDGE_SYSTEM), Message(role="user", text=text))
        return _request(question, messages, attempt=attempt, verdict_id=None)

    def _strict(self, judge: Askable) -> Callable[[_Question, int], Request]:
        def build(question: _Question, attempt: int) -> Request:
            without = self._strict_request(question, attempt, verdict_id="")
            verdict_id = judge.key(without)[:VERDICT_ID_DIGITS]
            return self._strict_request(question, attempt, verdict_id=verdict_id)

        return build

    def _strict_request(self, question: _Question, attempt: int, *, verdict_id: str) -> Request:
        conversation = [
            {"role": message.role, "content": judge_view(message.text)[0]}
            for message in question.asked
        ]
        task = prompts.render(
            "healthbench/rubric_strict",
            conversation=conversation,
            item=question.criterion.text,
            verdict_id=verdict_id,
        )
        data = prompts.render(
            "healthbench/rubric_strict_answer",
            answer=judge_view(question.completion.text)[0],
            evidence=list(question.completion.evidence) if self.shows_evidence else [],
        )
        # The answer first: all criteria of a case then share a long prefix that endpoints cache.
        messages = (Message(role="user", text=data), Message(role="user", text=task))
        return _request(question, messages, attempt=attempt, verdict_id=verdict_id)


def _request(
    question: _Question, messages: tuple[Message, ...], *, attempt: int, verdict_id: str | None
) -> Request:
    recorded = {
        "answer": question.completion.text,
        "criterion": question.criterion.text,
        "verdict_id": verdict_id,
    }
    return Request(
        messages=messages,
        recorded=recorded,
        role="judge",
        copy=question.copy,
        attempt=attempt,
    )


def _known(option: str, name: str, rules: Iterable[str]) -> None:
    if name not in rules:
        raise SettingsError(f'grader.{option}: unknown rule "{name}".', hint=nearest(name, rules))
