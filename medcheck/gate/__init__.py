"""The gate: whether a model is worse than its baseline, no worse, or nobody can tell.

`decide` takes two sides (`measured`) and says FAIL, PASS, CANNOT TELL, NOT COMPARABLE or
INCOMPLETE; the statistics stand in `stats`, the words for people in `telling`. Nothing is asked.

Source: trust.md section 2.3 (recommended gate).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from medcheck.gate.changes import Flip, harms
from medcheck.gate.comparable import differences, pairs
from medcheck.gate.findings import OVERALL, Finding, GateSettings, Proof, findings
from medcheck.gate.measured import Side, sides
from medcheck.gate.needed import Needed, needed
from medcheck.gate.telling import Table, data, lines, tables
from medcheck.stats.paired import split_alpha

__all__ = [
    "EXIT",
    "OVERALL",
    "Decision",
    "Finding",
    "Flip",
    "GateSettings",
    "Needed",
    "Proof",
    "Ruling",
    "Side",
    "Status",
    "Table",
    "data",
    "decide",
    "decide_all",
    "rule",
    "sides",
    "worst",
]

Status = Literal["FAIL", "PASS", "CANNOT TELL", "NOT COMPARABLE", "INCOMPLETE"]
EXIT: Mapping[Status, int] = {
    "NOT COMPARABLE": 13,
    "INCOMPLETE": 12,
    "FAIL": 10,
    "CANNOT TELL": 11,
    "PASS": 0,
}
"""Exit status by decision; the first of several that hold leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the gate says of one model on one suite."""

    status: Status
    suite: str
    model: str
    baseline: str
    problems: tuple[str, ...] = ()
    """Why the sides are not comparable or not complete."""
    findings: tuple[Finding, ...] = ()
    """Overall first, then the categories in the order of the cases."""
    harms: tuple[Flip, ...] = ()
    """New harms, the worst first; those of zero tolerance fail the gate."""
    needed: Needed | None = None
    """Where the gate cannot tell."""
    old: Side | None = field(default=None, repr=False)
    new: Side | None = field(default=None, repr=False)
    settings: GateSettings = field(default_factory=GateSettings)

    @property
    def unlike(self) -> tuple[str, ...]:
        """What of its settings was otherwise when the baseline was accepted, a line each."""
        if self.old is None or not self.old.gate or not self.findings:
            return ()
        return self.settings.unlike(GateSettings().of(self.old.gate))

    @property
    def lines(self) -> tuple[str, ...]:
        """The decision and its reasons for a terminal."""
        return lines(self)

    @property
    def tables(self) -> tuple[Table, ...]:
        """The groups, then what changed: new harms, cases lost and won, criteria that flipped."""
        return tables(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the tests alone decide."""

    status: Literal["FAIL", "PASS", "CANNOT TELL"]
    dropped: tuple[str, ...]
    open: tuple[str, ...]
    """Groups that were not shown to hold and did not drop."""


def decide(old: Side, new: Side, settings: GateSettings | None = None) -> Decision:
    """Compare a side with its baseline.

    Without `settings` those of the new side's suite hold. What was not measured on either side is
    missing from the tests, is never a pass, and above the allowed share makes it INCOMPLETE.
    """
    settings = settings or GateSettings().of(new.gate)
    told = Decision(
        status="NOT COMPARABLE",
        suite=new.suite,
        model=new.model,
        baseline=old.name,
        old=old,
        new=new,
        settings=settings,
    )
    if found := differences(old, new):
        return replace(told, problems=found)
    groups = findings(old, new, settings)
    if not groups:
        problem = "no case was measured on both sides."
        return replace(told, status="INCOMPLETE", problems=(problem,))
    ruling = _ruled(groups, settings)
    new_harms = harms(old, new)
    missing = tuple(_missing(side) for side in (old, new) if side.lost)
    status = _status(ruling, new_harms, old, new)
    groups = tuple(replace(each, verdict=_verdict(each, ruling)) for each in groups)
    return replace(
        told,
        status=status,
        problems=missing,
        findings=groups,
        harms=new_harms,
        needed=needed((old, new), groups, settings) if status == "CANNOT TELL" else None,
    )


def decide_all(
    olds: Sequence[Side], news: Sequence[Side], settings: GateSettings | None = None
) -> tuple[Decision, ...]:
    """Compare all sides of a run with those of a baseline; what has no partner is not comparable.

    Without `settings` each suite's own hold. All comparisons share alpha for a drop, so that many
    suites and models do not make many false alarms; a pass needs each proof at all of alpha.
    """
    found = []
    partners = list(pairs(olds, news))
    shared = sum(old is not None and new is not None for old, new in partners)
    for old, new in partners:
        if old is not None and new is not None:
            own = settings or GateSettings().of(new.gate)
            found.append(decide(old, new, replace(own, shared=max(1, shared))))
            continue
        one = old or new
        assert one is not None
        lacks = "was not run" if old else "is not in the baseline"
        found.append(
            Decision(
                status="NOT COMPARABLE",
                suite=one.suite,
                model=one.model,
                baseline=olds[0].name if olds else "",
                problems=(f"{one.model} on {one.suite} {lacks}.",),
                old=old,
                new=new,
            )
        )
    return tuple(found)


def worst(decisions: Iterable[Decision]) -> Status:
    """Return the status that leads; nothing to compare is NOT COMPARABLE."""
    found = {decision.status for decision in decisions}
    return next((status for status in EXIT if status in found), "NOT COMPARABLE")


def rule(
    overall: Proof, categories: Mapping[str, Proof], alpha: float, *, shared: int = 1
) -> Ruling:
    """Return FAIL if anything dropped, PASS if all are within their margins, else CANNOT TELL.

    Alpha is shared between overall and the categories for a drop, and before that by `shared`
    comparisons; for a pass each group needs its own proof at the whole of it (intersection-union).
    """
    tested = {name: each.p_drop for name, each in categories.items() if each.p_drop is not None}
    split = split_alpha(overall.p_drop, tested, alpha=alpha / shared)
    dropped = ((OVERALL,) if split.overall else ()) + split.categories
    groups = {OVERALL: overall, **categories}
    unproved = tuple(
        name
        for name, each in groups.items()
        if name not in dropped and (each.p_within is None or each.p_within > alpha)
    )
    status: Literal["FAIL", "PASS", "CANNOT TELL"] = "PASS"
    if dropped or unproved:
        status = "FAIL" if dropped else "CANNOT TELL"
    return Ruling(status=status, dropped=dropped, open=unproved)


def _status(ruling: Ruling, found: Sequence[Flip], old: Side, new: Side) -> Status:
    if old.incomplete or new.incomplete:
        return "INCOMPLETE"
    if any(flip.demand.zero_tolerance for flip in found):
        return "FAIL"
    if ruling.status == "PASS" and (old.lost or new.lost):
        return "CANNOT TELL"
    return ruling.status


def _missing(side: Side) -> str:
    return f"{side.name}: {side.lost} of {side.planned} answers were not measured."


def _ruled(groups: Sequence[Finding], settings: GateSettings) -> Ruling:
    overall, *rest = groups
    gated = {each.group: each.proof for each in rest if each.gated}
    return rule(overall.proof, gated, settings.alpha, shared=settings.shared)


def _verdict(finding: Finding, ruling: Ruling) -> str:
    if not finding.gated:
        return "reported"
    if finding.group in ruling.dropped:
        return "dropped"
    return "open" if finding.group in ruling.open else "held"
