"""`medcheck export --to gaps` is the original's workbook."""

import argparse

import openpyxl
import pytest
from review_runs import panel_run, stored

from medcheck import shelves
from medcheck.commands import export


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the command on a stored run in the test's folder; return what it printed."""
    stored(tmp_path, panel_run(3))
    monkeypatch.chdir(tmp_path)

    def called(*arguments):
        parser = argparse.ArgumentParser(prog="medcheck export")
        export.arguments(parser)
        assert export.run(parser.parse_args(["run-1", *arguments])) == 0
        return capsys.readouterr().out

    return called


@pytest.mark.parametrize("name", ["gaps", "gaps_xlsx"])
def test_gaps_is_the_workbook(tmp_path, call, name):
    """Short and long name write the same file, which has the original's columns."""
    assert call("--to", name) == "wrote reports/run-1/gaps.xlsx\n"
    book = openpyxl.load_workbook(tmp_path / "reports" / "run-1" / "gaps.xlsx", read_only=True)
    header = next(book.active.iter_rows(max_row=1, values_only=True))
    book.close()
    assert header[:6] == ("index", "question", "分类", "rubrics", "alpha", "alpha_judged_json")


def test_gaps_to_a_place_of_ones_own(tmp_path, call):
    """--out names the file, and nothing is added to the name."""
    assert call("--to", "gaps", "--out", "mine.xlsx") == "wrote mine.xlsx\n"
    assert (tmp_path / "mine.xlsx").is_file()


def test_short_names_lead_to_writers():
    """A short name hides no writer and stands for one that exists."""
    writers = set(shelves.names("writers"))
    assert not writers & export.ALIASES.keys()
    assert set(export.ALIASES.values()) <= writers
    assert export.EXPORTS.keys() <= writers
