"""Agreement of two raters from sums over pairs, so that a thousand resamples cost one product.

A pair is what the judged and the reference rater said: 1 and 0 for met and not met, else a number.
The figures are those of `stats.agreement`, which stays their home: here they
follow from seven sums, for any weights of the pairs. Which pairs there are is decided elsewhere.

Source: trust.md section 3 (statistics to ship, intervals clustered by case).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcheck.stats.agreement import percentiles

Array = NDArray[np.float64]
Pair = tuple[float, float]
"""The judged rater's rating, then the reference's."""

RESAMPLES = 1000
FEW_CLUSTERS = 10
"""Below this many cases a bootstrap interval is too narrow to be trusted."""
_ZERO = 1e-10
_CHUNK = 1 << 22
"""Drawn counts held in memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One figure with its interval."""

    value: float
    ci95: tuple[float, float] | None
    """Percentiles over resampled clusters; `None` below two, where many have no figure, or where
    none differs."""


def compare(
    pairs: Sequence[Pair],
    names: Sequence[str],
    *,
    clusters: Sequence[Hashable],
    seed: int,
    weights: Sequence[float] | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Estimate | None]:
    """Return figures of `FIGURES` by name; `None`: undefined for these pairs.

    Args:
        pairs: one or more.
        names: which figures.
        clusters: one for each pair, such as its case; pairs of one are drawn together.
        seed: of the resampling.
        weights: one for each pair; rescaled to the number of pairs. `None`: all 1.
        resamples: how many.
    """
    sums = _by_cluster(_sums(pairs, weights), clusters)
    drawn = _resampled(sums, seed=seed, resamples=resamples)
    return {name: _estimate(FIGURES[name], sums.sum(axis=0), drawn) for name in names}


def alpha(
    units: Sequence[Sequence[float]],
    *,
    clusters: Sequence[Hashable],
    seed: int,
    resamples: int = RESAMPLES,
) -> Estimate | None:
    """Return Krippendorff's alpha of any number of raters for differences squared.

    For ratings of 0 and 1 that is the nominal alpha. Units with one rating add nothing; `None`:
    nothing was rated twice, or all ratings are the same.

    Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability".
    """
    rows = [_unit(ratings) for ratings in units]
    kept = [(row, name) for row, name in zip(rows, clusters, strict=True) if row is not None]
    if not kept:
        return None
    sums = _by_cluster(np.array([row for row, _ in kept]), [name for _, name in kept])
    drawn = _resampled(sums, seed=seed, resamples=resamples)
    return _estimate(_alpha_of_units, sums.sum(axis=0), drawn)


def constant_share(values: Sequence[float]) -> tuple[float, float]:
    """Return the most frequent rating and its share: how often a judge that knows only it agrees.

    `values` are one or more.
    """
    found, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    at = int(np.argmax(counts))
    return float(found[at]), float(counts[at] / counts.sum())


def _estimate(
    figure: Callable[[Array], Array], total: Array, drawn: Array | None
) -> Estimate | None:
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(figure(total))
        if not np.isfinite(value):
            return None
        values = figure(drawn) if drawn is not None else np.empty(0)
    known = (float(each) if np.isfinite(each) else None for each in values)
    bounds = percentiles(known, n=len(values))
    # Resamples that cannot differ, as of full agreement, tell nothing about what is not in them.
    certain = bounds is not None and bounds[1] - bounds[0] < _ZERO
    return Estimate(value=value, ci95=None if certain else bounds)


def _resampled(sums: Array, *, seed: int, resamples: int) -> Array | None:
    """Return the totals of resampled clusters, a row each; `None` below two clusters."""
    count = len(sums)
    if count < 2:
        return None
    draw = np.random.Generator(np.random.PCG64(seed))
    totals = np.empty((resamples, sums.shape[1]))
    step = max(1, _CHUNK // count)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        counts = draw.multinomial(count, np.full(count, 1 / count), size=size)
        totals[start : start + size] = counts @ sums
    return totals


def _sums(pairs: Sequence[Pair], weights: Sequence[float] | None) -> Array:
    """Return for each pair n, a, b, aa, bb, ab and whether both are equal."""
    a, b = np.asarray(pairs, dtype=np.float64).reshape(-1, 2).T
    rows = np.stack([np.ones_like(a), a, b, a * a, b * b, a * b, a == b], axis=1)
    if weights is None:
        return rows
    scale = np.asarray(weights, dtype=np.float64)
    scaled: Array = rows * (scale * len(scale) / scale.sum())[:, None]
    return scaled


def _by_cluster(rows: Array, clusters: Sequence[Hashable]) -> Array:
    number = {name: position for position, name in enumerate(dict.fromkeys(clusters))}
    sums = np.zeros((len(number), rows.shape[1]))
    np.add.at(sums, [number[name] for name in clusters], rows)
    return sums


def _unit(ratings: Sequence[float]) -> tuple[float, float, float, float] | None:
    """Return count, sum, sum of squares and weighted squared differences of a unit's ratings."""
    m = len(ratings)
    if m < 2:
        return None
    total, squares = sum(ratings), sum(rating * rating for rating in ratings)
    return m, total, squares, 2 * (m * squares - total * total) / (m - 1)


def _alpha_of_units(sums: Array) -> Array:
    n, total, squares, apart = np.moveaxis(sums, -1, 0)
    return _alpha(n, total, squares, apart / n)


