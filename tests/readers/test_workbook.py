"""Workbooks are read as rows of text, and a hostile one is refused before it is unpacked."""

import re
import sys
import zipfile

import openpyxl
import pytest
from workbooks import HEADER, row, saved, workbook

from medcheck.errors import DatasetError
from medcheck.readers._workbook import columns, rows


def test_cells_are_texts(tmp_path):
    """Numbers are their shortest text, empty cells are left out, empty rows are passed over."""
    path = workbook(
        tmp_path / "b.xlsx", (1, 2.0, 2.5, "x"), (None, "", None, None), (None, "中", None, None)
    )
    assert list(rows(path)) == [
        (2, {"index": "1", "question": "2", "分类": "2.5", "rubrics": "x"}),
        (4, {"question": "中"}),
    ]
    assert columns(path) == HEADER


def test_columns_without_a_name(tmp_path):
    """Cells below an empty header cell belong to no column."""
    path = workbook(tmp_path / "b.xlsx", (1, "note", "q"), header=("index", None, " question "))
    assert list(rows(path)) == [(2, {"index": "1", "question": "q"})]


def with_formula(path, formula, cell):
    """Return a workbook whose cell A2 is a formula, written as `cell`."""
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append([formula, "=text"])
    book.active["B2"].data_type = "s"
    saved(book, path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    changed = re.sub(rb'<c r="A2".*?</c>', cell, sheet, count=1)
    assert changed != sheet
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            changes = changed if name == "xl/worksheets/sheet1.xml" else data
            archive.writestr(name, changes)
    return path


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (b'<c r="A2"><f>1+1</f><v>2</v></c>', "2"),
        (b'<c r="A2" t="str"><f>1+1</f><v>two</v></c>', "two"),
        (b'<c r="A2" t="str"><f>1+1</f><v></v></c>', None),
        (b'<c r="A2" t="b"><f>1+1</f><v>1</v></c>', "true"),
        (b'<c r="A2"><f t="array" ref="A2">1+1</f><v>2</v></c>', "2"),
    ],
)
def test_results_of_formulas(tmp_path, cell, found):
    """A formula is its stored result where that is wanted, else its text; "=text" stays a text."""
    path = with_formula(tmp_path / "f.xlsx", "=1+1", cell)
    wanted = {"a": found, "b": "=text"} if found else {"b": "=text"}
    assert list(rows(path, computed=True)) == [(2, wanted)]
    assert list(rows(path)) == [(2, {"a": "=1+1", "b": "=text"})]
    assert columns(path, computed=True) == ("a", "b")


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (b'<c r="A2"><f>1+2</f></c>', '"=1+2" has no result'),
        (b'<c r="A2"><f>1+2</f><v></v></c>', '"=1+2" has no result'),
        (b'<c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', '"=1/0" gives #DIV/0!'),
    ],
)
def test_formulas_without_a_result(tmp_path, cell, told):
    """A formula whose result is not stored, or is an error, is told with its row."""
    path = with_formula(tmp_path / "f.xlsx", "=1+1", cell)
    with pytest.raises(DatasetError) as caught:
        list(rows(path, computed=True))
    assert f"f.xlsx:2: the formula {told}" in str(caught.value)


def test_sheets(tmp_path):
    """The first sheet is read unless another is named."""
    path = tmp_path / "b.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.create_sheet("Two").append(["b"])
    saved(book, path)
    assert columns(path) == ("a",)
    assert columns(path, sheet="Two") == ("b",)


@pytest.mark.parametrize(
    ("header", "message"),
    [((None,), "names no column"), (("a", "b", " a"), 'column "a" stands twice')],
)
def test_headers(tmp_path, header, message):
    """A header without names, or with one name twice, is an error at line 1."""
    with pytest.raises(DatasetError, match=rf"b\.xlsx:1: .*{message}"):
        columns(workbook(tmp_path / "b.xlsx", header=header))


def test_files_that_are_none(tmp_path):
    """A missing file, another format and a broken archive are errors, not tracebacks."""
    with pytest.raises(DatasetError, match="no such file"):
        columns(tmp_path / "none.xlsx")
    text = tmp_path / "t.xlsx"
    text.write_text("index,question", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"not an \.xlsx workbook"):
        columns(text)
    empty = tmp_path / "e.xlsx"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(DatasetError, match=r"not an \.xlsx workbook"):
        columns(empty)
    broken = workbook(tmp_path / "x.xlsx", row())
    parts = {}
    with zipfile.ZipFile(broken) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(broken, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, b"<workbook" if name == "xl/workbook.xml" else data)
    with pytest.raises(DatasetError, match=r"not an \.xlsx workbook"):
        columns(broken)


def test_zip_bombs(tmp_path):
    """A workbook that unpacks to a hundred times its size is refused before it is unpacked."""
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"0" * 20_000_000)
    with pytest.raises(DatasetError, match="20,000,000 bytes"):
        columns(path)


def test_without_openpyxl(tmp_path, monkeypatch):
    """Where openpyxl is missing, the error names the extra that brings it."""
    path = workbook(tmp_path / "b.xlsx", row())
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DatasetError, match=r"pip install 'medcheck\[xlsx\]'"):
        columns(path)


def test_a_wrong_extent(tmp_path):
    """Rows and columns beyond the extent that a file claims for itself are read."""
    path = workbook(tmp_path / "b.xlsx", (1, "q", "G1", "[]"), (2, "r", "G1", "[]"))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert b'<dimension ref="A1:D3"' in sheet
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b'ref="A1:D3"', b'ref="A1:B2"')
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert columns(path) == HEADER
    assert [number for number, _ in rows(path)] == [2, 3]
