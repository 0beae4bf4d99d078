"""A juror's reply gives each criterion one whole mark on the scale, and nothing else."""

import json

import pytest

from medcheck.errors import JudgeError
from medcheck.replies import parse_jury, response_schema

NAMES = ("accuracy", "clarity")
ID = "0123456789abcdef"
GOOD = {name: {"score": 4, "explanation": "因为"} for name in NAMES}


def jury(reply, *, scale=(1, 5), verdict_id=None):
    """Parse a reply; an object is written out, with its verdict id where one is wanted."""
    if isinstance(reply, dict):
        reply = json.dumps({**reply, **({"verdict_id": verdict_id} if verdict_id else {})})
    return parse_jury(reply, criteria=NAMES, scale=scale, verdict_id=verdict_id)


def changed(score):
    """A reply with another first mark."""
    return {**GOOD, "accuracy": {"score": score, "explanation": "x"}}


@pytest.mark.parametrize("verdict_id", [None, ID])
def test_a_good_reply(verdict_id):
    """All criteria are read, with their explanations; a fence and a think block do not matter."""
    found = jury(GOOD, verdict_id=verdict_id)
    assert [found[name].score for name in NAMES] == [4, 4]
    assert found["clarity"].explanation == "因为"
    fenced = f"<think>{{}} or 5</think>\n```json\n{json.dumps(GOOD)}\n```"
    assert jury(fenced)["accuracy"].score == 4


@pytest.mark.parametrize(
    "score", [0, 6, 50, -3, 4.0, 4.9, True, False, "4", "4/5", None, [4], 10**30]
)
def test_no_other_value_is_a_mark(score):
    """What the original cut, took over or stumbled on is no mark."""
    with pytest.raises(JudgeError, match="score"):
        jury(changed(score))


def test_the_scale_decides():
    """Marks are whole numbers from the lowest to the highest of the scale."""
    assert jury(changed(0), scale=(0, 4))["accuracy"].score == 0
    with pytest.raises(JudgeError):
        jury(changed(5), scale=(0, 4))


@pytest.mark.parametrize(
    "reply",
    [
        "", "no", "[]", "5", json.dumps([GOOD]), f"{json.dumps(GOOD)} {json.dumps(GOOD)}",
        f"Here: {json.dumps(GOOD)}", json.dumps(GOOD)[:-1], '{"accuracy": 4, "clarity": 4}',
        json.dumps({"accuracy": GOOD["accuracy"]}),
        json.dumps({**GOOD, "overall": GOOD["clarity"]}),
        json.dumps({**GOOD, "accuracy": {"score": 4}}),
        json.dumps({**GOOD, "accuracy": {"score": 4, "explanation": "x", "confidence": 1}}),
        json.dumps({**GOOD, "verdict_id": ID}),
        json.dumps(GOOD).replace('"clarity"', '"accuracy"'),
        json.dumps({name.title(): mark for name, mark in GOOD.items()}),
    ],
)  # fmt: skip
def test_one_object_with_exactly_these_keys(reply):
    """A missing, further, doubled or misspelled key, or a second object, is no reply."""
    with pytest.raises(JudgeError):
        jury(reply)


def test_the_verdict_id_must_come_back():
    """Under the strict protocol another id, or none, is no reply."""
    with pytest.raises(JudgeError, match="verdict_id"):
        jury(json.dumps(GOOD), verdict_id=ID)
    with pytest.raises(JudgeError, match="verdict_id"):
        jury(json.dumps({**GOOD, "verdict_id": "f" * 16}), verdict_id=ID)


def test_the_schema_of_a_mark():
    """The file describes one criterion's part of a reply."""
    assert response_schema("jury")["required"] == ["score", "explanation"]
