"""`medcheck leaderboard` on a real store."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest
from board_runs import THREE, run_of

from medcheck.commands import leaderboard
from medcheck.errors import SettingsError, StoreError
from medcheck.published import NOT_RERUN
from medcheck.store.database import open_database
from medcheck.store.runs import Runs

SHORT = {"triage": {"d": [0.9, 0.8]}}
GOOD = {"triage": {"d": [0.9, 0.8, 0.1]}}


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Return a folder whose store holds three models, and a fourth on all or fewer cases."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MEDCHECK_STORE", raising=False)
    (tmp_path / "reports").mkdir()
    with open_database(str(tmp_path / "reports" / "medcheck.sqlite")) as database:
        runs = Runs(database)
        for name, scores in (("three", THREE), ("short", SHORT), ("good", GOOD)):
            made = run_of(scores, name=name)
            told = {"started": made.started, "settings": {}, "versions": made.versions}
            runs.begin(name, suites=made.suites, **told)
            runs.record_many(
                replace(each, run=name, position=at) for at, each in enumerate(made.results)
            )
    return tmp_path


def called(*given):
    """Run the command as the command line would."""
    parser = argparse.ArgumentParser()
    leaderboard.arguments(parser)
    return leaderboard.run(parser.parse_args(given))


def test_it_prints_the_table(store, capsys):
    """The best model stands first, with interval, costs and the systems of each suite."""
    assert called("three") == 0
    shown = capsys.readouterr().out
    rows = shown.splitlines()
    assert rows[0] == "Leaderboard"
    assert rows[2].startswith("1     b      0.750     ")
    assert "Effect of the pool" in shown
    assert "Cost of all answers" in shown
    assert "run three" in shown
    assert NOT_RERUN not in shown


def test_several_runs(store, capsys):
    """Models of several runs stand in one table; who lacks a suite is named."""
    assert called("three", "good") == 0
    shown = capsys.readouterr().out
    assert "d: not measured on 1 of 2 benchmarks (dosing)" in shown


def test_other_items_are_refused(store, capsys):
    """Different item sets end the command with an error, unless told to compare common ones."""
    with pytest.raises(SettingsError, match="the items differ"):
        called("three", "short")
    assert called("three", "short", "--shared") == 0
    assert "2 of 3 are the same for all, compared" in capsys.readouterr().out


def test_by_category(store, capsys):
    """Categories may be the benchmarks."""
    assert called("three", "--by", "category") == 0
    assert "triage: theme:a" in capsys.readouterr().out


def test_published(store, capsys):
    """Published rows are printed on request, marked."""
    assert called("three", "--published") == 0
    shown = capsys.readouterr().out
    assert shown.count(f"{NOT_RERUN} (2026-02-03)") == 19
    assert "0.435 (0.0049)" in shown


def test_costs_and_traits_come_from_the_models_file(store, capsys):
    """A user's models file says prices, openness and kind of names that a run holds."""
    entry = "{open_weights: true, kind: medical, price: {input: 2, output: 10, date: '2026-01-02'}}"
    (store / "own.yaml").write_text(f"a: {entry}\njudge: {entry}\n", encoding="utf-8")
    assert called("three", "--cost", "official", "--models-file", "own.yaml") == 0
    shown = capsys.readouterr().out
    assert "MedHELM's upper bound" in shown
    row = next(line for line in shown.splitlines() if line.startswith("a      50"))
    assert "$0.0051" in row
    assert "2026-01-02" in shown
    assert any(line.split()[:3] == ["a", "open", "medical"] for line in shown.splitlines())


@pytest.mark.parametrize("name", ["board.md", "board.csv", "board.html"])
def test_it_writes_files(store, capsys, name):
    """The ending of the file's name says what is written."""
    assert called("three", "--out", name) == 0
    assert f"wrote {name}" in capsys.readouterr().out
    assert (store / name).stat().st_size > 500


def test_another_ending_is_refused(store):
    """What cannot be written is said before anything is read."""
    with pytest.raises(SettingsError, match=r'"\.pdf" is not one of \.md, \.csv, \.html'):
        called("three", "--out", "board.pdf")


def test_an_unknown_run(store):
    """A run that is not stored is an error of the store."""
    with pytest.raises(StoreError):
        called("nowhere")
