"""Two measurements of the same cases: the mean difference, its error, and tests of a drop.

A difference is new less old, so a drop is negative. How large samples must be stands in `power`;
what a gate makes of the tests stands in `gate`.

Source: trust.md section 2; Miller 2024, arXiv 2411.00640.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

DRAWS = 9_999
"""Random sign changes of a permutation test that is too large to be exact."""
EXACT_UNITS = 12
"""Up to so many independent units all sign changes are tried."""
_CHUNK = 1 << 20
NOTHING = 1e-12
"""Standard errors and differences below this are rounding."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """A mean difference and how sure it is."""

    mean: float
    error: float | None
    """Standard error, cluster-robust where clusters were given; `None`: fewer than two units."""
    n: int
    """Pairs."""
    units: int
    """Independent units: clusters, or pairs where nothing belongs together."""

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """Return the t interval; `None` below two units."""
        if self.error is None:
            return None
        half = float(special.stdtrit(self.units - 1, (1 + confidence) / 2)) * self.error
        return self.mean - half, self.mean + half

    def p_below(self, limit: float = 0.0) -> float | None:
        """Return the one-sided p against "the true difference is at least `limit`".

        Where all differences are equal there is no t: the exact sign test decides.
        """
        return self._p(self.mean - limit)

    def p_above(self, limit: float = 0.0) -> float | None:
        """Return the one-sided p against "the true difference is at most `limit`"."""
        return self._p(limit - self.mean)

    def p_two_sided(self) -> float | None:
        """Return the p against "no difference"."""
        low = self._p(-abs(self.mean))
        return None if low is None else min(1.0, 2 * low)

    def _p(self, shift: float) -> float | None:
        if self.error is None:
            return None
        if self.error < NOTHING:
            return 0.5**self.units if shift < -NOTHING else 1.0
        return float(special.stdtr(self.units - 1, shift / self.error))


def paired(
    differences: Sequence[float] | Array, *, clusters: Sequence[Hashable] | None = None
) -> Paired | None:
    """Return the mean of differences with its error; `None` without any.

    Args:
        differences: new less old, one per case.
        clusters: one name per difference: cases that belong together; `None`: all independent.
    """
    values = np.asarray(differences, dtype=np.float64)
    if not values.size:
        return None
    if clusters is not None and len(clusters) != values.size:
        raise ValueError(f"{len(clusters)} clusters for {values.size} differences")
    units = values.size if clusters is None else len(set(clusters))
    error = float(standard_errors(values, clusters)) if units > 1 else None
    return Paired(mean=float(values.mean()), error=error, n=int(values.size), units=units)


def standard_errors(values: Array, clusters: Sequence[Hashable] | None = None) -> Array:
    """Return the standard errors of means over the last axis; needs two units.

    With clusters: the root of the summed squares of the clusters' residual sums, times
    G / (G - 1) for G clusters.
    """
    n = values.shape[-1]
    if clusters is None:
        return np.asarray(np.std(values, axis=-1, ddof=1) / math.sqrt(n))
    residuals = values - values.mean(axis=-1, keepdims=True)
    sums = _cluster_sums(residuals, clusters)
    groups = sums.shape[-1]
    squares = np.sum(sums * sums, axis=-1) * groups / (groups - 1)
    return np.asarray(np.sqrt(squares) / n)


def permutation_p(
    differences: Sequence[float],
    *,
    limit: float = 0.0,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
    draws: int = DRAWS,
) -> float | None:
    """Return the one-sided p of a sign-change test that the differences lie below `limit`.

    Exact up to 12 units; else from `draws` seeded draws, the data counted as one of them. The
    signs of a cluster change together. `None` without differences.

    Source: scipy.stats.permutation_test, permutation_type "samples".
    """
    values = np.asarray(differences, dtype=np.float64) - limit
    if not values.size:
        return None
    units = values if clusters is None else _cluster_sums(values, clusters)
    seen = float(units.sum())
    # Sums of the same numbers in another order must count as equal.
    bound = seen + NOTHING * max(1.0, float(np.abs(units).sum()))
    exact = units.size <= EXACT_UNITS
    signs = _all_signs(units.size) if exact else _drawn_signs(units.size, draws, seed)
    below = sum(int(np.count_nonzero(part @ units <= bound)) for part in signs)
    return below / 2**units.size if exact else (below + 1) / (draws + 1)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return Holm's adjusted p-values, in the given order.

    Source: Holm 1979.
    """
    count = len(p_values)
    adjusted, highest = [0.0] * count, 0.0
    for rank, position in enumerate(sorted(range(count), key=lambda at: p_values[at])):
        highest = max(highest, min(1.0, p_values[position] * (count - rank)))
        adjusted[position] = highest
    return tuple(adjusted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which hypotheses "no drop" are rejected when alpha is shared."""

    overall: bool
    categories: tuple[str, ...]
    """In the given order."""


def split_alpha(
    overall: float | None, categories: Mapping[str, float], *, alpha: float = 0.05
) -> Split:
    """Test overall at half of alpha and the categories by Holm at the other half.

    A half that is used up is passed on: overall's once overall is rejected, the categories' once
    all of them are (none: at once). So all of it is one closed test of level alpha.

    Source: trust.md section 2.3; Bretz et al. 2009, graphical multiple testing.
    """
    adjusted = dict(zip(categories, holm(list(categories.values())), strict=True))
    half = alpha / 2

    def dropped(level: float) -> tuple[str, ...]:
        return tuple(name for name, p in adjusted.items() if p <= level)

    if overall is None:
        return Split(overall=False, categories=dropped(half))
    if overall <= half:
        return Split(overall=True, categories=dropped(alpha))
    found = dropped(half)
    passed_on = len(found) == len(adjusted)
    return Split(overall=passed_on and overall <= alpha, categories=found)


def _cluster_sums(values: Array, clusters: Sequence[Hashable]) -> Array:
    number = {name: position for position, name in enumerate(dict.fromkeys(clusters))}
    codes = np.array([number[name] for name in clusters])
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    return np.asarray(np.add.reduceat(values[..., order], starts, axis=-1))


def _all_signs(count: int) -> Iterator[NDArray[Any]]:
    numbers = np.arange(2**count)[:, None] >> np.arange(count)
    yield 1.0 - 2.0 * (numbers & 1)


def _drawn_signs(count: int, draws: int, seed: int) -> Iterator[NDArray[Any]]:
    draw = np.random.Generator(np.random.PCG64(seed))
    rows = max(1, _CHUNK // count)
    for start in range(0, draws, rows):
        picks = draw.integers(0, 2, size=(min(rows, draws - start), count), dtype=np.uint32)
        yield 1.0 - 2.0 * picks
