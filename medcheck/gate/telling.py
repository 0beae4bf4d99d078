"""A decision in words: lines for a terminal, tables for reports; nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from medcheck.gate.changes import Flip, Moved, flips, moved
from medcheck.gate.findings import Finding, level
from medcheck.gate.needed import Needed
from medcheck.stats.power import detectable

if TYPE_CHECKING:
    from medcheck.gate import Decision

_VERDICTS = {
    "dropped": "dropped",
    "held": "no worse, within the margin of {margin:g}",
    "open": "cannot tell (margin {margin:g})",
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
    other = " (BY OTHER SETTINGS THAN THE BASELINE'S)" if decision.unlike else ""
    told = [head + decision.status + other]
    told += [f"  {problem}" for problem in decision.problems]
    told += [f"  NOTE: {note}" for note in notes(decision)]
    told += [f"  {line}" for line in _harm_lines(decision.harms)]
    told += [f"  {_finding_line(finding)}" for finding in decision.findings]
    told += [f"  {line}" for line in _settling(decision)]
    return tuple(told)


def notes(decision: Decision) -> Iterator[str]:
    """Yield what a reader must know of how it was decided."""
    settings = decision.settings
    for line in decision.unlike:
        yield f"the gate's {line}: decided by this run's."
    if decision.old is not None and decision.old.dated and decision.findings:
        yield (
            "the baseline was accepted by an older medcheck: whether margins, zero tolerance, "
            "scales and checks are still the same is not known. Accept it anew."
        )
    if settings.shared > 1 and decision.findings:
        yield (
            f"a drop is tested at {_percent(settings.drop_alpha)}: {_percent(settings.alpha)} "
            f"shared by {settings.shared} comparisons."
        )


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
        "notes": list(notes(decision)),
        "settings": asdict(decision.settings),
        "groups": [_group_data(finding, decision) for finding in decision.findings],
        "new_harms": len(decision.harms),
        "new_zero_tolerance": sum(flip.demand.zero_tolerance for flip in decision.harms),
        "needed": asdict(decision.needed) if decision.needed else None,
    }


def _group_data(finding: Finding, decision: Decision) -> dict[str, Any]:
    at = level(finding, decision.findings, decision.settings)
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
        "alpha_drop": at,
        "detectable": _least(finding, at),
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
    """Return the 95 % interval of a difference; without any spread it would be a false promise."""
    interval = finding.difference.interval()
    if interval is not None and not finding.spread:
        return "no spread seen"
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
        _verdict(finding),
    )


def _finding_line(finding: Finding) -> str:
    cases = f"{finding.difference.n} cases"
    if finding.difference.units != finding.difference.n:
        cases += f" in {finding.difference.units} clusters"
    return (
        f"{finding.group}: {finding.old:.3f} to {finding.new:.3f}, difference "
        f"{finding.difference.mean:+.3f} (95 % interval {span(finding)}, {cases}, p of a drop "
        f"{_p(finding.proof.p_drop)}): {_verdict(finding)}"
    )


def _verdict(finding: Finding) -> str:
    return _VERDICTS.get(finding.verdict, finding.verdict).format(margin=finding.margin)


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
    shown = [each for each in decision.findings if each.verdict == "open" and each.spread]
    if shown:
        listed = "; ".join(_detectable(each, decision) for each in shown)
        yield f"smallest true drop that would show with 80 % power: {listed}"
    if decision.needed:
        yield f"to settle it: {_needed(decision.needed)}"
    lost = sum(side.lost for side in (decision.old, decision.new) if side is not None)
    if lost:
        yield f"to pass, measure the answers that are missing as well: {lost}"


def _detectable(finding: Finding, decision: Decision) -> str:
    at = level(finding, decision.findings, decision.settings)
    cases = f"{finding.difference.n} cases, one-sided {_percent(at)}"
    return f"{finding.group} {_least(finding, at):.3f} ({cases})"


def _least(finding: Finding, at: float) -> float | None:
    error = finding.difference.error
    return detectable(error, alpha=at) if error and finding.spread else None


def _needed(needed: Needed) -> str:
    if not needed.spread:
        return (
            f"at least {needed.cases} cases; a group's cases differ by the same amount, or it has "
            "only one, so that a better number is not known"
        )
    if not needed.repeats:
        return f"about {needed.cases} cases like these; more answers per case would not do"
    least = "at least " if needed.at_least else ""
    return (
        f"about {needed.cases} cases like these, or {least}{needed.repeats} answers per case on "
        "both sides"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _short(flip: Flip) -> str:
    text = " ".join(flip.demand.text.split())
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 3]}..."


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
