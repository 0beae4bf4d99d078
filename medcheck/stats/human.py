"""People and the judge on the same answers: what they agree on, by category and pooled.

Ratings are read by `readers._human_ratings`; the measures themselves stand in `raters` and
`agreement`.

Source: llmeval_med.md section 5; trust.md section 3.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from medcheck.scoring.usability import Item, Rate, Rules, item_of, share
from medcheck.stats.agreement import (
    Confusion,
    cluster_draws,
    fleiss_kappa,
    icc,
    krippendorff_alpha,
    percentiles,
    spearman,
    weighted_kappa,
)
from medcheck.stats.means import row_seed
from medcheck.types import Result

POOLED = "all"
"""The group of all pairs."""
FIGURES = (
    "agreement", "kappa", "ac1", "mcc", "precision", "recall", "weighted_kappa", "icc", "spearman",
)  # fmt: skip
"""The first six are about usable or not, the last three about scores."""

Floats = NDArray[np.float64]
Answer = tuple[str, str | None, int]
"""Case, model and repeat; `None`: of every model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What one person says of one answer."""

    case_id: str
    rater: str
    usable: bool | None = None
    """`None`: not said."""
    score: float | None = None
    """On the judge's scale, 1 to 5; `None`: not said."""
    level: int | None = None
    """Of a generated text rated by dimensions, 0 to 7; never compared with a judge's score."""
    model: str | None = None
    """Whose answer it is; `None`: the file is about one model."""
    repeat: int = 1
    where: str = field(default="", compare=False)
    """File and row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """People and the judge on one answer."""

    group: str
    """Such as the category."""
    cluster: str
    """What is drawn together, such as the conversation."""
    human: bool
    """Whether people call it usable."""
    judge: bool
    scores: tuple[float, float] | None = None
    """The judge's and the people's, on one scale; `None`: one of them gave none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval."""

    value: float | None
    """`None`: not defined for these pairs."""
    ci95: tuple[float, float] | None
    """Bootstrap, clusters drawn; `None`: too few clusters, or undefined in too many draws."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The judge against people in one group."""

    group: str
    n: int
    """Pairs."""
    scored: int
    """Pairs with both scores: what weighted kappa, ICC and Spearman rest on."""
    clusters: int
    counts: Confusion
    """Yes is usable, the truth is what people say."""
    figures: Mapping[str, Estimate] = field(default_factory=dict)
    """By a name of `FIGURES`; precision and recall are of "usable", ICC is ICC(2,1)."""
    warning: str | None = None
    """Why the percent agreement says little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consensus:
    """Several people on one answer."""

    usable: bool | None
    """Of more than half of those who said; `None`: a tie, or nobody said."""
    score: float | None
    """The mean of those who gave one."""
    raters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AmongPeople:
    """How far people agree with each other on usable or not, and on scores."""

    answers: int
    """Rated by two people or more."""
    raters: int
    agreement: float | None
    """Share of equal verdicts, over all pairs of people on one answer."""
    alpha: float | None
    """Krippendorff's, nominal."""
    fleiss: float | None
    """`None` also where answers have different numbers of raters."""
    icc: float | None
    """ICC(2,1) of scores, over the answers that every rater scored."""


