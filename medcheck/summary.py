"""A run becomes numbers: a row per model, suite and group, with interval, n and what is missing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from medcheck.beside import COPIES, Collector, collectors, is_of_metric
from medcheck.extras import (
    EXTRAS,
    LENGTH_ADJUSTED,
    PAIRWISE,
    Figure,
    Meta,
    Repeats,
    Use,
    dropped_notes,
    together,
)
from medcheck.levels import Levels, has_levels, own_groups, unit_of
from medcheck.scoring.points import Dropped, dropped_penalties, group_scores
from medcheck.stats.agreement import HEADLINE, model_metrics
from medcheck.stats.means import (
    MEASURES,
    bootstrap_std,
    interval,
    length_adjusted,
    mean,
    row_seed,
)
from medcheck.types import Result, Run
from medcheck.undecided import OWN_GROUPS, Rules, Undecided


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One number: a model on a group of a suite."""

    model: str
    suite: str
    group: str
    """`overall`, a tag such as `theme:hedging`, a group of `extras`, `levels` or `undecided`, or a
    meta-evaluation's key."""
    value: float | None
    """The suite's official measure; `None`: nothing was measured."""
    raw: float | None
    """The same before clipping: the mean of the case scores."""
    std: float | None = None
    """Bootstrap standard error of `value`, as the official code reports it."""
    ci95: tuple[float, float] | None = None
    """95 % interval of `raw`; `None` below two cases."""
    n: int
    """Answers that were scored; what else `extras` counts stands there."""
    ungraded: int
    """Answers that belong to the group and were not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run says, ready to be written."""

    run: str
    complete: bool
    """Everything planned was measured, or no more was lost than the suites allow."""
    models: tuple[str, ...]
    judges: tuple[str, ...]
    protocol: Mapping[str, str]
    """By suite."""
    versions: Mapping[str, str]
    rows: tuple[Row, ...]
    usage: Mapping[str, Mapping[str, Any]]
    """By `model NAME` or `judge NAME`: calls, tokens and cost_usd."""
    states: Mapping[str, Mapping[str, int]]
    """By model: how many results ended in each state."""
    harms: Mapping[str, int] = field(default_factory=dict)
    """By model: results that met a zero-tolerance criterion."""
    dropped: Mapping[tuple[str, str, str], Dropped] = field(default_factory=dict)
    """By model, suite and axis: penalties of measured answers that no axis score shows."""
    notes: tuple[str, ...] = ()
    """What a reader must know beside the numbers: dropped settings, bounds of an incomplete run."""
    by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By suite: the tag prefixes (theme, axis) whose groups stand in the short tables."""


def summarize(run: Run) -> Summary:
    """Return the summary of a run; reads the results once, in their order.

    Official means are numpy.mean over dataset order, so the order of results decides the last
    digit of a number, and nothing else does.
    """
    tally = _Tally(suites=run.suites)
    for result in run.results:
        tally.add(result)
    suites = run.suites
    by = {n: tuple(suite.get("summary", {}).get("by") or ()) for n, suite in suites.items()}
    return Summary(
        run=run.id,
        complete=_complete(tally, suites),
        models=tuple(tally.states),
        judges=tuple(sorted({j for s in suites.values() for j in s.get("judges", ())})),
        protocol={name: str(suite.get("protocol", "")) for name, suite in suites.items()},
        versions=run.versions,
        rows=tuple(_rows(tally, by)),
        usage={who: usage.plain() for who, usage in sorted(tally.usage.items())},
        states={model: dict(sorted(states.items())) for model, states in tally.states.items()},
        harms=dict(tally.harms),
        dropped=dict(sorted(tally.dropped.items())),
        notes=tuple(_notes(run, tally)),
        by=by,
    )


def _place(
    key: tuple[str, str, str], models: list[str], by: Mapping[str, tuple[str, ...]]
) -> tuple[str, int, int, str]:
    """Return where a row stands: suite, model, overall, metrics, then groups the suite names."""
    model, suite, group = key
    prefixes = by.get(suite, ())
    prefix = group.partition(":")[0]
    rank = prefixes.index(prefix) if prefix in prefixes else len(prefixes)
    if group == "overall" or is_of_metric(group):
        rank = -2 if group == "overall" else -1
    return suite, models.index(model), rank, group


@dataclass(slots=True)
class _Group:
    values: list[float] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    """The case of each value, or the one it varies: they and repeats are not independent."""
    low: float = 0.0
    high: float = 0.0
    """Sums of the lowest and highest scores that the unmeasured answers leave open."""
    unbounded: int = 0
    """Unmeasured answers for which no bound is known."""
    planned: int = 0

    @property
    def ungraded(self) -> int:
        return self.planned - len(self.values)


@dataclass(slots=True)
class _Tally:
    """What is kept of the results while they stream by: numbers, no texts."""

    suites: Mapping[str, Mapping[str, Any]]
    groups: dict[tuple[str, str, str], _Group] = field(default_factory=dict)
    states: dict[str, Counter[str]] = field(default_factory=dict)
    by_suite: dict[str, Counter[str]] = field(default_factory=dict)
    harms: Counter[str] = field(default_factory=Counter)
    usage: dict[str, Use] = field(default_factory=dict)
    adjusted: dict[tuple[str, str], _Group] = field(default_factory=dict)
    """By model and suite, as the next two: scores less what their length costs."""
    repeats: dict[tuple[str, str], Repeats] = field(default_factory=dict)
    meta: dict[tuple[str, str], Meta] = field(default_factory=dict)
    dropped: dict[tuple[str, str, str], Dropped] = field(default_factory=dict)
    levels: dict[tuple[str, str], Levels] = field(default_factory=dict)
    undecided: dict[tuple[str, str], Undecided] = field(default_factory=dict)
    rules: dict[str, Rules] = field(default_factory=dict)
    """By suite."""
    beside: dict[tuple[str, str], tuple[Collector, ...]] = field(default_factory=dict)

    def options(self, suite: str) -> Mapping[str, Any]:
        """Return how a suite is summarized."""
        found: Mapping[str, Any] = self.suites.get(suite, {}).get("summary", {})
        return found

    def add(self, result: Result) -> None:
        self.states.setdefault(result.model, Counter())[result.state] += 1
        self.by_suite.setdefault(result.suite, Counter())[result.state] += 1
        self.harms[result.model] += bool(result.harms)
        self._count(result)
        if self.options(result.suite).get("measure") == PAIRWISE:
            self._judge(result)
        else:
            self._answer(result)

    def _judge(self, result: Result) -> None:
        key = (result.model, result.suite)
        self.meta.setdefault(key, Meta()).add(result)
        group = self._group(result, "overall")
        group.planned += 1
        group.unbounded += not result.measured
        if result.score and result.score.value is not None:
            group.values.append(result.score.value)

    def _answer(self, result: Result) -> None:
        key = (result.model, result.suite)
        self.repeats.setdefault(key, Repeats()).add(result)
        self._levels(result)
        for collector in self._beside(*key):
            collector.add(result)
        if (cost := self.options(result.suite).get("length_adjusted")) is not None:
            self._adjust(self.adjusted.setdefault(key, _Group()), result, cost)
        if result.measured and result.score:
            for tag, lost in dropped_penalties(result.score.verdicts).items():
                self.dropped[*key, tag] = together(self.dropped.get((*key, tag)), lost)
        scores = group_scores(result.tags, result.score) if result.score else {}
        apart = (own_groups(result) | OWN_GROUPS).difference(result.tags)
        for name in scores or self._unmeasured_groups(result):
            if name in apart or name.startswith(COPIES):
                continue  # counted in `levels` or `undecided`, not as a mean of facets
            group = self._group(result, name)
            group.planned += 1
            if name in scores:
                group.values.append(scores[name])
                group.clusters.append(unit_of(result, self.suites.get(result.suite, {})))
            elif name == "overall":
                self._bound(group, result)

    def _adjust(self, group: _Group, result: Result, cost: Mapping[str, float]) -> None:
        group.planned += 1
        if result.score and result.score.value is not None and result.completion is not None:
            chars = len(result.completion.text)
            group.values.append(length_adjusted(result.score.value, chars, **cost))
            group.clusters.append(unit_of(result, self.suites.get(result.suite, {})))

    def _levels(self, result: Result) -> None:
        key = (result.model, result.suite)
        rules = self._rules(result.suite)
        rules.levels = rules.levels or has_levels(result)
        self.levels.setdefault(key, Levels()).add(result, rules.suite)
        self.undecided.setdefault(key, Undecided()).add(result, rules)

    def _beside(self, model: str, suite: str) -> tuple[Collector, ...]:
        if (model, suite) not in self.beside:
            seed = row_seed(0, model, suite)
            told = self.suites.get(suite, {})
            self.beside[model, suite] = collectors(told, seed=seed)
        return self.beside[model, suite]

    def _rules(self, suite: str) -> Rules:
        return self.rules.setdefault(suite, Rules(suite=self.suites.get(suite, {})))

    def _group(self, result: Result, name: str) -> _Group:
        return self.groups.setdefault((result.model, result.suite, name), _Group())

    def _unmeasured_groups(self, result: Result) -> list[str]:
        """Return the groups that an unmeasured answer is missing from, as far as is known."""
        verdicts = result.score.verdicts if result.score else ()
        tags = (t for v in verdicts if v.criterion.points > 0 for t in v.criterion.tags)
        return list(dict.fromkeys(("overall", *result.tags, *tags)))

    def _bound(self, group: _Group, result: Result) -> None:
        span = self._rules(result.suite).bounds(result.score) if result.score else None
        if span is None:
            group.unbounded += 1
        else:
            group.low += span[0]
            group.high += span[1]

    def _count(self, result: Result) -> None:
        # An answer that existed already has no key: nothing was asked for it.
        if result.completion is not None and result.completion.key:
            use = self.usage.setdefault(f"model {result.model}", Use())
            use.add(result.completion.usage, result.completion.cost_usd)
        for verdict in result.score.verdicts if result.score else ():
            for ballot in verdict.ballots:
                if ballot.asks:
                    use = self.usage.setdefault(f"judge {ballot.judge}", Use())
                    use.add(ballot.usage, ballot.cost_usd, calls=ballot.asks)


def _rows(tally: _Tally, by: Mapping[str, tuple[str, ...]]) -> Iterator[Row]:
    models = list(tally.states)
    beside = dict(_figures(tally))
    keys = {**tally.groups, **beside}
    for key in sorted(keys, key=lambda key: _place(key, models, by)):
        model, suite, name = key
        options = tally.options(suite)
        if key not in tally.groups:
            yield Row(model=model, suite=suite, **asdict(beside[key]))
        elif name != "overall":
            yield _row(key, tally.groups[key], options)
        elif meta := tally.meta.get((model, suite)):
            yield from _meta_rows(key, tally.groups[key], meta, options)
        else:
            yield _row(key, tally.groups[key], options)
            yield from _extra_rows(model, suite, tally)


def _figures(tally: _Tally) -> Iterator[tuple[tuple[str, str, str], Figure]]:
    for (model, suite), levels in tally.levels.items():
        measure = MEASURES[tally.options(suite).get("measure", "mean")]
        for figure in (*levels.figures(), *tally.undecided[model, suite].figures(measure)):
            yield (model, suite, figure.group), figure
    for (model, suite), found in tally.beside.items():
        for collector in found:
            for figure in collector.figures():
                yield (model, suite, figure.group), figure


def _row(key: tuple[str, str, str], group: _Group, options: Mapping[str, Any]) -> Row:
    model, suite, name = key
    measure = MEASURES[options.get("measure", "mean")]
    draw = options.get("bootstrap")
    std = None
    if draw and group.values:
        seed = row_seed(int(draw.get("seed", 0)), model, suite, name)
        clip = options.get("measure") == "clipped_mean"
        std = bootstrap_std(group.values, n=int(draw.get("n", 1000)), seed=seed, clip=clip)
    return Row(
        model=model,
        suite=suite,
        group=name,
        value=measure(group.values),
        raw=mean(group.values),
        std=std,
        ci95=interval(group.values, clusters=group.clusters),
        n=len(group.values),
        ungraded=group.ungraded,
    )


def _extra_rows(model: str, suite: str, tally: _Tally) -> Iterator[Row]:
    options = tally.options(suite)
    if group := tally.adjusted.get((model, suite)):
        yield _row((model, suite, LENGTH_ADJUSTED), group, options)
    measure = MEASURES[options.get("measure", "mean")]
    for figure in tally.repeats[model, suite].figures(measure):
        yield Row(model=model, suite=suite, **asdict(figure))


def _meta_rows(
    key: tuple[str, str, str], group: _Group, meta: Meta, options: Mapping[str, Any]
) -> Iterator[Row]:
    """Yield overall, the headline, without the error that the official code prints beside it.

    That one is the error of the share of positive verdicts, and stands in the row of that share.
    """
    model, suite, name = key
    headline = model_metrics(meta.rows).get(HEADLINE)
    value = headline.value if headline else None
    yield Row(
        model=model,
        suite=suite,
        group=name,
        value=value,
        raw=value,
        n=len(group.values),
        ungraded=group.ungraded,
    )
    draw = options.get("bootstrap")
    seed = row_seed(int(draw.get("seed", 0)), model, suite) if draw else None
    for figure in meta.figures(seed=seed):
        yield Row(model=model, suite=suite, **asdict(figure))


def _complete(tally: _Tally, suites: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether no suite lost a larger share of its answers than it allows."""
    for name, states in tally.by_suite.items():
        lost = sum(count for state, count in states.items() if state != "scored")
        allowed = float(suites.get(name, {}).get("ungraded_at_most") or 0.0)
        # Divided, not multiplied: 0.29 * 100 is a little less than 29.
        if lost / sum(states.values()) > allowed:
            return False
    return bool(tally.by_suite)


