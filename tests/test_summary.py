"""A run becomes rows whose every number says on how many answers it rests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medcheck.scoring.points import points
from medcheck.summary import short_rows, summarize
from medcheck.types import Ballot, Completion, Criterion, Result, Run, Score, Usage, Verdict

GOOD = Criterion(id="1", text="good", points=3, tags=("axis:a",))
ALSO = Criterion(id="2", text="also", points=1, tags=("axis:b",))
BAD = Criterion(id="3", text="bad", points=-2, zero_tolerance=True, tags=("axis:b",))


def verdict(criterion, state, *, asks=1, cost=0.25):
    """Return the verdict of one judge."""
    value = {"met": 1.0, "not_met": 0.0}.get(state)
    ballot = Ballot(
        judge="j", state=state, value=value, asks=asks,
        usage=Usage(input=10, output=2), cost_usd=cost if asks else None,
    )  # fmt: skip
    return Verdict(criterion=criterion, state=state, value=value, ballots=(ballot,))


def result(case, states="met met not_met", **changes):
    """Return a result whose three criteria have these states."""
    pairs = zip((GOOD, ALSO, BAD), states.split(), strict=True)
    score = points([verdict(criterion, state) for criterion, state in pairs])
    fields = {
        "run": "r", "case_id": case, "suite": "s", "model": "m",
        "state": "scored" if score.value is not None else "judge_error",
        "score": score, "tags": ("theme:x",),
        "completion": Completion(text="t", key="k", usage=Usage(input=7, output=3), cost_usd=1.0),
    }  # fmt: skip
    return Result(**{**fields, **changes})


def summary(*results, **suite):
    """Return the summary of results under one suite's settings."""
    settings = {"summary": {"measure": "mean", "by": ["theme"]}, "protocol": "strict", **suite}
    run = Run(
        id="r", started="2026-01-01T00:00:00+00:00", settings={}, versions={"v": "1"},
        results=results, suites={"s": settings},
    )  # fmt: skip
    return summarize(run)


def row(found, group):
    """Return one row."""
    return next(row for row in found.rows if row.group == group)


def test_means_by_group():
    """Overall and case tags take the case's score, criterion tags their own criteria's."""
    found = summary(result("a"), result("b", "not_met met met"))
    assert row(found, "overall").value == np.mean([1.0, -0.25])
    assert row(found, "theme:x").value == row(found, "overall").value
    assert row(found, "axis:a").value == 0.5
    assert row(found, "axis:b").value == np.mean([1.0, -1.0])
    assert found.complete


def test_the_official_measure_stands_beside_the_raw_mean():
    """Clipping after averaging is the official number; the raw mean and its interval stay."""
    found = row(
        summary(
            result("a", "not_met not_met met"), result("b"), summary={"measure": "clipped_mean"}
        ),
        "overall",
    )
    assert found.value == found.raw == 0.25
    low = row(
        summary(result("a", "not_met not_met met"), summary={"measure": "clipped_mean"}), "overall"
    )
    assert (low.value, low.raw) == (0.0, -0.5)


def test_one_case_has_no_interval_and_two_have():
    """An interval needs two cases; repeats of one case are no second one."""
    assert row(summary(result("a")), "overall").ci95 is None
    assert row(summary(result("a"), result("a", repeat=2)), "overall").ci95 is None
    low, high = row(summary(result("a"), result("b", "met not_met met")), "overall").ci95
    assert low < row(summary(result("a")), "overall").raw < high


def test_repeats_of_a_case_widen_the_interval():
    """Answers to the same case are clustered, not counted as independent."""
    states = ["met met not_met", "not_met met met", "met not_met met", "not_met not_met not_met"]
    apart = summary(*(result(f"{n}{k}", s) for n, s in enumerate(states) for k in range(2)))
    nested = summary(
        *(result(str(n), s, repeat=k + 1) for n, s in enumerate(states) for k in range(2))
    )
    wide, narrow = row(nested, "overall").ci95, row(apart, "overall").ci95
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
    assert row(nested, "overall").n == 8


def test_the_bootstrap_is_seeded():
    """The official standard error is there where the suite asks for it, the same each time."""
    results = [result("a"), result("b", "not_met met met"), result("c", "met not_met met")]
    asked = {"measure": "clipped_mean", "bootstrap": {"n": 200, "seed": 1}}
    first, second = (summary(*results, summary=asked) for _ in range(2))
    assert row(first, "overall").std == row(second, "overall").std > 0
    assert row(first, "overall").std != row(first, "theme:x").std
    assert row(summary(*results), "overall").std is None


