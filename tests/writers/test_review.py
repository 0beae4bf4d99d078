"""The review queue shows people a question and an answer, and nothing that could sway them."""

import csv
import json
import zipfile

import openpyxl
import pytest
from review_runs import JUDGES, answer, criterion, panel_run, run_of, saved, verdict

from medcheck.errors import WriterError
from medcheck.review.matching import match
from medcheck.review.queue import chosen, item_of, points_of
from medcheck.summary import summarize
from medcheck.types import Completion, Criterion, Message
from medcheck.writers.review import COLUMNS, INSTRUCTIONS, VERDICTS, write


def sheet(path):
    """Return the rows of the first sheet, by column."""
    book = openpyxl.load_workbook(path)
    header, *rows = book.worksheets[0].iter_rows(values_only=True)
    book.close()
    assert header == COLUMNS
    return [dict(zip(header, row, strict=True)) for row in rows]


def written(run, path):
    """Write the queue of a run; return the path."""
    return write(run, summarize(run), path)


def texts(path):
    """Return every byte of a workbook, unpacked, as text."""
    with zipfile.ZipFile(path) as archive:
        parts = [archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]
    return "\n".join(parts)


def test_the_workbook(tmp_path):
    """A row for each chosen point in the order of review; verdict, comment and rater are empty."""
    run = panel_run(10)
    rows = sheet(written(run, tmp_path / "review.xlsx"))
    assert tuple(row["item"] for row in rows) == chosen(run)
    known = {item_of(run, p): p for result in run.results for p in points_of(result)}
    for row in rows:
        point = known[row["item"]]
        assert row["question"] == f"Question {point.case_id}: 胸痛?"
        assert row["answer"] == f"Answer to {point.case_id}. 请立即拨打120。"
        assert row["criterion"] == point.text
        assert row["kind"].startswith(("Requirement: met if", "Flaw: met if"))
        assert row["kind"].startswith("Flaw") == (point.kind == "flaw")
        assert row["verdict"] is row["comment"] is row["rater"] is None


@pytest.mark.parametrize("name", ["review.xlsx", "review.csv", "review.jsonl"])
def test_nothing_gives_it_away(tmp_path, name):
    """No model, judge, vote, explanation, case, run or level stands anywhere in the file."""
    secret = ("zz-model", "zz-judge", "zz-because", "zz-case", "zz-run", "zz-level", "zz-system",
              "zz-tag", "zz-suite", "undecided", "disputed", "agreed")  # fmt: skip
    results = []
    for number in range(3):
        found = verdict(criterion(1, level="zz-level"), "+-?", judges=("zz-judge",) * 3)
        messages = (Message(role="system", text="zz-system"), Message(role="user", text="q?"))
        results.append(
            answer(f"zz-case-{number}", [found], model="zz-model", messages=messages,
                   completion=Completion(text="Answer."), tags=("zz-tag",), suite="zz-suite",
                   run="zz-run")
        )  # fmt: skip
    path = written(run_of(results, run="zz-run"), tmp_path / name)
    told = texts(path) if name.endswith("xlsx") else path.read_text(encoding="utf-8")
    assert "q?" in told
    assert not [word for word in (*secret, *JUDGES) if word in told]


def test_conversations(tmp_path):
    """All turns are shown with who spoke; a single question stands alone."""
    turns = tuple(Message(role=role, text=text) for role, text in (
        ("user", "I have a fever."), ("assistant", "How high?"), ("user", "39.5")))  # fmt: skip
    run = run_of([answer("a", [verdict(criterion(), "+-?")], messages=turns)])
    (row,) = sheet(written(run, tmp_path / "r.xlsx"))
    assert row["question"] == "user: I have a fever.\n\nassistant: How high?\n\nuser: 39.5"