def agreement_table(pairs: Iterable[Pair], *, seed: int, n: int = 1000) -> tuple[Agreement, ...]:
    """Return the agreement by group, in the pairs' order, then over all (`POOLED`).

    Pooled intervals draw clusters over all groups. Every group has draws of its own seed, so that
    one group's figures do not depend on the others.
    """
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.group].append(pair)
    every = [pair for group in groups.values() for pair in group]
    named = [*groups.items(), *([(POOLED, every)] if len(groups) > 1 else [])]
    return tuple(
        _agreement(name, found, seed=row_seed(seed, "agreement", name), n=n)
        for name, found in named
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Graded answers beside the people's ratings of them."""

    pairs: tuple[Pair, ...]
    unrated: int
    """Measured answers that nobody rated, or on which people are tied."""
    unmeasured: int
    """Rated answers without a score of the judge: no pair, and no disagreement."""
    strays: tuple[Rating, ...]
    """Ratings of answers that are not there."""


def matched(
    results: Iterable[Result], ratings: Iterable[Rating], *, rules: Rules, runs: int
) -> Matched:
    """Return people and judge on the same answers; groups are categories.

    The judge calls an answer usable by the mean of its runs, whatever the rule of the rates: people
    gave one verdict on it. Ratings without a model are of every model's answers.

    Args:
        results: of the grader `checklist`.
        ratings: as they were read.
        rules: from which score an answer is usable.
        runs: how often each judge was asked.
    """
    ratings = tuple(ratings)
    said = consensus(ratings)
    pairs, lost = [], {"unrated": 0, "unmeasured": 0}
    answers: list[Answer] = []
    by_mean = replace(rules, score_rule="mean_then_threshold", missing="exclude")
    for result in results:
        answers.append((result.case_id, result.model, result.repeat))
        found = said.get((result.case_id, result.model, result.repeat)) or said.get(
            (result.case_id, None, result.repeat)
        )
        item = item_of(result, runs=runs)
        judged = share(item.scores, by_mean) if result.measured else None
        if judged is None or found is None or found.usable is None:
            lost["unrated"] += judged is not None
            lost["unmeasured"] += judged is None and found is not None
        else:
            pairs.append(_pair(item, found, human=found.usable, judge=bool(judged)))
    return Matched(pairs=tuple(pairs), strays=strays(ratings, answers), **lost)


def strays(ratings: Iterable[Rating], answers: Iterable[Answer]) -> tuple[Rating, ...]:
    """Return the ratings that are of none of these answers (case, model, repeat)."""
    named = set(answers)
    known = {*named, *((case_id, None, repeat) for case_id, _, repeat in named)}
    return tuple(each for each in ratings if (each.case_id, each.model, each.repeat) not in known)


def consensus(ratings: Iterable[Rating]) -> dict[Answer, Consensus]:
    """Return what people say together, by case, model and repeat.

    Ratings without a model are of every model's answers: they stand under `None`, and count with
    those of each model that others name.
    """
    found: dict[Answer, list[Rating]] = defaultdict(list)
    for rating in ratings:
        found[rating.case_id, rating.model, rating.repeat].append(rating)
    return {
        (case_id, model, repeat): _together(
            [*group, *(found.get((case_id, None, repeat), ()) if model is not None else ())]
        )
        for (case_id, model, repeat), group in found.items()
    }


def human_rate(ratings: Iterable[Rating], *, model: str | None = None) -> Rate:
    """Return the share of a model's answers that people call usable; ties count as missing.

    It may stand in the place of a category's rate by the judge, as in the paper's tables: see
    `scoring.usability.overall`.

    Args:
        ratings: of one category.
        model: whose; ratings that name no model count for every one.

    Source: llmeval_med.md section 4 (generated texts are rated by people).
    """
    own = [rating for rating in ratings if rating.model in (None, model)]
    said = [found.usable for found in consensus(own).values()]
    known = [usable for usable in said if usable is not None]
    return Rate(
        usable=sum(known), n=len(known), missing=len(said) - len(known), items=len(said), mean=None
    )


def among_people(ratings: Iterable[Rating]) -> AmongPeople:
    """Return the agreement of people with each other: what a judge can be held against."""
    units: dict[Answer, dict[str, Rating]] = defaultdict(dict)
    for rating in ratings:
        units[rating.case_id, rating.model, rating.repeat][rating.rater] = rating
    names = sorted({name for unit in units.values() for name in unit})
    said = [[r.usable for r in unit.values() if r.usable is not None] for unit in units.values()]
    several = [unit for unit in said if len(unit) > 1]
    scores = [[unit[name].score if name in unit else None for name in names]
              for unit in units.values()]  # fmt: skip
    complete = [[s for s in row if s is not None] for row in scores if None not in row]
    equal = {len(unit) for unit in several}
    return AmongPeople(
        answers=len(several),
        raters=len(names),
        agreement=_pairwise(several),
        alpha=krippendorff_alpha(several),
        fleiss=fleiss_kappa(several) if len(equal) == 1 else None,
        icc=icc(complete)["ICC(2,1)"] if complete else None,
    )


def _pair(item: Item, found: Consensus, *, human: bool, judge: bool) -> Pair:
    known = [score for score in item.scores if score is not None]
    mean = math.fsum(known) / len(known)
    return Pair(
        group=item.category,
        cluster=f"{item.category}/{item.conversation}",
        human=human,
        judge=judge,
        scores=None if found.score is None else (mean, found.score),
    )


def _together(ratings: Sequence[Rating]) -> Consensus:
    said = [rating.usable for rating in ratings if rating.usable is not None]
    scores = [rating.score for rating in ratings if rating.score is not None]
    yes = sum(said)
    return Consensus(
        usable=None if 2 * yes == len(said) else 2 * yes > len(said),
        score=math.fsum(scores) / len(scores) if scores else None,
        raters=len({rating.rater for rating in ratings}),
    )


def _pairwise(units: Sequence[Sequence[bool]]) -> float | None:
    """Return the share of equal pairs, every answer counting by its pairs of people."""
    equal = total = 0
    for unit in units:
        yes, size = sum(unit), len(unit)
        total += size * (size - 1) // 2
        equal += yes * (yes - 1) // 2 + (size - yes) * (size - yes - 1) // 2
    return equal / total if total else None


def _agreement(name: str, pairs: Sequence[Pair], *, seed: int, n: int) -> Agreement:
    columns = _Columns.of(pairs)
    values = columns.figures()
    drawn: dict[str, list[float | None]] = {figure: [] for figure in FIGURES}
    clusters = [pair.cluster for pair in pairs]
    for rows in cluster_draws(clusters, seed=seed, n=n):
        for figure, value in columns.take(rows).figures().items():
            drawn[figure].append(value)
    counts = columns.confusion
    return Agreement(
        group=name,
        n=len(pairs),
        scored=sum(pair.scores is not None for pair in pairs),
        clusters=len(set(clusters)),
        counts=counts,
        figures={
            figure: Estimate(
                value=values[figure],
                ci95=percentiles(drawn[figure], n=n) if values[figure] is not None else None,
            )
            for figure in FIGURES
        },
        warning=counts.warning(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Pairs as arrays, so that a thousand draws take no longer than a page to read."""

    verdicts: NDArray[np.intp]
    """2 where the judge says usable, plus 1 where people do."""
    scores: Floats
    """Judge and people; NaN inside this class only: no score."""

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> _Columns:
        none = (math.nan, math.nan)
        return cls(
            verdicts=np.asarray([2 * pair.judge + pair.human for pair in pairs], dtype=np.intp),
            scores=np.asarray([pair.scores or none for pair in pairs], dtype=np.float64),
        )

    def take(self, rows: NDArray[np.intp]) -> _Columns:
        return _Columns(verdicts=self.verdicts[rows], scores=self.scores[rows])

    @property
    def confusion(self) -> Confusion:
        tn, fn, fp, tp = (int(count) for count in np.bincount(self.verdicts, minlength=4))
        return Confusion(tp=tp, fn=fn, fp=fp, tn=tn)

    def figures(self) -> dict[str, float | None]:
        counts = self.confusion
        found: dict[str, float | None] = {
            name: getattr(counts, name) for name in ("agreement", "mcc", "precision", "recall")
        }
        found |= {"kappa": _kappa(counts), "ac1": _ac1(counts)}
        scores = self.scores[~np.isnan(self.scores[:, 0])]
        for name, measure in _OF_SCORES.items():
            found[name] = measure(scores) if len(scores) > 1 else None
        return found


def _kappa(counts: Confusion) -> float | None:
    """Return what `Confusion.kappa` does, without spelling the pairs out."""
    n = counts.n
    said, true = counts.tp + counts.fp, counts.tp + counts.fn
    return _beyond(counts.tp + counts.tn, said * true + (n - said) * (n - true), n)


def _ac1(counts: Confusion) -> float | None:
    both = 2 * counts.tp + counts.fp + counts.fn
    n = counts.n
    # Twice the share of yes times the share of no, over the squared number of answers.
    return _beyond(counts.tp + counts.tn, both * (2 * n - both) / 2, n)


def _beyond(equal: float, expected: float, n: int) -> float | None:
    expected /= n**2
    return (equal / n - expected) / (1 - expected) if expected < 1 else None


_OF_SCORES: Mapping[str, Callable[[Floats], float | None]] = {
    "weighted_kappa": weighted_kappa,
    "icc": lambda scores: icc(scores)["ICC(2,1)"],
    "spearman": spearman,
}
