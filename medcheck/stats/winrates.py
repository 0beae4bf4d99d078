"""Tables of contestants by benchmarks: mean win rates, their spread, what the pool does to them.

A table has a row of scores for each contestant; higher is better, `None`: not measured. How scores
are made of answers, and who may be compared, stands in `leaderboard`.

Source: helm presentation/summarize.py:225-269; medhelm.md section 5.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
_CHUNK = 1 << 21
"""Random draws held in memory at a time."""
_DIGITS = 12
"""Means of one draw that agree so far are a tie: the rest is the order of summing."""

Table = Sequence[Sequence[float | None]]
Array = NDArray[np.float64]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a table says of one contestant; `None`: too little to say it."""

    win_rate: float | None
    """0 to 1; all benchmarks weigh the same."""
    win_sd: float | None
    """Over the opponents: population deviation of the share of benchmarks won."""
    mean: float | None
    """Over the contestant's benchmarks."""
    sd: float | None
    """Sample deviation over them."""
    columns: int
    """Benchmarks with a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """One benchmark item by item."""

    scores: Sequence[Sequence[float] | None]
    """By contestant, then item, the same items for all; `None`: the contestant has none."""
    clusters: Sequence[Hashable]
    """By item: items of one name are drawn together."""
    clip: bool = False
    """Whether the mean is clipped to 0 to 1 after averaging."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far a contestant's numbers move when other items are drawn: 95 % intervals."""

    win_rate: Span | None
    mean: Span | None


def standings(table: Table) -> tuple[Standing, ...]:
    """Return what the table says of each contestant, in its order."""
    rates, deviations = win_rates(table), win_deviations(table)
    return tuple(
        _standing(row, rate, deviation)
        for row, rate, deviation in zip(table, rates, deviations, strict=True)
    )


def _standing(row: Sequence[float | None], rate: float | None, deviation: float | None) -> Standing:
    known = [value for value in row if value is not None]
    return Standing(
        win_rate=rate,
        win_sd=deviation,
        mean=math.fsum(known) / len(known) if known else None,
        sd=statistics.stdev(known) if len(known) > 1 else None,
        columns=len(known),
    )


def win_rates(table: Table) -> tuple[float | None, ...]:
    """Return the mean over benchmarks of the share of opponents beaten, a tie being half.

    A benchmark counts for those who have a score on it, and not at all with fewer than two. Equal
    is equal to the last bit.
    """
    rates = _mean_win_rates(_numbers(table)[None])[0]
    return tuple(None if math.isnan(rate) else float(rate) for rate in rates)


def win_deviations(table: Table) -> tuple[float | None, ...]:
    """Return the population deviation, over opponents, of the share of benchmarks strictly won.

    Of an opponent those benchmarks count that both have; without any it is left out.
    """
    return tuple(_deviation(row, [*table[:at], *table[at + 1 :]]) for at, row in enumerate(table))


def _deviation(row: Sequence[float | None], others: Table) -> float | None:
    shares = []
    for other in others:
        pairs = [(a, b) for a, b in zip(row, other, strict=True) if a is not None and b is not None]
        if pairs:
            shares.append(sum(a > b for a, b in pairs) / len(pairs))
    return statistics.pstdev(shares) if shares else None


def pool_effect(table: Table) -> tuple[tuple[float | None, ...], ...]:
    """Return each contestant's win rate without each one: row and column in the table's order.

    `None` on the diagonal, and where nobody is left to beat.
    """
    full = list(range(len(table)))
    found: list[list[float | None]] = [[None] * len(table) for _ in full]
    for left_out in full:
        rest = [at for at in full if at != left_out]
        rates = win_rates([table[at] for at in rest]) if rest else ()
        for at, rate in zip(rest, rates, strict=True):
            found[at][left_out] = rate
    return tuple(map(tuple, found))


