"""Cost against quality as shapes with places: marks, intervals, names, and the Pareto front.

Units are pixels of the drawing; markup stands in pages/leaderboard.html.j2.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medcheck.costs import pareto

WIDTH, HEIGHT = 860, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 20, 52
_TEXT, _WIDE = 7.0, 12.5
"""Pixels of a letter, and of a Chinese one."""
_LINE, _LINES = 14.0, 12
_STEPS = (1.0, 2.0, 5.0)
_TICKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A contestant with a known cost and score."""

    label: str
    cost_usd: float
    """Above 0."""
    score: float
    span: tuple[float, float] | None
    """95 % interval of the score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point as drawn."""

    label: str
    x: float
    y: float
    whisker: tuple[float, float] | None
    """Where the interval begins and ends, from top to bottom."""
    text: tuple[float, float]
    """Where the label begins, at its base line."""
    tone: int
    """0 to 7, the colors of the report."""
    front: bool
    told: str
    """The numbers in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """All that is drawn."""

    marks: tuple[Mark, ...]
    front: tuple[tuple[float, float], ...]
    """Corners of the front: between two points the cheaper one is the best there is."""
    across: tuple[tuple[float, str], ...]
    """Ticks of the cost, and of the score."""
    upward: tuple[tuple[float, str], ...]
    best: tuple[str, ...]
    """Labels on the front, the cheapest first."""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float

    def at(self, number: float) -> float:
        share = (number - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)


Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def plot(points: Sequence[Point]) -> Plot | None:
    """Return the drawing; `None` without points. Costs stand on a logarithmic scale."""
    if not points:
        return None
    costs = [math.log10(point.cost_usd) for point in points]
    bounds = [bound for p in points for bound in (p.score, *(p.span or ()))]
    across = _Scale(low=min(costs) - 0.15, high=max(costs) + 0.15, start=_LEFT, end=WIDTH - _RIGHT)
    low, high, step = _round_bounds(min(bounds), max(bounds))
    upward = _Scale(low=low, high=high, start=HEIGHT - _BOTTOM, end=_TOP)
    places = [(across.at(x), upward.at(p.score)) for x, p in zip(costs, points, strict=True)]
    best = pareto([(point.cost_usd, point.score) for point in points])
    return Plot(
        marks=tuple(_marks(points, places, best, upward)),
        front=tuple(_corners([places[at] for at in best])),
        across=tuple((across.at(math.log10(cost)), _dollars(cost)) for cost in _decades(across)),
        upward=tuple((upward.at(tick), f"{tick:g}") for tick in _ticks(low, high, step)),
        best=tuple(points[at].label for at in best),
    )


def _marks(
    points: Sequence[Point],
    places: Sequence[tuple[float, float]],
    best: Sequence[int],
    upward: _Scale,
) -> Iterator[Mark]:
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    for at, (point, (x, y)) in enumerate(zip(points, places, strict=True)):
        whisker = None
        if point.span is not None:
            whisker = (upward.at(point.span[1]), upward.at(point.span[0]))
        yield Mark(
            label=point.label,
            x=x,
            y=y,
            whisker=whisker,
            text=_free_place(point.label, x, y, taken),
            tone=at % 8,
            front=at in best,
            told=_told(point, on_front=at in best),
        )


def _told(point: Point, *, on_front: bool) -> str:
    span = "" if point.span is None else f" ({point.span[0]:.3f} to {point.span[1]:.3f})"
    front = ", on the Pareto front" if on_front else ""
    return f"{point.label}: {_dollars(point.cost_usd)}, {point.score:.3f}{span}{front}"


def _free_place(label: str, x: float, y: float, taken: list[Box]) -> tuple[float, float]:
    """Return a place beside the point where the label covers nothing, and take it."""
    width = sum(_WIDE if unicodedata.east_asian_width(c) in "WF" else _TEXT for c in label)
    offsets = (0, *(sign * _LINE * line for line in range(1, _LINES) for sign in (-1, 1)))
    for left, base in ((side, y + 4 + off) for off in offsets for side in (x + 10, x - 10 - width)):
        box = (left, base - 11, left + width, base + 3)
        inside = box[0] >= _LEFT and box[2] <= WIDTH and box[1] >= 0 and box[3] <= HEIGHT - _BOTTOM
        if inside and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            return round(left, 2), round(base, 2)
    return round(min(x + 10, max(_LEFT, WIDTH - width)), 2), round(y + 4, 2)


def _overlap(one: Box, other: Box) -> bool:
    return (
        one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    )  # fmt: skip


def _corners(places: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    for at, (x, y) in enumerate(places):
        if at:
            yield x, places[at - 1][1]
        yield x, y


def _decades(scale: _Scale) -> Iterator[float]:
    """Yield round costs inside the scale: 1, 2 and 5 of each decade, or 1 where there are many."""
    steps = _STEPS if scale.high - scale.low < 3 else _STEPS[:1]
    for decade in range(math.floor(scale.low), math.ceil(scale.high) + 1):
        for step in steps:
            if scale.low <= decade + math.log10(step) <= scale.high:
                yield step * 10.0**decade


def _round_bounds(low: float, high: float) -> tuple[float, float, float]:
    """Return bounds and a step in round numbers, with room around the values."""
    wide = max(high - low, 0.02)
    rough = wide / _TICKS
    decade = 10.0 ** math.floor(math.log10(rough))
    step = next(s * decade for s in (*_STEPS, 10.0) if s * decade >= rough)
    return math.floor(low / step - 0.2) * step, math.ceil(high / step + 0.2) * step, step


def _ticks(low: float, high: float, step: float) -> Iterator[float]:
    for number in range(round((high - low) / step) + 1):
        yield round(low + number * step, 10)


def _dollars(cost: float) -> str:
    return f"${cost:,.0f}" if cost >= 10 else f"${cost:.2g}" if cost >= 0.001 else f"${cost:.0e}"
