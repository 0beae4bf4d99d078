"""Coefficients of agreement and association of raters, from ratings or a table of them.

Source: llmeval_med.md section 5; trust.md section 3 (judge validity). Each function names its own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

TRIVIAL_SHARE = 0.9
"""Where one verdict is this frequent among people, percent agreement says little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Two raters' yes or no on the same answers; the second is the truth."""

    tp: int
    """Both yes."""
    fn: int
    """The truth is yes, the first rater said no."""
    fp: int
    tn: int

    @classmethod
    def of(cls, pairs: Iterable[tuple[bool, bool]]) -> Confusion:
        """Return the counts of (said, truth)."""
        found = Counter(pairs)
        return cls(
            tp=found[True, True], fn=found[False, True], fp=found[True, False],
            tn=found[False, False],
        )  # fmt: skip

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(
            tp=self.tp + other.tp, fn=self.fn + other.fn, fp=self.fp + other.fp,
            tn=self.tn + other.tn,
        )  # fmt: skip

    @property
    def n(self) -> int:
        """All answers."""
        return self.tp + self.fn + self.fp + self.tn

    @property
    def agreement(self) -> float | None:
        """Share of equal verdicts."""
        return _ratio(self.tp + self.tn, self.n)

    @property
    def precision(self) -> float | None:
        """Share of the first rater's yes that are true."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """Share of the true yes that the first rater found."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def prevalence(self) -> float | None:
        """Share of yes in truth."""
        return _ratio(self.tp + self.fn, self.n)

    @property
    def kappa(self) -> float | None:
        """Agreement beyond chance. Source: Cohen 1960."""
        return cohen_kappa(self.pairs)

    @property
    def ac1(self) -> float | None:
        """Agreement beyond chance that does not sink with a rare verdict. Source: Gwet 2008."""
        return gwet_ac1(self.pairs)

    @property
    def mcc(self) -> float | None:
        """The correlation of the two, -1 to 1; `None` where either never varies.

        Source: Matthews 1975.
        """
        sides = (self.tp + self.fp, self.tp + self.fn, self.tn + self.fp, self.tn + self.fn)
        if not all(sides):
            return None
        return (self.tp * self.tn - self.fp * self.fn) / math.sqrt(math.prod(sides))

    @property
    def pairs(self) -> list[tuple[bool, bool]]:
        """The counts spelled out as (said, truth)."""
        counts = {
            (True, True): self.tp, (False, True): self.fn, (True, False): self.fp,
            (False, False): self.tn,
        }  # fmt: skip
        return list(Counter(counts).elements())

    def warning(self) -> str | None:
        """Return why the percent agreement says little, or `None`.

        It does where always giving the truth's more frequent verdict would agree as often, or
        nearly always.
        """
        share, agreement = self.prevalence, self.agreement
        if share is None or agreement is None:
            return None
        constant = max(share, 1 - share)
        if constant < TRIVIAL_SHARE and constant < agreement:
            return None
        verdict = "yes" if share >= 1 - share else "no"
        return (
            f"percent agreement {agreement:.3f} says little: always answering {verdict} would "
            f"agree on {constant:.3f}. Read kappa, AC1 and MCC."
        )


def cohen_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Return two raters' agreement beyond that of their own margins; `None` if that is all of it.

    Source: Cohen 1960.
    """
    if not pairs:
        return None
    n = len(pairs)
    rows, columns = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(rows[name] * columns[name] for name in rows) / n**2
    return _beyond(sum(one == other for one, other in pairs) / n, expected)


def weighted_kappa(
    pairs: ArrayLike, weights: Literal["linear", "quadratic"] = "quadratic"
) -> float | None:
    """Return agreement of two raters on a numeric scale, larger differences counting more.

    Differences are those of the ratings themselves, so that a rating which nobody gave changes
    nothing. `None`: no pairs, or both raters gave one and the same rating throughout.

    Source: Cohen 1968.
    """
    table = np.asarray(pairs, dtype=np.float64)
    if not table.size or not np.ptp(table):
        return None
    one, other = table.T
    if weights == "quadratic":
        seen = float(np.mean((one - other) ** 2))
        expected = float(np.var(one) + np.var(other) + (np.mean(one) - np.mean(other)) ** 2)
    else:
        seen = float(np.mean(np.abs(one - other)))
        expected = float(np.mean(np.abs(one[:, None] - other[None, :])))
    return 1 - seen / expected


def gwet_ac1(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Return two raters' agreement beyond chance, where kappa sinks if one category is rare.

    Source: Gwet 2008, equations for two raters.
    """
    if not pairs:
        return None
    n = len(pairs)
    shares = [count / (2 * n) for count in Counter(r for pair in pairs for r in pair).values()]
    # One rating that nobody gave is still a category: a scale has at least two.
    expected = sum(share * (1 - share) for share in shares) / max(len(shares) - 1, 1)
    return _beyond(sum(one == other for one, other in pairs) / n, expected)


