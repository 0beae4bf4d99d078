"""Agreement as text for a terminal and as plain data; the numbers come from `figures`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from medcheck.review.figures import Line, Report
from medcheck.review.matching import Matched, Rating
from medcheck.review.queue import Point
from medcheck.review.sums import EITHER_OR, RESAMPLES, SCALED, Estimate

_SHOWN = {
    EITHER_OR: ("agreement", "kappa", "ac1", "alpha", "bias"),
    SCALED: ("agreement", "weighted_kappa", "icc_2_1", "alpha", "bias"),
}
_OF_USABLE = ("correlation", "precision", "recall")
_TITLES = {
    "met": "met or not met",
    "usable": "usable: 4 or more of 5",
}
_HEADS = {
    "agreement": "agreement",
    "kappa": "kappa",
    "ac1": "AC1",
    "alpha": "alpha",
    "bias": "bias",
    "weighted_kappa": "weighted kappa",
    "icc_2_1": "ICC(2,1)",
    "correlation": "MCC",
    "precision": "precision",
    "recall": "recall",
}


def text(report: Report) -> Iterator[str]:
    """Yield the report as lines."""
    raters = ", ".join(f"{name} {count}" for name, count in report.raters.items())
    yield f"run {report.run}: ratings by {raters or 'nobody'}"
    yield f"{report.unsure} cannot tell, {report.blank} rows without a rating"
    for name, (rated, size) in report.strata.items():
        yield f"{name}: {rated} of {size} points rated" if size else f"{name}: {rated} points rated"
    for section in dict.fromkeys(line.section for line in report.lines):
        lines = [line for line in report.lines if line.section == section]
        yield ""
        yield from _section(section, lines, report.alphas.get(section))
    if not report.lines:
        return
    yield ""
    yield from (f"note: {note}" for note in report.notes)
    yield (
        f"Intervals: 95 %, {RESAMPLES} bootstrap samples of conversations (variants of a question "
        f"count as one), seed {report.seed}. "
        "Bias: judge less people. p: McNemar."
    )


def data(report: Report, matched: Matched) -> dict[str, Any]:
    """Return the report as plain data: all figures, and each point on which people differ."""
    return {
        "run": report.run,
        "bootstrap": {"seed": report.seed, "resamples": RESAMPLES, "by": "conversation"},
        "raters": dict(report.raters),
        "cannot_tell": report.unsure,
        "blank": report.blank,
        "strata": {
            name: {"rated": rated, "in_run": size} for name, (rated, size) in report.strata.items()
        },
        "agreement": [_plain(line) for line in report.lines],
        "alpha_of_people": {name: _interval(found) for name, found in report.alphas.items()},
        "notes": list(report.notes),
        "disagreements": disagreements(matched),
    }


def disagreements(matched: Matched) -> list[dict[str, Any]]:
    """Return the points on which a person differs from the panel, what it called too good first.

    A flaw that the panel overlooked is such a point, as is a requirement that it saw met.
    """
    by_item: dict[str, list[Rating]] = {}
    for rating in matched.ratings:
        by_item.setdefault(rating.item, []).append(rating)
    found = []
    for item, ratings in by_item.items():
        point = ratings[0].point
        gaps = [_too_good(point, r.value) for r in ratings if r.value is not None]
        worst = max(gaps, default=0.0) or min(gaps, default=0.0)
        if worst:
            found.append((-worst, item, ratings))
    return [_disagreement(item, ratings) for _, item, ratings in sorted(found, key=lambda f: f[:2])]


def _too_good(point: Point, told: float) -> float:
    """Return by how much the panel is kinder to the answer than a person; negative: harsher."""
    if point.panel is None:
        return 0.0
    return told - point.panel if point.kind == "flaw" else point.panel - told


def _disagreement(item: str, ratings: Sequence[Rating]) -> dict[str, Any]:
    point = ratings[0].point
    return {
        "item": item,
        "suite": point.suite,
        "case_id": point.case_id,
        "model": point.model,
        "repeat": point.repeat,
        "criterion_id": point.criterion_id,
        "criterion": point.text,
        "kind": point.kind,
        "category": point.category,
        "stratum": point.stratum,
        "panel": point.panel,
        "judges": dict(point.judges),
        "people": {rating.rater: rating.value for rating in ratings},
        "comments": {rating.rater: rating.comment for rating in ratings if rating.comment},
    }


def _section(name: str, lines: Sequence[Line], alpha: Estimate | None) -> Iterator[str]:
    yield _TITLES.get(name, name)
    either_or = name in _TITLES
    more = _OF_USABLE if name == "usable" else ()
    shown = (*_SHOWN[EITHER_OR if either_or else SCALED], *more)
    table = [["judge", "group", "n", "conversations", "open", *(_HEADS[key] for key in shown)]]
    table[0] += ["p"] if either_or else []
    for line in lines:
        who = line.judge if line.people == "people" else f"{line.judge} and {line.people}"
        row = [who, line.group, str(line.n), str(line.conversations), str(line.open)]
        row += [_cell(line.figures.get(key)) for key in shown]
        row += [_probability(line.p_value)] if either_or else []
        table.append(row)
    yield from aligned(table)
    for line in lines:
        if line.warning:
            yield f"{line.judge}, {line.group}: {line.warning}"
    if alpha is not None:
        yield f"alpha of all people: {_cell(alpha)}"


def aligned(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows of a table with columns below each other; Chinese takes two places."""
    widths = [max(_width(cell) for cell in column) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell + " " * (wide - _width(cell)) for cell, wide in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _width(cell: str) -> int:
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(character) in "WF" else 1 for character in cell)


def _cell(found: Estimate | None) -> str:
    if found is None:
        return "-"
    if found.ci95 is None:
        return _number(found.value)
    return f"{_number(found.value)} [{_number(found.ci95[0])}, {_number(found.ci95[1])}]"


def _number(value: float | None) -> str:
    # Adding 0 turns -0.0 into 0.0.
    return "-" if value is None else f"{round(value, 3) + 0.0:.3f}"


def _probability(value: float | None) -> str:
    return "<0.001" if value is not None and value < 0.001 else _number(value)


def _plain(line: Line) -> dict[str, Any]:
    return {
        "section": line.section,
        "judge": line.judge,
        "people": line.people,
        "group": line.group,
        "n": line.n,
        "points": line.points,
        "cases": line.cases,
        "conversations": line.conversations,
        "open": line.open,
        "figures": {name: _interval(found) for name, found in line.figures.items()},
        "only_judge": line.only_judge,
        "only_people": line.only_people,
        "mcnemar_p": line.p_value,
        "warning": line.warning,
    }


def _interval(found: Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"value": found.value, "ci95": list(found.ci95) if found.ci95 else None}
