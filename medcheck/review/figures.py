"""Agreement of judges with people: pooled, by kind, level, category and model, and by stratum.

Every (judge, person) pair on a point counts once. What the judge left open or the person could not
tell is counted and left out. A queue holds more disputed points than the run: beside the pooled
figures stand those of each stratum, and those weighted to the strata's share of the run.

Source: trust.md section 3; gaps.md section 9; llmeval_med.md section 5.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from medcheck.errors import SettingsError, nearest
from medcheck.review.matching import Matched, Rating
from medcheck.review.queue import Point, Stratum
from medcheck.review.sums import (
    EITHER_OR,
    FEW_CLUSTERS,
    SCALED,
    Estimate,
    Pair,
    alpha,
    compare,
    constant_share,
)
from medcheck.scoring.usability import USABLE_AT
from medcheck.stats.agreement import TRIVIAL_SHARE, mcnemar
from medcheck.stats.means import row_seed

PANEL = "panel"
ALL = "all"
WEIGHTED = "weighted to the run"
STRATA: tuple[Stratum, ...] = ("undecided", "disputed", "agreed")
_BINARY = (0.0, 1.0)
_FIVE = 5.0

Says = Callable[[Rating], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Two raters on a group of points: usually a judge, and all people together."""

    section: str
    """`met`, `usable` (4 or more of 5), or `scale 1-5`."""
    judge: str
    """A judge, `panel`, or a person."""
    people: str
    """`people`, or the one person it is compared to."""
    group: str
    n: int
    """Pairs of ratings."""
    points: int
    cases: int
    conversations: int
    """What the intervals draw from: cases of one conversation or base question are one."""
    open: int
    """Pairs left out because the judge did not decide."""
    figures: Mapping[str, Estimate | None]
    """By their names in `review.sums`; empty without pairs."""
    only_judge: int | None = None
    """Pairs that only the judge calls met or usable; `None` on a scale."""
    only_people: int | None = None
    p_value: float | None = None
    """Of McNemar's exact test of the two; takes pairs for independent."""
    warning: str | None = None
    """Why the percent agreement says little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What people say about the judges of a run."""

    run: str
    seed: int
    """Of the bootstrap."""
    lines: tuple[Line, ...]
    raters: Mapping[str, int]
    """Ratings by person."""
    unsure: int
    """Ratings that a person could not tell."""
    blank: int
    strata: Mapping[str, tuple[int, int]]
    """Points that people rated, and points of the run, by stratum."""
    alphas: Mapping[str, Estimate | None] = field(default_factory=dict)
    """Krippendorff's alpha of all people among themselves, by section; empty with one person."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pairs:
    """The pairs of two raters, with what is left out."""

    ratings: tuple[Rating, ...]
    """Whose points both decided."""
    pairs: tuple[Pair, ...]
    open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    name: str
    ratings: tuple[Rating, ...]
    figures: tuple[str, ...]
    scale: tuple[float, float]
    threshold: float | None
    """From which value on a rating counts as 1; `None`: it stays what it is."""

    def value(self, found: float | None) -> float | None:
        """Return a rating as this section sees it."""
        if found is None or self.threshold is None:
            return found
        return float(found >= self.threshold)


def report(matched: Matched, judges: Collection[str] = ()) -> Report:
    """Return the agreement of the panel and of each judge with people, and of people.

    Args:
        matched: the ratings.
        judges: only these, and no panel; empty: all.

    Raises:
        SettingsError: a judge voted on none of the points.
    """
    shown = _judges(matched.ratings, judges)
    sections = list(_sections(matched.ratings))
    found = [line for section in sections for line in _lines(section, shown, matched)]
    raters = Counter(rating.rater for rating in matched.ratings)
    strata = _strata(matched)
    return Report(
        run=matched.run,
        seed=matched.seed,
        lines=tuple(found),
        raters=dict(sorted(raters.items())),
        unsure=sum(rating.value is None for rating in matched.ratings),
        blank=matched.blank,
        strata=strata,
        alphas=_alphas(sections, matched.seed) if len(raters) > 1 else {},
        notes=tuple(_notes(found, strata)),
    )


def _judges(ratings: Iterable[Rating], wanted: Collection[str]) -> tuple[str, ...]:
    known = sorted({judge for rating in ratings for judge in rating.point.judges})
    if unknown := [name for name in wanted if name not in known]:
        hint = nearest(unknown[0], known)
        raise SettingsError(f'--judge: "{unknown[0]}" voted on no point that was rated.', hint=hint)
    return tuple(dict.fromkeys(wanted)) or (PANEL, *known)


def _sections(ratings: Sequence[Rating]) -> Iterator[_Section]:
    by_scale: dict[tuple[float, float], list[Rating]] = defaultdict(list)
    for rating in ratings:
        by_scale[rating.point.scale].append(rating)
    for scale, found in sorted(by_scale.items()):
        if scale == _BINARY:
            yield _Section(name="met", ratings=tuple(found), figures=EITHER_OR, scale=scale,
                           threshold=None)  # fmt: skip
            continue
        name = f"scale {scale[0]:g}-{scale[1]:g}"
        yield _Section(name=name, ratings=tuple(found), figures=SCALED, scale=scale,
                       threshold=None)  # fmt: skip
        if scale[1] == _FIVE:
            yield _Section(name="usable", ratings=tuple(found), figures=EITHER_OR, scale=scale,
                           threshold=USABLE_AT)  # fmt: skip


def _lines(section: _Section, judges: Sequence[str], matched: Matched) -> Iterator[Line]:
    groups = _groups(section.ratings)
    for judge in judges:
        says = _says(judge)
        for group, ratings in groups.items():
            yield _line(section, judge, group, _paired(section, ratings, says), matched.seed)
        weighted = _weighted(section, says, matched, judge)
        if weighted is not None:
            yield weighted
    yield from _among_people(section, matched.seed)


def _says(judge: str) -> Says:
    if judge == PANEL:
        return lambda rating: rating.point.panel
    return lambda rating: rating.point.judges.get(judge)


def _groups(ratings: Sequence[Rating]) -> dict[str, list[Rating]]:
    """Return the ratings by group; a name that all points share makes no group of its own."""
    found: dict[str, dict[str, list[Rating]]] = {}
    for rating in ratings:
        for name, value in _names(rating.point):
            found.setdefault(name, {}).setdefault(f"{name}:{value}", []).append(rating)
    groups: dict[str, list[Rating]] = {ALL: list(ratings)}
    for values in found.values():
        if len(values) > 1:
            groups |= dict(sorted(values.items()))
    return groups


def _names(point: Point) -> Iterator[tuple[str, str]]:
    yield "kind", point.kind
    if point.level is not None:
        yield "level", point.level
    if point.category is not None:
        yield "category", point.category
    yield "model", point.model
    yield "suite", point.suite
    yield "stratum", point.stratum


def _paired(section: _Section, ratings: Iterable[Rating], says: Says) -> _Pairs:
    kept: list[Rating] = []
    pairs: list[Pair] = []
    left_open = 0
    for rating in ratings:
        judged, told = section.value(says(rating)), section.value(rating.value)
        if told is None:
            continue
        if judged is None:
            left_open += 1
            continue
        kept.append(rating)
        pairs.append((judged, told))
    return _Pairs(ratings=tuple(kept), pairs=tuple(pairs), open=left_open)


def _line(
    section: _Section,
    judge: str,
    group: str,
    found: _Pairs,
    seed: int,
    *,
    people: str = "people",
    weights: Sequence[float] | None = None,
) -> Line:
    clusters = [rating.point.cluster for rating in found.ratings]
    figures: Mapping[str, Estimate | None] = {}
    if found.pairs:
        figures = compare(
            found.pairs, section.figures, clusters=clusters, weights=weights,
            seed=row_seed(seed, section.name, judge, people, group),
        )  # fmt: skip
    line = Line(
        section=section.name,
        judge=judge,
        people=people,
        group=group,
        n=len(found.pairs),
        points=len({rating.item for rating in found.ratings}),
        cases=len({(rating.point.suite, rating.point.case_id) for rating in found.ratings}),
        conversations=len(set(clusters)),
        open=found.open,
        figures=figures,
    )
    return line if section.figures != EITHER_OR or weights else _tested(line, found.pairs)


def _tested(line: Line, pairs: Sequence[Pair]) -> Line:
    """Add the test of bias, and the warning, of pairs of 0 and 1."""
    only_judge = sum(one > other for one, other in pairs)
    only_people = sum(one < other for one, other in pairs)
    return replace(
        line,
        only_judge=only_judge,
        only_people=only_people,
        p_value=mcnemar(only_judge, only_people),
        warning=_warning(line, pairs),
    )


def _warning(line: Line, pairs: Sequence[Pair]) -> str | None:
    agreement = line.figures.get("agreement")
    if agreement is None:
        return None
    value, share = constant_share([told for _, told in pairs])
    if share < TRIVIAL_SHARE and share < agreement.value:
        return None
    word = line.section if value else f"not {line.section}"
    return (
        f"percent agreement {100 * agreement.value:.1f} % says little: always saying "
        f'"{word}" would agree on {100 * share:.1f} %. Read kappa, AC1 and the bias.'
    )


def _weighted(section: _Section, says: Says, matched: Matched, judge: str) -> Line | None:
    """Return the pooled line as if each stratum had been rated in proportion to the run.

    `None`: the run has one stratum only, or one of them was not rated.
    """
    found = _paired(section, section.ratings, says)
    rated = Counter(rating.point.stratum for rating in found.ratings)
    # The panel has no verdict on undecided points, so that they are no part of its figures.
    expected = [s for s in STRATA if not (judge == PANEL and s == "undecided")]
    sizes = {s: matched.population.get((section.scale, s), 0) for s in expected}
    filled = [stratum for stratum, size in sizes.items() if size]
    if len(filled) < 2 or not all(rated[stratum] for stratum in filled):
        return None
    weights = [sizes.get(r.point.stratum, 0) / rated[r.point.stratum] for r in found.ratings]
    return _line(section, judge, WEIGHTED, found, matched.seed, weights=weights)


def _among_people(section: _Section, seed: int) -> Iterator[Line]:
    by_rater: dict[str, dict[str, Rating]] = defaultdict(dict)
    for rating in section.ratings:
        if rating.value is not None:
            by_rater[rating.rater][rating.item] = rating
    for one, other in itertools.combinations(sorted(by_rater), 2):
        theirs = by_rater[one]
        shared = [rating for item, rating in by_rater[other].items() if item in theirs]
        if shared:
            found = _paired(section, shared, lambda rating, of=theirs: of[rating.item].value)  # type: ignore[misc]
            yield _line(section, one, ALL, found, seed, people=other)


def _alphas(sections: Iterable[_Section], seed: int) -> dict[str, Estimate | None]:
    found: dict[str, Estimate | None] = {}
    for section in sections:
        units: dict[str, list[float]] = defaultdict(list)
        clusters: dict[str, str] = {}
        for rating in section.ratings:
            value = section.value(rating.value)
            if value is not None:
                units[rating.item].append(value)
                clusters[rating.item] = rating.point.cluster
        found[section.name] = alpha(
            list(units.values()),
            clusters=[clusters[item] for item in units],
            seed=row_seed(seed, section.name, "alpha"),
        )
    return found


def _strata(matched: Matched) -> dict[str, tuple[int, int]]:
    points = {r.item: r.point.stratum for r in matched.ratings if r.value is not None}
    rated = Counter(points.values())
    sizes: Counter[str] = Counter()
    for (_, stratum), size in matched.population.items():
        sizes[stratum] += size
    return {s: (rated[s], sizes[s]) for s in (*STRATA, "lost") if rated[s] or sizes[s]}


def _notes(found: Sequence[Line], strata: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    agreed, of = strata.get("agreed", (0, 0))
    if found and not agreed and of:
        yield (
            f"People rated none of the {of} points that judges agree on: the figures hold for "
            "disputed points, and are lower than those of the whole run."
        )
    elif len({rated / size for rated, size in strata.values() if size}) > 1:
        yield (
            f'People rated some strata more than others: "{WEIGHTED}" is what all points of the '
            f'run would give, "{ALL}" what was rated.'
        )
    lost, _ = strata.get("lost", (0, 0))
    if lost:
        yield f"{lost} rated points have no verdict, because a judge failed there."
    if any(1 < line.conversations < FEW_CLUSTERS for line in found):
        yield f"Intervals from fewer than {FEW_CLUSTERS} conversations are too narrow."
