"""Two runs beside each other: what differs, by how much, how surely, and at what price.

No decision is made here: that is the gate's. Pages of several runs are the writers' work.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from medcheck.costs import exact
from medcheck.errors import SettingsError
from medcheck.gate.changes import Flip, Moved, flips, harms, moved, together
from medcheck.gate.comparable import differences, pairs
from medcheck.gate.findings import Finding, GateSettings, findings
from medcheck.gate.measured import MISSING, Side, Spent
from medcheck.gate.telling import Table, flip_table, moved_tables, span
from medcheck.stats.variance import components
from medcheck.writers.markdown import escaped

ROWS = 20
"""Rows of a table in a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeNoise:
    """How much of a difference the judges alone may make."""

    same_answers: int
    """Cases with word for word the same answers on both sides."""
    criteria: int
    """Their criteria."""
    flipped: int
    """Those of them that were judged otherwise, although nothing had changed."""
    share: float | None
    """Of the difference's variance, what lies between the judges of the panels, 0 to 1; `None`:
    there is no panel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One suite and model of a run, and of another."""

    first: Side
    second: Side
    notes: tuple[str, ...]
    """Why the two are not measured alike; empty: they are."""
    findings: tuple[Finding, ...]
    """Overall, then categories, over the cases that both have; empty: there are none."""
    flips: tuple[Flip, ...]
    harms: tuple[Flip, ...]
    moved: tuple[Moved, ...]
    judges: JudgeNoise


def compare(first: Side, second: Side) -> Comparison:
    """Return what differs between two sides, case by case where both were measured."""
    changed = flips(first, second)
    groups = findings(first, second, GateSettings())
    missing = [
        f"{side.name}: {side.lost} of {side.planned} answers were not measured."
        for side in (first, second)
        if side.lost
    ]
    return Comparison(
        first=first,
        second=second,
        notes=tuple(line.replace("the baseline", first.name) for line in differences(first, second))
        + tuple(missing),
        findings=groups,
        flips=changed,
        harms=harms(first, second),
        moved=moved(first, second),
        judges=_judge_noise(first, second, changed, groups),
    )


def compare_runs(
    firsts: Sequence[Side], seconds: Sequence[Side], *, models: Sequence[str] = ()
) -> tuple[Comparison, ...]:
    """Compare two runs suite by suite.

    Args:
        firsts: the sides of one run.
        seconds: the sides of the other.
        models: the model of the first and of the second run; empty: equal names, or the only one.

    Raises:
        SettingsError: nothing belongs together.
    """
    if models:
        firsts = [side for side in firsts if side.model == models[0]]
        seconds = [side for side in seconds if side.model == models[1]]
        both = [(a, b) for b in seconds for a in firsts if a.suite == b.suite]
    else:
        found = pairs(firsts, seconds)
        both = [(a, b) for a, b in found if a is not None and b is not None]
    if not both:
        raise SettingsError(
            "the runs have no suite and model in common.",
            hint="Name a model of each run: --models FIRST SECOND.",
        )
    return tuple(compare(first, second) for first, second in both)


def tables(comparison: Comparison) -> tuple[Table, ...]:
    """Return the groups, what changed and what it took; tables without rows are left out."""
    found = [
        _groups(comparison),
        flip_table("New harms, worst first", comparison.harms),
        *moved_tables(comparison.moved),
        flip_table("Criteria that flipped", comparison.flips),
        _spent(comparison.first, comparison.second),
    ]
    return tuple(_named(table) for table in found if table.rows)


def lines(comparison: Comparison, *, rows: int = ROWS) -> tuple[str, ...]:
    """Return the comparison for a terminal, at most `rows` rows a table."""
    told = [_title(comparison), *_told(comparison)]
    for table in tables(comparison):
        told += ["", table.title]
        told += _columns([table.head, *table.rows[:rows]])
        if len(table.rows) > rows:
            told.append(f"... and {len(table.rows) - rows} more; --out FILE holds all")
    return tuple(told)


