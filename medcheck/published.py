"""Tables of systems by suite: open weights or not, medical or general, overall, dimensions.

A run's rows come from its summary. The figures that others published stand in `published.csv`:
dated facts as they were printed, never measured here.

Source: published.csv, columns source and date.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from medcheck.providers import Entry
from medcheck.summary import Row, Summary

NOT_RERUN = "published, not re-run"
TABLES: Mapping[str, str] = {
    "medbench_old": "MedBench old",
    "medbench_v4": "MedBench v4",
    "gaps": "GAPS",
    "healthbench": "HealthBench",
}
"""The published table that stands beside a suite of this name."""
OVERALL = "overall"
_FILE = Path(__file__).with_name("published.csv")
_PERCENT = "MedBench"
"""What the names of tables begin with whose figures are printed as 0 to 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One published figure."""

    table: str
    model: str
    open_weights: bool
    """As printed there."""
    group: str
    """`overall`, or a dimension."""
    value: float
    """0 to 1."""
    std: float | None
    text: str
    """Both as printed, but on the scale of 0 to 1."""
    note: str
    source: str
    date: str
    """When the table was last changed at the source; ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One model in a table."""

    model: str
    weights: str
    """`open`, `closed` or `not known`."""
    kind: str
    """`medical`, `general` or `not known`."""
    figures: Mapping[str, str]
    """By group; a group without a figure is absent."""
    interval: str
    n: str
    origin: str
    """The run, or that the row is published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemTable:
    """All systems on one suite."""

    title: str
    groups: tuple[str, ...]
    """Overall, then dimensions."""
    systems: tuple[System, ...]
    notes: tuple[str, ...]


@cache
def facts() -> tuple[Fact, ...]:
    """Return what was published, in the order of its tables."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(_fact(row) for row in csv.DictReader(file))


def _fact(row: Mapping[str, str]) -> Fact:
    percent = row["table"].startswith(_PERCENT)
    value = float(row["value"]) / (100 if percent else 1)
    text = f"{value:.3f}" if percent else row["value"]
    return Fact(
        table=row["table"],
        model=row["model"],
        open_weights=row["open_weights"] == "yes",
        group=row["group"].rpartition(":")[2],
        value=value,
        std=float(row["std"]) if row["std"] else None,
        text=f"{text} ({row['std']})" if row["std"] else text,
        note=row["note"],
        source=row["source"],
        date=row["date"],
    )


def figure(value: float | None, std: float | None) -> str:
    """Return a score with its bootstrap deviation in brackets: `0.435 (0.0049)`."""
    if value is None:
        return "not measured"
    # Adding 0.0 turns the minus zero of a rounded tiny loss into 0.
    return f"{round(value, 3) + 0.0:.3f}" + ("" if std is None else f" ({std:.4f})")


def systems(
    summaries: Sequence[Summary], entries: Mapping[str, Entry], *, published: bool
) -> tuple[SystemTable, ...]:
    """Return a table for each suite of the runs, over all answers of each run.

    Args:
        summaries: of the runs.
        entries: the registry as it is today, by model: a run keeps names only.
        published: add the published rows: beside the suite of the same data, else as tables of
            their own.
    """
    suites = dict.fromkeys(row.suite for summary in summaries for row in summary.rows)
    shown = [(suite, TABLES.get(suite, "")) for suite in suites]
    if published:
        names = dict.fromkeys(fact.table for fact in facts())
        used = {table for _, table in shown}
        shown += [("", name) for name in names if name not in used]
    return tuple(
        _table(suite, table if published else "", summaries, entries) for suite, table in shown
    )


def _table(
    suite: str, table: str, summaries: Sequence[Summary], entries: Mapping[str, Entry]
) -> SystemTable:
    own = [system for s in summaries for system in _measured(s, suite, entries)]
    printed = [fact for fact in facts() if fact.table == table]
    rows = (*own, *_printed(printed))
    groups = dict.fromkeys((OVERALL, *(group for row in rows for group in row.figures)))
    return SystemTable(
        title=suite or f"{table}: {NOT_RERUN}",
        groups=tuple(groups),
        systems=rows,
        notes=tuple(_notes(printed)),
    )


def _measured(summary: Summary, suite: str, entries: Mapping[str, Entry]) -> Iterator[System]:
    dimension = next(iter(summary.by.get(suite, ())), None)
    found: dict[str, list[Row]] = {}
    for row in summary.rows:
        if row.suite == suite and (
            row.group == OVERALL or row.group.partition(":")[0] == dimension
        ):
            found.setdefault(row.model, []).append(row)
    for model, rows in found.items():
        yield _system(model, rows, entries.get(model), f"run {summary.run}")


def _system(model: str, rows: Sequence[Row], entry: Entry | None, origin: str) -> System:
    overall = next((row for row in rows if row.group == OVERALL), None)
    span = overall.ci95 if overall else None
    lost = f" ({overall.ungraded} not measured)" if overall and overall.ungraded else ""
    return System(
        model=model,
        weights=_weights(entry.open_weights if entry else None),
        kind=entry.kind if entry else "not known",
        figures={_short(row.group): figure(row.value, row.std) for row in rows},
        interval="-" if span is None else f"{span[0]:.3f} to {span[1]:.3f}",
        n=f"{overall.n}{lost}" if overall else "-",
        origin=origin,
    )


def _printed(printed: Iterable[Fact]) -> Iterator[System]:
    by_model: dict[str, list[Fact]] = {}
    for fact in printed:
        by_model.setdefault(fact.model, []).append(fact)
    for model, own in by_model.items():
        yield System(
            model=model,
            weights=_weights(own[0].open_weights),
            kind="not known",
            figures={fact.group: fact.text for fact in own},
            interval="-",
            n="-",
            origin=f"{NOT_RERUN} ({own[0].date})",
        )


def _notes(printed: Sequence[Fact]) -> Iterator[str]:
    if not printed:
        return
    first = printed[0]
    yield (
        f"Rows marked as published were printed in {first.source} on {first.date}, with the "
        "openness of weights as printed; nothing of them was measured here, and judges, prompts "
        "and answers may differ."
    )
    if first.table.startswith(_PERCENT):
        yield (
            "MedBench's figures are printed as 0 to 100 and shown as 0 to 1. The platform's "
            "overall is a mean of dimensions (old track: harmonic), ours the mean of all cases."
        )
    yield from dict.fromkeys(f"{fact.model}: {fact.note}." for fact in printed if fact.note)


def _short(group: str) -> str:
    return group if group == OVERALL else group.partition(":")[2]


def _weights(known: bool | None) -> str:  # noqa: FBT001 - a value, not a switch
    return "not known" if known is None else "open" if known else "closed"
