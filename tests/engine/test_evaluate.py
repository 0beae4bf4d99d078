"""One case becomes one result: each way an answer can fail has its own state and cause."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from medcheck.canonical import prepare
from medcheck.client import Model
from medcheck.engine import evaluate as evaluating
from medcheck.engine.evaluate import Job, Plan, evaluate, planned
from medcheck.errors import BudgetError, ProviderError, StoreError
from medcheck.graders.rubric import Grader
from medcheck.providers import Entry
from medcheck.scoring.points import points
from medcheck.types import Case, Completion, Criterion, Message, Request, Result, Verdict

CRITERION = Criterion(id="1", text="Says rest", points=5, check={"contains": "rest"})


def case(**changes):
    """Return a case that needs no judge."""
    fields = {
        "id": "c", "suite": "s", "messages": (Message(role="user", text="胸痛?"),),
        "grader": "rubric", "criteria": (CRITERION,), "tags": ("theme:x",), "pass_at": 0.5,
    }  # fmt: skip
    return Case(**{**fields, **changes})


@dataclass
class Doorway:
    """A door that hands out what it was given, in order, the last for ever."""

    replies: list = field(default_factory=lambda: [Completion(text="rest")])
    asked: list = field(default_factory=list)

    def prepare(self, entry, request):
        """Name a request as the real door does."""
        return prepare(entry, request, salt=None)

    async def ask(self, entry, request):
        """Return or raise the next reply."""
        self.asked.append(request)
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        return reply


def evaluated(*replies, previous=None, plan=None, **changes):
    """Evaluate a case whose model replies so; return the result and what was asked."""
    door = Doorway(list(replies) or [Completion(text="rest")])
    entry = Entry(name="m", model="m-1", base_url="http://127.0.0.1:9/v1")
    job = Job(
        case=case(**changes),
        model=Model(entry=entry, door=door),
        judges=(),
        plan=Plan(**{"run": "r", "grader": Grader({}), **(plan or {})}),
        position=7,
    )
    return asyncio.run(evaluate(job, previous)), door.asked


def test_a_graded_answer():
    """A result carries what reports need, and no error."""
    found, [asked] = evaluated(plan={"system": "Be kind.", "params": {"temperature": 0}})
    assert (found.state, found.score.value, found.error, found.passed) == (
        "scored",
        1.0,
        None,
        True,
    )
    assert (found.suite, found.tags, found.position, found.repeat) == ("s", ("theme:x",), 7, 1)
    assert [m.role for m in found.messages] == ["system", "user"]
    assert asked.params == {"temperature": 0}


@pytest.mark.parametrize(
    ("reply", "state", "asks"),
    [
        (Completion(text="x", finish="content_filter"), "filtered", 1),
        (Completion(text="", finish="content_filter"), "filtered", 1),
        (Completion(text="x", finish="length"), "truncated", 1),
        (Completion(text="", finish="length"), "truncated", 1),
        (Completion(text="<think>never ends"), "truncated", 1),
        (Completion(text=""), "empty", 3),
        (Completion(text=" \n"), "empty", 3),
        (Completion(text="", finish="unknown"), "empty", 3),
        (Completion(text="<think>a</think>"), "empty", 3),
        (ProviderError("down"), "model_error", 1),
        (ProviderError("blocked", filtered=True), "filtered", 1),
        (BudgetError("used up"), "not_run", 1),
        (StoreError("locked"), "not_run", 1),
        (KeyError("bug"), "not_run", 1),
    ],
)
def test_each_failure_is_a_state(reply, state, asks):
    """No failure becomes a score, each names its cause, and only silence is asked again."""
    found, asked = evaluated(reply)
    assert found.state == state
    assert found.error
    assert found.passed is None
    assert found.score.value is None
    assert [v.state for v in found.score.verdicts] == ["not_run"]
    assert [request.attempt for request in asked] == list(range(asks))


def test_an_odd_answer_is_kept_as_evidence():
    """The text of an answer that is not judged stays in the result."""
    found, _ = evaluated(Completion(text="Take two", finish="length"))
    assert found.completion.text == "Take two"


@pytest.mark.parametrize(
    ("reply", "plan", "state"),
    [
        (Completion(text="rest", finish="length"), {"truncated": "score"}, "scored"),
        (Completion(text="<think>x", finish="length"), {"truncated": "score"}, "truncated"),
        (Completion(text="I can't rest", finish="refusal"), {}, "scored"),
        (Completion(text="I can't", finish="refusal"), {"refusal": "error"}, "refused"),
    ],
)
def test_policies_decide_on_odd_answers(reply, plan, state):
    """What a suite wants scored is scored; nothing is scored that does not exist."""
    assert evaluated(reply, plan=plan)[0].state == state


def test_silence_may_end():
    """A model that speaks at the third try is graded on what it says."""
    found, asked = evaluated(Completion(text=""), Completion(text=" "), Completion(text="rest"))
    assert found.state == "scored"
    assert len(asked) == 3


def test_thinking_is_split_off():
    """A think block moves to the reasoning and is not judged."""
    found, _ = evaluated(Completion(text="<think>rest</think>Run.", reasoning="first"))
    assert (found.completion.text, found.completion.reasoning) == ("Run.", "first\nrest")
    assert found.score.value == 0.0


def test_a_bug_is_named_without_its_text(caplog):
    """A bug becomes a state of one case; its text, which may quote a patient, is not reported."""
    found, _ = evaluated(ValueError("patient Li"))
    assert found.error == "bug in medcheck: ValueError"


def answered(**changes):
    """Return the result of a first turn."""
    first = case(id="first")
    messages = (Message(role="user", text="Hello"),)
    blank = replace(planned("r", first, "m", 0, 1), messages=messages)
    return replace(blank, **{"completion": Completion(text="Hi"), "state": "scored", **changes})


def test_a_follow_up_brings_the_conversation():
    """The second turn is asked after the first question and the model's own answer."""
    found, [asked] = evaluated(previous=answered(), follows="first")
    turns = [(m.role, m.text) for m in asked.messages]
    assert turns == [("user", "Hello"), ("assistant", "Hi"), ("user", "胸痛?")]
    assert found.messages == asked.messages


