"""`results.csv`: a row an answer, and no cell that a spreadsheet takes for a formula."""

import csv
import re

import pytest
import report_runs

from medcheck.types import Completion, Score, Usage
from medcheck.writers import csv as writer


def export(tmp_path, results):
    """Write results and return the file's rows, read as a spreadsheet reads them."""
    run, summary = report_runs.run_of(results)
    path = writer.write(run, summary, tmp_path / "results.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_rows(tmp_path):
    """Each answer is a row with its score, its verdicts by state, and its texts as they are."""
    answer = 'Call 120,\nthen "wait".\r\n胸痛'
    verdicts = (
        report_runs.verdict(report_runs.RESCUE, "met"),
        report_runs.verdict(report_runs.WAIT, "met"),
        report_runs.verdict(report_runs.RESCUE, "undecided"),
    )
    result = report_runs.result(
        verdicts=verdicts,
        completion=Completion(text=answer, usage=Usage(input=10, output=5), cost_usd=0.25),
        score=Score(value=-0.5, earned=-4, possible=8, verdicts=verdicts),
        category=("a", "b"),
        repeat=2,
    )
    [row] = export(tmp_path, [result])
    assert list(row) == list(writer.COLUMNS)
    expected = {
        "case_id": "chest-pain", "suite": "triage", "model": "alpha", "repeat": "2",
        "category": "a / b", "tags": "theme:emergency lang:zh", "state": "scored",
        "score": "-0.5", "earned": "-4", "possible": "8", "passed": "false", "criteria": "3",
        "met": "2", "not_met": "0", "undecided": "1", "zero_tolerance_met": "1",
        "question": "user: 胸口很痛 for 30 minutes. What now?", "answer": answer,
        "finish": "stop", "input_tokens": "10", "output_tokens": "5", "cost_usd": "0.25",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


def test_not_measured_is_empty(tmp_path):
    """What was not measured is an empty cell, never 0."""
    lost = report_runs.result(
        value=None, state="model_error", score=None, completion=None, error="HTTP 500"
    )
    [row] = export(tmp_path, [lost])
    assert (row["state"], row["error"]) == ("model_error", "HTTP 500")
    for name in ("score", "passed", "met", "criteria", "zero_tolerance_met", "answer", "cost_usd"):
        assert row[name] == "", name


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'"]
)
def test_no_text_is_a_formula(tmp_path, start):
    """A text that begins like a formula stands after an apostrophe, in every column of texts."""
    text = f"{start}1+cmd|' /C calc'!A0"
    result = report_runs.result(
        text, text, completion=Completion(text=text), tags=(text,), error=text
    )
    [row] = export(tmp_path, [result])
    for name in ("case_id", "model", "answer", "tags", "error"):
        assert row[name] == f"'{text}", name


def test_plain_texts_and_numbers_stay(tmp_path):
    """Other texts and negative numbers are not touched."""
    assert writer.safe("1=1") == "1=1"
    assert writer.safe(-0.5) == -0.5
    assert writer.safe(None) is None


def test_bytes(tmp_path):
    """UTF-8 with a mark for Excel; equal runs give equal bytes, and an empty run has a head."""
    run, summary = report_runs.run_of([report_runs.result()])
    one = writer.write(run, summary, tmp_path / "one.csv").read_bytes()
    assert one == writer.write(run, summary, tmp_path / "two.csv").read_bytes()
    assert one.startswith(b"\xef\xbb\xbfcase_id,suite,")
    assert one.count(b"\r\n") == 2
    assert export(tmp_path, []) == []


def test_figures(tmp_path):
    """Beside the answers stand all rows of the summary, every group, with what they rest on."""
    rows = (
        report_runs.row(ci95=None, value=None, raw=None, n=0, ungraded=3),
        report_runs.row("=beta", "incidence:S4", value=0.25, raw=0.25, ci95=(0.1, 0.4), n=8),
        report_runs.row("=beta", "distribution:-0.1", value=0.5, raw=0.5, ci95=None),
    )
    run, summary = report_runs.run_of([report_runs.result()], rows=rows)
    writer.write(run, summary, tmp_path / "results.csv")
    with (tmp_path / "figures.csv").open(encoding="utf-8-sig", newline="") as file:
        head, lost, found, part = csv.reader(file)
    assert tuple(head) == writer.FIGURES
    assert lost == ["alpha", "triage", "overall", "", "", "", "", "0", "3"]
    assert found == ["'=beta", "triage", "incidence:S4", "0.25", "0.25", "0.1", "0.4", "8", "0"]
    assert part[2:4] == ["distribution:-0.1", "0.5"]


def test_figures_never_replace_the_answers(tmp_path):
    """Under another name the figures carry it too."""
    assert writer.figures_path(tmp_path / "results.csv").name == "figures.csv"
    assert writer.figures_path(tmp_path / "figures.csv").name == "figures.figures.csv"


def test_control_characters_are_escapes():
    """No cell holds NUL, ESC or the like, and the text can be had again from its escapes."""
    text = "a\x00b\x1b[31mc\x9b1m\x7f\td\r\ne \\u001b \\u005c \\u0041 \\n"
    content = writer.safe(text)
    assert content == (
        r"a\u0000b\u001b[31mc\u009b1m\u007f" + "\td\r\ne " + r"\u005cu001b \u005cu005c \u0041 \n"
    )
    found = re.compile(r"\\u(00(?:0[0-8bcef]|[189][0-9a-f]|7f|5c))")
    assert found.sub(lambda one: chr(int(one[1], 16)), content) == text
    assert writer.safe("\x1b=1") == r"\u001b=1"
