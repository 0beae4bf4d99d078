"""The leaderboard in a terminal, as Markdown and as CSV."""

from __future__ import annotations

import csv

import pytest
from board_runs import run_of, sheet_of

from medcheck.published import NOT_RERUN
from medcheck.writers import _board


def table(sheet, title):
    return next(t for t in _board.tables(sheet) if t.title.startswith(title))


def test_standings_carry_intervals():
    """Every rate and mean stands with its interval and the number of benchmarks."""
    found = table(sheet_of(), "Leaderboard")
    assert found.head[2:4] == ("win rate", "95 % interval")
    assert found.rows[0][:3] == ("1", "b", "0.750")
    assert " to " in found.rows[0][3]
    assert [row[-1] for row in found.rows] == ["2", "2", "2"]


def test_pool_effect_names_who_is_left_out():
    """For each model: its lowest and highest rate, without whom, and the ranks it takes."""
    found = table(sheet_of(), "Effect of the pool")
    assert found.rows[0] == ("b", "0.750", "0.500", "c", "1.000", "a", "1")
    assert (
        found.rows[2] == ("c", "0.000", "0.000", "b", "0.000", "b", "2") or found.rows[2][0] == "c"
    )
    matrix = table(sheet_of(), "Win rates, each")
    assert matrix.rows[0] == ("b", "-", "1.000", "0.500")


def test_costs_keep_model_and_jury_apart():
    """The jury's cost is a column of its own; unknown is a word, never nothing."""
    found = table(sheet_of(), "Cost of all answers")
    row = dict(zip(found.head, found.rows[0], strict=True))
    assert row["cost"] == "$0.05"
    assert (row["jury cost"], row["total"]) == ("unknown", "unknown")
    assert row["cost per point"] == "$0.0007407"
    assert row["Pareto front"] == "yes"
    assert [each[-1] for each in found.rows] == ["yes", "", ""]


def test_half_a_leaderboard_is_on_no_front():
    """Who lacks a benchmark has paid for less: no cost per point, no place on the front, a note."""
    scores = {"triage": {"a": [0.5, 0.5], "b": [0.6, 0.6]}, "dosing": {"a": [0.5, 0.5]}}
    sheet = sheet_of(run_of(scores))
    found = table(sheet, "Cost of all answers")
    rows = {row[0]: dict(zip(found.head, row, strict=True)) for row in found.rows}
    assert (rows["a"]["Pareto front"], rows["b"]["Pareto front"]) == ("yes", "")
    assert rows["a"]["cost per point"] == "$0.0008"
    assert rows["b"]["cost per point"] == "-"
    assert [point.label for point in sheet.points] == ["a"]
    told = [note for note in _board.notes(sheet) if "Pareto" in note]
    assert told == [
        "b: not measured on every benchmark, so the cost is of fewer; no cost per point, and left "
        "out of the Pareto front."
    ]
    whole = sheet_of(run_of({"triage": scores["triage"]}))
    assert not [note for note in _board.notes(whole) if "Pareto" in note]


def test_costs_are_of_the_benchmarks_in_the_table():
    """A suite that no column shows is not billed; other numbers of answers are said."""
    scores = {"triage": {"a": [0.5, 0.5, 0.1], "b": [0.6, 0.6]}, "none": {"a": [None, None]}}
    sheet = sheet_of(run_of(scores), shared=True)
    found = table(sheet, "Cost of all answers")
    assert {row[0]: row[3] for row in found.rows} == {"a": "$0.03", "b": "$0.02"}
    told = [note for note in _board.notes(sheet) if "costs are of all" in note]
    assert told == ["triage: costs are of all answers, of which there are 2 of b, 3 of a."]


def test_benchmarks_say_what_they_are_measured_by():
    """The table of benchmarks names grader or metric, and the protocol."""
    found = table(sheet_of(), "Scores by benchmark")
    assert found.head[:3] == ("benchmark", "measured by", "cases")
    assert found.rows[0][:3] == ("triage", "strict protocol", "3")


def test_the_official_estimate_is_named():
    """The upper bound says what it is."""
    sheet = sheet_of(costing="official")
    assert any("upper bound" in note for note in _board.notes(sheet))
    assert not any("upper bound" in note for note in _board.notes(sheet_of()))
    found = table(sheet, "Cost of all answers")
    assert {row[0]: row[2] for row in found.rows} == {"a": "500", "b": "500", "c": "500"}


