"""The figures of the recorded GAPS answers: range, undecided and lost points, the cut."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from medcheck.readers._gaps_verdicts import read_verdicts
from medcheck.scoring.points import points
from medcheck.scoring.truncation import MOVES
from medcheck.stats.means import wilson
from medcheck.summary import summarize
from medcheck.types import Completion, Result, Run

SUITES = {"gaps": {"summary": {"measure": "mean", "by": ["grounding"]}, "protocol": "official"}}
OFFICIAL = {"rule": "gaps_official", "undecided": "not_met"}


@pytest.fixture(scope="module")
def recorded(shared_data):
    return list(read_verdicts(shared_data / "gaps" / "gaps_verdicts_antangelmed.jsonl.gz"))


def summary(recorded, score):
    """Return the summary of the recorded answers under a score of each."""
    results = tuple(
        Result(
            run="r", case_id=row.case_id, suite="gaps", model="AntAngelMed", state="scored",
            completion=Completion(text=row.answer), tags=(f"grounding:{row.category}",),
            score=replace(score(row), verdicts=row.verdicts),
        )
        for row in recorded
    )  # fmt: skip
    run = Run(id="r", started="", settings={}, versions={}, results=results, suites=SUITES)
    return summarize(run)


@pytest.fixture(scope="module")
def whole(recorded):
    """The summary of all verdicts that are there."""
    return summary(recorded, lambda row: points(row.there, **OFFICIAL))


def test_range(whole):
    """The range is 0.2290 to 0.5082, 303 of 1,691 points are undecided and 2 lost; all is told."""
    rows = {row.group: row for row in whole.rows}
    assert round(rows["overall"].value, 6) == 0.251932
    assert rows["policy:not_met"].value == rows["overall"].value
    assert (round(rows["range:low"].value, 4), round(rows["range:high"].value, 4)) == (
        0.2290, 0.5082,
    )  # fmt: skip
    assert (round(rows["points:undecided"].value * 1691), rows["points:undecided"].n) == (303, 1691)
    assert round(rows["points:lost"].value * 1691) == 2
    [note] = whole.notes
    assert "303 of 1,691 points are undecided and 2 lost" in note
    assert "0.2519 with all of them not met" in note
    assert "between 0.2290 and 0.5082" in note


def test_levels(whole, recorded):
    """Coverage and incidence are those of the recorded verdicts, counted here once more."""
    rows = {row.group: row for row in whole.rows}

    def states(row, level):
        return [v.state for v in row.there if v.criterion.level == level]

    shares = []
    for row in recorded:
        decided = [state for state in states(row, "A1") if state != "undecided"]
        if decided:
            shares.append(decided.count("met") / len(decided))
    assert rows["tier:A1"].value == pytest.approx(statistics.fmean(shares))
    assert rows["tier:A1"].n == len(shares) == 83
    found = [states(row, "S4") for row in recorded]
    met = sum("met" in each for each in found)
    known = sum("met" in each or "undecided" not in each for each in found if each)
    assert rows["any:S4"].value == rows["incidence:S4"].value == met / known
    assert rows["any:S4"].ci95 == wilson(met, known)
    assert rows["any:S4"].ungraded == sum(map(bool, found)) - known == 9
    assert "tier:A4" not in rows


def test_the_cut_moves_the_mean(recorded):
    """With the original's cut the mean is 0.253291, and the report says what it is without."""

    def cut(row):
        kept, there = (points(v, **OFFICIAL).value for v in (row.kept, row.there))
        return replace(points(row.kept, **OFFICIAL), facets={MOVES: kept - there})

    found = summary(recorded, cut)
    assert round(found.rows[0].value, 6) == 0.253291
    changed = sum(
        points(row.kept, **OFFICIAL).value != points(row.there, **OFFICIAL).value
        for row in recorded
    )
    note = next(note for note in found.notes if "cell limit" in note)
    assert f"changes {changed} of 92 scores and moves the mean by +0.001360, to 0.253291" in note
    assert "with all points it is 0.251932." in note
