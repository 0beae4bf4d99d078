"""`results.xlsx` holds the summary, every answer and every ballot; missing numbers stay missing."""

from dataclasses import replace

import openpyxl
from report_runs import RESCUE, WAIT, result, row, run_of, verdict

from medcheck.types import Completion, Verdict
from medcheck.writers.xlsx import ANSWERS, SUMMARY, VERDICTS, write


def sheets(path, results, **more):
    """Write a run and return its sheets as lists of rows by column."""
    write(*run_of(results, **more), path)
    book = openpyxl.load_workbook(path)
    found = {}
    for sheet in book:
        header, *rows = sheet.iter_rows(values_only=True)
        found[sheet.title] = (header, [dict(zip(header, cells, strict=True)) for cells in rows])
    book.close()
    return found


def test_sheets_and_columns(tmp_path):
    """There are three sheets, each with its columns."""
    found = sheets(tmp_path / "r.xlsx", [result()])
    assert {name: header for name, (header, _) in found.items()} == {
        "summary": SUMMARY, "answers": ANSWERS, "verdicts": VERDICTS,
    }  # fmt: skip


def test_summary(tmp_path):
    """A row of the summary is a row; without an interval its cells are empty."""
    rows = (row(), row("beta", value=None, raw=None, ci95=None, n=0, ungraded=3))
    first, second = sheets(tmp_path / "r.xlsx", [], rows=rows)["summary"][1]
    assert (first["value"], first["low95"], first["high95"], first["n"]) == (0.5, 0.4, 0.6, 10)
    assert (second["value"], second["low95"], second["n"], second["ungraded"]) == (None, None, 0, 3)


def test_answers(tmp_path):
    """Each answer has its question, its state and its score; without one the cell is empty."""
    lost = result("b", value=None, error="judge failed")
    silent = replace(lost, case_id="c", score=None, completion=None, state="model_error")
    first, second, third = sheets(tmp_path / "r.xlsx", [result("a"), lost, silent])["answers"][1]
    assert (first["score"], first["earned"], first["possible"]) == (0.5, 5, 10)
    assert first["question"] == "user: 胸口很痛 for 30 minutes. What now?"
    assert first["answer"] == "Call 120 now."
    assert (second["score"], second["state"], second["error"]) == (
        None, "judge_error", "judge failed",
    )  # fmt: skip
    assert (third["answer"], third["score"], third["state"]) == (None, None, "model_error")


def test_verdicts(tmp_path):
    """Each ballot is a row with its judge; a verdict that nobody gave is a row too."""
    two = verdict(RESCUE, "met")
    two = replace(two, ballots=(*two.ballots, *verdict(RESCUE, "not_met", judge="judge-2").ballots))
    nobody = Verdict(criterion=WAIT, state="not_run", value=None)
    rows = sheets(tmp_path / "r.xlsx", [result(verdicts=(two, nobody))])["verdicts"][1]
    assert [(r["criterion_id"], r["judge"], r["ballot"], r["state"]) for r in rows] == [
        ("rescue", "judge-1", "met", "met"),
        ("rescue", "judge-2", "not_met", "met"),
        ("wait", None, None, "not_run"),
    ]
    assert rows[0]["explanation"] == "It says so."


def test_hostile_answers(tmp_path):
    """An answer that is a formula is a text."""
    bad = result(completion=Completion(text="=1+1\x07"))
    write(*run_of([bad]), tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    [cell] = [c for c in book["answers"][2] if c.value == "=1+1\\u0007"]
    assert (cell.data_type, cell.quotePrefix) == ("s", True)
    book.close()


def test_equal_runs_give_equal_bytes(tmp_path):
    """The workbook of a run is the same each time."""
    for name in ("a", "b"):
        write(*run_of([result()]), tmp_path / f"{name}.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
