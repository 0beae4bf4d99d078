"""The overview of the HTML report as plain values: tables, intervals as drawn, counts, costs.

Numbers come from the summary and are only formatted here; markup stands in pages/report.html.j2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from medcheck.summary import Row, Summary
from medcheck.types import RESULT_STATES, Run
from medcheck.writers._html_levels import Sheet, is_bin, is_count, sheet, tag_of

USAGE_COUNTS = ("calls", "input", "cached_input", "output", "reasoning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A model in one run: what the page compares side by side."""

    index: int
    run: str
    model: str
    label: str
    """The model's name, with the run where several runs hold the same model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The scale of one suite's drawing."""

    low: float
    high: float
    ticks: tuple[tuple[str, str], ...]
    """Text and place in percent of the width."""

    def place(self, number: float) -> str:
        """Return where a number stands, in percent of the width, kept inside it."""
        share = (number - self.low) / (self.high - self.low)
        return f"{100 * min(1.0, max(0.0, share)):.2f}%"

    def bar(self, number: float) -> tuple[str, str]:
        """Return start and width of a bar from 0 to a number."""
        low, high = sorted((0.0, number))
        share = (min(high, self.high) - max(low, self.low)) / (self.high - self.low)
        return self.place(low), f"{100 * max(0.0, share):.2f}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A mean with its interval as drawn; places in percent of the width."""

    at: str
    low: str | None
    high: str | None
    cut_low: bool = False
    """The interval goes on beyond the axis."""
    cut_high: bool = False
    bar: tuple[str, str] | None = None
    """Start and width of a bar from 0; `None`: a dot says enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One number with its interval, formatted; `None`: not measured."""

    entry: Entry
    value: str | None
    raw: str | None
    ci: tuple[str, str] | None
    std: str | None
    n: int
    ungraded: int
    mark: Mark | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All models on one group of cases."""

    name: str
    link: str
    """Fragment that lists the group's cases."""
    lines: tuple[Line, ...]

    @property
    def overall(self) -> bool:
        """Whether this is the whole suite."""
        return self.name == "overall"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteTable:
    """One suite: the groups that everyone reads, and the others."""

    suite: str
    facts: tuple[tuple[str, str], ...]
    """Label key and text: measure, protocol, judges; several texts where runs differ."""
    groups: tuple[Group, ...]
    others: tuple[Group, ...]
    axis: Axis
    clipped: bool
    """The official value differs from the mean of the scores somewhere."""
    has_std: bool
    has_ungraded: bool
    levels: Sheet | None = None
    """What its criteria's levels show; `None`: they have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How the answers of one model ended."""

    entry: Entry
    total: int
    scored: int
    others: tuple[tuple[str, int], ...]
    """State and count, every state of the table."""
    harms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    """What one model or judge used; `None`: the endpoint did not say."""

    run: str
    role: str
    name: str
    counts: tuple[str | None, ...]
    """In the order of `USAGE_COUNTS`."""
    cost: str | None


def entries(summaries: Iterable[Summary]) -> tuple[Entry, ...]:
    """Return every model of every run, in the given order."""
    pairs = [(summary.run, model) for summary in summaries for model in summary.models]
    models = [model for _, model in pairs]
    return tuple(
        Entry(
            index=index,
            run=run,
            model=model,
            label=f"{model} · {run}" if models.count(model) > 1 else model,
        )
        for index, (run, model) in enumerate(pairs)
    )


def suite_tables(
    pairs: Sequence[tuple[Run, Summary]], known: Sequence[Entry]
) -> tuple[SuiteTable, ...]:
    """Return a table for each suite that has numbers."""
    suites = dict.fromkeys(row.suite for _, summary in pairs for row in summary.rows)
    return tuple(_suite_table(suite, pairs, known) for suite in suites)


