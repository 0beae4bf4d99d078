"""Key points of the gold are looked for by judges, and nothing else is."""

from __future__ import annotations

import asyncio

import pytest
from judging import Judge, claim_of, text_of

from medcheck.errors import SettingsError
from medcheck.graders.closed import Grader, lint
from medcheck.types import Case, Completion, Message

OPTIONS = {"format": "text", "measure": "macro_recall"}
POINTS = ["多休息", "多饮水", "发热时就医", "不滥用抗生素"]


def case_of(**more):
    """Return a case with key points as gold."""
    fields = {"labels": {"gold": POINTS}, **more}
    messages = (Message(role="user", text="感冒怎么办?"),)
    return Case(id="cold", suite="s", grader="closed", messages=messages, **fields)


def grade(*minds, answer="请多休息、多饮水。", options=None, **more):
    """Return the score of an answer, and the judges."""
    judges = [Judge(mind, name) for mind, name in zip(minds, "abc", strict=False)]
    grader = Grader(OPTIONS | (options or {}))
    score = asyncio.run(grader.grade(case_of(**more), Completion(text=answer), judges))
    return score, judges


def literal(request):
    """Find a point word for word."""
    held = claim_of(request) in request.recorded["answer"]
    return {"explanation": "因为", "criteria_met": held}


def test_recall_is_the_share_of_the_points():
    """Each judge is asked about each point once; the score is held by all."""
    score, [judge] = grade(literal)
    assert (score.value, score.earned, score.possible) == (0.5, 2.0, 4.0)
    assert score.facets == {"text:answers": 1.0, "macro_recall": 0.5}
    assert [claim_of(request) for request in judge.requests] == POINTS
    states = {v.criterion.id: v.state for v in score.verdicts}
    assert states == {
        "point:1": "met", "point:2": "met", "point:3": "not_met", "point:4": "not_met",
        "text:answers": "met",
    }  # fmt: skip


def test_the_answer_is_data_and_the_verdict_is_bound():
    """The answer stands in a message of its own; a verdict without its id is not taken."""
    _, [judge] = grade(literal)
    data, task = judge.requests[0].messages
    assert "请多休息" in data.text
    assert "请多休息" not in task.text
    assert POINTS[0] in task.text
    score, _ = grade(lambda _request: '{"explanation": "", "criteria_met": true}')
    assert score.value is None


def test_a_lost_judge_is_not_measured():
    """One point without a verdict leaves the answer without a score."""

    def mind(request):
        return "?" if claim_of(request) == "多饮水" else literal(request)

    score, [judge] = grade(mind)
    assert score.value is None
    assert [v.state for v in score.verdicts].count("judge_error") == 1
    assert len(judge.requests) == 3 + 4, "three points once, the lost one four times"


def test_panels_vote():
    """Several judges vote on each point."""
    yes = {"explanation": "", "criteria_met": True}
    score, _ = grade(literal, literal, lambda _request: yes)
    assert score.value == 0.5
    score, _ = grade(literal, lambda _request: yes, options={"vote": "any"})
    assert score.value == 1.0


def test_the_same_point_twice_is_asked_twice():
    """Two points of the same words are two questions, never one stored reply."""
    _, [judge] = grade(literal, labels={"gold": ["多休息", "多休息"]})
    assert [request.copy for request in judge.requests] == ["0", "1"]
    assert text_of(judge.requests[0]) != ""


def test_references_are_points_too():
    """Where the labels hold no gold each reference is a key point."""
    score, _ = grade(literal, labels={}, references=("多休息", "戒烟"))
    assert score.value == 0.5


def test_other_gold_keeps_its_measure():
    """Letters are compared as ever; cases without gold count by their form."""
    fields = {"options": {"format": "letter"}, "answer": "A"}
    score, [judge] = grade(literal, labels={"gold": "A"}, **fields)
    assert (score.value, judge.requests) == (1.0, [])
    assert grade(literal, labels={})[0].value == 1.0


@pytest.mark.parametrize(
    ("options", "labels", "part"),
    [
        (OPTIONS, {"gold": "多休息"}, "needs a list of key points"),
        ({"format": "text"}, {"gold": POINTS}, "only a judge can find"),
    ],
)
def test_gold_must_fit_the_measure(options, labels, part):
    """A list without the measure, or one text with it, is refused, before a run and in it."""
    case = case_of(labels=labels)
    [doubt] = lint([case], options)
    assert part in doubt.text
    assert doubt.severity == "error"
    with pytest.raises(SettingsError, match=part):
        asyncio.run(Grader(options).grade(case, Completion(text="好"), ()))


@pytest.mark.parametrize(
    ("options", "part"),
    [({"vote": "most"}, "unknown rule"), ({"protocol": "official"}, "not published")],
)
def test_wrong_options_are_refused(options, part):
    """A vote must be known, and there is no official judge."""
    with pytest.raises(SettingsError, match=part):
        Grader(OPTIONS | options)


def test_the_plan_knows_the_calls():
    """One call a point; the prompts that judge are named."""
    grader = Grader(OPTIONS)
    assert grader.needs_judge
    assert grader.judges_every_case
    assert [call.text for call in grader.calls(case_of())] == POINTS
    assert Grader({}).calls(case_of()) == ()
    assert list(grader.versions) == ["prompt medbench/point_strict", "prompt gaps/answer_strict"]
