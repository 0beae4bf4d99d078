"""Cells of medcheck.writers._cells: text stays text, nothing is cut, equal content equal bytes."""

import json
import sys
import zipfile

import openpyxl
import pytest

from medcheck.errors import WriterError
from medcheck.writers import _cells

FORMULAS = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://127.0.0.1/","x")',
    "=cmd|' /C calc'!A0", "{=1}", "#N/A", "#REF!", "TRUE", "2020-01-01", "1e5", "'x", "%00=1",
    "==1", " =1", "\n=1", "-2+3+cmd", "＝1",
)  # fmt: skip
EXACT = (
    *FORMULAS,
    "  space  ",
    "a\nb\tc",
    "中文\U0001f600",
    "<b>&\"']]>",
    "_x0041_",
    "\\u000a",
    "x" * 32_767,
)


def written(path, *texts):
    """Write a column of texts and return the cells as read back."""
    with _cells.workbook(path) as book:
        sheet = book.sheet("one", ["text"])
        for text in texts:
            sheet.append([text])
    book = openpyxl.load_workbook(path)
    cells = [row[0] for row in book["one"].iter_rows(min_row=2)]
    book.close()
    return cells


def test_no_cell_is_a_formula(tmp_path):
    """Whatever a text looks like, its cell is a string, and reads back as it was."""
    cells = written(tmp_path / "b.xlsx", *EXACT)
    assert [cell.value for cell in cells] == list(EXACT)
    assert {cell.data_type for cell in cells} == {"s"}
    with zipfile.ZipFile(tmp_path / "b.xlsx") as archive:
        text = b"".join(archive.read(name) for name in archive.namelist() if "sheet" in name)
    assert b"<f>" not in text
    assert b"<hyperlink" not in text


@pytest.mark.parametrize("text", [text for text in FORMULAS if text[0] in "=+-@\t#'\n"])
def test_dangerous_texts_stay_text_when_edited(tmp_path, text):
    """A text that Excel would take for more keeps the mark of a text."""
    [cell] = written(tmp_path / "b.xlsx", text)
    assert cell.quotePrefix


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bell\x07", "bell\\u0007"),
        ("\x00", "\\u0000"),
        ("\x1b[31m", "\\u001b[31m"),
        ("a\r\nb", "a\\u000d\nb"),
        ("lone \ud800", "lone \\ud800"),
        ("\ufffe", "\\ufffe"),
        ("\\u0007 \\u005c", "\\u005cu0007 \\u005cu005c"),
        (_cells.Json('"\\u0007"'), '"\\u0007"'),
    ],
)
def test_control_characters_survive(tmp_path, text, shown):
    """What a workbook cannot hold stands there as its escape."""
    [cell] = written(tmp_path / "b.xlsx", text)
    assert cell.value == shown


def test_long_texts_are_never_cut(tmp_path):
    """A text beyond a cell's limit, as Excel counts it, stands beside the workbook, whole."""
    texts = ["y" * 32_768, "short", "\U0001f600" * 16_384, "\x00" * 6000]
    cells = written(tmp_path / "b.xlsx", *texts)
    assert [cell.value for cell in cells] == [
        "see b.cells.jsonl, line 1", "short", "see b.cells.jsonl, line 2",
        "see b.cells.jsonl, line 3",
    ]  # fmt: skip
    path = _cells.beside(tmp_path / "b.xlsx")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(row["sheet"], row["cell"]) for row in rows] == [
        ("one", "A2"), ("one", "A4"), ("one", "A5"),
    ]  # fmt: skip
    assert [row["text"] for row in rows] == [texts[0], texts[2], texts[3]]
    assert path.stat().st_mode & 0o077 == 0
    written(tmp_path / "b.xlsx", "short")
    assert not path.exists()


def test_values_that_are_no_text(tmp_path):
    """Numbers stay numbers, an empty text and a missing value are an empty cell."""
    cells = written(tmp_path / "b.xlsx", 1, 0.5, True, None, "", "last")
    assert [cell.value for cell in cells] == [1, 0.5, True, None, None, "last"]


def test_equal_content_gives_equal_bytes(tmp_path):
    """A workbook does not depend on when, or under what name, it was written."""
    for name in ("a", "b"):
        written(tmp_path / f"{name}.xlsx", *EXACT)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert (tmp_path / "a.xlsx").stat().st_mode & 0o077 == 0


def test_a_full_sheet_goes_on_in_a_further_one(tmp_path, monkeypatch):
    """Rows beyond a sheet's limit are never lost; each sheet begins with the header."""
    monkeypatch.setattr(_cells, "MAX_ROWS", 4)
    written(tmp_path / "b.xlsx", *(str(number) for number in range(7)))
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    assert book.sheetnames == ["one", "one 2", "one 3"]
    found = [[row[0] for row in sheet.iter_rows(values_only=True)] for sheet in book]
    assert found == [["text", "0", "1", "2"], ["text", "3", "4", "5"], ["text", "6"]]
    book.close()


def test_a_failure_leaves_the_old_file(tmp_path):
    """A workbook that is not finished does not take the place of the one that is there."""
    path = tmp_path / "b.xlsx"
    written(path, "old")
    before = path.read_bytes()

    def stop():
        with _cells.workbook(path) as book:
            book.sheet("one", ["text"]).append(["new"])
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        stop()
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["b.xlsx"]


def test_a_folder_that_cannot_be_written(tmp_path):
    """Where the file cannot be written, the error names it."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(WriterError, match=r"b\.xlsx"):
        written(tmp_path / "file" / "b.xlsx", "x")


def test_without_openpyxl(tmp_path, monkeypatch):
    """Where openpyxl is missing, the error names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with (
        pytest.raises(WriterError, match=r"medcheck\[xlsx\]"),
        _cells.workbook(tmp_path / "b.xlsx"),
    ):
        pass


def test_a_text_that_looks_like_a_place(tmp_path):
    """A text that says where another one stands is put beside the workbook itself."""
    path = tmp_path / "b.xlsx"
    text = "see other.cells.jsonl, line 1"
    [cell, plain] = written(path, text, f"{text}.")
    assert (cell.value, plain.value) == ("see b.cells.jsonl, line 1", f"{text}.")
    [line] = _cells.beside(path).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["text"] == text
