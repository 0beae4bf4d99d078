"""Raters on a scale: weighted kappa, MCC, ICC, Fleiss, rank correlation, and their intervals.

Cohen's kappa, AC1 and alpha of nominal ratings live in `agreement`; who rated what, and tables of
several figures, in `human`.

Source: llmeval_med.md section 5; trust.md section 3 (judge validity). Each function names its own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medcheck.stats.agreement import cohen_kappa, gwet_ac1

T = TypeVar("T")
Floats = NDArray[np.float64]

TRIVIAL_SHARE = 0.9
"""Where one verdict is this frequent among people, percent agreement says little."""
_MIN_DRAWS = 0.9
"""Share of bootstrap draws that must have a figure."""


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


def spearman(pairs: ArrayLike) -> float | None:
    """Return the rank correlation; `None` below two pairs, or where a side never varies.

    Source: Spearman 1904; ties have their mean rank.
    """
    from scipy.stats import rankdata

    table = np.asarray(pairs, dtype=np.float64)
    if not table.size:
        return None
    one, other = (rankdata(side) for side in table.T)
    one, other = one - one.mean(), other - other.mean()
    spread = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / spread if spread else None


def cluster_bootstrap(
    values: Sequence[T],
    clusters: Sequence[Hashable],
    statistic: Callable[[Sequence[T]], float | None],
    *,
    seed: int,
    n: int = 1000,
    confidence: float = 0.95,
) -> tuple[float, float] | None:
    """Return the percentile interval of a statistic, whole clusters being drawn.

    Args:
        values: what the statistic is computed from.
        clusters: what each value belongs to, such as its conversation.
        statistic: may be `None` where it is not defined.
        seed: of the draws.
        n: how many draws.
        confidence: share of the draws that the interval holds.

    `None`: fewer than two clusters, or more than a tenth of the draws have no figure.

    Source: Field and Welsh 2007 (cluster bootstrap); trust.md section 3.
    """
    drawn = (
        statistic([values[row] for row in rows]) for rows in cluster_draws(clusters, seed=seed, n=n)
    )
    return percentiles(drawn, n=n, confidence=confidence)


def cluster_draws(clusters: Sequence[Hashable], *, seed: int, n: int) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of each of `n` bootstrap samples of clusters; nothing below two clusters."""
    rows: dict[Hashable, list[int]] = {}
    for row, name in enumerate(clusters):
        rows.setdefault(name, []).append(row)
    groups = [np.asarray(found, dtype=np.intp) for found in rows.values()]
    if len(groups) < 2:
        return
    draw = np.random.Generator(np.random.PCG64(seed))
    for _ in range(n):
        picked = draw.integers(0, len(groups), size=len(groups), dtype=np.uint32)
        yield np.concatenate([groups[number] for number in picked])


def percentiles(
    drawn: Iterable[float | None], *, n: int, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Return the bounds of what was drawn; `None` if too few of `n` draws have a figure."""
    known = [figure for figure in drawn if figure is not None]
    if not known or len(known) < _MIN_DRAWS * n:
        return None
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if whole else None
