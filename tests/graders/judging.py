"""Scripted judges for the GAPS grader, and a case with three points."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, field

import pytest

from medcheck.graders.claims import Grader
from medcheck.scoring.gaps import WEIGHTS
from medcheck.types import Case, Completion, Criterion, Message, Usage

ANSWER = "先做 CT。\n然后  手术。喝热水。"
QUESTION = "肺结节怎么办?"


def point(number, level, text, **more):
    """Return a point as the reader makes it."""
    kind = "positive" if level.startswith("A") else "negative"
    tags = (f"tier:{level}", f"polarity:{kind}")
    points = WEIGHTS.get(level, 0.0)
    return Criterion(id=str(number), text=text, points=points, level=level, tags=tags, **more)


POINTS = (
    point(1, "A1", "应做 CT"),
    point(2, "A2", "应随访"),
    point(3, "S4", "建议停用抗凝药"),
)


def text_of(request):
    """Return all that a request says."""
    return "\n".join(message.text for message in request.messages)


def claim_of(request):
    """Return the claim that a request is about."""
    return request.recorded["criterion"]


@dataclass
class Judge:
    """A judge that answers by a function of the request; a string is a reply."""

    answer: object
    name: str = "j"
    requests: list = field(default_factory=list)

    async def ask(self, request):
        """Return what the function says, with a price."""
        self.requests.append(request)
        said = self.answer(request)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, dict):
            if request.recorded["verdict_id"]:
                said = {**said, "verdict_id": request.recorded["verdict_id"]}
            said = json.dumps(said, ensure_ascii=False)
        return Completion(
            text=said, key=self.key(request), usage=Usage(input=10, output=5), cost_usd=0.5
        )

    def key(self, request):
        """Return a sha256 of what is asked."""
        return hashlib.sha256(f"{request.attempt}{text_of(request)}".encode()).hexdigest()


def met(*claims):
    """Return a judge's mind: these claims are met."""
    return lambda request: {"explanation": "因为", "criteria_met": claim_of(request) in claims}


def grade(options, *minds, answer=ANSWER, points=POINTS, roles=None, asked=()):
    """Return the score of an answer and its judges, named a, b, ..."""
    judges = [Judge(mind, name) for mind, name in zip(minds, "abcdef", strict=False)]
    case = Case(
        id="c", suite="s", grader="claims", criteria=points,
        messages=(Message(role="user", text=QUESTION),),
    )  # fmt: skip
    grader = Grader(options)
    more = {} if roles is None else {"roles": roles}
    grading = grader.grade(case, Completion(text=answer), judges, asked=asked, **more)
    return asyncio.run(grading), judges


def states(score):
    """Return the states of the verdicts in their order."""
    return [verdict.state for verdict in score.verdicts]


def in_batch(*claims, evidence="先做 CT", change=lambda items: items):
    """Return a judge's mind for a whole rubric: these ids are met."""

    def mind(_request):
        items = [
            {
                "id": criterion.id,
                "explanation": "因为",
                "criteria_met": criterion.id in claims,
                "evidence": evidence if criterion.id in claims else "",
            }
            for criterion in POINTS
        ]
        return {"verdicts": change(items)}

    return mind


BOTH = pytest.mark.parametrize("protocol", ["official", "strict"])
