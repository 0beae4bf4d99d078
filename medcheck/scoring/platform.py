"""MedBench's platform scores: dimension and overall by the track's rule, and what does not fit.

A score that is not given, or cannot be derived, is `None`; the platform's per-item grading is not
known here.

Source: medbench.md section 2.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from medcheck.scoring.medbench_sets import Track, sets_of

TOLERANCE = 0.1
"""Of 100: published figures are rounded to one decimal, sets and dimensions alike."""
_EXACT = 1e-9
OVERALL = "overall"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """What the platform gave one model, each 0 to 100."""

    model: str
    overall: float | None = None
    dimensions: Mapping[str, float] = field(default_factory=dict)
    sets: Mapping[str, float] = field(default_factory=dict)
    """By the set's name on the leaderboard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """A figure that its parts do not give."""

    model: str
    name: str
    """A dimension, or `overall`."""
    given: float
    derived: float
    """By the track's rule."""
    reading: str = ""
    """The one part that makes it fit with two neighboring digits swapped; empty: none, or many."""

    def __str__(self) -> str:
        text = f"{self.model}: {self.name} is {self.given:g}, its parts give {self.derived:.2f}"
        return f"{text}; {self.reading}" if self.reading else text


def arithmetic(values: Sequence[float]) -> float:
    """Return the mean of one value or more."""
    return sum(values) / len(values)


def harmonic(values: Sequence[float]) -> float:
    """Return the harmonic mean of one value or more; 0 where one of them is 0."""
    return len(values) / sum(1 / value for value in values) if all(values) else 0.0


MEANS: Mapping[Track, Callable[[Sequence[float]], float]] = {
    "old": harmonic,
    "v4": arithmetic,
    "agent": arithmetic,
}
"""How an overall score is made of dimensions; nothing is published about vision."""
SET_MEANS: Mapping[Track, Callable[[Sequence[float]], float]] = {
    "v4": arithmetic,
    "agent": arithmetic,
}
"""How a dimension is made of its sets; of the old track it is not published."""


def dimensions_of(track: str) -> Mapping[str, tuple[str, ...]]:
    """Return the sets of each dimension by their names on the leaderboard; empty for vision.

    Raises:
        SettingsError: unknown track.
    """
    found: dict[str, dict[str, None]] = {}
    for info in sets_of(track):
        if info.dimension is not None:
            found.setdefault(info.dimension, {})[info.platform] = None
    return {dimension: tuple(names) for dimension, names in found.items()}


def derived_dimensions(track: Track, sets: Mapping[str, float]) -> Mapping[str, float]:
    """Return the dimensions whose sets are all there."""
    mean = SET_MEANS.get(track)
    if mean is None:
        return {}
    return {
        dimension: mean([sets[name] for name in names])
        for dimension, names in dimensions_of(track).items()
        if all(name in sets for name in names)
    }


def derived_overall(track: Track, dimensions: Mapping[str, float]) -> float | None:
    """Return the overall score; `None`: a dimension is missing, or the rule is not published."""
    mean = MEANS.get(track)
    needed = dimensions_of(track)
    if mean is None or any(name not in dimensions for name in needed):
        return None
    return mean([dimensions[name] for name in needed])


def dimension_bounds(track: Track, bounds: Mapping[str, float]) -> Mapping[str, float]:
    """Return the highest value left to each dimension all of whose sets have a bound.

    Source: medbench.md section 4, finding 4.
    """
    return derived_dimensions(track, bounds)


def completed(track: Track, row: ScoreRow) -> ScoreRow:
    """Return a row with the figures that were not given but follow from those that were."""
    dimensions = {**derived_dimensions(track, row.sets), **row.dimensions}
    overall = derived_overall(track, dimensions) if row.overall is None else row.overall
    return ScoreRow(model=row.model, overall=overall, dimensions=dimensions, sets=row.sets)


def mismatches(track: Track, row: ScoreRow) -> tuple[Mismatch, ...]:
    """Return the given figures that differ by more than `TOLERANCE` from what their parts give."""
    found = []
    derived = derived_dimensions(track, row.sets)
    for name, given in row.dimensions.items():
        if name in derived and not _near(given, derived[name]):
            parts = {each: row.sets[each] for each in dimensions_of(track)[name]}
            reading = _reading(parts, given, SET_MEANS[track])
            found.append(_mismatch(row, name, given, derived[name], reading=reading))
    dimensions = {**derived, **row.dimensions}
    overall = derived_overall(track, dimensions)
    if row.overall is not None and overall is not None and not _near(row.overall, overall):
        parts = {name: dimensions[name] for name in dimensions_of(track)}
        reading = _reading(parts, row.overall, MEANS[track])
        found.append(_mismatch(row, OVERALL, row.overall, overall, reading=reading))
    return tuple(found)


def _mismatch(row: ScoreRow, name: str, given: float, derived: float, *, reading: str) -> Mismatch:
    return Mismatch(model=row.model, name=name, given=given, derived=derived, reading=reading)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE + _EXACT


def _reading(
    parts: Mapping[str, float], total: float, mean: Callable[[Sequence[float]], float]
) -> str:
    """Return which part has two digits swapped, if one such reading alone makes the total fit."""
    fits = [
        f"it fits if {name} is read {other:.1f} instead of {value:g}"
        for name, value in parts.items()
        for other in _swapped(value)
        if _near(mean([other if each == name else parts[each] for each in parts]), total)
    ]
    return fits[0] if len(fits) == 1 else ""


def _swapped(value: float) -> Iterator[float]:
    """Yield what a figure of one decimal may be with two neighboring digits exchanged."""
    text = f"{value:.1f}"
    places = [place for place, sign in enumerate(text) if sign != "."]
    for first, second in itertools.pairwise(places):
        signs = list(text)
        signs[first], signs[second] = signs[second], signs[first]
        if (other := float("".join(signs))) != value and other <= 100:
            yield other
