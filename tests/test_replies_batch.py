"""Replies of medcheck.replies that hold more than one verdict: lists, levels, quotations."""

import json

import jsonschema
import pytest

from medcheck.errors import JudgeError
from medcheck.replies import (
    occurs,
    parse_batch,
    parse_extract,
    parse_grade,
    parse_verdict,
    response_schema,
)

ID = "0123456789abcdef"
ANSWER = "先做 CT。\n\t然后手术。"
ITEM = {"id": "1", "explanation": "so", "criteria_met": True, "evidence": "先做 CT。 然后"}


def batch(items, *, protocol="official", **more):
    """Parse a list of verdicts on the ids 1 and 2."""
    reply = {"verdicts": items, **({"verdict_id": ID} if protocol == "strict" else {})}
    verdict_id = ID if protocol == "strict" else None
    return parse_batch(
        json.dumps(reply), ids=("1", "2"), answer=ANSWER, protocol=protocol,
        verdict_id=verdict_id, **more,
    )  # fmt: skip


def test_batch_in_any_order():
    """Each verdict is found by its id, whatever the order."""
    found = batch([{**ITEM, "id": "2", "criteria_met": False}, ITEM])
    assert found["1"].met is True
    assert found["2"].met is False
    assert found["1"].evidence == ITEM["evidence"]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([ITEM], r'1 of 2 are missing \("2"\)'),
        ([ITEM, ITEM], "stands twice"),
        ([ITEM, {**ITEM, "id": "x"}], "not asked about"),
        ([ITEM, {**ITEM, "id": True}], '"id" is not a string or integer'),
        ([ITEM, {**ITEM, "id": "2", "evidence": "做MRI"}], 'verdict "2": the evidence'),
        ([ITEM, {**ITEM, "id": "2", "criteria_met": 1}], '"criteria_met" is not a boolean'),
        ([ITEM, {"id": "2", "criteria_met": True}], '"explanation" is missing'),
        ([ITEM, "2"], '"verdicts" holds something that is not an object'),
        ({"1": ITEM}, '"verdicts" is not a list'),
    ],
)
def test_broken_batches(items, message):
    """A list that does not answer every question once is no reply; the message never quotes it."""
    with pytest.raises(JudgeError, match=message):
        batch(items)


def test_evidence_where_it_is_needed():
    """Only ids that need a quotation, and only if they are met, must come with one."""
    bare = {**ITEM, "evidence": " "}
    items = [bare, {**bare, "id": "2", "criteria_met": False}]
    assert batch(items, quoted=["2"])["1"].met
    with pytest.raises(JudgeError, match='"1": met without evidence'):
        batch(items, quoted=["1"])


def test_further_keys():
    """`official` lets keys pass that nobody asked for, `strict` does not, at any depth."""
    items = [{**ITEM, "confidence": 1}, {**ITEM, "id": "2"}]
    assert batch(items)["1"].met
    with pytest.raises(JudgeError, match='unknown key "confidence"'):
        batch(items, protocol="strict")
    assert batch([ITEM, {**ITEM, "id": "2"}], protocol="strict")["2"].met


def test_extract():
    """Statements come without repeats and surrounding spaces; an empty list is a finding."""
    items = [
        {"content": " 先做 CT。 ", "reasoning": "r"},
        {"content": "先做  CT。", "reasoning": ""},
    ]
    [statement] = parse_extract(json.dumps({"items": items}), answer=ANSWER)
    assert (statement.quote, statement.reason) == ("先做 CT。", "r")
    assert parse_extract('```json\n{"items": []}\n```', answer=ANSWER) == ()


@pytest.mark.parametrize("text", ["", "[]", "none", '{"items": {}}', '{"item": []}', "null"])
def test_no_list_is_not_an_empty_one(text):
    """A reply without a list of statements is no reply, never an empty list."""
    with pytest.raises(JudgeError):
        parse_extract(text, answer=ANSWER)


def test_grade():
    """The level is read from its own key and nowhere else."""
    found = parse_grade('{"reasoning": "not S4", "level": "S2"}')
    assert (found.level, found.reason) == ("S2", "not S4")
    for text in ("S1", '{"level": "S1"}', '{"reasoning": "", "level": "S5"}', "[1]"):
        with pytest.raises(JudgeError):
            parse_grade(text)


@pytest.mark.parametrize(
    "parse",
    [
        lambda text: parse_batch(text, ids=(), answer="", protocol="strict", verdict_id=ID),
        lambda text: parse_extract(text, answer="", protocol="strict", verdict_id=ID),
        lambda text: parse_grade(text, protocol="strict", verdict_id=ID),
        lambda text: parse_verdict(text, protocol="strict", verdict_id=ID),
    ],
)
@pytest.mark.parametrize("given", ["", "0" * 16, None])
def test_every_strict_reply_echoes_its_id(parse, given):
    """No strict reply counts that carries another id, or none."""
    reply = {"verdicts": [], "items": [], "level": "S1", "reasoning": "", "verdict_id": given}
    with pytest.raises(JudgeError):
        parse(json.dumps(reply))


@pytest.mark.parametrize(
    ("quote", "found"),
    [("CT。然后", False), ("CT。 然后", True), ("CT。\n\n然后", True), ("ct", False), ("", True)],
)
def test_occurs(quote, found):
    """Only the amount of space may differ between a quotation and the text."""
    assert occurs(quote, ANSWER) is found


@pytest.mark.parametrize("name", ["batch", "extract", "grade"])
def test_schemas(name):
    """Each reply has a schema for endpoints that take one, with the id where it is asked for."""
    schema = response_schema(name, verdict_id=True)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "verdict_id" in schema["required"]
    assert "verdict_id" not in response_schema(name)["properties"]
