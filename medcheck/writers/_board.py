"""A leaderboard as tables of text: for a terminal, as Markdown, as CSV; the page is `_board_html`.

Numbers come from `leaderboard`, `costs` and `published` and are only formatted here.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from medcheck.comparing import table_lines
from medcheck.costs import Bill, Part, Tariff, pareto, per_point
from medcheck.gate.telling import Table
from medcheck.leaderboard import Board
from medcheck.published import OVERALL, SystemTable
from medcheck.stats.winrates import Span
from medcheck.writers._board_plot import Point
from medcheck.writers._files import replaced
from medcheck.writers.csv import BOM, Value, safe
from medcheck.writers.markdown import escaped

Costing = Literal["paid", "official"]
BASIS: Mapping[Costing, str] = {
    "paid": "as counted by the endpoints and priced when paid",
    "official": (
        "MedHELM's upper bound: answers as long as max_tokens allows, 4,096 tokens from each judge "
        "for each answer, at the prices known today; unknown without max_tokens or a price"
    ),
}
ROWS = 40
"""Rows of a table in a terminal."""
_CELL = 44
"""Letters of a cell in a terminal."""
_NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All that a leaderboard shows."""

    board: Board
    bills: tuple[Bill, ...]
    """By contestant."""
    costing: Costing
    tariffs: tuple[Tariff, ...]
    """Of the models, then of the judges."""
    systems: tuple[SystemTable, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """The contestants on all benchmarks whose answers have a price.

        What was measured on fewer costs less and has another mean: it would win unfairly.
        """
        rows = zip(self.board.contestants, self.board.standings, self.board.spreads, self.bills,
                   self.board.whole, strict=True)  # fmt: skip
        return tuple(
            Point(label=who.label, cost_usd=bill.answering.cost_usd, score=stood.mean, span=s.mean)
            for who, stood, s, bill, whole in rows
            if whole and bill.answering.cost_usd and stood.mean is not None
        )


def tables(sheet: Sheet, *, full: bool = True) -> tuple[Table, ...]:
    """Return all tables; `full` adds the win rate of each without each."""
    found = [_standings(sheet.board), _scores(sheet.board), _pool(sheet.board)]
    if full and len(sheet.board.contestants) > 2:
        found.append(_matrix(sheet.board))
    found += [_costs(sheet), _prices(sheet), *map(_systems, sheet.systems)]
    return tuple(table for table in found if table.rows)


def notes(sheet: Sheet) -> Iterator[str]:
    """Yield what a reader must know beside the numbers."""
    yield from sheet.board.notes
    yield (
        "A win rate depends on who else is in the table; intervals are of a paired bootstrap over "
        "items and say nothing about other benchmarks or another pool."
    )
    yield f"Costs are {BASIS[sheet.costing]}. A jury's cost is the price of measuring."
    yield from _unlike_costs(sheet.board)
    yield from dict.fromkeys(note for system in sheet.systems for note in system.notes)


def _unlike_costs(board: Board) -> Iterator[str]:
    """Yield whose costs are not of the same answers as the others'."""
    apart = [who.label for who, whole in zip(board.contestants, board.whole, strict=True)
             if not whole]  # fmt: skip
    if apart:
        yield (
            f"{', '.join(apart)}: not measured on every benchmark, so the cost is of fewer; no "
            "cost per point, and left out of the Pareto front."
        )
    for suite in dict.fromkeys(column.suite for column in board.columns):
        counts = {who.label: side.planned for who in board.contestants for side in who.sides
                  if side.suite == suite}  # fmt: skip
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{count} of {label}" for label, count in counts.items())
            yield f"{suite}: costs are of all answers, of which there are {listed}."


def lines(sheet: Sheet) -> tuple[str, ...]:
    """Return the leaderboard for a terminal, at most `ROWS` rows a table."""
    told: list[str] = []
    for table in tables(sheet, full=False):
        told += [table.title, *_columns([table.head, *table.rows[:ROWS]])]
        if len(table.rows) > ROWS:
            told.append(f"... and {len(table.rows) - ROWS} more; --out FILE holds all")
        told.append("")
    return (*told, *(f"note: {note}" for note in notes(sheet)))


def write_markdown(sheet: Sheet, path: Path) -> Path:
    """Write all tables as Markdown."""
    # Heads hold names from data here.
    found = [replace(table, head=tuple(map(escaped, table.head))) for table in tables(sheet)]
    text = ["# Leaderboard", "", *table_lines(found), "## Notes", ""]
    text += [f"- {escaped(note)}" for note in notes(sheet)]
    with replaced(path) as file:
        file.write("\n".join(text) + "\n")
    return path


def write_csv(sheet: Sheet, path: Path) -> Path:
    """Write a row for each contestant in full precision; beside it `NAME.systems.csv`.

    Not measured and not known are empty.
    """
    names = [f"score: {column.name}" for column in sheet.board.columns]
    head = ("rank", "model", "win_rate", "win_rate_low", "win_rate_high", "win_sd", "mean",
            "mean_low", "mean_high", "sd", "benchmarks", "input_tokens", "output_tokens",
            "cost_usd", "jury_input_tokens", "jury_output_tokens", "jury_cost_usd",
            "cost_basis", *names)  # fmt: skip
    _write_csv(path, head, _csv_rows(sheet))
    beside = path.with_name(f"{path.stem}.systems.csv")
    head = ("table", "model", "weights", "kind", "group", "value", "interval", "n", "origin")
    _write_csv(beside, head, _system_rows(sheet.systems))
    return path


def _csv_rows(sheet: Sheet) -> Iterator[Sequence[Value]]:
    board = sheet.board
    for at, (who, stood, spread, bill) in enumerate(
        zip(board.contestants, board.standings, board.spreads, sheet.bills, strict=True)
    ):
        yield (
            at + 1, who.label, stood.win_rate, *(spread.win_rate or (None, None)), stood.win_sd,
            stood.mean, *(spread.mean or (None, None)), stood.sd, stood.columns,
            bill.answering.input, bill.answering.output, bill.answering.cost_usd,
            bill.judging.input, bill.judging.output, bill.judging.cost_usd, sheet.costing,
            *(column.values[at] for column in board.columns),
        )  # fmt: skip


def _system_rows(systems: Sequence[SystemTable]) -> Iterator[Sequence[Value]]:
    for table in systems:
        for row in table.systems:
            for group, text in row.figures.items():
                # Interval and n are those of the overall score.
                own = (row.interval, row.n) if group == OVERALL else (None, None)
                yield table.title, row.model, row.weights, row.kind, group, text, *own, row.origin


def _write_csv(path: Path, head: Sequence[str], rows: Iterator[Sequence[Value]]) -> None:
    with replaced(path) as file:
        file.write(BOM)
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow([safe(name) for name in head])
        for row in rows:
            table.writerow([safe(value) for value in row])


def _standings(board: Board) -> Table:
    head = ("rank", "model", "win rate", "95 % interval", "win SD", "mean score", "95 % interval",
            "SD", "benchmarks")  # fmt: skip
    rows = (
        (str(at), who.label, _number(s.win_rate), _span(spread.win_rate), _number(s.win_sd),
         _number(s.mean), _span(spread.mean), _number(s.sd), str(s.columns))
        for at, (who, s, spread) in enumerate(
            zip(board.contestants, board.standings, board.spreads, strict=True), start=1)
    )  # fmt: skip
    return Table(title="Leaderboard", head=head, rows=tuple(rows))


def _scores(board: Board) -> Table:
    head = ("benchmark", "measured by", "cases", *(who.label for who in board.contestants))
    rows = tuple(
        (column.name, column.measure, str(column.n), *map(_number, column.values))
        for column in board.columns
    )
    return Table(title="Scores by benchmark, on the cases measured for all", head=head, rows=rows)


def _pool(board: Board) -> Table:
    head = ("model", "win rate", "lowest", "without", "highest", "without", "ranks")
    rows = []
    labels = [who.label for who in board.contestants]
    for at, row in enumerate(board.pool):
        known = sorted((rate, labels[out]) for out, rate in enumerate(row) if rate is not None)
        if known:
            (low, without), (high, or_without) = known[0], known[-1]
            rows.append((labels[at], _number(board.standings[at].win_rate), _number(low), without,
                         _number(high), or_without, _ranks(board, at)))  # fmt: skip
    return Table(title="Effect of the pool: one contestant left out", head=head, rows=tuple(rows))


def _ranks(board: Board, at: int) -> str:
    """Return the ranks of a contestant among those left, over all that can be left out."""
    found = set()
    for out in range(len(board.pool)):
        own = board.pool[at][out]
        if own is not None:
            others = [row[out] for row in board.pool]
            found.add(1 + sum(rate is not None and rate > own for rate in others))
    return f"{min(found)}" if len(found) == 1 else f"{min(found)} to {max(found)}"


def _matrix(board: Board) -> Table:
    head = ("win rate of", *(f"without {who.label}" for who in board.contestants))
    rows = tuple(
        (who.label, *map(_number, row))
        for who, row in zip(board.contestants, board.pool, strict=True)
    )
    return Table(title="Win rates, each contestant left out in turn", head=head, rows=rows)


def _costs(sheet: Sheet) -> Table:
    head = ("model", "input tokens", "output tokens", "cost", "jury input", "jury output",
            "jury cost", "total", "cost per point", "Pareto front")  # fmt: skip
    points = sheet.points
    best = {points[at].label for at in pareto([(p.cost_usd, p.score) for p in points])}
    rows = (
        (who.label, *_part(bill.answering), *_part(bill.judging), money(bill.total_usd),
         money(per_point(bill.answering.cost_usd, stood.mean)) if whole else _NONE,
         "yes" if who.label in best else "")
        for who, stood, bill, whole in zip(
            sheet.board.contestants, sheet.board.standings, sheet.bills, sheet.board.whole,
            strict=True)
    )  # fmt: skip
    title = "Cost of all answers; a point is a hundredth of the mean score, the jury not counted"
    return Table(title=title, head=head, rows=tuple(rows))


def _part(part: Part) -> tuple[str, str, str]:
    return _count(part.input), _count(part.output), money(part.cost_usd)


def _prices(sheet: Sheet) -> Table:
    head = ("model or judge", "input", "cached input", "output", "date", "source")
    rows = tuple(map(_tariff, sheet.tariffs))
    return Table(title="Prices known today, USD per million tokens", head=head, rows=rows)


def _tariff(tariff: Tariff) -> tuple[str, ...]:
    name, price = tariff.name, tariff.price
    if price is None:
        return (name, "unknown", "", "unknown", "", "")
    cached = "" if price.cached_input is None else f"{price.cached_input:g}"
    date, source = str(price.date or "not dated"), price.source or "not said"
    return name, f"{price.input:g}", cached, f"{price.output:g}", date, source


def _systems(table: SystemTable) -> Table:
    head = ("model", "weights", "kind", *table.groups, "95 % interval", "n", "origin")
    rows = tuple(
        (row.model, row.weights, row.kind, *(row.figures.get(g, _NONE) for g in table.groups),
         row.interval, row.n, row.origin)
        for row in table.systems
    )  # fmt: skip
    return Table(title=table.title, head=head, rows=rows)


def money(cost: float | None) -> str:
    """Return an amount for people."""
    if cost is None:
        return "unknown"
    return f"${cost:,.2f}" if cost >= 1 or cost == 0 else f"${cost:.4g}"


def _number(value: float | None) -> str:
    # Adding 0.0 turns the minus zero of a rounded tiny loss into 0.
    return _NONE if value is None else f"{round(value, 3) + 0.0:.3f}"


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _span(span: Span | None) -> str:
    return _NONE if span is None else f"{span[0]:.3f} to {span[1]:.3f}"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    shown = [[_fitted(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(cell + " " * (width - _width(cell))
                      for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in shown]  # fmt: skip


def _fitted(cell: str) -> str:
    text = " ".join(cell.split())
    return text if len(text) <= _CELL else f"{text[: _CELL - 3]}..."


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
