"""Undecided points stay visible: every policy's score, the range, and what was lost or cut."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_levels import answer, verdict

from medcheck.extras import Figure
from medcheck.scoring.gaps import IRRELEVANT
from medcheck.scoring.points import points
from medcheck.scoring.truncation import MOVES
from medcheck.stats.means import mean
from medcheck.summary import short_rows, summarize
from medcheck.types import Criterion, Run
from medcheck.undecided import GROUPS, Rules, Undecided


def summary(*results, **suite):
    """Return the summary of results under one suite's settings."""
    settings = {"summary": {"measure": "mean"}, "protocol": "strict", **suite}
    return summarize(
        Run(id="r", started="", settings={}, versions={}, results=results, suites={"s": settings})
    )


def rows(found):
    return {row.group: row for row in found.rows}


def test_every_policy_has_a_row():
    """The score is there under each policy, with its range and the counts beside it."""
    found = summary(answer("A1+ A2? S4-", "a"), answer("A1- A1? S4+", "b"), answer("A1+", "c"))
    by = rows(found)
    assert by["policy:exclude"].value == by["overall"].value
    assert by["policy:not_met"].raw == pytest.approx((5 / 8 - 4 / 10 + 1) / 3)
    assert by["policy:half"].raw == pytest.approx((6.5 / 8 - 1.5 / 10 + 1) / 3)
    assert by["range:low"].value == pytest.approx((5 / 8 - 4 / 5 + 1) / 3)
    assert by["range:high"].value == pytest.approx((1 + 1 / 10 + 1) / 3)
    assert by["policy:half"].ci95 is not None
    assert by["range:low"].ci95 is None
    assert (by["points:undecided"].value, by["points:undecided"].n) == (2 / 7, 7)
    assert by["points:lost"].value == 0.0
    assert set(by) >= GROUPS
    assert not {row.group for row in short_rows(found)} & GROUPS


def test_the_range_is_always_told():
    """A note gives counts and range; where all points are decided there is none, and no row."""
    [note] = summary(answer("A1+ A2? S4-", "a")).notes
    assert note.startswith("m on s: 1 of 3 points are undecided; the raw mean is 1.0000 without")
    assert "lies between 0.6250 and 1.0000 however they are decided." in note
    clear = summary(answer("A1+ A2-"))
    assert clear.notes == ()
    assert not set(rows(clear)) & GROUPS


def test_the_official_scores_are_clipped_in_each_policy():
    """Under the original's rule each policy clips and rounds as the score does."""
    found = rows(
        summary(
            answer("A1- A2? S4+", rule="gaps_official", undecided="not_met"), protocol="official"
        )
    )
    assert found["overall"].value == found["policy:not_met"].value == found["range:low"].value == 0
    assert found["score:unclipped"].value == -0.5


def test_undecided_as_an_error_still_has_a_range():
    """Answers that the policy `error` leaves unmeasured are scored under the others."""
    found = summary(answer("A1+ A2?", "a", undecided="error"), answer("A1+ A2+", "b"))
    by = rows(found)
    assert (by["overall"].n, by["overall"].ungraded) == (1, 1)
    assert (by["policy:not_met"].n, by["policy:not_met"].ungraded) == (2, 0)
    assert by["policy:not_met"].raw == pytest.approx((5 / 8 + 1) / 2)


def test_lost_points_are_counted():
    """A stored score that rests on fewer points says how many are lost."""
    whole = answer("A1+ A2? A3-")
    lost = replace(verdict("A1!", 9), state="not_run")
    score = replace(whole.score, verdicts=(*whole.score.verdicts, lost))
    [note] = summary(replace(whole, score=score)).notes
    assert "1 of 4 points are undecided and 1 lost" in note
    assert rows(summary(replace(whole, score=score)))["points:lost"].value == 0.25


def test_unknown_scores_are_said_to_be_unknown():
    """An answer that has neither score nor decided points leaves a note without numbers."""
    [note, _] = summary(answer("A1! A2?")).notes
    assert (
        "1 of 2 points are undecided and 1 lost; the scores that they leave open are not known."
        in note
    )