def _suite_table(
    suite: str, pairs: Sequence[tuple[Run, Summary]], known: Sequence[Entry]
) -> SuiteTable:
    found = {(entry.run, entry.model): entry for entry in known}
    rows = [
        (found[summary.run, row.model], row)
        for _, summary in pairs
        for row in summary.rows
        if row.suite == suite
    ]
    levels = sheet([(entry.index, row) for entry, row in rows])
    rows = [(entry, row) for entry, row in rows if levels is None or not is_bin(row)]
    drawn = [row for _, row in rows if levels is None or not is_count(row)]
    top = _top(drawn)
    axis = axis_for(n for row in drawn if (n := _drawn(row)) is not None and n <= top)
    short = _short_groups(suite, pairs, rows)
    names = dict.fromkeys(row.group for _, row in rows)

    def group(name: str) -> Group:
        return _group(suite, name, rows, axis, bars=levels is not None)

    return SuiteTable(
        suite=suite,
        facts=_facts(suite, pairs),
        groups=tuple(group(name) for name in short),
        others=tuple(group(name) for name in names if name not in short),
        axis=axis,
        clipped=any(_text(row.value) != _text(row.raw) for _, row in rows),
        has_std=any(row.std is not None for _, row in rows),
        has_ungraded=any(row.ungraded for _, row in rows),
        levels=levels,
    )


def _top(rows: Iterable[Row]) -> float:
    """Return where the scale of a suite's own measure ends; marks beyond it are another measure's.

    A suite whose scores are shares may show mean marks of 1 to 5 beside them: on one axis the
    shares would be a fifth as long as they could be.
    """
    means = [
        number for row in rows if row.group == "overall" if (number := _drawn(row)) is not None
    ]
    return 1.0 if means and max(means) <= 1.0 else math.inf


def _short_groups(
    suite: str, pairs: Sequence[tuple[Run, Summary]], rows: Iterable[tuple[Entry, Row]]
) -> tuple[str, ...]:
    names = list(dict.fromkeys(row.group for _, row in rows))
    prefixes = dict.fromkeys(p for _, summary in pairs for p in summary.by.get(suite, ()))
    chosen = [name for name in names if name == "overall"]
    for prefix in prefixes:
        chosen += [name for name in names if name.startswith(f"{prefix}:")]
    return tuple(dict.fromkeys(chosen))


def _facts(suite: str, pairs: Sequence[tuple[Run, Summary]]) -> tuple[tuple[str, str], ...]:
    texts: dict[str, dict[str, None]] = {"measure": {}, "protocol": {}, "judges": {}}
    for run, summary in pairs:
        options = run.suites.get(suite, {})
        measure = (options.get("summary") or {}).get("measure")
        protocol = summary.protocol.get(suite) or options.get("protocol")
        judges = ", ".join(map(str, options.get("judges") or ()))
        for key, text in (("measure", measure), ("protocol", protocol), ("judges", judges)):
            if text:
                texts[key][str(text)] = None
    return tuple((key, " / ".join(found)) for key, found in texts.items() if found)


def _group(
    suite: str, name: str, rows: Iterable[tuple[Entry, Row]], axis: Axis, *, bars: bool
) -> Group:
    tag = "" if name == "overall" else f"&tag={_quoted(tag_of(name) if bars else name)}"
    return Group(
        name=name,
        link=f"#list=1&suite={_quoted(suite)}{tag}",
        lines=tuple(_line(entry, row, axis, bars=bars) for entry, row in rows if row.group == name),
    )


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="backslashreplace")


def _line(entry: Entry, row: Row, axis: Axis, *, bars: bool) -> Line:
    return Line(
        entry=entry,
        value=_text(row.value),
        raw=_text(row.raw),
        ci=None if row.ci95 is None else (f"{row.ci95[0]:.3f}", f"{row.ci95[1]:.3f}"),
        std=_text(row.std),
        n=row.n,
        ungraded=row.ungraded,
        mark=None if _is_elsewhere(row, axis, bars=bars) else _mark(row, axis, bar=bars),
    )


def _is_elsewhere(row: Row, axis: Axis, *, bars: bool) -> bool:
    """Return whether a row's number is of another unit than the axis."""
    number = _drawn(row)
    return (bars and is_count(row)) or (number is not None and number > axis.high)


def _text(number: float | None) -> str | None:
    # Adding 0.0 turns the minus zero of a rounded tiny loss into 0.
    return None if number is None else f"{round(number, 3) + 0.0:.3f}"


