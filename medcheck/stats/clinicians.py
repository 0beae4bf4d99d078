"""A jury, and automatic metrics, beside clinicians who rated the same answers.

By benchmark and over all of them; none is left out. The coefficients are those of `agreement`.

Source: medhelm.md section 4 (som-shahlab/medhelm open-ended-evals/4_calculate_icc.py, which
standardizes both raters, pools two of three benchmarks, and reports ICC(3,k) alone).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from medcheck.stats.agreement import cluster_draws, icc, percentiles, spearman
from medcheck.stats.human import POOLED, Estimate, Rating
from medcheck.stats.means import row_seed
from medcheck.types import Result

ICCS = ("ICC(1,1)", "ICC(2,1)", "ICC(2,k)", "ICC(3,1)", "ICC(3,k)")
STANDARDIZED = ("ICC(3,1) z", "ICC(3,k) z")
"""Of ratings standardized by rater, as the original has them: scale use is hidden."""
FIGURES = (*ICCS, *STANDARDIZED, "spearman", "alpha")
MIN_SHARED = 5
"""Answers that a pair of clinicians must share. Source: medhelm.md section 4."""
JURY = "jury"
_DRAWS = 1000
_DIGITS = 9
_METRIC = "metric:"
_SCORE = "score"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedAnswer:
    """One answer and what was said of it, on any scales."""

    benchmark: str
    cluster: Hashable
    """What is drawn together, such as the question."""
    clinicians: Mapping[str, float] = field(default_factory=dict)
    """By name."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """The jury's mark under `jury`, and automatic metrics by name."""

    @property
    def human(self) -> float | None:
        """The clinicians' mean; `None`: nobody rated it."""
        values = list(self.clinicians.values())
        return math.fsum(values) / len(values) if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A jury or a metric beside the clinicians' means, in one benchmark or in all."""

    measure: str
    """`jury`, or a metric's name."""
    benchmark: str
    n: int
    """Answers with both."""
    clusters: int
    figures: Mapping[str, Estimate]
    """By a name of `FIGURES`; alpha is Krippendorff's of interval ratings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicianPair:
    """Two clinicians on the answers that both rated."""

    raters: tuple[str, str]
    n: int
    icc: float | None
    """ICC(3,k) of standardized ratings, as the jury's is; `None`: not defined."""
    single: float | None
    """ICC(3,1) of the ratings as they are."""
    undefined: str = ""
    """Why there is no ICC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinicians:
    """How far clinicians agree with each other."""

    pairs: tuple[ClinicianPair, ...]
    """All that share enough answers, by name."""
    mean: float | None
    """Of the defined pairs' `icc`, each weighing the same."""
    weighted: float | None
    """The same, each weighing as its answers."""

    @property
    def defined(self) -> tuple[ClinicianPair, ...]:
        """The pairs that have a figure."""
        return tuple(pair for pair in self.pairs if pair.icc is not None)

    @property
    def undefined(self) -> tuple[ClinicianPair, ...]:
        """The others: left out of the means, and to be named."""
        return tuple(pair for pair in self.pairs if pair.icc is None)


def beside(
    answers: Iterable[RatedAnswer],
    *,
    seed: int,
    n: int = _DRAWS,
    measures: Sequence[str] = (),
) -> tuple[Beside, ...]:
    """Return each measure beside the clinicians, by benchmark and over all (`POOLED`).

    Args:
        answers: rated and measured.
        seed: of the bootstrap, which draws clusters.
        n: bootstrap draws.
        measures: which; default: all that the answers have, the jury first.
    """
    found = [answer for answer in answers if answer.clinicians]
    names = measures or sorted(
        {name for answer in found for name in answer.measured}, key=lambda m: (m != JURY, m)
    )
    groups: dict[str, list[RatedAnswer]] = defaultdict(list)
    for answer in found:
        groups[answer.benchmark].append(answer)
    named = [*groups.items(), *([(POOLED, found)] if len(groups) > 1 else [])]
    return tuple(
        _beside(measure, name, group, seed=row_seed(seed, measure, name), n=n)
        for measure in names
        for name, group in named
    )


def figures_of(ratings: Floats) -> dict[str, float | None]:
    """Return all figures of two raters; a row for each answer."""
    if len(ratings) < 2:
        return dict.fromkeys(FIGURES)
    plain, even = icc(ratings), icc(standardized(ratings))
    found: dict[str, float | None] = {name: plain[name] for name in ICCS}
    found |= {name: even[name.removesuffix(" z")] for name in STANDARDIZED}
    # Means of thirds that are equal differ in the last digit by the order of summing.
    ranked = spearman(np.round(ratings, _DIGITS))
    return {**found, "spearman": ranked, "alpha": interval_alpha(ratings)}


