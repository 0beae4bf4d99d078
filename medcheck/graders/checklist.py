"""LLMEval-Med grading: each judge gives an answer 1 to 5, several times, by the category's prompt.

What is usable and how rates come about is decided in `scoring.usability`; what a reply may look
like in `replies`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from medcheck.client import Askable
from medcheck.errors import DatasetError, SettingsError, nearest
from medcheck.graders import Call
from medcheck.graders._asked import Task, ask_for, builder, versions
from medcheck.replies import Mark, Protocol, parse_mark
from medcheck.scoring import voting
from medcheck.scoring.requirements import REFERENCE_ONLY, requirements
from medcheck.scoring.usability import CHOICES, CODES, RUN, Rules, share
from medcheck.types import (
    Ballot,
    Case,
    Completion,
    Criterion,
    Message,
    Score,
    Verdict,
    VerdictState,
)

REPEATS = 3
"""Source: llmeval_med.md section 4 (three rounds of scoring)."""
SCALE = (1.0, 5.0)
PROMPTS: Mapping[str, str] = {
    "MK": "llmeval_med/knowledge",
    "MLU": "llmeval_med/language_understanding",
    "MR": "llmeval_med/reasoning",
    "MSE": "llmeval_med/safety_ethics",
    "MTG": "llmeval_med/text_generation",
}
"""The prompt of a category by its code."""

VOTES = ("single", "mean", "majority", "unanimous", "weighted")
"""The rules by which a panel's scores become one; the others of `voting` decide met or not met."""

_BY_NAME = {**CODES, **{code: code for code in PROMPTS}}
_TEXT = {"type": "string", "minLength": 1}
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "score_rule": {
            "enum": list(CHOICES["score_rule"]),
            "description": "per_run_pooled: each run is usable or not (the paper, default); "
            "mean_then_threshold: the mean of the runs is (the script).",
        },
        "op_rule": {
            "enum": list(CHOICES["op_rule"]),
            "description": "Over all categories: macro, the mean of their rates (default); micro.",
        },
        "missing": {
            "enum": list(CHOICES["missing"]),
            "description": "What has no score: left out of the rates (exclude) or counted as "
            "unusable (official). It is counted as missing either way.",
        },
        "usable_at": {
            "type": "number",
            "minimum": 1,
            "maximum": 5,
            "description": "The score from which an answer is usable; default 4.",
        },
        "category": {
            "enum": sorted(_BY_NAME),
            "description": "Of cases that have none: which prompt grades them.",
        },
        "guidance": {
            "type": "object",
            "properties": dict.fromkeys(_BY_NAME, _TEXT),
            "additionalProperties": False,
            "description": "By category: what the judge is told beside the ladder.",
        },
        "checklists": {
            "type": "object",
            "additionalProperties": _TEXT,
            "description": "By case id: a checklist in the place of the case's own.",
        },
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """One answer and what it is graded by."""

    criterion: Criterion
    code: str
    answer: str
    values: Mapping[str, object]
    """For the prompt."""