@pytest.mark.parametrize(
    "previous", [None, answered(completion=None, state="model_error", error="HTTP 500")]
)
def test_a_follow_up_without_a_first_answer_is_not_run(previous):
    """Without the answer before it a turn is not asked, and says why."""
    found, asked = evaluated(previous=previous, follows="first")
    assert (found.state, asked) == ("not_run", [])
    assert "the turn before (first) has no answer" in found.error


def test_without_points_nothing_is_decided():
    """An answer that could earn nothing is undecided, not zero."""
    penalty = replace(CRITERION, points=-5.0)
    found, _ = evaluated(criteria=(penalty,))
    assert (found.state, found.score.value) == ("undecided", None)


def test_a_plan_holds_every_criterion():
    """What was never run stands with its criteria, and counts as not measured."""
    blank = planned("r", case(), "m", 3, 2)
    assert isinstance(blank, Result)
    assert (blank.state, blank.error, blank.repeat, blank.position) == ("not_run", "not run", 2, 3)
    assert not blank.measured
    assert [v.criterion for v in blank.score.verdicts] == [CRITERION]
    assert planned("r", case(criteria=()), "m", 0, 1).score is None


def test_an_existing_answer_is_judged_without_its_thoughts():
    """What an imported answer thought aloud is split off, as from a live one."""
    given = Completion(text="<think>maybe 999</think>Call 120.", cached=True)
    job = SimpleNamespace(given=given, plan=SimpleNamespace(truncated="error", refusal="score"))
    found = asyncio.run(evaluating._answer(job, Request(messages=())))
    assert (found.text, found.reasoning) == ("Call 120.", "maybe 999")


@pytest.mark.parametrize(
    ("states", "policy", "told"),
    [
        ("??", "exclude", "no criterion was decided"),
        ("+?", "error", "1 of 2 criteria undecided, and undecided: error"),
        ("-?", "exclude", "1 of 2 criteria undecided, and without them there is nothing to earn"),
        ("-", "exclude", "no criterion has points above 0, so there is nothing to earn"),
    ],
)
def test_why_there_is_no_score(states, policy, told):
    """An answer that no judge failed on says what left it without a score."""
    kinds = {"?": ("undecided", 1), "+": ("met", 1), "-": ("not_met", -1)}
    verdicts = [
        Verdict(criterion=Criterion(id=str(at), text="t", points=worth), state=state, value=None)
        for at, (state, worth) in enumerate(kinds[sign] for sign in states)
    ]

    class Fixed:
        undecided = policy

        async def grade(self, *_parts, **_more):
            return points(verdicts, undecided=policy)

    result, _ = evaluated(plan={"grader": Fixed()})
    assert (result.state, result.error) == ("undecided", told)