def standardized(ratings: Floats) -> Floats:
    """Return ratings less each rater's mean, over its deviation; one that never varies is 0."""
    spread = ratings.std(axis=0)
    even: Floats = (ratings - ratings.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return even


def interval_alpha(ratings: Floats) -> float | None:
    """Return Krippendorff's alpha of interval ratings, complete; `None`: all are the same.

    Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section E.
    """
    values = ratings.ravel()
    expected = float(values.var()) * 2 * len(values) / (len(values) - 1)
    if not expected:
        return None
    # Two ratings differ by twice the variance of their answer, in the mean over its pairs.
    observed = float(ratings.var(axis=1, ddof=1).mean()) * 2
    return 1 - observed / expected


def clinician_pairs(answers: Iterable[RatedAnswer], *, min_shared: int = MIN_SHARED) -> Clinicians:
    """Return every pair of clinicians that share enough answers, defined or not."""
    shared: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for answer in answers:
        for one, other in combinations(sorted(answer.clinicians), 2):
            ratings = (answer.clinicians[one], answer.clinicians[other])
            shared[one, other].append(ratings)
    pairs = tuple(
        _pair(raters, np.asarray(found))
        for raters, found in sorted(shared.items())
        if len(found) >= min_shared
    )
    known = [(pair.icc, pair.n) for pair in pairs if pair.icc is not None]
    if not known:
        return Clinicians(pairs=pairs, mean=None, weighted=None)
    return Clinicians(
        pairs=pairs,
        mean=math.fsum(value for value, _ in known) / len(known),
        weighted=math.fsum(v * count for v, count in known) / sum(count for _, count in known),
    )


def answers_of(results: Iterable[Result], ratings: Iterable[Rating]) -> Iterator[RatedAnswer]:
    """Yield the measured answers that clinicians scored; a benchmark is a suite.

    The jury's mark is the facet `score`, automatic metrics are the facets `metric:NAME`. Ratings
    without a model are of every model's answers.
    """
    said: dict[tuple[str, str | None, int], dict[str, float]] = defaultdict(dict)
    for rating in ratings:
        if rating.score is not None:
            said[rating.case_id, rating.model, rating.repeat][rating.rater] = rating.score
    for result in results:
        known = [said.get((result.case_id, who, result.repeat), {}) for who in (None, result.model)]
        given = {**known[0], **known[1]}
        facets = result.score.facets if result.measured and result.score else {}
        names = {_SCORE: JURY, **{f: f.removeprefix(_METRIC) for f in facets if f != _SCORE}}
        measured = {
            name: facets[facet]
            for facet, name in names.items()
            if facet in facets and (facet == _SCORE or facet.startswith(_METRIC))
        }
        if given and measured:
            yield RatedAnswer(
                benchmark=result.suite,
                cluster=result.case_id,
                clinicians=given,
                measured=measured,
            )


def _beside(
    measure: str, name: str, answers: Sequence[RatedAnswer], *, seed: int, n: int
) -> Beside:
    kept = [answer for answer in answers if measure in answer.measured]
    table = np.asarray([(a.human, a.measured[measure]) for a in kept], dtype=np.float64)
    table = table.reshape(-1, 2)
    clusters = [(answer.benchmark, answer.cluster) for answer in kept]
    drawn = [figures_of(table[rows]) for rows in cluster_draws(clusters, seed=seed, n=n)]
    values = figures_of(table)
    return Beside(
        measure=measure,
        benchmark=name,
        n=len(kept),
        clusters=len(set(clusters)),
        figures={
            figure: Estimate(value=value, ci95=percentiles((draw[figure] for draw in drawn), n=n))
            for figure, value in values.items()
        },
    )


def _pair(raters: tuple[str, str], ratings: Floats) -> ClinicianPair:
    constant = [name for name, side in zip(raters, ratings.T, strict=True) if not np.ptp(side)]
    found = icc(standardized(ratings))["ICC(3,k)"]
    why = f"{' and '.join(constant)} gave one rating throughout" if constant else ""
    return ClinicianPair(
        raters=raters,
        n=len(ratings),
        icc=None if constant else found,
        single=icc(ratings)["ICC(3,1)"],
        undefined=why or ("" if found is not None else "no variance between the answers"),
    )
