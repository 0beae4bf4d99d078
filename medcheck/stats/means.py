"""Means over cases, their intervals and standard errors; comparison and agreement live elsewhere.

Where an official number is a mean, it is `np.mean` over the dataset order, to the last bit.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
from scipy import special

from medcheck.errors import SettingsError

_CHUNK = 1 << 17
"""Random draws held in memory at a time."""


def mean(values: Sequence[float]) -> float | None:
    """Return the mean; `None` without values."""
    return float(np.mean(values)) if len(values) else None


def clipped_mean(values: Sequence[float]) -> float | None:
    """Return the mean, clipped to 0 to 1 only after averaging; `None` without values.

    Source: simple-evals healthbench_eval.py:212-261.
    """
    return float(np.clip(np.mean(values), 0, 1)) if len(values) else None


def interval(
    values: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> tuple[float, float] | None:
    """Return the t interval of the mean; `None` below two values, or below two clusters.

    With `clusters` (one name per value, such as the case that repeats belong to) the standard
    error is cluster-robust and the degrees of freedom are the clusters less one.

    Source: trust.md section 2; Miller 2024, arXiv 2411.00640.
    """
    if clusters is not None and len(clusters) != len(values):
        raise ValueError(f"{len(clusters)} clusters for {len(values)} values")
    units = len(values) if clusters is None else len(set(clusters))
    if units < 2:
        return None
    center = float(np.mean(values))
    error = _error(values) if clusters is None else _cluster_error(values, clusters)
    half = float(special.stdtrit(units - 1, (1 + confidence) / 2)) * error
    return center - half, center + half


def wilson(k: int, n: int, *, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return the Wilson interval of the share k of n; `None` for n = 0.

    Source: Wilson 1927; trust.md section 2.
    """
    if n == 0:
        return None
    z2 = float(special.ndtri((1 + confidence) / 2)) ** 2
    center = (k + z2 / 2) / (n + z2)
    half = math.sqrt(z2) / (n + z2) * math.sqrt(k * (n - k) / n + z2 / 4)
    # Rounding must not move the bound of an extreme share off 0 or 1.
    return (0.0 if k == 0 else center - half), (1.0 if k == n else center + half)


def bootstrap_std(
    values: Sequence[float], *, n: int = 1000, seed: int, clip: bool = True
) -> float | None:
    """Return the population deviation of `n` bootstrap means, each clipped; `None` without values.

    Source: simple-evals healthbench_eval.py:212-228, which takes numpy's global unseeded generator.
    """
    if not len(values):
        return None
    sample = np.asarray(values, dtype=np.float64)
    draw = np.random.Generator(np.random.PCG64(seed))
    rows = max(1, _CHUNK // len(sample))
    means = np.empty(n)
    for start in range(0, n, rows):
        shape = (min(rows, n - start), len(sample))
        # 32-bit draws come in one stream, so that the size of a chunk changes no number.
        picks = draw.integers(0, len(sample), size=shape, dtype=np.uint32)
        means[start : start + shape[0]] = sample.take(picks).mean(axis=1)
    return float(np.std(np.clip(means, 0, 1) if clip else means))


def worst_at_k(scores_per_case: Sequence[Sequence[float]], k: int) -> float | None:
    """Return the expected worst of `k` answers to a case, averaged over cases, then clipped.

    The mean of the minimum over all k-subsets of a case's scores, in closed form. `None` without
    cases, or if a case has fewer than `k` scores.

    Source: healthbench_analysis.ipynb cells 54-71; trust.md section 2.

    Raises:
        SettingsError: k below 1.

    """
    if k < 1:
        raise SettingsError(f"worst-at-k needs k of 1 or more, found {k}.")
    if any(len(scores) < k for scores in scores_per_case):
        return None
    return clipped_mean([expected_minimum(scores, k) for scores in scores_per_case])


def expected_minimum(scores: Sequence[float], k: int) -> float:
    """Return the mean, over all choices of `k` scores, of the lowest; unclipped.

    `k` is 1 to the number of scores.

    Source: healthbench_analysis.ipynb cells 54-71, in closed form.
    """
    ranked, total = sorted(scores), math.comb(len(scores), k)
    weights = (math.comb(len(scores) - rank, k - 1) / total for rank in range(1, len(scores) + 1))
    return math.fsum(score * weight for score, weight in zip(ranked, weights, strict=True))


def length_adjusted(score: float, chars: int, center: float, penalty_per_500: float) -> float:
    """Return the score less a penalty for each 500 characters beyond `center`; may exceed 1.

    Source: simple-evals healthbench_eval.py as of April 2026 (pull request 108).

    Raises:
        SettingsError: a negative parameter.

    """
    if center < 0 or penalty_per_500 < 0:
        raise SettingsError(
            f"length adjustment needs center and penalty_per_500 of 0 or more, "
            f"found {center} and {penalty_per_500}."
        )
    return score - penalty_per_500 * ((chars - center) / 500)


def row_seed(seed: int, *names: str) -> int:
    """Return the seed of one row, independent of other rows and of the order they come in."""
    named = json.dumps([seed, *names], ensure_ascii=True)
    return int.from_bytes(hashlib.sha256(named.encode("ascii")).digest()[:8], "big")


def _error(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) / math.sqrt(len(values))


def _cluster_error(values: Sequence[float], clusters: Sequence[Hashable]) -> float:
    number = {name: position for position, name in enumerate(dict.fromkeys(clusters))}
    residuals = np.asarray(values, dtype=np.float64) - np.mean(values)
    sums = np.bincount([number[name] for name in clusters], weights=residuals)
    groups = len(number)
    return math.sqrt(float(sums @ sums) * groups / (groups - 1)) / len(values)


MEASURES: Mapping[str, Callable[[Sequence[float]], float | None]] = {
    "mean": mean,
    "clipped_mean": clipped_mean,
}
"""A measure by its name under `summary.measure`."""