def _alpha(n: Any, total: Any, squares: Any, observed: Any) -> Array:
    expected = 2 * (squares - total**2 / n) / (n - 1)
    found: Array = 1 - _share(observed, expected)
    return found


def _agreement(s: Array) -> Array:
    return _share(s[..., 6], s[..., 0])


def _judged_mean(s: Array) -> Array:
    return _share(s[..., 1], s[..., 0])


def _reference_mean(s: Array) -> Array:
    return _share(s[..., 2], s[..., 0])


def _bias(s: Array) -> Array:
    return _share(s[..., 1] - s[..., 2], s[..., 0])


def _kappa(s: Array) -> Array:
    """Source: Cohen 1960."""
    a, b = _judged_mean(s), _reference_mean(s)
    return _beyond(_agreement(s), a * b + (1 - a) * (1 - b))


def _ac1(s: Array) -> Array:
    """Source: Gwet 2008, two raters and two categories."""
    mean = (_judged_mean(s) + _reference_mean(s)) / 2
    return _beyond(_agreement(s), 2 * mean * (1 - mean))


def _alpha_of_pairs(s: Array) -> Array:
    """Source: Krippendorff 2011; of 0 and 1 the nominal alpha."""
    total, squares = s[..., 1] + s[..., 2], s[..., 3] + s[..., 4]
    return _alpha(2 * s[..., 0], total, squares, _apart(s) / s[..., 0])


def _weighted_kappa(s: Array) -> Array:
    """Weigh differences squared. Source: Cohen 1968."""
    n, a, b, aa, bb = (s[..., at] for at in range(5))
    found: Array = 1 - _share(_apart(s) / n, (aa + bb) / n - 2 * (a / n) * (b / n))
    return found


def _correlation(s: Array) -> Array:
    """Return Pearson's r; of 0 and 1 it is Matthews' coefficient. Source: Matthews 1975."""
    n, a, b, aa, bb, ab = (s[..., at] for at in range(6))
    spreads = (aa / n - (a / n) ** 2) * (bb / n - (b / n) ** 2)
    return _share(ab / n - (a / n) * (b / n), np.sqrt(np.maximum(spreads, 0)))


def _precision(s: Array) -> Array:
    return _share(s[..., 5], s[..., 1])


def _recall(s: Array) -> Array:
    return _share(s[..., 5], s[..., 2])


def _macro_f1(s: Array) -> Array:
    """Return the mean of the F1 of met and of not met; undefined where nobody names one of them."""
    n, a, b, both = s[..., 0], s[..., 1], s[..., 2], s[..., 5]
    neither = n - a - b + both
    found: Array = (_share(2 * both, a + b) + _share(2 * neither, 2 * n - a - b)) / 2
    return found


def _icc_2_1(s: Array) -> Array:
    """Absolute agreement of single ratings. Source: Shrout and Fleiss 1979, ICC(2,1)."""
    rows, columns, errors = _mean_squares(s)
    return _share(rows - errors, rows + errors + 2 * (columns - errors) / s[..., 0])


def _icc_3_k(s: Array) -> Array:
    """Consistency of the two's mean. Source: Shrout and Fleiss 1979, ICC(3,k)."""
    rows, _, errors = _mean_squares(s)
    return _share(rows - errors, rows)


def _mean_squares(s: Array) -> tuple[Array, Array, Array]:
    """Return the mean squares of points, of raters, and of what is left; n is 2 or more."""
    n, a, b, aa, bb, ab = (s[..., at] for at in range(6))
    center = (a + b) ** 2 / (2 * n)
    rows = (aa + 2 * ab + bb) / 2 - center
    columns = (a * a + b * b) / n - center
    errors = aa + bb - center - rows - columns
    return _share(rows, n - 1), columns, _share(errors, n - 1)


def _apart(s: Array) -> Array:
    found: Array = s[..., 3] + s[..., 4] - 2 * s[..., 5]
    return found


def _share(part: Any, whole: Any) -> Array:
    # What is 0 but for rounding must not become a figure.
    found: Array = np.divide(part, np.where(np.abs(whole) < _ZERO, np.nan, whole))
    return found


def _beyond(observed: Array, expected: Array) -> Array:
    return _share(observed - expected, 1 - expected)


FIGURES: Mapping[str, Callable[[Array], Array]] = {
    "agreement": _agreement,
    "judge_mean": _judged_mean,
    "people_mean": _reference_mean,
    "bias": _bias,
    "kappa": _kappa,
    "ac1": _ac1,
    "alpha": _alpha_of_pairs,
    "weighted_kappa": _weighted_kappa,
    "icc_2_1": _icc_2_1,
    "icc_3_k": _icc_3_k,
    "correlation": _correlation,
    "precision": _precision,
    "recall": _recall,
    "macro_f1": _macro_f1,
}
"""A figure by its name, of sums whose last axis is that of one pair's seven."""
EITHER_OR = (
    "agreement", "kappa", "ac1", "alpha", "bias", "judge_mean", "people_mean", "correlation",
    "precision", "recall", "macro_f1",
)  # fmt: skip
"""Figures of ratings of 0 and 1."""
SCALED = (
    "agreement", "weighted_kappa", "icc_2_1", "icc_3_k", "alpha", "bias", "judge_mean",
    "people_mean", "correlation",
)  # fmt: skip
"""Figures of ratings on a longer scale."""
