"""A decision in words: lines for a terminal, tables for reports; nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from medcheck.gate.changes import Flip, Moved, flips, moved
from medcheck.gate.findings import Finding
from medcheck.stats.power import detectable

if TYPE_CHECKING:
    from medcheck.gate import Decision

_VERDICTS = {
    "dropped": "dropped",
    "held": "no worse, within the margin",
    "open": "cannot tell",
    "reported": "too few cases to gate",
}
_HARMS_IN_LINES = 5
_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of plain text under a title; whoever writes them escapes them."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def lines(decision: Decision) -> tuple[str, ...]:
    """Return the decision and its reasons."""
    head = f"gate: {decision.model} on {decision.suite} against {decision.baseline}: "
    told = [head + decision.status]
    told += [f"  {problem}" for problem in decision.problems]
    told += [f"  {line}" for line in _harm_lines(decision.harms)]
    told += [f"  {_finding_line(finding)}" for finding in decision.findings]
    told += [f"  {line}" for line in _settling(decision)]
    return tuple(told)


def tables(decision: Decision) -> tuple[Table, ...]:
    """Return the groups and what changed; tables without rows are left out."""
    found = [groups_table(decision.findings)]
    if decision.old is not None and decision.new is not None and decision.findings:
        found += [flip_table("New harms, worst first", decision.harms)]
        found += moved_tables(moved(decision.old, decision.new))
        found += [flip_table("Criteria that flipped", flips(decision.old, decision.new))]
    return tuple(table for table in found if table.rows)


def data(decision: Decision) -> dict[str, Any]:
    """Return the decision as plain data for other programs; numbers in full precision."""
    return {
        "status": decision.status,
        "suite": decision.suite,
        "model": decision.model,
        "baseline": decision.baseline,
        "problems": list(decision.problems),
        "groups": [_group_data(finding) for finding in decision.findings],
        "new_harms": len(decision.harms),
        "new_zero_tolerance": sum(flip.demand.zero_tolerance for flip in decision.harms),
        "needed": asdict(decision.needed) if decision.needed else None,
    }


def _group_data(finding: Finding) -> dict[str, Any]:
    return {
        "group": finding.group,
        "n": finding.difference.n,
        "units": finding.difference.units,
        "baseline": finding.old,
        "new": finding.new,
        "difference": finding.difference.mean,
        "error": finding.difference.error,
        "ci95": finding.difference.interval(),
        "p_drop": finding.proof.p_drop,
        "p_within": finding.proof.p_within,
        "margin": finding.margin,
        "finding": finding.verdict,
    }


def groups_table(findings: Sequence[Finding]) -> Table:
    """Return a row for each group."""
    head = ("group", "cases", "baseline", "new", "difference", "95 % interval", "p of a drop",
            "margin", "finding")  # fmt: skip
    return Table(title="Differences", head=head, rows=tuple(_row(each) for each in findings))


def moved_tables(cases: Sequence[Moved]) -> list[Table]:
    """Return the cases lost and the cases won, each the largest change first."""
    lost = [case for case in cases if case.by < 0]
    won = [case for case in reversed(cases) if case.by > 0]
    head = ("case", "baseline", "new", "difference")
    return [
        Table(
            title=title,
            head=head,
            rows=tuple((c.case_id, f"{c.old:.3f}", f"{c.new:.3f}", f"{c.by:+.3f}") for c in part),
        )
        for title, part in ((f"Cases lost: {len(lost)}", lost), (f"Cases won: {len(won)}", won))
    ]


def flip_table(title: str, found: Sequence[Flip]) -> Table:
    """Return a row for each criterion that flipped."""
    head = ("case", "criterion", "points", "baseline", "new", "points won")
    return Table(
        title=f"{title}: {len(found)}",
        head=head,
        rows=tuple(
            (flip.case_id, _short(flip), f"{flip.demand.points:g}", flip.old, flip.new,
             f"{flip.gain:+g}")
            for flip in found
        ),
    )  # fmt: skip


def span(finding: Finding) -> str:
    """Return the 95 % interval of a difference."""
    interval = finding.difference.interval()
    return "-" if interval is None else f"{interval[0]:+.3f} to {interval[1]:+.3f}"


def _row(finding: Finding) -> tuple[str, ...]:
    return (
        finding.group,
        str(finding.difference.n),
        f"{finding.old:.3f}",
        f"{finding.new:.3f}",
        f"{finding.difference.mean:+.3f}",
        span(finding),
        _p(finding.proof.p_drop),
        f"{finding.margin:g}" if finding.gated else "-",
        _VERDICTS.get(finding.verdict, finding.verdict),
    )


def _finding_line(finding: Finding) -> str:
    cases = f"{finding.difference.n} cases"
    if finding.difference.units != finding.difference.n:
        cases += f" in {finding.difference.units} clusters"
    return (
        f"{finding.group}: {finding.old:.3f} to {finding.new:.3f}, difference "
        f"{finding.difference.mean:+.3f} (95 % interval {span(finding)}, {cases}, p of a drop "
        f"{_p(finding.proof.p_drop)}): {_VERDICTS.get(finding.verdict, finding.verdict)}"
    )


def _harm_lines(harms: Sequence[Flip]) -> Iterator[str]:
    unforgiven = [flip for flip in harms if flip.demand.zero_tolerance]
    if unforgiven:
        yield f"{len(unforgiven)} new harms of zero tolerance; no average buys them back:"
    for flip in unforgiven[:_HARMS_IN_LINES]:
        yield f"  {flip.case_id}: {_short(flip)} ({flip.new}; baseline: {flip.old})"
    if len(unforgiven) > _HARMS_IN_LINES:
        yield f"  and {len(unforgiven) - _HARMS_IN_LINES} more"
    others = len(harms) - len(unforgiven)
    if others:
        yield f"{others} criteria with negative points are newly met; see the table of new harms."


def _settling(decision: Decision) -> Iterator[str]:
    if decision.status != "CANNOT TELL":
        return
    overall = decision.findings[0].difference
    if overall.error:
        yield (
            f"smallest true drop that these {overall.n} cases would show (one-sided 5 %, "
            f"80 % power): {detectable(overall.error):.3f} overall"
        )
    if needed := decision.needed:
        least = "at least " if needed.at_least else ""
        repeats = (
            f"{least}{needed.repeats} answers per case on both sides"
            if needed.repeats
            else "more answers per case would not do"
        )
        joined = ", or " if needed.repeats else "; "
        yield f"to settle it: about {needed.cases} cases like these{joined}{repeats}"
    else:
        yield "to settle it: measure what is missing, or add cases"


def _short(flip: Flip) -> str:
    text = " ".join(flip.demand.text.split())
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 3]}..."


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
