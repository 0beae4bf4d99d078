"""medcheck.writers._html_tables: what the overview says."""

from __future__ import annotations

import pytest
from report_runs import row, run_of

from medcheck.writers import _html_tables as tables


def table_of(rows, **changes):
    pairs = [run_of(rows=rows, **changes)]
    return tables.suite_tables(pairs, tables.entries(s for _, s in pairs))[0]


def test_missing_number_stays_missing():
    """What was not measured is None, never a zero and never a mark in the drawing."""
    line = table_of((row(value=None, raw=None, ci95=None, std=None, n=0),)).groups[0].lines[0]
    assert (line.value, line.raw, line.ci, line.std, line.mark) == (None,) * 5


def test_clipped_value_shows_the_raw_mean_and_draws_it():
    """Where the official value is clipped, the raw mean stands beside it and is what is drawn."""
    table = table_of((row(value=0.0, raw=-0.1, ci95=(-0.15, -0.05)),))
    line = table.groups[0].lines[0]
    assert table.clipped
    assert (line.value, line.raw) == ("0.000", "-0.100")
    assert table.axis.low == pytest.approx(-0.25)
    assert line.mark.at == table.axis.place(-0.1) == "12.00%"
    assert not table_of((row(),)).clipped


def test_wide_interval_is_cut_with_a_sign():
    """An interval beyond the scale does not squeeze the others; it is drawn as going on."""
    mark = table_of((row(ci95=(-5.0, 6.0)),)).groups[0].lines[0].mark
    assert (mark.low, mark.high, mark.cut_low, mark.cut_high) == ("0.00%", "100.00%", True, True)


def test_groups_of_the_suite_come_first():
    """Overall, then the groups that the suite names in their order; the others are kept apart."""
    names = ["cluster:a", "axis:x", "theme:b", "overall", "theme:a"]
    rows = tuple(row(group=name) for name in names)
    table = table_of(rows, by={"triage": ("theme", "axis")})
    assert [group.name for group in table.groups] == ["overall", "theme:b", "theme:a", "axis:x"]
    assert [group.name for group in table.others] == ["cluster:a"]


def test_same_model_in_two_runs_is_told_apart():
    """A model that stands in two runs carries the run's name; others do not."""
    summaries = [run_of()[1], run_of(run="run-2", models=("alpha", "gamma"))[1]]
    labels = [entry.label for entry in tables.entries(summaries)]
    assert labels == ["alpha · run-1", "beta", "alpha · run-2", "gamma"]


def test_differing_conditions_are_named():
    """Runs with other judges, protocol or data are not compared in silence."""
    one = run_of(versions={"data": "aa", "code": "1"})[1]
    other = run_of(run="run-2", versions={"data": "bb", "code": "1"}, judges=("other",))[1]
    assert tables.differences([one, other]) == ("data", "judges")
    assert tables.differences([one]) == ()


@pytest.mark.parametrize(
    ("numbers", "ticks"),
    [
        ([0.3, None], ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        ([3.2, 4.9], ["0", "1", "2", "3", "4", "5"]),
        ([62.0], ["0", "20", "40", "60", "80"]),
        ([-0.3], ["-0.5", "0", "0.5", "1"]),
        ([], ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
    ],
)
def test_axis_has_round_ticks(numbers, ticks):
    """A scale holds 0, 1 and every number, and has few round ticks."""
    assert [text for text, _ in tables.axis_for(numbers).ticks] == ticks


def test_unknown_cost_makes_the_total_unknown():
    """A sum with an unknown part is unknown, not smaller."""
    summary = run_of()[1]
    lines = tables.usage_lines([summary])
    assert [line.cost for line in lines] == ["$0.2500", None]
    assert lines[0].counts == ("3", "10", None, "5", None)
    assert tables.total_cost([summary]) is None
    known = run_of(usage={"model a": {"cost_usd": 0.1}, "judge b": {"cost_usd": 12.0}})[1]
    assert tables.total_cost([known]) == "$12.10"


def test_missing_token_counts_make_lower_bounds():
    """Where a reply came without its tokens, the sums say that they are lower bounds."""
    used = {"calls": 3, "input": 1000, "output": 5, "calls_without_token_counts": 1}
    [line] = tables.usage_lines([run_of(usage={"model alpha": used})[1]])
    assert line.counts == ("3", "≥ 1,000", None, "≥ 5", None)


def test_coverage_counts_every_state():
    """Each model shows the same states, with what it lost in each."""
    states = {"alpha": {"scored": 8, "truncated": 2}, "beta": {"scored": 9, "judge_error": 1}}
    summary = run_of(states=states, harms={"beta": 1})[1]
    alpha, beta = tables.coverage([summary], tables.entries([summary]))
    assert (alpha.total, alpha.scored, beta.harms) == (10, 8, 1)
    assert alpha.others == (("truncated", 2), ("judge_error", 0))
    assert beta.others == (("truncated", 0), ("judge_error", 1))


def test_marks_of_another_scale_do_not_flatten_the_shares():
    """Where a suite's own scores are shares, a mean mark beside them is a number, not drawn."""
    table = table_of((row(raw=0.4), row(group="score", raw=4.2, ci95=(4.0, 4.4))))
    assert table.axis.high == 1.0
    drawn = {g.name: g.lines[0].mark is not None for g in (*table.groups, *table.others)}
    assert drawn == {"overall": True, "score": False}
    assert table_of((row(raw=4.0, ci95=(3.0, 5.0)),)).axis.high >= 4.0