def spreads(
    benchmarks: Sequence[Items], *, draws: int = DRAWS, seed: int = 0
) -> tuple[Spread, ...]:
    """Return paired bootstrap intervals: each draw takes the same items for all contestants.

    The benchmarks and the pool stay as they are. `None` where every benchmark of a contestant has
    a single cluster.
    """
    if not benchmarks:
        return ()
    count = len(benchmarks[0].scores)
    drawn = np.full((draws, count, len(benchmarks)), np.nan)
    varies = np.zeros(count, dtype=bool)
    for at, items in enumerate(benchmarks):
        draw = np.random.Generator(np.random.PCG64([seed, at]))
        drawn[:, :, at] = _draw_means(items, draws, draw)
        if len(set(items.clusters)) > 1:
            varies |= [scores is not None for scores in items.scores]
    rates = _in_chunks(drawn, _mean_win_rates)
    means = _in_chunks(drawn, _plain_means)
    # Somebody else's items may move a win rate as well.
    anyone = bool(varies.any())
    return tuple(
        Spread(
            win_rate=_span(rates[:, at]) if anyone else None,
            mean=_span(means[:, at]) if varies[at] else None,
        )
        for at in range(count)
    )


def _draw_means(items: Items, draws: int, draw: np.random.Generator) -> Array:
    """Return the mean of each contestant in each draw of clusters; NaN where there is none."""
    found = np.full((draws, len(items.scores)), np.nan)
    own = [at for at, scores in enumerate(items.scores) if scores is not None]
    if not own:
        return found
    values = np.array([items.scores[at] for at in own], dtype=np.float64).T
    number = {name: position for position, name in enumerate(dict.fromkeys(items.clusters))}
    codes = np.array([number[name] for name in items.clusters])
    sums = np.zeros((len(number), len(own)))
    np.add.at(sums, codes, values)
    sizes = np.bincount(codes).astype(np.float64)
    for start, weights in _weights(len(number), draws, draw):
        means = (weights @ sums) / (weights @ sizes)[:, None]
        means = np.clip(means, 0, 1) if items.clip else means
        found[start : start + len(weights), own] = np.round(means, _DIGITS)
    return found


def _weights(units: int, draws: int, draw: np.random.Generator) -> Iterator[tuple[int, Array]]:
    """Yield how often each unit is taken, for some draws at a time."""
    rows = max(1, _CHUNK // units)
    for start in range(0, draws, rows):
        count = min(rows, draws - start)
        # 32-bit draws come in one stream, so that the size of a chunk changes no number.
        picks = draw.integers(0, units, size=(count, units), dtype=np.uint32)
        places = picks + np.arange(count)[:, None] * units
        taken = np.bincount(places.ravel(), minlength=count * units)
        yield start, taken.reshape(count, units).astype(np.float64)


def _in_chunks(drawn: Array, measure: Callable[[Array], Array]) -> Array:
    """Apply a measure to (draws, contestants, benchmarks) without comparing all at once."""
    rows = max(1, _CHUNK // max(1, drawn.shape[1] ** 2 * drawn.shape[2]))
    parts = [measure(drawn[at : at + rows]) for at in range(0, len(drawn), rows)]
    return np.concatenate(parts)


def _mean_win_rates(scores: Array) -> Array:
    """Return mean win rates for each table of a stack; NaN: no benchmark counts."""
    known = ~np.isnan(scores)
    mine, theirs = scores[:, :, None, :], scores[:, None, :, :]
    beaten = (mine > theirs).sum(axis=2)
    tied = (mine == theirs).sum(axis=2) - known  # each is equal to itself
    opponents = known.sum(axis=1, keepdims=True) - 1
    counts = known & (opponents > 0)
    share = np.where(counts, (beaten + tied / 2) / np.maximum(opponents, 1), 0.0)
    return _over(share.sum(axis=2), counts.sum(axis=2))


def _plain_means(scores: Array) -> Array:
    known = ~np.isnan(scores)
    return _over(np.where(known, scores, 0.0).sum(axis=2), known.sum(axis=2))


def _over(sums: Array, counts: NDArray[Any]) -> Array:
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _span(values: Array) -> Span | None:
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def _numbers(table: Table) -> Array:
    rows = [[math.nan if value is None else float(value) for value in row] for row in table]
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1) if rows else np.empty((0, 0))