def markdown(comparisons: Iterable[Comparison]) -> str:
    """Return comparisons as a page of Markdown, with all rows."""
    text: list[str] = []
    for comparison in comparisons:
        text += [f"# {escaped(_title(comparison))}", ""]
        text += [f"- {escaped(line)}" for line in _told(comparison)]
        text += ["", *table_lines(tables(comparison))]
    return "\n".join(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One comparison in words and tables, for writers."""

    title: str
    told: tuple[str, ...]
    tables: tuple[Table, ...]


def parts(comparisons: Iterable[Comparison]) -> tuple[Part, ...]:
    """Return comparisons as a page shows them, with all rows."""
    return tuple(
        Part(title=_title(each), told=tuple(_told(each)), tables=tables(each))
        for each in comparisons
    )


def table_lines(found: Iterable[Table]) -> list[str]:
    """Return tables as lines of Markdown."""
    text: list[str] = []
    for table in found:
        bars = [table.head, ["---"] * len(table.head)]
        cells = [[escaped(cell) for cell in row] for row in table.rows]
        text += [f"## {escaped(table.title)}", ""]
        text += [f"| {' | '.join(row)} |" for row in (*bars, *cells)]
        text.append("")
    return text


def _title(comparison: Comparison) -> str:
    first, second = comparison.first, comparison.second
    one, other = f"{first.name} ({first.model})", f"{second.name} ({second.model})"
    return f"{first.suite}: {one} and {other}"


def _told(comparison: Comparison) -> Iterator[str]:
    for note in comparison.notes:
        yield f"not measured alike: {note}"
    if not comparison.findings:
        yield "no case was measured in both."
        return
    overall = comparison.findings[0]
    yield (
        f"overall: {overall.old:.3f} and {overall.new:.3f}, difference "
        f"{overall.difference.mean:+.3f} (95 % interval {span(overall)}, "
        f"{overall.difference.n} cases; p of no difference {_p(overall)})"
    )
    won = sum(case.by > 0 for case in comparison.moved)
    unchanged = overall.difference.n - len(comparison.moved)
    lost = len(comparison.moved) - won
    yield f"cases: {won} won, {lost} lost, {unchanged} unchanged"
    yield f"criteria: {len(comparison.flips)} flipped; new harms: {len(comparison.harms)}"
    yield from _judge_lines(comparison.judges)
    yield from _cost_lines(comparison.first, comparison.second)


def _judge_lines(noise: JudgeNoise) -> Iterator[str]:
    if noise.same_answers:
        share = f" ({noise.flipped / noise.criteria:.1%})" if noise.criteria else ""
        yield (
            f"judges: {noise.same_answers} cases have the same answers; {noise.flipped} of their "
            f"{noise.criteria} criteria{share} were judged otherwise: noise, not the model"
        )
    if noise.share is not None:
        yield f"judges: {noise.share:.0%} of the difference's variance lies between the judges"


def _groups(comparison: Comparison) -> Table:
    head = ("group", "cases", "first", "second", "difference", "95 % interval", "p")
    rows = (
        (each.group, str(each.difference.n), f"{each.old:.3f}", f"{each.new:.3f}",
         f"{each.difference.mean:+.3f}", span(each), _p(each))
        for each in comparison.findings
    )  # fmt: skip
    return Table(title="Differences", head=head, rows=tuple(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Role:
    """What one kind of call took on both sides."""

    name: str
    first: Spent | None
    """`None`: a file does not say."""
    second: Spent | None
    answers: tuple[Counter[str], Counter[str]]
    """By side: how many answers each case has, or how many of them were judged."""

    @property
    def paid(self) -> bool:
        return any(spent is not None and spent.calls for spent in (self.first, self.second))

    @property
    def per_answer(self) -> bool:
        """Whether one side has answers that the other lacks, so that sums say nothing."""
        return self.answers[0] != self.answers[1]


def _roles(first: Side, second: Side) -> Iterator[_Role]:
    """Yield answering and judging, where either side paid for it."""
    for role in (
        _Role(
            name="answers",
            first=first.answering,
            second=second.answering,
            answers=(_answered(first), _answered(second)),
        ),
        _Role(
            name="judging",
            first=first.judging,
            second=second.judging,
            answers=(_judged(first), _judged(second)),
        ),
    ):
        if role.paid:
            yield role


def _answered(side: Side) -> Counter[str]:
    return Counter({case.case_id: sum(map(bool, case.answers)) for case in side.cases})


def _judged(side: Side) -> Counter[str]:
    return Counter(
        {
            case.case_id: sum(any(state != MISSING for state in states) for states in case.states)
            for case in side.cases
        }
    )


def _spent(first: Side, second: Side) -> Table:
    head = ("role", "calls", "input tokens", "output tokens", "cost", "difference")
    rows: list[tuple[str, ...]] = []
    for role in _roles(first, second):
        rows += [(f"{role.name}, first", *_counts(role.first), ""),
                 (f"{role.name}, second", *_counts(role.second), _delta(role))]  # fmt: skip
    return Table(title="Spent on what the results rest on", head=head, rows=tuple(rows))


def _cost_lines(first: Side, second: Side) -> Iterator[str]:
    for role in _roles(first, second):
        if role.per_answer and role.first is not None and role.second is not None:
            one, other = (found.total() for found in role.answers)
            done = {"answers": "given", "judging": "judged"}[role.name]
            yield (
                f"{role.name}: not the same answers were {done} ({one} and {other}), so "
                "differences in cost are those of an average answer"
            )


def _counts(spent: Spent | None) -> tuple[str, ...]:
    if spent is None:
        return ("not recorded",) * 4
    cost = "unknown" if spent.cost_usd is None else f"${exact(spent.cost_usd)}"
    return f"{spent.calls:,}", f"{spent.input:,}", f"{spent.output:,}", cost


def _delta(role: _Role) -> str:
    one, other = role.first, role.second
    if one is None or other is None:
        return ""
    counts = [found.total() for found in role.answers] if role.per_answer else [1, 1]
    if not all(counts):
        return "-"
    tokens = (other.input + other.output) / counts[1] - (one.input + one.output) / counts[0]
    told = f"{tokens:+,.{int(role.per_answer)}f} tokens"
    if one.cost_usd is not None and other.cost_usd is not None:
        cost = round(other.cost_usd / counts[1] - one.cost_usd / counts[0], 12)
        told += f", {'-' if cost < 0 else '+'}${exact(abs(cost))}"
    return f"{told} an answer" if role.per_answer else told


def _named(table: Table) -> Table:
    # Neither of two runs is the baseline of the other.
    head = tuple({"baseline": "first", "new": "second"}.get(cell, cell) for cell in table.head)
    return Table(title=table.title, head=head, rows=table.rows)


def _p(finding: Finding) -> str:
    p = finding.difference.p_two_sided()
    if p is None:
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    shown = [[cell if len(cell) <= 60 else f"{cell[:57]}..." for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
            for row in shown]  # fmt: skip


def _judge_noise(
    first: Side, second: Side, changed: Sequence[Flip], groups: Sequence[Finding]
) -> JudgeNoise:
    same = [
        now
        for was, now in together(first, second)
        if was.answers and was.answers == now.answers and all(now.answers)
        and was.mean is not None and now.mean is not None
    ]  # fmt: skip
    return JudgeNoise(
        same_answers=len(same),
        criteria=sum(len(case.demands) for case in same),
        flipped=sum(flip.same_answer for flip in changed),
        share=_judge_share((first, second), groups),
    )


def _judge_share(sides: Sequence[Side], groups: Sequence[Finding]) -> float | None:
    """Return the judges' part of the variance of the mean difference; see `stats.variance`."""
    error = groups[0].difference.error if groups else None
    parts = [_judge_variance(side) for side in sides]
    known = [part for part in parts if part is not None]
    if not error or not known:
        return None
    return min(1.0, math.fsum(known) / error**2)


def _judge_variance(side: Side) -> float | None:
    table = [[list(scores) for scores in case.gradings if scores] for case in side.cases]
    table = [case for case in table if case]
    found = components(table)
    if found is None or found.judge is None:
        return None
    return found.judge / found.gradings
