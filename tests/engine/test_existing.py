"""Answers that exist already stand in for a model, as they ended, and say what they answer."""

from __future__ import annotations

import pytest

from medcheck.engine.existing import Existing, existing, strays
from medcheck.errors import DatasetError
from medcheck.types import Case, Message


def case(name, **changes):
    messages = (Message(role="user", text="胸痛?"),)
    return Case(id=name, suite="s", messages=messages, grader="rubric", **changes)


def written(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return existing(f"answers:{path}")


def test_answers_keep_how_they_ended(tmp_path):
    """An answer of a file carries the finish that was recorded with it, repeat by repeat."""
    found = written(
        tmp_path / "a.jsonl",
        '{"case_id": "a", "repeat": 1, "completion": {"text": "half", "finish": "length"}}',
        '{"case_id": "a", "repeat": 2, "completion": {"text": "whole", "finish": "stop"}}',
        '{"case_id": "b", "answer": "plain"}',
        '{"case_id": "c", "completion": {"text": "odd", "finish": "made_up"}}',
    )
    ended = {name: [(c.text, c.finish) for c in found.of(case(name))] for name in "abcd"}
    assert ended == {
        "a": [("half", "length"), ("whole", "stop")],
        "b": [("plain", "stop")],
        "c": [("odd", "unknown")],
        "d": [],
    }
    assert all(completion.cached for completion in found.of(case("a")))


def test_answers_of_a_column():
    """A name that is no file means a column of the data."""
    found = existing("answers:ideal_completion")
    known = case("a", answers={"ideal_completion": ("one", "two")})
    assert [completion.text for completion in found.of(known)] == ["one", "two"]
    assert found.of(case("b")) == ()


def test_other_models_have_no_answers():
    """Only `answers:` means answers that exist."""
    assert existing("gpt-4.1") is None


def test_a_file_that_is_not_there():
    """A path that does not exist is an error, not a column."""
    with pytest.raises(DatasetError):
        existing("answers:nowhere/given.jsonl")


def test_strays(tmp_path):
    """Foreign ids are counted, five are named; a file of nothing else is told apart."""
    lines = [f'{{"case_id": "x{n}", "answer": "g"}}' for n in range(6)]
    some = written(tmp_path / "some.jsonl", '{"case_id": "a", "answer": "g"}', *lines)
    none = written(tmp_path / "none.jsonl", lines[0])
    all_known = written(tmp_path / "all.jsonl", '{"case_id": "a", "answer": "g"}')
    column = Existing(column="c")
    given = {"answers:s": some, "answers:n": none, "answers:a": all_known, "answers:c": column}
    assert list(strays(given, {"a"})) == [
        (
            "--model=answers:s: 6 of 7 case ids are not in the suites: x0, x1, x2, x3, x4, ...",
            False,
        ),
        ("--model=answers:n: 1 of 1 case ids are not in the suites: x0.", True),
    ]