def test_prices_are_dated():
    """A price stands with the day it was read and its source."""
    found = table(sheet_of(), "Prices known today")
    rows = {row[0]: row[1:] for row in found.rows}
    assert rows["a"] == ("2", "0.5", "10", "2026-01-02", "a page")
    assert rows["judge"][0] == "unknown"


def test_published_rows_are_marked():
    """No published figure stands without the words that it was not re-run."""
    sheet = sheet_of(published_rows=True)
    shown = "\n".join(_board.lines(sheet))
    assert shown.count(NOT_RERUN) >= 19
    assert "0.435 (0.0049)" in shown
    assert NOT_RERUN not in "\n".join(_board.lines(sheet_of()))


def test_columns_line_up_with_chinese_names():
    """A Chinese letter takes two places in a terminal."""
    run = run_of({"triage": {"模型甲": [0.9, 0.8], "b": [0.1, 0.2]}})
    head, first, second = _board.lines(sheet_of(run))[1:4]
    assert head.index("win rate") == first.index("1.000") + 3
    assert head.index("win rate") == second.index("0.000")


def test_long_tables_are_cut_in_a_terminal():
    """A terminal shows forty rows and says how many more there are."""
    many = {f"suite-{n:02}": {"a": [0.1, 0.2], "b": [0.3, 0.1]} for n in range(45)}
    shown = "\n".join(_board.lines(sheet_of(run_of(many))))
    assert "... and 5 more; --out FILE holds all" in shown


def test_markdown_shows_names_as_they_are(tmp_path):
    """A name from data changes no table; notes are there."""
    run = run_of({"triage": {"a|b*": [0.9, 0.8], "<b>": [0.1, None]}})
    path = _board.write_markdown(sheet_of(run), tmp_path / "board.md")
    text = path.read_text(encoding="utf-8")
    assert "a\\|b\\*" in text
    assert "<b>" not in text
    assert "- triage: compared on 1 of 2 cases" in text


def test_csv_holds_full_numbers(tmp_path):
    """A row for each model: rates, intervals, tokens, cost and each score, not rounded."""
    sheet = sheet_of()
    path = _board.write_csv(sheet, tmp_path / "board.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows] == ["b", "a", "c"]
    assert float(rows[0]["mean"]) == sheet.board.standings[0].mean
    assert float(rows[1]["score: triage"]) == pytest.approx(0.8)
    assert (rows[0]["jury_cost_usd"], rows[0]["cost_basis"]) == ("", "paid")


def test_csv_has_the_systems_beside(tmp_path):
    """The second file holds a line for each figure; interval and n belong to overall."""
    _board.write_csv(sheet_of(published_rows=True), tmp_path / "board.csv")
    with (tmp_path / "board.systems.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    own = [row for row in rows if row["model"] == "a" and row["table"] == "triage"]
    assert [(row["group"], bool(row["n"])) for row in own] == [
        ("overall", True), ("a", False), ("b", False)]  # fmt: skip
    assert {row["kind"] for row in own} == {"medical"}
    assert sum(NOT_RERUN in row["origin"] for row in rows) == 81


def test_csv_is_no_formula(tmp_path):
    """A name that a spreadsheet would run stands after an apostrophe."""
    run = run_of({"=1+1": {"@a": [0.9, 0.8], "b": [0.1, 0.2]}})
    path = _board.write_csv(sheet_of(run), tmp_path / "board.csv")
    text = path.read_text(encoding="utf-8-sig")
    assert "1,'@a" in text
    assert "score: =1+1" in text


@pytest.mark.parametrize(
    ("cost", "text"),
    [(None, "unknown"), (0.0, "$0.00"), (1234.5, "$1,234.50"), (0.00012345, "$0.0001234")],
)
def test_money(cost, text):
    """Small amounts keep four digits, large ones have cents, none is unknown."""
    assert _board.money(cost) == text


def test_one_model_has_no_pool():
    """With one contestant there is no table of the pool, and no rate."""
    sheet = sheet_of(run_of({"triage": {"a": [0.1, 0.2]}}))
    titles = [t.title for t in _board.tables(sheet)]
    assert not any("pool" in title or "left out" in title for title in titles)
    assert table(sheet, "Leaderboard").rows[0][2] == "-"
