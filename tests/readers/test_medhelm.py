"""What the readers of MedHELM's sets share: raw files, prompts, options and errors."""

from __future__ import annotations

import csv
import gzip

import medhelm_files as files
import pytest

from medcheck.errors import DatasetError
from medcheck.readers import _medhelm
from medcheck.types import Origin

TASK = _medhelm.Task(name="medec", instructions="Do it.", noun="Text", output="Result")


def failure(call, *args, **named):
    with pytest.raises(DatasetError) as caught:
        call(*args, **named)
    return str(caught.value)


def test_a_prompt():
    """Instructions, a blank line, the input by its name, lettered options, and the cue."""
    assert TASK.prompt("one", {"A": "x", "B": "y"}) == "Do it.\n\nText: one\nA. x\nB. y\nResult:"
    assert TASK.prompt("\none") == "Do it.\n\nText:\none\nResult:"


def test_a_case_stands_in_the_taxonomy():
    """A case carries its path, its tags, and the facts for its metric."""
    made = _medhelm.case(
        TASK, 3, "?", origin=Origin(path="f"), references=("x",), facts={"flag": 1}, tags=("a:b",)
    )
    assert made.id == "medec-3"
    assert made.category == ("clinical_decision_support", "planning_treatments")
    assert made.tags == (
        "task:medec", "category:clinical_decision_support", "subcategory:planning_treatments",
        "a:b",
    )  # fmt: skip
    assert made.labels == {"task": {"name": "medec", "flag": 1}}
    opened = _medhelm.case(
        TASK, 1, "?", origin=Origin(path="f"), references=(), facts={}, closed=False
    )
    assert opened.criteria == ()


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_plain_and_packed(tmp_path, name):
    """A file is read alike whether it is plain or gzipped, with or without a byte-order mark."""
    assert _medhelm.text(files.put(tmp_path / name, "\ufeff文")) == "文"


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    """No file, a broken archive, another encoding, and one that unpacks too large are refused."""
    assert "no such file. Fetch it." in failure(_medhelm.content, tmp_path / "n", hint="Fetch it.")
    broken = tmp_path / "b.gz"
    broken.write_bytes(gzip.compress(b"x" * 100)[:-4])
    assert "cannot read the file" in failure(_medhelm.content, broken)
    latin = tmp_path / "l.txt"
    latin.write_bytes(b"caf\xe9")
    assert "byte 4 is not UTF-8" in failure(_medhelm.text, latin)
    monkeypatch.setattr(_medhelm, "MAX_BYTES", 10)
    assert "more than 10 bytes" in failure(
        _medhelm.content, files.put(tmp_path / "big.txt.gz", "x" * 11)
    )


def test_csv_rows(tmp_path):
    """Rows know the line they begin on; short ones are filled up, blank ones left out."""
    path = files.put(tmp_path / "t.csv", 'a, b\n1,"x\ny"\n,\n2\n')
    assert list(_medhelm.csv_rows(path, needed=("a",))) == [
        (2, {"a": "1", "b": "x\ny"}),
        (5, {"a": "2", "b": ""}),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "t.csv:1: the first row names no column"),
        ("a,a\n", 't.csv:1: column "a" stands twice'),
        ("b,c\n", 't.csv:1: no column "a". There are: b, c.'),
        ("a\n1\n2,3\n", "t.csv:3: 2 cells, but 1 columns"),
        ('a\n"never closed\n', "t.csv:2: not a table"),
    ],
)
def test_tables_that_are_none(tmp_path, text, told):
    """A table without the columns, or with more cells than columns, is refused with its line."""
    path = files.put(tmp_path / "t.csv", text)
    assert told in failure(lambda: list(_medhelm.csv_rows(path, needed=("a",))))


def test_a_long_record(tmp_path):
    """A patient's whole record fits into one cell, and the csv module is left as it was."""
    before = csv.field_size_limit()
    path = files.put(tmp_path / "t.csv", f"a\n{'x' * 300_000}\n")
    ((_, record),) = _medhelm.csv_rows(path, needed=("a",))
    assert len(record["a"]) == 300_000
    assert csv.field_size_limit() == before


def test_all_errors_at_once(tmp_path):
    """Every wrong row is told, at most 50, and after the first one nothing is yielded."""

    def build(number, row):
        if number > 1:
            raise DatasetError(f"wrong {row}.")

    text = failure(lambda: list(_medhelm.built(tmp_path, ["a", "b", "c"], build)))
    assert text == f"{tmp_path}: row 2: wrong b.\n{tmp_path}: row 3: wrong c."
    text = failure(lambda: list(_medhelm.built(tmp_path, range(99), build)))
    assert text.endswith("stopped after 50 errors.")
    assert len(text.splitlines()) == 51
    assert "holds no cases" in failure(lambda: list(_medhelm.built(tmp_path, [], build)))


def test_options():
    """Options get letters from A; too few, too many and empty ones are refused."""
    assert _medhelm.lettered([" x ", "y"]) == {"A": "x", "B": "y"}
    assert "1 answer options" in failure(_medhelm.lettered, ["x"])
    assert "27 answer options" in failure(_medhelm.lettered, ["x"] * 27)
    assert "option B has no text" in failure(_medhelm.lettered, ["x", " "])


def test_members_of_a_folder(tmp_path):
    """The first name that is there counts, plain before packed."""
    packed = files.put(tmp_path / "b.gz", "x")
    assert _medhelm.member(tmp_path, "a", "b") == packed
    plain = files.put(tmp_path / "b", "x")
    assert _medhelm.member(tmp_path, "a", "b") == plain
    assert _medhelm.member(tmp_path, "a") is None
