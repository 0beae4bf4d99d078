"""GAPS grading: each point is met or not met by a panel, asked the question of its polarity.

Statements that serve no point are found and graded by `_irrelevant`; how ballots become verdicts
and verdicts a score is decided in `scoring`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from medcheck.client import Askable
from medcheck.errors import SettingsError, nearest
from medcheck.graders import Call
from medcheck.graders._asked import Asked, Task, ask_for, builder, versions
from medcheck.graders._irrelevant import PROMPTS, Step
from medcheck.replies import BatchReply, Protocol, Reply, parse_batch, parse_verdict
from medcheck.scoring import voting
from medcheck.scoring.checks import checked
from medcheck.scoring.gaps import (
    IRRELEVANT,
    SEVERITIES,
    WEIGHTS,
    polarity_of,
    undecided_range,
)
from medcheck.scoring.points import RULES, UndecidedPolicy, points
from medcheck.scoring.truncation import MOVES, kept_by_original
from medcheck.types import Ballot, Case, Completion, Criterion, Message, Score, Usage, Verdict

_NAMES = {"type": ["string", "array"], "items": {"type": "string"}}
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "points": {
            "type": ["string", "object"],
            "description": "gaps, gaps_official, or points by level, which then also weigh "
            "irrelevant statements; default by protocol.",
        },
        "vote": {"enum": sorted(voting.RULES)},
        "judge_weights": {
            "type": "object",
            "additionalProperties": {"type": "number", "exclusiveMinimum": 0},
            "description": "For vote: weighted; by judge, default 1.",
        },
        "batch": {"type": "boolean", "description": "All points of a question in one call."},
        "irrelevant": {
            "type": "object",
            "properties": {
                "extractor": {**_NAMES, "description": "The judge that finds the statements."},
                "judges": {**_NAMES, "description": "The judges that grade them."},
                "vote": {"enum": ["conservative", "majority", "average"]},
            },
            "additionalProperties": False,
            "description": "Look for statements that serve no point; off unless given.",
        },
        "truncate_like_original": {
            "type": "boolean",
            "description": "Score without the points that the original lost to Excel's cell limit.",
        },
        "zero_tolerance": {
            "type": "array",
            "items": {"enum": list(SEVERITIES)},
            "uniqueItems": True,
            "description": "Levels of which a single met point fails the case, whatever its score: "
            "[S4]. Statements found irrelevant count with their level.",
        },
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """One answer with the points to judge it by."""

    criteria: tuple[Criterion, ...]
    answer: str
    question: str
    final: bool
    """Whether a judge without a usable reply is no vote for good; see `_panel.ballot`."""


class Grader:
    """Asks each judge about each point: one call a point, or with `batch` one call an answer.

    `official` is the original's protocol: one message with question, answer and point, the `gaps`
    vote, undecided points not met, the score clipped and rounded. `strict` sends the answer as data
    of its own and wants a verdict id back that the answer cannot know.

    Source: gaps.md sections 2 to 4; trust.md 3.2 (D1 to D3).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.protocol: Protocol = options.get("protocol", "strict")
        official = self.protocol == "official"
        default = "gaps_official" if official else "gaps"
        given = options.get("points", default)
        self.weights: Mapping[str, float] | None = None
        self.rule: str = default
        if isinstance(given, Mapping):
            self.weights = {**WEIGHTS, **given}
        else:
            self.rule = given
        self.undecided: UndecidedPolicy = options.get(
            "undecided", "not_met" if official else "exclude"
        )
        self.how: str | None = options.get("vote", "gaps" if official else None)
        self.min_judges: int | None = options.get("min_judges")
        self.judge_weights: Mapping[str, float] = options.get("judge_weights", {})
        self.batch = bool(options.get("batch", False))
        self.zero_tolerance = frozenset(options.get("zero_tolerance", ()))
        self.truncate = bool(options.get("truncate_like_original", False))
        for level in sorted(self.zero_tolerance):
            _known("zero_tolerance", level, SEVERITIES, what="level")
        _known("points", self.rule, RULES)
        if self.how is not None:
            _known("vote", self.how, voting.RULES)
        if self.truncate and not official:
            raise SettingsError(
                "grader.truncate_like_original belongs to the original's protocol.",
                hint="Use it with protocol: official, or leave it out.",
            )
        block = options.get("irrelevant")
        weights = self.weights or WEIGHTS
        self.irrelevant = None if block is None else Step.of(block, self.protocol, weights)

    @property
    def needs_judge(self) -> bool:
        """Return True: points without a check go to a judge."""
        return True

    @property
    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """The names of further judges, by role: `extractor` and `irrelevant_judges`."""
        return self.irrelevant.roles if self.irrelevant else {}

    @property
    def modes(self) -> Mapping[str, Grader]:
        """The same points judged at another price."""
        name = "batch: false" if self.batch else "batch: true"
        return {name: Grader({**self.options, "batch": not self.batch})}

    def calls(self, case: Case) -> tuple[Call, ...]:
        """Return what grading takes; how many irrelevant statements there will be is not known."""
        texts = [criterion.text for criterion in case.criteria if criterion.check is None]
        calls = [Call(text=text) for text in texts]
        if self.batch and texts:
            calls = [Call(text="\n".join(texts), verdicts=len(texts))]
        if self.irrelevant:
            calls.append(Call(text="\n".join(texts), role="extractor"))
        return tuple(calls)

    @property
    def versions(self) -> dict[str, str]:
        """Return the sha256 of the prompts that judge."""
        names = ("gaps/batch",) if self.batch else ("gaps/positive", "gaps/negative")
        return versions(names + (PROMPTS if self.irrelevant else ()), self.protocol)

    async def grade(
        self,
        case: Case,
        completion: Completion,
        judges: Sequence[Askable],
        *,
        asked: Sequence[Message] = (),
        roles: Mapping[str, Sequence[Askable]] | None = None,
    ) -> Score:
        """Return the score of one answer; see `Grader` in the shelf's contract.

        The facets also hold `range:low` and `range:high`, the scores that the undecided points
        leave open, and with the options for them `irrelevant:penalty` (share of the possible
        points) and `truncation:moves` (what the cut changed).

        Args:
            case: with its criteria.
            completion: the answer.
            judges: the panel.
            asked: the messages the model was really asked.
            roles: the judges that `roles` names; a role that is missing falls back to `judges`.
        """
        sheet = _Sheet(
            criteria=tuple(self._weighed(criterion) for criterion in case.criteria),
            answer=completion.text,
            question=_question(asked or case.messages),
            final=self.how == "gaps" and len(judges) > 1,
        )
        found, more = await asyncio.gather(
            self._verdicts(sheet, judges),
            self._irrelevant(sheet, completion, judges, roles or {}),
        )
        return self._score(tuple(self._marked(verdict) for verdict in (*found, *more)))

    def _weighed(self, criterion: Criterion) -> Criterion:
        if self.weights is None or criterion.level is None:
            return criterion
        return replace(criterion, points=float(self.weights.get(criterion.level, 0.0)))

    def _marked(self, verdict: Verdict) -> Verdict:
        if verdict.criterion.level not in self.zero_tolerance:
            return verdict
        return replace(verdict, criterion=replace(verdict.criterion, zero_tolerance=True))

    def _score(self, verdicts: tuple[Verdict, ...]) -> Score:
        kept = kept_by_original(verdicts) if self.truncate else verdicts
        score = points(kept, rule=self.rule, undecided=self.undecided)
        if score.value is None:
            return replace(score, verdicts=verdicts)
        facets = dict(score.facets)
        if span := undecided_range(kept, rule=self.rule):
            facets |= {"range:low": span[0], "range:high": span[1]}
        if self.truncate:
            whole = points(verdicts, rule=self.rule, undecided=self.undecided)
            if whole.value is not None:
                facets[MOVES] = score.value - whole.value
        if self.irrelevant and score.possible:
            spent = sum(v.criterion.points for v in verdicts if IRRELEVANT in v.criterion.tags)
            facets["irrelevant:penalty"] = -spent / score.possible
        return replace(score, facets=facets, verdicts=verdicts)

    async def _verdicts(self, sheet: _Sheet, judges: Sequence[Askable]) -> list[Verdict]:
        left = [criterion for criterion in sheet.criteria if criterion.check is None]
        ask = self._in_one_call if self.batch else self._one_by_one
        panels = await asyncio.gather(*(ask(judge, sheet, left) for judge in judges))
        judged = {c.id: self._vote(c, [ballots[c.id] for ballots in panels]) for c in left}
        if all(verdict.value is None for verdict in judged.values()):
            judged = {name: _lost(verdict) for name, verdict in judged.items()}
        return [
            judged[criterion.id]
            if criterion.check is None
            else voting.vote(criterion, [checked(criterion, sheet.answer)])
            for criterion in sheet.criteria
        ]

    def _vote(self, criterion: Criterion, ballots: Sequence[Ballot]) -> Verdict:
        how = self.how or ("single" if len(ballots) == 1 else "majority")
        return voting.vote(
            criterion, ballots, how, min_judges=self.min_judges, weights=self.judge_weights
        )

    async def _one_by_one(
        self, judge: Askable, sheet: _Sheet, criteria: Sequence[Criterion]
    ) -> dict[str, Ballot]:
        seen: dict[str, int] = {}
        pending = []
        for criterion in criteria:
            # Two points of the same claim are two questions to the judge.
            kind = f"{polarity_of(criterion)} {criterion.text}"
            copy = seen[kind] = seen.get(kind, -1) + 1
            pending.append(self._ballot(judge, sheet, criterion, copy=str(copy)))
        ballots = await asyncio.gather(*pending)
        return {c.id: ballot for c, ballot in zip(criteria, ballots, strict=True)}

    async def _ballot(
        self, judge: Askable, sheet: _Sheet, criterion: Criterion, *, copy: str
    ) -> Ballot:
        task = Task(
            prompt=f"gaps/{polarity_of(criterion)}",
            answer=sheet.answer,
            values={"question": sheet.question, "claim": criterion.text},
            criterion=criterion.text,
            copy=copy,
        )

        def parse(text: str, verdict_id: str | None) -> Reply:
            return parse_verdict(text, protocol=self.protocol, verdict_id=verdict_id)

        build = builder(task, self.protocol, judge)
        asked = await ask_for(judge, build, parse, final=sheet.final)
        if asked.found is None:
            return asked.ballot
        return _decided(asked.ballot, met=asked.found.met, explanation=asked.found.explanation)

    async def _in_one_call(
        self, judge: Askable, sheet: _Sheet, criteria: Sequence[Criterion]
    ) -> dict[str, Ballot]:
        if not criteria:
            return {}
        items = [{"id": c.id, "kind": _kind(c), "text": c.text} for c in criteria]
        values = {"question": sheet.question, "items": items}
        task = Task(prompt="gaps/batch", answer=sheet.answer, values=values)
        strict = self.protocol == "strict"

        def parse(text: str, verdict_id: str | None) -> dict[str, BatchReply]:
            return parse_batch(
                text,
                ids=[criterion.id for criterion in criteria],
                answer=task.seen if strict else task.answer,
                quoted=[c.id for c in criteria if strict and polarity_of(c) == "positive"],
                protocol=self.protocol,
                verdict_id=verdict_id,
            )

        build = builder(task, self.protocol, judge)
        asked = await ask_for(judge, build, parse, final=sheet.final)
        return _shared(asked, criteria)

    async def _irrelevant(
        self,
        sheet: _Sheet,
        completion: Completion,
        judges: Sequence[Askable],
        roles: Mapping[str, Sequence[Askable]],
    ) -> tuple[Verdict, ...]:
        if self.irrelevant is None:
            return ()
        graders = roles.get("irrelevant_judges") or judges
        return await self.irrelevant.verdicts(
            completion,
            question=sheet.question,
            points=sheet.criteria,
            extractor=(roles.get("extractor") or graders)[0],
            judges=graders,
        )


