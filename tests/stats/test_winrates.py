"""Win rates, their spread, the pool and the bootstrap, against rules written out by hand."""

from __future__ import annotations

import random
import statistics

import numpy as np
import pytest

from medcheck.stats.means import interval
from medcheck.stats.winrates import (
    Items,
    pool_effect,
    spreads,
    standings,
    win_deviations,
    win_rates,
)


def by_hand(table):
    """The rule in words: better than, or half of equal to, each other model; mean over columns."""
    found = []
    for me, row in enumerate(table):
        shares = []
        for column, own in enumerate(row):
            others = [r[column] for at, r in enumerate(table) if at != me and r[column] is not None]
            if own is None or not others:
                continue
            shares.append(sum((own > o) + (own == o) / 2 for o in others) / len(others))
        found.append(statistics.fmean(shares) if shares else None)
    return found


def drawn(seed, *, missing=0.2, rows=6, columns=5):
    """A random table with ties and gaps."""
    draw = random.Random(seed)
    return [
        [None if draw.random() < missing else draw.randrange(4) / 4 for _ in range(columns)]
        for _ in range(rows)
    ]


def test_a_tie_is_half():
    """Equal scores share the win."""
    assert win_rates([[0.5], [0.5], [0.1]]) == (0.75, 0.75, 0.0)


def test_missing_is_skipped():
    """A benchmark without a score neither helps nor hurts, and has one opponent less."""
    assert win_rates([[0.5, 0.9], [0.4, None], [0.3, 0.1]]) == (1.0, 0.5, 0.0)


def test_a_lonely_column_counts_for_nobody():
    """A benchmark that one contestant alone has says nothing; without another there is no rate."""
    assert win_rates([[0.5, 0.9], [0.4, None]]) == (1.0, 0.0)
    assert win_rates([[0.5], [None]]) == (None, None)
    assert win_rates([[0.5]]) == (None,)
    assert win_rates([]) == ()


def test_ties_are_on_the_full_number():
    """Scores that only look equal when rounded are no tie."""
    assert win_rates([[0.663000001], [0.663]]) == (1.0, 0.0)


@pytest.mark.parametrize("seed", range(40))
def test_the_rule_holds_for_any_table(seed):
    """Win rates are those of the rule written out, with ties and gaps anywhere."""
    table = drawn(seed)
    for rate, expected in zip(win_rates(table), by_hand(table), strict=True):
        assert rate == pytest.approx(expected) if expected is not None else rate is None


def test_all_rates_of_a_full_table_average_to_half():
    """What one wins another loses."""
    assert statistics.fmean(win_rates(drawn(7, missing=0))) == pytest.approx(0.5)


def test_win_deviation():
    """The deviation is over opponents, of the share of common benchmarks that are strictly won."""
    table = [[0.9, 0.5, 0.1], [0.8, 0.5, 0.2], [0.1, None, 0.0]]
    assert win_deviations(table)[0] == pytest.approx(statistics.pstdev([1 / 3, 1.0]))
    assert win_deviations([[0.9], [None]]) == (None, None)


def test_equal_rows_are_opponents():
    """A contestant with the very same row object is still another one."""
    row = [0.5, 0.6]
    assert win_deviations([row, row, [0.1, 0.1]])[0] == pytest.approx(0.5)


def test_standings():
    """Mean and sample deviation are over the benchmarks that a contestant has."""
    first, second, third = standings([[0.2, 0.4, None], [0.1, 0.1, 0.1], [None, None, None]])
    assert (first.mean, first.columns) == (pytest.approx(0.3), 2)
    assert first.sd == pytest.approx(statistics.stdev([0.2, 0.4]))
    assert second.sd == 0
    assert (third.win_rate, third.mean, third.sd, third.columns) == (None, None, None, 0)


def test_the_pool_moves_a_rate():
    """Without the model that beat it, a model's rate rises, though none of its answers changed."""
    table = [[0.9, 0.9], [0.5, 0.5], [0.1, 0.1]]
    assert win_rates(table)[1] == 0.5
    assert pool_effect(table) == ((None, 1.0, 1.0), (1.0, None, 0.0), (0.0, 0.0, None))


