"""Rows of a table, whatever form it has."""

from __future__ import annotations

import gzip
import json

import medhelm_files as files
import pytest
from workbooks import workbook

from medcheck.errors import DatasetError
from medcheck.readers import _tables

ROWS = [{"q": "one", "n": "1"}, {"q": "二", "n": "2"}]


def lines(rows):
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def written(folder, name):
    """Write ROWS in the form that a file's name says."""
    path = folder / name
    kind = name.removesuffix(".gz").rpartition(".")[2]
    if kind == "xlsx":
        plain = workbook(
            folder / "plain.xlsx", *(tuple(r.values()) for r in ROWS), header=("q", "n")
        )
        path.write_bytes(gzip.compress(plain.read_bytes()) if ".gz" in name else plain.read_bytes())
        return path
    texts = {
        "csv": files.table_text(ROWS, ("q", "n")),
        "tsv": files.table_text(ROWS, ("q", "n"), sep="\t"),
        "jsonl": lines(ROWS),
        "json": json.dumps(ROWS),
    }
    return files.put(path, texts[kind])


@pytest.mark.parametrize(
    "name",
    ["t.csv", "t.csv.gz", "t.tsv", "t.jsonl", "t.jsonl.gz", "t.json", "t.json.gz", "t.xlsx",
     "t.xlsx.gz"],
)  # fmt: skip
def test_the_same_rows_in_every_form(tmp_path, name):
    """CSV, TSV, JSON, JSON lines and workbooks give the same records, plain or gzipped."""
    found = list(_tables.rows(written(tmp_path, name), needed=("q",)))
    assert [record for _, record in found] == ROWS
    first = 2 if any(kind in name for kind in ("csv", "tsv", "xlsx")) else 1
    assert [line for line, _ in found] == [first, first + 1]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"data": ROWS}),
        json.dumps({"data": ROWS}, indent=1),
        json.dumps({"version": "1", "rows": ROWS}),
        json.dumps(ROWS, indent=1),
        lines(ROWS),
    ],
)
def test_layouts_of_json(tmp_path, text):
    """A list, an object that holds one, and lines are told apart, whatever the name says."""
    path = files.put(tmp_path / "t.json", text)
    assert [record for _, record in _tables.rows(path)] == ROWS


def test_a_named_list(tmp_path):
    """The list of an object may have any name; without it the fields are listed."""
    path = files.put_json(tmp_path / "t.json", {"test": ROWS, "other": 1})
    assert [record for _, record in _tables.rows(path, records="test")] == ROWS
    with pytest.raises(DatasetError, match=r"data\.options\.records: test, other"):
        list(_tables.rows(path))


def test_one_row_of_json_lines(tmp_path):
    """A single object is one row, unless it holds a list of them."""
    assert len(list(_tables.rows(files.put(tmp_path / "t.json", lines(ROWS[:1]))))) == 1


def test_a_folder_of_texts(tmp_path):
    """Each .txt file is a row with its name and text, in the order of their names."""
    files.put(tmp_path / "b.txt", "two\n")
    files.put(tmp_path / "a.txt", "one")
    files.put(tmp_path / "empty.txt", " \n")
    files.put(tmp_path / "note.md", "no")
    assert list(_tables.rows(tmp_path)) == [
        (1, {"file": "a", "text": "one"}),
        (2, {"file": "b", "text": "two"}),
    ]


def test_empty_cells_of_a_workbook(tmp_path):
    """A cell that is empty is an empty text, so that templates find every column."""
    path = workbook(tmp_path / "t.xlsx", ("one", None), header=("q", "n"))
    assert list(_tables.rows(path)) == [(2, {"q": "one", "n": ""})]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("t.txt", "x", '".txt" is no table. Known: .csv'),
        ("t.json", '{"a": 1, "b": [2]}\n{', "t.json"),
        ("t.json", "[1]", "t.json:1: row 1, expected an object"),
        ("t.jsonl", '{"x": 1}\n', 't.jsonl:1: no field "q". There are: x.'),
        ("t.csv", "x\n1\n", 'no column "q"'),
        ("t.json", '"text"', "the rows are"),
        ("t.json", '{"data": {},\n "rows": 3}', "without a list of rows"),
    ],
)
def test_what_is_no_table(tmp_path, name, text, told):
    """Another kind of file, a missing column and a row that is none are refused with the place."""
    with pytest.raises(DatasetError) as caught:
        list(_tables.rows(files.put(tmp_path / name, text), needed=("q",)))
    assert told in str(caught.value)


@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.jsonl", "t.xlsx", "t.xlsx.gz"])
def test_no_file(tmp_path, name):
    """A missing file says what to do."""
    with pytest.raises(DatasetError, match=r"no such file\. Fetch it\."):
        list(_tables.rows(tmp_path / name, hint="Fetch it."))


def test_an_empty_folder(tmp_path):
    """A folder without texts is refused."""
    with pytest.raises(DatasetError, match=r"no \.txt files"):
        list(_tables.rows(tmp_path))
