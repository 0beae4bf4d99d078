"""Answers that exist already stand in for a model, as they ended, and say what they answer."""

from __future__ import annotations

from pathlib import Path

import pytest
import runs
from medbench_packs import questions, rows_of, zipped

from medcheck.engine.existing import Existing, existing, gaps_count, strays
from medcheck.engine.setup import recordings
from medcheck.errors import DatasetError
from medcheck.readers.medbench import read
from medcheck.suites import Suite
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


def counted(options, answered, *, protocol=None, grader="checklist"):
    """Whether gaps count in a suite of the cases a and b."""
    suite = Suite(
        name="s", path=Path("s.yaml"), title="", cases=(case("a"), case("b")),
        grader={"name": grader, **options}, protocol="official",
    )  # fmt: skip
    return gaps_count(suite, protocol, lambda each: each.id in answered)


def test_gaps_count_where_what_is_missing_does():
    """A case without an answer stays in a run whose rule counts a missing score as unusable."""
    assert counted({}, {"a"})
    assert not counted({}, {"a"}, protocol="strict")
    assert counted({"missing": "unusable"}, {"a"}, protocol="strict")
    assert not counted({"missing": "exclude"}, {"a"})
    assert not counted({}, set()), "the answers are to another suite"
    assert not counted({}, {"a"}, grader="rubric")


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


def test_a_row_that_a_pack_lacks(tmp_path):
    """A pack's answers follow their questions; a row that it lacks is its case all the same."""
    folder = questions(tmp_path / "q", "agent")
    cases = {case.id: case for case in read(folder, {"track": "agent", "sets": ["MedCOT"]})}
    files = rows_of("agent")
    files["MedCOT.jsonl"][9]["answer"] = None
    del files["MedCOT.jsonl"][3]
    path = zipped(tmp_path / "p.zip", "agent", files)
    found = existing(f"answers:{path}")
    assert [(c.text, c.finish) for c in found.of(cases["MedCOT-5"])] == [("第5个回答。", "stop")]
    assert [(c.text, c.finish) for c in found.of(cases["MedCOT-10"])] == [("", "unknown")]
    assert found.of(cases["MedCOT-4"]) == ()
    assert [name for name, each in cases.items() if found.lacks(each)] == ["MedCOT-4"]
    [answers] = recordings(
        runs.settings_for(tmp_path, models=(f"answers:{path}",), models_file=None)
    ).values()
    assert all(answers(each) for each in cases.values())
    assert not answers(case("MedCOT-4"))
    assert not written(tmp_path / "a.jsonl", '{"case_id": "a", "answer": "x"}').lacks(case("b"))