class Grader:
    """Asks each judge for a score, `judge_repeats` times, each a request of its own.

    The judge sees the whole conversation, the reference and the checklist; what a case lacks is not
    mentioned as if it were there. `official` is one message, `strict` sends the answer as data of
    its own and wants a verdict id back that the answer cannot know.

    Source: llmeval_med.md sections 3 and 8; trust.md 3.2 (D1 to D3).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.protocol: Protocol = options.get("protocol", "strict")
        self.rules = Rules.of(options, official=self.protocol == "official")
        self.repeats = int(options.get("judge_repeats", REPEATS))
        self.how: str | None = options.get("vote")
        self.min_judges: int | None = options.get("min_judges")
        self.category: str | None = options.get("category")
        self.guidance = {_code(n): text for n, text in options.get("guidance", {}).items()}
        self.checklists: Mapping[str, str] = options.get("checklists", {})
        if self.how is not None and self.how not in VOTES:
            hint = nearest(self.how, VOTES)
            raise SettingsError(f'grader.vote: unknown rule "{self.how}".', hint=hint)
        if self.repeats < 1:
            raise SettingsError(f"grader.judge_repeats is {self.repeats}, expected 1 or more.")

    @property
    def needs_judge(self) -> bool:
        """Return True: only a judge can give a score."""
        return True

    @property
    def versions(self) -> dict[str, str]:
        """Return the sha256 of the prompts, of the guidance and of the revised checklists."""
        found = versions(tuple(PROMPTS.values()), self.protocol)
        own = {f"guidance {code}": text for code, text in self.guidance.items()}
        if self.checklists:
            listed = json.dumps(self.checklists, sort_keys=True, ensure_ascii=True)
            own["revised checklists"] = listed
        return found | {name: _sha256(text) for name, text in own.items()}

    @property
    def usability(self) -> dict[str, Any]:
        """Return what a report needs to count usable answers: rules and runs."""
        rules = {name: getattr(self.rules, name) for name in (*CHOICES, "usable_at")}
        return {**rules, "runs": self.repeats}

    def calls(self, case: Case) -> tuple[Call, ...]:
        """Return the calls that grading one answer takes: one to each judge a run."""
        given = [self.checklists.get(case.id, criterion.text) for criterion in case.criteria]
        text = "\n".join([*given, *case.references])
        return (Call(text=text),) * self.repeats

    async def grade(
        self,
        case: Case,
        completion: Completion,
        judges: Sequence[Askable],
        *,
        asked: Sequence[Message] = (),
    ) -> Score:
        """Return the score of one answer; see `Grader` in the shelf's contract.

        The value is the mean of the runs on 0 to 1, so that 4 of 5 is .75: the points and bounds of
        all reports are on that scale, and no rule is in it. Facets: `score` (the same on 1 to 5),
        `run:1` to `run:N` (each run), `usable` (the share of the runs, or under
        `mean_then_threshold` 0 or 1). One run without a score leaves the answer without one; what
        the other runs gave stays in their facets, for the rates that count runs.

        Raises:
            DatasetError: the case has several criteria, or no category of the benchmark.
        """
        sheet = self._sheet(case, completion, asked or case.messages)
        runs = range(1, self.repeats + 1)
        found = await asyncio.gather(*(self._run(sheet, judges, number) for number in runs))
        return self._score(sheet.criterion, found)

    def _sheet(self, case: Case, completion: Completion, asked: Sequence[Message]) -> _Sheet:
        criterion, code = self._criterion(case), self._code(case)
        demands = requirements(criterion.text)
        turns = [m for m in asked if m.role != "system"]
        values = {
            "conversation": [{"role": turn.role, "content": turn.text} for turn in turns],
            "reference": "\n\n".join(case.references),
            "core": [*filter(None, [demands.preamble]), *demands.core],
            "secondary": list(demands.secondary),
            "guidance": self.guidance.get(code, ""),
        }
        return _Sheet(criterion=criterion, code=code, answer=completion.text, values=values)

    def _criterion(self, case: Case) -> Criterion:
        if len(case.criteria) > 1 or any(c.check is not None for c in case.criteria):
            raise DatasetError(
                f'case "{case.id}" has {len(case.criteria)} criteria; a checklist is one.',
                hint="Write its points into one text, below 核心需求： and 次要需求：",
            )
        given = case.criteria[0] if case.criteria else _NONE
        text = self.checklists.get(case.id, given.text)
        return replace(given, text=text, points=1.0, scale=SCALE)

    def _code(self, case: Case) -> str:
        tagged = [t.removeprefix("category:") for t in case.tags if t.startswith("category:")]
        for name in (*case.category[:1], *tagged, self.category):
            if name in _BY_NAME:
                return _BY_NAME[name]
        known = ", ".join(_BY_NAME)
        raise DatasetError(
            f'case "{case.id}" has no category of LLMEval-Med.',
            hint=f"Give it one of {known}, or set grader.category.",
        )

    async def _run(self, sheet: _Sheet, judges: Sequence[Askable], number: int) -> Verdict:
        ballots = await asyncio.gather(*(self._ballot(sheet, judge, number) for judge in judges))
        how = self.how or ("single" if len(ballots) == 1 else "mean")
        return voting.vote(sheet.criterion, ballots, how, min_judges=self.min_judges)

    async def _ballot(self, sheet: _Sheet, judge: Askable, number: int) -> Ballot:
        task = Task(
            prompt=PROMPTS[sheet.code],
            answer=sheet.answer,
            values=sheet.values,
            criterion=sheet.criterion.text,
            name=sheet.criterion.id,
            turn=number - 1,
            # The first run's requests are those of a single run: more runs pay for more only.
            copy=str(number - 1),
        )

        def parse(text: str, verdict_id: str | None) -> Mark:
            return parse_mark(text, protocol=self.protocol, verdict_id=verdict_id)

        asked = await ask_for(judge, builder(task, self.protocol, judge), parse)
        if asked.found is None:
            return asked.ballot
        return replace(
            asked.ballot,
            state="scored",
            value=float(asked.found.score),
            explanation=asked.found.explanation,
            label=f"{RUN}{number}",
        )

    def _score(self, criterion: Criterion, runs: Sequence[Verdict]) -> Score:
        ballots = tuple(ballot for run in runs for ballot in run.ballots)
        given = {
            f"{RUN}{n}": run.value for n, run in enumerate(runs, start=1) if run.value is not None
        }
        values = list(given.values())
        how = f"{runs[0].how}, mean of {len(runs)} runs" if len(runs) > 1 else runs[0].how
        blank = Verdict(
            criterion=criterion, state=_lost(runs), value=None, ballots=ballots, how=how
        )
        if len(values) < len(runs):
            return Score(value=None, possible=1.0, facets=given, verdicts=(blank,))
        mean = math.fsum(values) / len(values)
        low, high = SCALE
        value = (mean - low) / (high - low)
        facets = {"score": mean, **given}
        usable = share(values, self.rules)
        if usable is not None:
            facets["usable"] = usable
        verdict = replace(blank, state="scored", value=mean)
        return Score(value=value, earned=value, possible=1.0, facets=facets, verdicts=(verdict,))


def counts_missing(options: Mapping[str, Any]) -> bool:
    """Return whether a suite's rates count what has no score as unusable.

    Raises:
        SettingsError: unknown rule.
    """
    return Rules.of(options, official=options.get("protocol") == "official").missing == "unusable"


_NONE = Criterion(id="score", text=REFERENCE_ONLY, points=1.0, scale=SCALE)


def _lost(runs: Sequence[Verdict]) -> VerdictState:
    """Return the state of an answer of which a run has no score; a failed judge comes first."""
    states = [run.state for run in runs]
    order: tuple[VerdictState, ...] = ("judge_error", "not_run")
    return next((state for state in order if state in states), "undecided")


def _code(name: str) -> str:
    if name not in _BY_NAME:
        raise SettingsError(f'grader.guidance: "{name}".', hint=nearest(name, _BY_NAME))
    return _BY_NAME[name]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
