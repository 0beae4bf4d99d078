"""Stored runs as one table: contestants by benchmarks, mean win rates, how sure, and why with care.

Only what is measured on the same items is compared. The arithmetic stands in `stats.winrates`,
money in `costs`, published figures in `published`, pages in `writers._board` and its neighbors.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from medcheck.errors import SettingsError
from medcheck.extras import PAIRWISE
from medcheck.gate.comparable import differences
from medcheck.gate.measured import Measured, Side, sides
from medcheck.graders.short_answer import DEFAULT
from medcheck.scoring.metrics import official_of
from medcheck.stats.winrates import DRAWS, Items, Spread, Standing, pool_effect, spreads, standings
from medcheck.types import Run

By = Literal["suite", "category"]
CLIPPED = "clipped_mean"
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A model, or a model in one run where several runs measured it on the same suite."""

    label: str
    model: str
    sides: tuple[Side, ...]
    """By suite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One benchmark: a suite, or a category of it."""

    suite: str
    group: str
    """Empty: the whole suite."""
    items: Items
    planned: int
    """Cases of the suite or category that anybody was asked, or of all in common with `shared`."""
    measure: str = ""
    """The first metric, or else the grader, and the protocol; of all sides where they differ."""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.suite}: {self.group}" if self.group else self.suite

    @property
    def n(self) -> int:
        """Cases that are compared."""
        return len(self.items.clusters)

    @property
    def values(self) -> tuple[float | None, ...]:
        """The score of each contestant; `None`: it was not measured here."""
        return tuple(_value(scores, clip=self.items.clip) for scores in self.items.scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The table and what it says; sequences by contestant are in the order of `contestants`."""

    contestants: tuple[Contestant, ...]
    """The highest win rate first; those without one last."""
    columns: tuple[Column, ...]
    standings: tuple[Standing, ...]
    spreads: tuple[Spread, ...]
    pool: tuple[tuple[float | None, ...], ...]
    """Win rate of the row's contestant when the column's is left out."""
    notes: tuple[str, ...]
    """What is not measured alike, or not at all."""

    def billed(self, at: int) -> tuple[Side, ...]:
        """Return what a contestant's costs are counted from: its suites that have a column."""
        shown = {column.suite for column in self.columns}
        return tuple(side for side in self.contestants[at].sides if side.suite in shown)

    @property
    def whole(self) -> tuple[bool, ...]:
        """Whether each contestant has a score in every column; only those compare in cost."""
        return tuple(stood.columns == len(self.columns) for stood in self.standings)


def board(
    runs: Sequence[Run],
    *,
    by: By = "suite",
    shared: bool = False,
    draws: int = DRAWS,
    seed: int = 0,
) -> Board:
    """Return the leaderboard of stored runs; reads their results once.

    Args:
        runs: of one or more models each; a model's suites may stand in several runs.
        by: what a benchmark is: a suite, or each category of each suite.
        shared: compare on the items that all have where the sets differ, rather than refuse.
        draws: bootstrap draws.
        seed: of the bootstrap.

    Raises:
        SettingsError: the same suite holds other items for other contestants, or there is nothing
            to compare.
    """
    found, notes = _models_only([(run, side) for run in runs for side in sides(run)])
    contestants = _contestants(found)
    columns: list[Column] = []
    for suite, run in {side.suite: run for run, side in found}.items():
        own = {who.label: _side(who, suite) for who in contestants}
        cut, told = _alike(suite, own, shared=shared)
        notes += [f"{suite}: {line}" for line in told]
        columns += _columns(suite, cut, run.suites.get(suite, {}).get("summary", {}), by=by)
    kept = [column for column in columns if column.n]
    if not kept:
        raise SettingsError(
            " ".join(["there is nothing to compare: no case was measured for all.", *notes]),
            hint="Name runs that measured models on the same suite.",
        )
    empty = [column.name for column in columns if not column.n]
    notes += [f"{name}: no case was measured for all; left out." for name in empty]
    return _ranked(contestants, kept, notes, draws=draws, seed=seed)


def _models_only(
    found: Sequence[tuple[Run, Side]],
) -> tuple[list[tuple[Run, Side]], list[str]]:
    judging = {side.suite for run, side in found if _measure(run, side) == PAIRWISE}
    notes = [f"{suite} measures judges, not models: left out." for suite in sorted(judging)]
    return [(run, side) for run, side in found if side.suite not in judging], notes


def _ranked(
    contestants: Sequence[Contestant],
    columns: Sequence[Column],
    notes: Sequence[str],
    *,
    draws: int,
    seed: int,
) -> Board:
    table = list(zip(*(column.values for column in columns), strict=True))
    told = standings(table)
    order = sorted(range(len(contestants)), key=lambda at: _place(told[at], contestants[at].label))
    intervals = spreads([column.items for column in columns], draws=draws, seed=seed)
    pool = pool_effect(table)
    return Board(
        contestants=tuple(contestants[at] for at in order),
        columns=tuple(_reordered(column, order) for column in columns),
        standings=tuple(told[at] for at in order),
        spreads=tuple(intervals[at] for at in order),
        pool=tuple(tuple(pool[row][at] for at in order) for row in order),
        notes=(*notes, *_missing(contestants, columns)),
    )


def _place(standing: Standing, label: str) -> tuple[float, float, str]:
    rate, mean = standing.win_rate, standing.mean
    return (
        math.inf if rate is None else -rate,
        math.inf if mean is None else -mean,
        label,
    )


def _reordered(column: Column, order: Sequence[int]) -> Column:
    scores = tuple(column.items.scores[at] for at in order)
    return replace(column, items=replace(column.items, scores=scores))


def _missing(contestants: Sequence[Contestant], columns: Sequence[Column]) -> Iterator[str]:
    if len(contestants) == 1:
        yield "one contestant: there is nobody to win against."
    for column in columns:
        if column.n < column.planned:
            yield (
                f"{column.name}: compared on {column.n} of {column.planned} cases, those that were "
                "measured for all."
            )
    for at, contestant in enumerate(contestants):
        lacking = [column.name for column in columns if column.values[at] is None]
        if lacking:
            yield (
                f"{contestant.label}: not measured on {len(lacking)} of {len(columns)} benchmarks "
                f"({_few(lacking)}); its win rate is over the others only."
            )


def _contestants(found: Sequence[tuple[Run, Side]]) -> tuple[Contestant, ...]:
    times = Counter((side.model, side.suite) for _, side in found)
    several = {model for (model, _), count in times.items() if count > 1}
    grouped: dict[tuple[str, str], list[Side]] = {}
    for run, side in found:
        label = f"{side.model} · {run.id}" if side.model in several else side.model
        grouped.setdefault((label, side.model), []).append(side)
    return tuple(
        Contestant(label=label, model=model, sides=tuple(own))
        for (label, model), own in grouped.items()
    )


def _measure(run: Run, side: Side) -> str:
    return str(run.suites.get(side.suite, {}).get("summary", {}).get("measure", "mean"))


def _side(contestant: Contestant, suite: str) -> Side | None:
    return next((side for side in contestant.sides if side.suite == suite), None)


def _alike(
    suite: str, own: Mapping[str, Side | None], *, shared: bool
) -> tuple[list[Side | None], list[str]]:
    """Return the sides on the items they have in common, and how else they differ.

    Raises:
        SettingsError: their items differ, and `shared` does not say to leave some out.
    """
    there = {name: side for name, side in own.items() if side is not None}
    told = list(dict.fromkeys(_conditions(there)))
    union = {case.case_id for side in there.values() for case in side.cases}
    common = _common(list(there.values()))
    if len(common) == len(union):
        return list(own.values()), told
    graded = _graded_otherwise(there)
    if not shared and graded:
        hint = "Run them under one protocol, with one metric and the same criteria"
        raise SettingsError(
            f"{suite}: {graded}.",
            hint=f"{hint}, or compare on the cases in common with --shared."
            if common
            else f"{hint}.",
        )
    if not shared:
        counts = "; ".join(f"{name} {len(side.cases)}" for name, side in there.items())
        raise SettingsError(
            f"{suite}: the items differ between contestants: {len(common)} of {len(union)} are the "
            f"same for all (cases: {counts}).",
            hint="Run them on the same cases, or compare on the common ones with --shared.",
        )
    what = graded or "the items differ"
    told.append(f"{what}; {len(common)} of {len(union)} are the same for all, compared.")
    return [
        side and replace(side, cases=tuple(c for c in side.cases if c.case_id in common))
        for side in own.values()
    ], told


def _conditions(there: Mapping[str, Side]) -> Iterator[str]:
    """Yield how the sides differ from the first in judges, prompts, parameters and protocol."""
    (first_name, first), *others = there.items()
    for name, side in others:
        for line in differences(replace(first, cases=()), replace(side, cases=())):
            yield f"{name} is not measured alike: {line.replace('the baseline', first_name)}"


def _graded_otherwise(there: Mapping[str, Side]) -> str:
    """Return on how many cases the criteria differ, and who is measured by what.

    Empty where the cases or their questions differ as well.
    """
    tables = [{case.case_id: case for case in side.cases} for side in there.values()]
    if any(set(table) != set(tables[0]) for table in tables):
        return ""
    rows = [[table[name] for table in tables] for name in tables[0]]
    if not all(_same(case.question for case in row) for row in rows):
        return ""
    other = sum(not _same(case.rubric for case in row) for row in rows)
    named = "; ".join(f"{name} by {measured_by(side)}" for name, side in there.items())
    return (
        f"the questions are the same, but {other} of {len(rows)} cases have other criteria or "
        f"metrics ({named})"
    )


def measured_by(side: Side) -> str:
    """Return the first metric of a side, else its grader, and the protocol."""
    told = side.compared.get("grader") or {}
    name = str(told.get("name") or "")
    if name == "short_answer":
        given = told.get("metric", DEFAULT)
        name = str(given if isinstance(given, str) else given[0])
        name = official_of(name) if side.protocol == "official" else name
    protocol = f"{side.protocol} protocol" if side.protocol else ""
    return ", ".join(part for part in (name, protocol) if part)


def _common(there: Sequence[Side]) -> frozenset[str]:
    """Return the cases that all have, with the same question and the same criteria."""
    tables = [{case.case_id: case for case in side.cases} for side in there]
    return frozenset(
        name
        for name in tables[0]
        if all(name in table for table in tables)
        and _same(table[name].question for table in tables)
        and _same(table[name].rubric for table in tables)
    )


def _same(hashes: Iterable[str | None]) -> bool:
    # What was not measured is missing, not another: that is counted elsewhere.
    return len({each for each in hashes if each is not None}) <= 1


def _columns(
    suite: str, own: Sequence[Side | None], summary: Mapping[str, Any], *, by: By
) -> Iterator[Column]:
    prefixes, clip = tuple(summary.get("by") or ()), summary.get("measure") == CLIPPED
    first = next(side for side in own if side is not None)
    grouped: dict[str, list[str]] = {}
    for case in first.cases:
        for group in _groups(case, prefixes) if by == "category" else ("",):
            grouped.setdefault(group, []).append(case.case_id)
    tables = [None if side is None else {case.case_id: case for case in side.cases} for side in own]
    measures = dict.fromkeys(measured_by(side) for side in own if side is not None)
    for group, names in grouped.items():
        scores, clusters = _scores(tables, names)
        yield Column(
            suite=suite,
            group=group,
            items=Items(scores=scores, clusters=clusters, clip=clip),
            planned=len(names),
            measure=" or ".join(measures),
        )


def _groups(case: Measured, prefixes: Sequence[str]) -> tuple[str, ...]:
    """Return a case's path in the taxonomy; where it has none, its tags of the first prefix."""
    tags = [name for name in case.categories if name.partition(":")[0] in prefixes]
    paths = [name for name in case.categories if name not in tags]
    own = [name for name in tags if prefixes and name.startswith(f"{prefixes[0]}:")]
    return tuple(paths or own) or ("no category",)


def _scores(
    tables: Sequence[Mapping[str, Measured] | None], names: Sequence[str]
) -> tuple[tuple[tuple[float, ...] | None, ...], tuple[str, ...]]:
    """Return scores by contestant on the cases measured for all who have any, and their units."""
    rows = [[None if table is None else table[name].mean for name in names] for table in tables]
    present = [any(value is not None for value in row) for row in rows]
    kept = [
        at
        for at in range(len(names))
        if all(row[at] is not None for row, there in zip(rows, present, strict=True) if there)
    ]
    known = [table for table, there in zip(tables, present, strict=True) if there]
    units = tuple(known[0][names[at]].unit for at in kept) if known and known[0] else ()
    scores = tuple(
        tuple(value for at in kept if (value := row[at]) is not None) if there else None
        for row, there in zip(rows, present, strict=True)
    )
    return scores, units


def _value(scores: Sequence[float] | None, *, clip: bool) -> float | None:
    if not scores:
        return None
    # Exact summing: equal scores in another order must be a tie.
    value = math.fsum(scores) / len(scores)
    return min(1.0, max(0.0, value)) if clip else value


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
