"""HealthBench Professional in both layouts, and the checks of readers._examples that it shares."""

import json

import pytest

from medcheck.errors import DatasetError
from medcheck.readers import _examples, healthbench_professional

TURNS = [
    {"role": "user", "content": "Write the discharge letter"},
    {"role": "assistant", "content": "For which patient?"},
    {"role": "user", "content": "王女士，52 岁"},
]


def record(number=1, **changes):
    """A made-up task in the layout of the official file."""
    return {
        "id": f"task-{number}",
        "conversation": {"messages": TURNS},
        "rubric_items": [
            {"criterion_text": "Names the allergy", "points": 8},
            {"criterion_text": "Invents a dose", "points": -9},
        ],
        "use_case": "writing",
        "type": "good_faith",
        "difficulty": "difficult",
        "specialty": "Obstetrics & Gynecology",
        "physician_response": "Dear colleague",
    } | changes


def write(tmp_path, *rows):
    file = tmp_path / "pro.jsonl"
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    file.write_text(text, encoding="utf-8", newline="\n")
    return file


def cases(file):
    return list(healthbench_professional.read(file, {}))


def failure(file):
    with pytest.raises(DatasetError) as caught:
        cases(file)
    return str(caught.value)


@pytest.mark.parametrize("conversation", [{"messages": TURNS, "id": "x"}, TURNS])
def test_both_layouts(tmp_path, conversation):
    """The turns are the same, whether they stand under messages or are the conversation."""
    (case,) = cases(write(tmp_path, record(conversation=conversation)))
    assert case.id == "task-1"
    assert [(m.role, m.text) for m in case.messages] == [(t["role"], t["content"]) for t in TURNS]
    assert [(c.id, c.text, c.points, c.tags) for c in case.criteria] == [
        ("1", "Names the allergy", 8, ()),
        ("2", "Invents a dose", -9, ()),
    ]
    assert case.tags == (
        "use_case:writing",
        "type:good_faith",
        "difficulty:difficult",
        "specialty:obstetrics_gynecology",
    )
    assert case.answers == {"physician_response": ("Dear colleague",)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Red Teaming", "type:red_teaming"),
        ("red-teaming ", "type:red_teaming"),
        ("red_teaming", "type:red_teaming"),
        ("心血管内科", "type:心血管内科"),
    ],
)
def test_tags_have_one_form(value, expected):
    """Spellings that differ in case, blanks and signs only are one tag; other scripts stay."""
    assert healthbench_professional.tag("type", value) == expected


def test_missing_particulars(tmp_path):
    """What a task does not state becomes no tag and no answer; unused fields pass."""
    row = record(specialty=None, physician_response=None, canary_string="x")
    del row["use_case"]
    (case,) = cases(write(tmp_path, row))
    assert case.tags == ("type:good_faith", "difficulty:difficult")
    assert case.answers == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": 5}, "id is 5, expected a text."),
        ({"conversation": {}}, 'conversation lacks the field "messages".'),
        ({"conversation": TURNS[:2]}, "the last message is not the user's."),
        ({"rubric_items": []}, "rubric_items is [], expected a list"),
        (
            {"rubric_items": [{"criterion": "x", "points": 1}]},
            'rubric_items[0] lacks the field "criterion_text".',
        ),
        (
            {"rubric_items": [{"criterion_text": "x", "points": 0}]},
            "rubric_items[0].points is 0, not a number other than 0.",
        ),
        (
            {"rubric_items": [{"criterion_text": "x", "points": -1}]},
            "no criterion has positive points",
        ),
        ({"specialty": 5}, "specialty is 5, expected a text."),
        ({"physician_response": 5}, "physician_response is 5, expected a text."),
    ],
)
def test_malformed_line(tmp_path, changes, message):
    """A malformed line is an error with file, line, what was found and what was expected."""
    file = write(tmp_path, record(), record(2, **changes))
    assert failure(file).startswith(f"{file}:2: {message}")


def test_duplicate_and_empty(tmp_path):
    """An id that stands twice names both lines; a file without tasks is an error."""
    assert 'id "task-1" stands already on line 1.' in failure(write(tmp_path, record(), record()))
    assert failure(write(tmp_path)).endswith("no example.")


def test_turns_may_carry_more_only_where_allowed():
    """An unknown field of a turn is an error unless the format lets it pass."""
    turn = [{"role": "user", "content": "x", "name": "y"}]
    assert _examples.turns(turn, others=None)[0].text == "x"
    with pytest.raises(DatasetError, match="unknown field"):
        _examples.turns(turn)
