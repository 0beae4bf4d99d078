"""`medcheck agree` on a real store: from the workbook that people filled in to the figures."""

import argparse
import json
from dataclasses import replace

import openpyxl
import pytest
from review_runs import panel_run, saved, scaled_run, stored, table

from medcheck.commands import agree
from medcheck.errors import SettingsError, StoreError
from medcheck.review.queue import item_of, points_of
from medcheck.store.database import open_database
from medcheck.store.runs import Runs
from medcheck.summary import summarize
from medcheck.types import Run
from medcheck.writers import review


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the command in the test's folder; return what it printed, as errors too."""
    monkeypatch.chdir(tmp_path)

    def called(*arguments, status=0):
        parser = argparse.ArgumentParser(prog="medcheck agree")
        agree.arguments(parser)
        assert agree.run(parser.parse_args([str(each) for each in arguments])) == status
        said = capsys.readouterr()
        return said.err if status else said.out

    return called


def filled(run, path, said):
    """Write the queue of a stored run and fill it in by a rule."""
    with open_database(path.parent / "reports" / "medcheck.sqlite") as database:
        read = Runs(database).read(run.id)
        review.write(read, summarize(read), path)
    known = {item_of(run, p): p for result in run.results for p in points_of(result)}
    book = openpyxl.load_workbook(path)
    for cells in book.worksheets[0].iter_rows(min_row=2):
        cells[review.COLUMNS.index("verdict")].value = said(known[cells[0].value])
    return saved(book, path)


def test_from_queue_to_agreement(tmp_path, call):
    """A workbook written from a store and filled in gives every judge's agreement, and JSON."""
    run = panel_run(20)
    stored(tmp_path, run)
    path = filled(run, tmp_path / "dr_li.xlsx", lambda p: "符合" if p.panel else "不符合")
    told = call("run-1", path, "--out", "agree.json")
    assert told.startswith("run run-1: ratings by dr_li 130\n")
    assert "wrote agree.json" in told
    found = json.loads((tmp_path / "agree.json").read_text(encoding="utf-8"))
    assert {line["judge"] for line in found["agreement"]} == {
        "panel", "judge-a", "judge-b", "judge-c",
    }  # fmt: skip
    first = found["agreement"][0]
    assert (first["n"], first["figures"]["agreement"]["value"]) == (90, 1.0)
    assert found["disagreements"] == []


def test_several_raters_and_one_judge(tmp_path, call):
    """Each file is a person; --judge leaves the others out."""
    run = panel_run(6)
    stored(tmp_path, run)
    paths = [filled(run, tmp_path / f"{name}.xlsx", lambda _: "是") for name in ("li", "wang")]
    told = call("run-1", *paths, "--judge", "judge-b")
    assert "judge-b" in told
    assert "judge-a" not in told
    assert "li and wang" in told
    with pytest.raises(SettingsError, match='"nobody" voted on no point'):
        call("run-1", *paths, "--judge", "nobody")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "xlsx"])
def test_official_human_ratings(tmp_path, call, ending):
    """Scores of 1 to 5 by case, model and rater: weighted kappa, ICC, and usable or not."""
    scores = [(5, 4, 4), (2, 1, 2), (4, 4, 4), (3, 3, 2), (5, 5, 5), (1, 2, 1)] * 4
    run = scaled_run(scores)
    stored(tmp_path, run)
    rows = [
        {"case_id": f"MK-{at}-1", "model": "alpha", "rater": who, "score": told}
        for who, shift in (("p1", 0), ("p2", 1))
        for at, told in enumerate((max(1, row[0] - shift) for row in scores), start=1)
    ]
    told = call("run-1", table(tmp_path / f"ratings.{ending}", rows), "--out", "a.json")
    assert "scale 1-5\n" in told
    assert "usable: 4 or more of 5\n" in told
    assert "weighted kappa" in told
    lines = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["agreement"]
    scale, usable = (
        next(line for line in lines if (line["section"], line["judge"]) == (section, "panel"))
        for section in ("scale 1-5", "usable")
    )
    assert (scale["n"], usable["n"], scale["cases"]) == (48, 48, 24)
    assert 0.5 < scale["figures"]["icc_2_1"]["value"] < 1
    assert usable["figures"]["agreement"]["value"] == pytest.approx((24 + 20) / 48)


def test_errors_are_told(tmp_path, call):
    """A wrong row, a missing run and a missing store are errors with their place."""
    stored(tmp_path, panel_run(2))
    path = table(tmp_path / "a.csv", [{"item": "r1", "verdict": "met"}] * 2)
    lines = call("run-1", path, status=2).splitlines()
    told = 'item "r1" is no point of the run run-1.'
    assert [told in line for line in lines] == [True, True]
    assert [line.partition(": ")[0] for line in lines] == [f"{path}:2", f"{path}:3"]
    assert "no such file" in call("run-1", "absent.csv", status=2)
    with pytest.raises(StoreError, match='no run "run-9"'):
        call("run-9", path)
    with pytest.raises(StoreError, match="there is no store here"):
        call("run-1", path, "--store", "elsewhere.sqlite")


def test_people_are_held_to_the_suites_own_threshold(tmp_path, call):
    """Scores of people are usable from where the suite says it of the judge's, not from 4."""
    from refine_runs import result

    scores = {"a": 5, "b": 3, "c": 2}
    rows = [{"case_id": name, "score": score} for name, score in scores.items()]
    path = table(tmp_path / "people.csv", rows)

    def measured(name, *thresholds):
        suites = {
            "s" if number == 0 else "other": {
                "usability": {"runs": 1, "usable_at": threshold},
                "summary": {"measure": "mean", "by": []},
            }
            for number, threshold in enumerate(thresholds)
        }
        results = tuple(replace(result(c, [score]), run=name) for c, score in scores.items())
        run = Run(id=name, started="2026-01-01T00:00:00+00:00", settings={"seed": 3}, versions={},
                  results=results, suites=suites)  # fmt: skip
        stored(tmp_path, run)

    measured("low", 3.0)
    told = call("low", path, "--usable")
    assert "1.000" in told
    assert "0.667" not in told, "people's 3 is not usable where the judge's is"
    measured("two", 3.0, 5.0)
    with pytest.raises(SettingsError, match="usable from 3 and 5, by suite"):
        call("two", path, "--usable")


def test_usable_answers(tmp_path, call):
    """With --usable whole answers are compared, several people being one verdict."""
    from refine_runs import result

    suites = {"s": {"usability": {"runs": 1}, "summary": {"measure": "mean", "by": []}}}
    results = tuple(replace(result(name, [score]), run="r") for name, score in (("a", 5), ("b", 2)))
    run = Run(id="r", started="2026-01-01T00:00:00+00:00", settings={"seed": 3}, versions={},
              results=results, suites=suites)  # fmt: skip
    stored(tmp_path, run)
    rows = [{"case_id": "a", "usable": "是"}, {"case_id": "b", "usable": "否"}]
    path = table(tmp_path / "people.csv", rows)
    told = call("r", path, "--usable")
    assert "s: 2 answers with a verdict of judge and people" in told
    assert "precision" in told
    assert told.endswith("seed 3.\n")
    said = call("r", path, path, "--usable", status=2)
    assert said.count(" already, at ") == 2
    wrong = table(tmp_path / "wrong.csv", [{**row, "model": "M"} for row in rows])
    assert f'{wrong}:2: model "M" is not in run r' in call("r", wrong, "--usable", status=2)
    assert "are read with --usable" in call("r", path, status=2)
    with pytest.raises(SettingsError, match="--usable takes neither"):
        call("r", path, "--usable", "--judge", "j")