def _shared(
    asked: Asked[dict[str, BatchReply]], criteria: Sequence[Criterion]
) -> dict[str, Ballot]:
    """Return the ballots of one call; the first carries its price, so that it counts once."""
    found: dict[str, Ballot] = {}
    for criterion in criteria:
        ballot = asked.ballot
        if found:
            ballot = replace(ballot, asks=0, usage=Usage(), cost_usd=None)
        if asked.found is not None:
            reply = asked.found[criterion.id]
            quote = f"\n> {reply.evidence}" if reply.evidence.strip() else ""
            ballot = _decided(ballot, met=reply.met, explanation=f"{reply.explanation}{quote}")
        found[criterion.id] = ballot
    return found


def _decided(ballot: Ballot, *, met: bool, explanation: str) -> Ballot:
    return replace(
        ballot, state="met" if met else "not_met", value=float(met), explanation=explanation
    )


def _lost(verdict: Verdict) -> Verdict:
    """Return the verdict on a point of an answer of which no point is decided.

    Dropping unusable replies may leave points undecided, but not a whole answer: a judge that
    never replies as asked would else score every answer 0 under `not_met`.
    """
    if verdict.state == "undecided" and any(b.label == voting.UNUSABLE for b in verdict.ballots):
        return replace(verdict, state="judge_error")
    return verdict


def _kind(criterion: Criterion) -> str:
    return "requirement" if polarity_of(criterion) == "positive" else "flaw"


def _question(messages: Sequence[Message]) -> str:
    """Return what the model was asked: the user's text, or the conversation that ends with it."""
    turns = [message for message in messages if message.role != "system"]
    if len(turns) == 1:
        return turns[0].text
    return "\n\n".join(f"{turn.role}: {turn.text}" for turn in turns)


def _known(option: str, name: str, known: Iterable[str], *, what: str = "rule") -> None:
    if name not in known:
        raise SettingsError(f'grader.{option}: unknown {what} "{name}".', hint=nearest(name, known))