def _notes(run: Run, tally: _Tally) -> Iterator[str]:
    for suite in run.suites.values():
        yield from suite.get("notes", ())
    yield from dropped_notes(tally.dropped)
    for (model, suite_name), repeats in tally.repeats.items():
        yield from (f"{model} on {suite_name}: {note}" for note in repeats.notes())
    for (model, suite_name), found in tally.beside.items():
        told = (note for collector in found for note in collector.notes())
        yield from (f"{model} on {suite_name}: {note}" for note in told)
    for (model, suite_name), undecided in tally.undecided.items():
        yield from (f"{model} on {suite_name}: {note}" for note in undecided.notes())
    for (model, suite_name, name), group in tally.groups.items():
        if name != "overall" or not group.ungraded:
            continue
        text = f"{model} on {suite_name}: {group.ungraded} of {group.planned} not measured"
        if group.unbounded or not group.planned:
            yield f"{text}; the score they would add cannot be bounded."
            continue
        total = math.fsum(group.values)
        low, high = ((total + part) / group.planned for part in (group.low, group.high))
        yield f"{text}; with them the raw mean would lie between {low:.3f} and {high:.3f}."


def short_rows(summary: Summary) -> tuple[Row, ...]:
    """Return the rows of the short tables: overall, extras, metrics, groups the suites name."""
    return tuple(row for row in summary.rows if _is_short(row, summary.by.get(row.suite, ())))


def _is_short(row: Row, prefixes: tuple[str, ...]) -> bool:
    shown = row.group.partition(":")[0] in ("overall", *EXTRAS, *prefixes)
    return shown or is_of_metric(row.group)