def test_what_is_not_measured_is_counted_and_left_out():
    """A lost answer leaves every mean and stands beside it, in each of its groups."""
    found = summary(result("a"), result("b", "met judge_error met"))
    groups = ("overall", "theme:x", "axis:a", "axis:b")
    counts = {r.group: (r.n, r.ungraded) for r in found.rows}
    assert counts == dict.fromkeys(groups, (1, 1))
    assert row(found, "overall").raw == 1.0
    assert not found.complete
    assert found.states == {"m": {"judge_error": 1, "scored": 1}}


def test_bounds_of_an_incomplete_run():
    """The note names lowest and highest mean that the lost verdicts leave open."""
    found = summary(result("a"), result("b", "met judge_error judge_error"))
    # b: at worst (3 - 2) / 4, at best 4 / 4.
    assert "between 0.625 and 1.000" in found.notes[0]
    assert "1 of 2 not measured" in found.notes[0]


def test_bounds_that_nobody_knows():
    """An answer without criteria cannot be bounded, and the note says so."""
    found = summary(result("a"), result("b", score=None, state="model_error"))
    assert "cannot be bounded" in found.notes[0]


@pytest.mark.parametrize(
    ("lost", "allowed", "complete"),
    [(0, 0.0, True), (1, 0.0, False), (1, 0.01, True), (29, 0.29, True), (30, 0.29, False)],
)
def test_complete_means_within_the_allowed_share(lost, allowed, complete):
    """A run is complete up to exactly the share of lost answers that the suite allows."""
    unmeasured = [result(f"l{n}", "judge_error met met") for n in range(lost)]
    found = summary(
        *(result(str(n)) for n in range(100 - lost)), *unmeasured, ungraded_at_most=allowed
    )
    assert found.complete is complete


def test_an_empty_run_is_not_complete():
    """No results are no success."""
    assert not summary().complete
    assert summary().rows == ()


def test_nothing_measured_is_no_number():
    """A group without a single score has `None`, never 0."""
    found = row(summary(result("a", "judge_error met met")), "overall")
    assert (found.value, found.raw, found.std, found.ci95, found.n) == (None,) * 4 + (0,)


def test_usage_counts_what_the_results_rest_on():
    """Tokens and price of answers and of all judge replies, stored or new, add up by role."""
    found = summary(result("a"), result("b"))
    assert found.usage["model m"]["input"] == 14
    assert found.usage["model m"]["cost_usd"] == 2.0
    assert found.usage["judge j"]["calls"] == 6
    assert found.usage["judge j"]["output"] == 12
    assert found.usage["judge j"]["cost_usd"] == 1.5


def test_a_cost_of_which_a_part_is_unknown_is_unknown():
    """One reply without a price leaves the sum unknown; one without counts is counted."""
    blind = Completion(text="t", key="k", usage=Usage(), cost_usd=None)
    found = summary(result("a"), result("b", completion=blind)).usage["model m"]
    assert found["cost_usd"] is None
    assert found["calls_without_token_counts"] == 1
    assert found["input"] == 7


def test_an_existing_answer_is_on_no_bill():
    """An answer that nobody was asked for has no key, and counts as no call."""
    given = Completion(text="t", usage=Usage(), cost_usd=None)
    assert "model m" not in summary(result("a", completion=given)).usage


def test_checks_are_no_judge_calls():
    """A ballot that no judge was asked for is in no bill."""
    free = (verdict(GOOD, "met", asks=0),)
    found = summary(result("a", score=Score(value=1.0, verdicts=free)))
    assert "judge j" not in found.usage


def test_harms_are_counted():
    """Answers that met a zero-tolerance criterion are counted by model."""
    found = summary(result("a", "met met met"), result("b"), result("a", model="n"))
    assert found.harms == {"m": 1, "n": 0}


def test_rows_stand_in_a_fixed_order():
    """Models in the run's order, overall first, then the groups that the suite names."""
    results = [result("a", model=model) for model in ("z", "b")]
    found = summary(*results, summary={"by": ["axis"]})
    assert [(r.model, r.group) for r in found.rows] == [
        (model, group)
        for model in ("z", "b")
        for group in ("overall", "axis:a", "axis:b", "theme:x")
    ]
    assert [r.group for r in short_rows(found)][:3] == ["overall", "axis:a", "axis:b"]
    assert "theme:x" not in {r.group for r in short_rows(found)}


def test_undecided_answers_are_not_measured():
    """A panel that is split on everything leaves the answer without a score."""
    lost = result("a", "undecided undecided undecided")
    found = summary(replace(lost, state="undecided"))
    assert row(found, "overall").value is None
    assert not found.complete


def test_notes_of_the_suite_come_first():
    """What was mapped or dropped for an endpoint stands in the summary."""
    assert summary(result("a"), notes=["dropped x"]).notes == ("dropped x",)