@pytest.mark.parametrize("seed", range(10))
def test_pool_effect_is_the_table_without_a_row(seed):
    """Each cell is the win rate of the table from which one row was taken."""
    table = drawn(seed)
    found = pool_effect(table)
    for out in range(len(table)):
        rest = [at for at in range(len(table)) if at != out]
        rates = win_rates([table[at] for at in rest])
        assert [found[at][out] for at in rest] == list(rates)
    assert pool_effect([[0.5]]) == ((None,),)


def items(count, *, means=(0.5, 0.5), seed=1, clusters=None, **more):
    """Scores of some contestants on one benchmark."""
    draw = np.random.default_rng(seed)
    scores = tuple(tuple(draw.normal(mean, 0.2, count)) for mean in means)
    return Items(scores=scores, clusters=clusters or tuple(range(count)), **more)


def test_the_same_seed_gives_the_same_intervals():
    """Nothing but the seed decides the draws."""
    benchmarks = [items(30), items(20, seed=2)]
    assert spreads(benchmarks, draws=200) == spreads(benchmarks, draws=200)
    assert spreads(benchmarks, draws=200) != spreads(benchmarks, draws=200, seed=1)


def test_the_mean_interval_is_that_of_theory():
    """With many items the percentile interval is close to the t interval."""
    one = items(400)
    for scores, spread in zip(one.scores, spreads([one], draws=4000), strict=True):
        assert spread.mean == pytest.approx(interval(scores), abs=0.004)


def test_draws_are_paired():
    """All contestants get the same items: one that is better on each is better in every draw."""
    base = items(25).scores[0]
    better = tuple(score + 0.001 for score in base)
    first, second = spreads([Items(scores=(better, base), clusters=range(25))], draws=300)
    assert (first.win_rate, second.win_rate) == ((1.0, 1.0), (0.0, 0.0))


def test_equal_contestants_tie_in_every_draw():
    """The order of summing makes no winner."""
    base = items(37).scores[0]
    found = spreads([Items(scores=(base,) * 5, clusters=range(37))], draws=300)
    assert {spread.win_rate for spread in found} == {(0.5, 0.5)}


def test_clusters_are_drawn_together():
    """Items that belong together carry less information: the interval is wider."""
    scores = tuple(float(n % 8 < 4) for n in range(80))
    alone = Items(scores=(scores,), clusters=range(80))
    grouped = Items(scores=(scores,), clusters=[n % 8 for n in range(80)])
    widths = [high - low for (low, high) in
              (spreads([each], draws=500)[0].mean for each in (alone, grouped))]  # fmt: skip
    assert widths[1] > 2 * widths[0]


def test_clusters_may_differ_in_size():
    """A drawn cluster brings all its items, so the mean is over items, not over clusters."""
    one = Items(scores=((0.0, 1.0, 1.0, 1.0),), clusters=("a", "b", "b", "b"))
    low, high = spreads([one], draws=500)[0].mean
    assert (low, high) == (0.0, 1.0)


def test_means_are_clipped_after_averaging():
    """A draw below 0 counts as 0 where the suite's measure says so."""
    scores = ((-0.5, -0.4, 0.1), (0.2, 0.3, 0.4))
    low, _ = spreads([Items(scores=scores, clusters=range(3), clip=True)], draws=200)[0].mean
    assert low == 0
    low, _ = spreads([Items(scores=scores, clusters=range(3))], draws=200)[0].mean
    assert low < 0


def test_too_little_has_no_interval():
    """One item cannot vary, and who was not measured has no interval."""
    one = Items(scores=((0.5,), (0.4,)), clusters=("a",))
    assert [(s.win_rate, s.mean) for s in spreads([one])] == [(None, None)] * 2
    several = Items(scores=((0.5, 0.1), None), clusters=("a", "b"))
    first, second = spreads([several], draws=50)
    assert first.win_rate is None
    assert first.mean is not None
    assert (second.win_rate, second.mean) == (None, None)
    assert spreads([]) == ()


def test_a_large_table_stays_small_in_memory():
    """Draws are made in parts: the result does not depend on how many there are at a time."""
    from medcheck.stats import winrates

    benchmarks = [items(300, means=(0.5, 0.52, 0.48))]
    whole = spreads(benchmarks, draws=120)
    part, winrates._CHUNK = winrates._CHUNK, 1000
    try:
        assert spreads(benchmarks, draws=120) == whole
    finally:
        winrates._CHUNK = part