def krippendorff_alpha(units: Iterable[Sequence[Hashable | None]]) -> float | None:
    """Return the nominal alpha of any number of raters; a rating of `None` is missing.

    `None`: nothing was rated twice, or all ratings are the same.

    Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section C.
    """
    totals: Counter[Hashable] = Counter()
    agreeing: list[float] = []
    for unit in units:
        rated = Counter(rating for rating in unit if rating is not None)
        if (size := rated.total()) > 1:
            totals += rated
            agreeing.append(sum(count * (count - 1) for count in rated.values()) / (size - 1))
    n = totals.total()
    if not n:
        return None
    expected = sum(count * (count - 1) for count in totals.values()) / (n * (n - 1))
    return _beyond(math.fsum(agreeing) / n, expected)


def fleiss_kappa(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Return the agreement beyond chance of equally many raters per answer, who may differ.

    `None`: no answers, one rater, or one rating throughout.

    Source: Fleiss 1971.

    Raises:
        ValueError: answers have different numbers of ratings.
    """
    counts = [Counter(unit) for unit in units]
    sizes = {count.total() for count in counts}
    if len(sizes) > 1:
        raise ValueError(f"answers have {min(sizes)} to {max(sizes)} ratings")
    size = max(sizes, default=0)
    if size < 2:
        return None
    agreeing = math.fsum(
        sum(k * (k - 1) for k in count.values()) / (size * (size - 1)) for count in counts
    )
    totals: Counter[Hashable] = sum(counts, Counter())
    chance = math.fsum((k / totals.total()) ** 2 for k in totals.values())
    observed = agreeing / len(counts)
    return (observed - chance) / (1 - chance) if chance < 1 else None


def icc(ratings: ArrayLike) -> dict[str, float | None]:
    """Return the intraclass correlations ICC(1,1), (1,k), (2,1), (2,k), (3,1) and (3,k).

    (1,·): each answer had raters of its own; (2,·): the same raters, absolute agreement; (3,·): the
    same raters, consistency. (·,1) is one rater, (·,k) the mean of all.

    Args:
        ratings: a row for each answer, a column for each rater, complete.

    `None`: fewer than two rows or columns, or no variance at all.

    Source: Shrout and Fleiss 1979, table 4 and pages 423 to 426.
    """
    names = ("ICC(1,1)", "ICC(1,k)", "ICC(2,1)", "ICC(2,k)", "ICC(3,1)", "ICC(3,k)")
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or not np.ptp(table):
        return dict.fromkeys(names)
    n, k = table.shape
    mean = table.mean()
    rows = k * float(((table.mean(1) - mean) ** 2).sum())
    columns = n * float(((table.mean(0) - mean) ** 2).sum())
    within = float(((table - table.mean(1, keepdims=True)) ** 2).sum())
    bms, jms, wms = rows / (n - 1), columns / (k - 1), within / (n * (k - 1))
    ems = max(within - columns, 0.0) / ((n - 1) * (k - 1))
    shares = (
        (bms - wms, bms + (k - 1) * wms),
        (bms - wms, bms),
        (bms - ems, bms + (k - 1) * ems + k * (jms - ems) / n),
        (bms - ems, bms + (jms - ems) / n),
        (bms - ems, bms + (k - 1) * ems),
        (bms - ems, bms),
    )
    return {name: _ratio(*share) for name, share in zip(names, shares, strict=True)}


def spearman(pairs: ArrayLike) -> float | None:
    """Return the rank correlation; `None` below two pairs, or where a side never varies.

    Source: Spearman 1904; ties have their mean rank.
    """
    table = np.asarray(pairs, dtype=np.float64)
    if not table.size:
        return None
    one, other = (_ranks(side) for side in table.T)
    one, other = one - one.mean(), other - other.mean()
    spread = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / spread if spread else None


def mcnemar(only_first: int, only_second: int) -> float | None:
    """Return the two-sided p of McNemar's exact test; `None` where the two never differ.

    Source: McNemar 1947; the exact form is a binomial test of the differing pairs.
    """
    # scipy.stats has the test by name, and takes half a second to import.
    from scipy.special import bdtr

    n = only_first + only_second
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), n, 0.5))) if n else None


def _beyond(observed: float, expected: float) -> float | None:
    return (observed - expected) / (1 - expected) if expected < 1 else None


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if whole else None


def _ranks(values: Floats) -> Floats:
    """Return the rank of each value, from 1; equal values share the mean of theirs.

    As scipy.stats.rankdata, which costs more than all else in a bootstrap of few values.
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: Floats = (2 * last - counts + 1) / 2
    return mean[place]