def test_drop_downs(tmp_path):
    """Verdicts are chosen from a list that fits the row; other words pass after a warning."""
    of = Criterion(id="s", text="t", points=1.0, scale=(1.0, 5.0))
    wide = Criterion(id="w", text="t", points=1.0, scale=(0.0, 100.0))
    verdicts = [verdict(criterion(), "+-?"), verdict(of, 1.0, 5.0, how="mean"),
                verdict(wide, 1.0, 99.0, how="mean")]  # fmt: skip
    path = written(run_of(answer(f"q-{n}", verdicts) for n in range(4)), tmp_path / "r.xlsx")
    rows = sheet(path)
    book = openpyxl.load_workbook(path)
    lists = book.worksheets[0].data_validations.dataValidation
    book.close()
    assert [each.formula1 for each in lists] == [
        f'"{",".join(VERDICTS)}"', '"1,2,3,4,5,cannot tell 无法判断"',
    ]  # fmt: skip
    assert {each.errorStyle for each in lists} == {"warning"}
    for each, start in zip(lists, ("Requirement", "Score from 1"), strict=True):
        cells = {f"F{at}" for at, row in enumerate(rows, 2) if row["kind"].startswith(start)}
        assert {f"F{at}" for at in range(2, 20) if f"F{at}" in each.sqref} == cells
    assert sum(row["kind"].startswith("Score from 0 (worst) to 100") for row in rows) == 4


def test_every_choice_is_understood(tmp_path):
    """What the lists offer is what the reader takes, in words and numbers."""
    run = panel_run(2)
    path = tmp_path / "r.xlsx"
    written(run, path)
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    for number, row in enumerate(page.iter_rows(min_row=2)):
        row[COLUMNS.index("verdict")].value = VERDICTS[number % 3]
        row[COLUMNS.index("rater")].value = "李医生"
    saved(book, path)
    found = match(run, [path])
    assert [each.value for each in found.ratings[:3]] == [1.0, 0.0, None]
    assert tuple(each.item for each in found.ratings) == chosen(run)


def test_the_instructions(tmp_path):
    """The second sheet says the same in English and Chinese."""
    book = openpyxl.load_workbook(written(panel_run(1), tmp_path / "r.xlsx"))
    assert book.sheetnames == ["review", "instructions"]
    assert tuple(book["instructions"].iter_rows(values_only=True)) == INSTRUCTIONS
    book.close()
    for english, chinese in INSTRUCTIONS[1:]:
        assert english.isascii() or "符合" in english
        assert any("\u4e00" <= character <= "\u9fff" for character in chinese)


def test_texts_are_whole_and_harmless(tmp_path):
    """No cell is a formula, none is cut, and control characters are shown as escapes."""
    hostile = ("=1+1", "@cmd", "bell\x07", "#N/A", "长" * 40_000)
    results = [
        answer(f"q-{at}", [verdict(criterion(), "+-?")], completion=Completion(text=text))
        for at, text in enumerate(hostile)
    ]
    run = run_of(results)
    path = written(run, tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(path)
    # Verdict, comment and rater are empty cells.
    cells = [row[:5] for row in book.worksheets[0].iter_rows(min_row=2)]
    assert {each.data_type for row in cells for each in row} == {"s"}
    book.close()
    answers = {row["answer"] for row in sheet(path)}
    assert all(each.alignment.wrap_text for row in cells for each in row)
    assert answers == {"=1+1", "@cmd", "bell\\u0007", "#N/A", "see r.cells.jsonl, line 1"}
    (line,) = (tmp_path / "r.cells.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["text"] == "长" * 40_000


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "R.CSV"])
def test_other_forms(tmp_path, name):
    """CSV and JSON lines have the same rows; filled in, they are read back."""
    run = panel_run(5)
    path = written(run, tmp_path / name)
    book = sheet(written(run, tmp_path / "r.xlsx"))
    text = path.read_text(encoding="utf-8-sig")
    if name.endswith("jsonl"):
        rows = [json.loads(line) for line in text.splitlines()]
    else:
        rows = list(csv.DictReader(text.splitlines()))
    assert [{k: v or None for k, v in row.items()} for row in rows] == book
    assert match(run, [path]).blank == len(book)


def test_equal_bytes(tmp_path):
    """The same run gives the same file."""
    for name in ("r.xlsx", "r.csv", "r.jsonl"):
        first, again = (
            written(panel_run(3), tmp_path / folder / name).read_bytes() for folder in "ab"
        )
        assert first == again


def test_nothing_to_review(tmp_path):
    """A run without a point that judges decided on is an error, and no file."""
    with pytest.raises(WriterError, match="no point that judges decided on"):
        written(run_of([answer("a", [])]), tmp_path / "r.xlsx")
    assert not (tmp_path / "r.xlsx").exists()
