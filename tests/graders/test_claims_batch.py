"""All points of an answer in one call: every id exactly once, and no quotation that is none."""

from __future__ import annotations

import json

import pytest
from judging import BOTH, POINTS, grade, in_batch, states, text_of


@BOTH
def test_batch_is_one_call(protocol):
    """All points of an answer are one call a judge, whose price counts once."""
    options = {"protocol": protocol, "batch": True}
    score, judges = grade(options, in_batch("1"), in_batch("1", "2"))
    assert [len(judge.requests) for judge in judges] == [1, 1]
    assert states(score) == ["met", "undecided", "not_met"]
    assert [v.ballots[0].asks for v in score.verdicts] == [1, 0, 0]
    assert [v.ballots[0].cost_usd for v in score.verdicts] == [0.5, None, None]
    text = text_of(judges[0].requests[0])
    for criterion, kind in zip(POINTS, ("requirement", "requirement", "flaw"), strict=True):
        line = {"id": criterion.id, "kind": kind, "text": criterion.text}
        assert json.dumps(line, ensure_ascii=False) in text


def test_batch_keeps_the_evidence():
    """The quotation stands in the explanation; spaces and line breaks do not matter."""
    score, _ = grade({"batch": True}, in_batch("1", evidence="CT。 然后 手术"))
    assert score.verdicts[0].ballots[0].explanation == "因为\n> CT。 然后 手术"
    assert score.verdicts[1].ballots[0].explanation == "因为"


@BOTH
@pytest.mark.parametrize(
    "change",
    [
        lambda items: items[:2],
        lambda items: [*items, items[0]],
        lambda items: [*items[:2], {**items[2], "id": "9"}],
        lambda items: [{**items[0], "evidence": "从未说过"}, *items[1:]],
        lambda items: [{**items[0], "criteria_met": "true"}, *items[1:]],
        lambda items: {"1": items[0]},
        lambda items: [*items[:2], "3"],
        lambda items: [{"id": "1", "criteria_met": True}, *items[1:]],
    ],
)
def test_batch_takes_every_id_exactly_once(protocol, change):
    """A reply with a missing, unknown or repeated id, or a made-up quotation, is asked again."""
    calm = in_batch("1")
    broken = in_batch("1", change=change)
    options = {"protocol": protocol, "batch": True}
    shaky = lambda request: (calm if request.attempt else broken)(request)  # noqa: E731
    score, [judge] = grade(options, shaky)
    assert states(score) == ["met", "not_met", "not_met"]
    assert len(judge.requests) == 2
    lost, [judge] = grade({**options, "vote": "single"}, broken)
    assert states(lost) == ["judge_error"] * 3
    assert lost.value is None
    assert len(judge.requests) == 4


def test_batch_ids_may_be_numbers():
    """An id that comes back as a number is the same id."""
    numbers = in_batch("1", change=lambda items: [{**i, "id": int(i["id"])} for i in items])
    assert states(grade({"batch": True}, numbers)[0]) == ["met", "not_met", "not_met"]


def test_batch_without_evidence():
    """A met requirement needs evidence under `strict`; `official` takes the bare verdict."""
    bare = in_batch("1", change=lambda items: [
        {name: value for name, value in item.items() if name != "evidence"} for item in items
    ])  # fmt: skip
    assert states(grade({"batch": True, "protocol": "official"}, bare)[0])[0] == "met"
    assert states(grade({"batch": True}, bare)[0])[0] == "judge_error"
    flaw = in_batch("3", evidence="")
    assert states(grade({"batch": True}, flaw)[0])[2] == "met"


def test_evidence_is_looked_for_in_what_the_judge_saw():
    """A quotation may hold an invisible character where the judge was shown it, and only there."""
    answer = "先做\u200b CT。"
    shown, stripped = in_batch("1", evidence="先做\u200b CT"), in_batch("1", evidence="先做 CT")
    for protocol, good, bad in (("official", shown, stripped), ("strict", stripped, shown)):
        options = {"batch": True, "protocol": protocol, "vote": "single"}
        assert states(grade(options, good, answer=answer)[0])[0] == "met"
        assert states(grade(options, bad, answer=answer)[0])[0] == "judge_error"