def test_the_cut_says_what_it_moves():
    """Both means stand there: with the original's cut and without it."""
    one, other = answer("A1+ A2+", "a"), answer("A1+ A2-", "b")
    facets = {MOVES: 0.375}
    moved = replace(one, score=replace(one.score, facets=facets))
    same = replace(other, score=replace(other.score, facets={MOVES: 0.0}))
    [note] = summary(moved, same, protocol="official").notes
    assert "changes 1 of 2 scores and moves the mean by +0.187500" in note
    assert "to 0.812500; with all points it is 0.625000." in note


def test_bounds_follow_the_policy_of_the_grader():
    """What an unmeasured answer may still add is bounded as the grader would have scored it."""
    lost = answer("A1+ A2? A3!", "b")
    texts = {
        name: summary(answer("A1+", "a"), lost, **suite).notes[-1]
        for name, suite in {
            "recorded": {"undecided": "not_met"},
            "half": {"undecided": "half"},
            "official": {"protocol": "official"},
            "strict": {},
        }.items()
    }
    low, high = (1 + 5 / 9) / 2, (1 + 6 / 9) / 2
    assert f"between {low:.3f} and {high:.3f}" in texts["recorded"]
    assert f"between {low:.3f} and {high:.3f}" in texts["official"]
    assert f"between {(1 + 6.5 / 9) / 2:.3f} and {(1 + 7.5 / 9) / 2:.3f}" in texts["half"]
    assert f"between {(1 + 5 / 6) / 2:.3f} and 1.000" in texts["strict"]


def test_rules():
    """What a run recorded decides; else protocol and levels do."""
    assert Rules(suite={"protocol": "official"}).undecided == "exclude"
    assert Rules(suite={"protocol": "official"}, levels=True).rule == "gaps_official"
    recorded = Rules(suite={"protocol": "official", "points": "gaps"}, levels=True)
    assert recorded.rule == "gaps"
    assert recorded.of(points([verdict("A1!")], rule="gaps")) == "gaps"


def test_figures_are_figures():
    """The scores of one model are kept as numbers and come out as figures."""
    kept = Undecided()
    kept.add(answer("A1+ A2?"), Rules(suite={}))
    assert all(isinstance(figure, Figure) for figure in kept.figures(mean))
    assert {figure.group for figure in kept.figures(mean)} == GROUPS


def test_coverage_says_what_it_leaves_out():
    """Under every policy the note counts undecided points by level, as rows of a tier have none."""
    one = answer("A1+ A1? S4? A4?", "a", rule="gaps_official", undecided="not_met")
    [note] = summary(one, protocol="official").notes
    assert "Undecided by level: A1 1 of 2, S4 1 of 1; whatever the policy" in note


def test_found_statements_are_no_points():
    """The search for irrelevant statements and what it finds are not counted as points."""
    search = replace(verdict("A4-", 8), criterion=Criterion(
        id="irrelevant", text="t", points=0.0, tags=(IRRELEVANT,)))  # fmt: skip
    found = verdict("S2+", 9, tags=(IRRELEVANT, "irrelevant:S2"))
    told = summary(answer("A1+ A2? S4-", "a", more=(search, found)))
    assert told.notes[0].startswith("m on s: 1 of 3 points are undecided;")
    assert rows(told)["points:undecided"].n == rows(told)["points:lost"].n == 3


def test_nothing_is_left_without_undecided_points():
    """Where all points of an answer are undecided, leaving them out gives it no score, and no 0."""
    lost = answer("A1? A2?", "a", rule="gaps_official", undecided="not_met")
    found = summary(lost, protocol="official")
    assert (rows(found)["overall"].raw, rows(found)["policy:exclude"].raw) == (0.0, None)
    assert "the raw mean is not measured without them, 0.0000 with all" in found.notes[0]
    half = answer("A1+ A2?", "b", rule="gaps_official", undecided="not_met")
    [note] = summary(lost, half, protocol="official").notes
    assert "1.0000 without them (over 1 of 2 answers), 0.3125 with all" in note
