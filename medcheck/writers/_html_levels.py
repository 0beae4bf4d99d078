"""What the HTML report shows of a suite with levels: shaded tables and the score distribution.

Numbers come from the summary and are only formatted here; markup stands in
pages/report_levels.html.j2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from medcheck.levels import ANY, BIN, DELTA, DISTRIBUTION, HIGHEST, INCIDENCE, RATE, TIER, WORST
from medcheck.scoring.gaps import IRRELEVANT
from medcheck.summary import Row

SHADES = 10
BAR_HEIGHT = 56
"""Pixels of the highest bar of a distribution."""
_GROUNDING, _PERTURBATION = "grounding", "perturbation"
_MOST_LABELS = 12
_BIN = re.compile(rf"{DISTRIBUTION}:-?[01]\.[0-9]")

Rows = Sequence[tuple[int, Row]]
"""With the index of the entry that each row is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One number of a shaded table, formatted; `None`: not measured."""

    value: str | None
    ci: str | None
    n: int
    ungraded: int
    shade: int
    """0 to 10."""
    more: str | None = None
    """A second number that belongs to it."""
    flagged: bool = False
    """Some answer met a point that none may meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Models by level."""

    kind: str
    """Key of its labels."""
    heads: tuple[str, ...]
    lines: tuple[tuple[int, tuple[Cell | None, ...]], ...]
    """Index of the entry and a cell for each head; `None`: the model has no such group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a distribution: places in percent of the width, heights in pixels."""

    low: str
    """The lowest score in it, as text."""
    count: int
    at: str
    width: str
    middle: str
    height: str
    top: str
    named: bool
    """Its place on the scale is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How the scores of one model spread."""

    entry: int
    n: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All figures of one suite that its criteria's levels give."""

    matrices: tuple[Matrix, ...]
    """Score by grounding level, coverage by A tier, incidence by S level, robustness."""
    distributions: tuple[Distribution, ...]


def sheet(rows: Rows) -> Sheet | None:
    """Return the figures of a suite; `None`: its criteria have no levels."""
    if not any(is_bin(row) for _, row in rows):
        return None
    rates = {(at, _name(row)): row for at, row in rows if _prefix(row) == RATE}

    def rate(at: int, row: Row) -> str | None:
        found = rates.get((at, _name(row))) if _prefix(row) == INCIDENCE else None
        return None if found is None else _text(found.value)

    matrices = (
        _matrix(_GROUNDING, rows, [_GROUNDING]),
        _matrix(TIER, rows, [TIER]),
        _matrix(INCIDENCE, rows, [INCIDENCE, ANY], more=rate),
        _matrix(DELTA, rows, [DELTA]),
    )
    return Sheet(
        matrices=tuple(matrix for matrix in matrices if matrix.heads),
        distributions=_distributions(rows),
    )


def is_bin(row: Row) -> bool:
    """Return whether a row is part of a distribution, and no mean."""
    return _BIN.fullmatch(row.group) is not None


def is_count(row: Row) -> bool:
    """Return whether a row counts points or statements, and has no place on the scale of scores."""
    return _prefix(row) in (RATE, IRRELEVANT)


def tag_of(group: str) -> str:
    """Return the tag of the cases that a group is about."""
    prefix, _, name = group.partition(":")
    return f"{_PERTURBATION}:{name}" if prefix == DELTA else group


def _matrix(
    kind: str,
    rows: Rows,
    prefixes: Sequence[str],
    *,
    more: Callable[[int, Row], str | None] = lambda _at, _row: None,
) -> Matrix:
    found = [(at, row) for at, row in rows if _prefix(row) in prefixes]
    ranked = sorted({row.group for _, row in found}, key=lambda g: _rank(g, prefixes))
    cells = {(at, row.group): _cell(row, more(at, row)) for at, row in found}
    entries = dict.fromkeys(at for at, _ in found)
    return Matrix(
        kind=kind,
        heads=tuple(group if group == f"{ANY}:{WORST}" else _tail(group) for group in ranked),
        lines=tuple((at, tuple(cells.get((at, g)) for g in ranked)) for at in entries),
    )


def _rank(group: str, prefixes: Sequence[str]) -> tuple[int, str]:
    return prefixes.index(group.partition(":")[0]), group


def _cell(row: Row, more: str | None) -> Cell:
    sign = "+" if _prefix(row) == DELTA else ""
    share = 0.0 if row.value is None else min(1.0, max(0.0, row.value))
    # A difference is harm done where it is below 0; it is shaded by how much is lost.
    if sign and row.value is not None:
        share = min(1.0, max(0.0, -row.value))
    return Cell(
        value=_text(row.value, sign),
        ci=None if row.ci95 is None else " – ".join(str(_text(end, sign)) for end in row.ci95),
        n=row.n,
        ungraded=row.ungraded,
        shade=round(SHADES * share),
        more=more,
        flagged=_prefix(row) == ANY and bool(row.value),
    )


def _distributions(rows: Rows) -> tuple[Distribution, ...]:
    found: dict[int, dict[int, Row]] = {}
    for at, row in rows:
        if is_bin(row) and row.value is not None:
            found.setdefault(at, {})[round(float(_name(row)) / BIN)] = row
    numbers = [number for bins in found.values() for number in bins]
    span = range(min([0, *numbers]), max([HIGHEST, *numbers]) + 1)
    highest = max([row.value or 0.0 for bins in found.values() for row in bins.values()] or [1.0])
    return tuple(
        Distribution(
            entry=at,
            n=next(iter(bins.values())).n,
            bars=tuple(_bar(number, span, bins, highest) for number in span),
        )
        for at, bins in found.items()
    )


def _bar(number: int, span: range, bins: Mapping[int, Row], highest: float) -> Bar:
    row, width = bins.get(number), 100 / len(span)
    share = 0.0 if row is None or row.value is None else row.value
    height = BAR_HEIGHT * share / highest if highest else 0.0
    at = (number - span.start) * width
    return Bar(
        low=f"{number * BIN:.1f}",
        count=0 if row is None else round(share * row.n),
        at=f"{at + width * 0.05:.2f}%",
        width=f"{width * 0.9:.2f}%",
        middle=f"{at + width / 2:.2f}%",
        height=f"{height:.1f}",
        top=f"{BAR_HEIGHT - height:.1f}",
        named=(number - span.start) % (-(-len(span) // _MOST_LABELS)) == 0,
    )


def _prefix(row: Row) -> str:
    return row.group.partition(":")[0]


def _name(row: Row) -> str:
    return _tail(row.group)


def _tail(group: str) -> str:
    return group.partition(":")[2]


def _text(number: float | None, sign: str = "") -> str | None:
    # Adding 0.0 turns the minus zero of a rounded tiny loss into 0.
    return None if number is None else f"{round(number, 3) + 0.0:{sign}.3f}"