def _drawn(row: Row) -> float | None:
    # The interval belongs to the raw mean, so that is what is drawn with it.
    return row.value if row.raw is None else row.raw


def _mark(row: Row, axis: Axis, *, bar: bool) -> Mark | None:
    number = _drawn(row)
    if number is None:
        return None
    drawn = axis.bar(number) if bar else None
    if row.ci95 is None:
        return Mark(at=axis.place(number), low=None, high=None, bar=drawn)
    low, high = row.ci95
    return Mark(
        at=axis.place(number),
        low=axis.place(low),
        high=axis.place(high),
        cut_low=low < axis.low,
        cut_high=high > axis.high,
        bar=drawn,
    )


def axis_for(numbers: Iterable[float | None]) -> Axis:
    """Return a scale over 0 and all numbers, at least up to 1, with four to seven round ticks.

    Intervals do not stretch it: that of a group of two cases would flatten all the others.
    """
    known = [number for number in numbers if number is not None]
    low, high = min(0.0, *known, 0.0), max(1.0, *known, 1.0)
    step = _round_step(high - low)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    axis = Axis(low=first * step, high=last * step, ticks=())
    ticks = ((f"{i * step:.10g}", axis.place(i * step)) for i in range(first, last + 1))
    return Axis(low=axis.low, high=axis.high, ticks=tuple(ticks))


def _round_step(span: float) -> float:
    power = 10.0 ** math.floor(math.log10(span))
    steps = (factor * power for factor in (0.2, 0.25, 0.5, 1.0))
    return next((step for step in steps if span / step <= 5.0 + 1e-9), 2 * power)


def coverage(summaries: Iterable[Summary], known: Sequence[Entry]) -> tuple[Coverage, ...]:
    """Return how the answers of each model ended, with the same states for all."""
    by_run = {summary.run: summary for summary in summaries}
    counts = [(entry, by_run[entry.run].states.get(entry.model, {})) for entry in known]
    seen = [s for s in RESULT_STATES[1:] if any(states.get(s) for _, states in counts)]
    return tuple(
        Coverage(
            entry=entry,
            total=sum(states.values()),
            scored=states.get("scored", 0),
            others=tuple((state, states.get(state, 0)) for state in seen),
            harms=by_run[entry.run].harms.get(entry.model, 0),
        )
        for entry, states in counts
    )


def usage_lines(summaries: Iterable[Summary]) -> tuple[UsageLine, ...]:
    """Return what each model and judge of each run used."""
    return tuple(
        _usage_line(summary.run, who, used)
        for summary in summaries
        for who, used in summary.usage.items()
    )


def _usage_line(run: str, who: str, used: Mapping[str, Any]) -> UsageLine:
    role, _, name = who.partition(" ")
    # Replies that came without token counts make the known sums lower bounds.
    least = "≥ " if used.get("calls_without_token_counts") else ""
    return UsageLine(
        run=run,
        role=role,
        name=name,
        counts=tuple(
            None if used.get(key) is None else f"{least if key != 'calls' else ''}{used[key]:,}"
            for key in USAGE_COUNTS
        ),
        cost=dollars(used.get("cost_usd")),
    )


def total_cost(summaries: Iterable[Summary]) -> str | None:
    """Return the sum of all costs; `None`: at least one is unknown."""
    costs = [used.get("cost_usd") for s in summaries for used in s.usage.values()]
    known = [cost for cost in costs if cost is not None]
    return dollars(math.fsum(known)) if len(known) == len(costs) else None


def dollars(cost: float | None) -> str | None:
    """Return a cost with as many decimals as its size needs."""
    if cost is None:
        return None
    return f"${cost:,.2f}" if cost == 0 or cost >= 10 else f"${cost:,.4f}"


def differences(summaries: Sequence[Summary]) -> tuple[str, ...]:
    """Return the names of the versions that are not the same in all runs."""
    seen: dict[str, set[str]] = {}
    for summary in summaries:
        named = {**summary.versions, **{f"protocol {s}": p for s, p in summary.protocol.items()}}
        for name, version in {**named, "judges": ", ".join(summary.judges)}.items():
            seen.setdefault(name, set()).add(version)
    return tuple(name for name, versions in seen.items() if len(versions) > 1)
