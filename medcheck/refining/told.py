"""A refinement as text for a terminal; the numbers come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from medcheck.refining.disagreements import KINDS, Disagreement
from medcheck.refining.journal import Event
from medcheck.refining.judging import Measured
from medcheck.refining.rounds import Decision
from medcheck.refining.samples import SIDES, Lock, Side
from medcheck.review.told import aligned
from medcheck.review.usable import FEW, VERDICTS, cell, table, warnings
from medcheck.scoring.requirements import requirements

AID = "calibration, a work aid and no result"
_MOST = 300
"""Characters of an explanation."""


def drawn(lock: Lock, categories: Mapping[str, str]) -> Iterator[str]:
    """Yield how many cases of each category are on each side.

    Args:
        lock: holds the samples.
        categories: by case id.
    """
    named = sorted({categories[name] for name in lock.cases})
    rows = [["category", *SIDES]]
    for category in named:
        counts = [sum(categories[c] == category for c in lock.samples[side]) for side in SIDES]
        rows.append([category, *map(str, counts)])
    rows.append(["all", *(str(len(lock.samples[side])) for side in SIDES)])
    yield from aligned(rows)


def measured(found: Mapping[Side, Measured]) -> Iterator[str]:
    """Yield the agreement on the validation sample, and one line of the other."""
    held = found["validation"]
    yield (
        f"validation, judge and people on usable or not ({held.unrated} answers without a "
        "verdict of people left out):"
    )
    yield from table(held.table, VERDICTS)
    yield from warnings(held.table)
    pooled = found["calibration"].table[-1:]
    for each in pooled:
        yield f"{AID}: kappa {cell(each.figures['kappa'])}, n {each.n}"


def decided(decision: Decision) -> Iterator[str]:
    """Yield what follows from a round."""
    found = decision.round
    yield f"{found.version}: validation kappa {found.kappa:.3f}, lower bound {_low(found.low)}"
    if not found.kept:
        yield f"{found.version} is rolled back: validation fell. The version before it holds."
    elif found.version != "v0":
        yield f"{found.version} holds now{'' if found.gained else ', without a gain'}."
    yield f"The refinement has ended: {decision.stop}." if decision.stop else "It may go on."


def shown(found: Sequence[Disagreement]) -> Iterator[str]:
    """Yield disagreements by subcategory, case and point, in the order they come in."""
    for path, group in groupby(found, key=lambda each: (each.category, each.subcategory)):
        listed = list(group)
        counts = [(sum(each.kind == kind for each in listed), kind) for kind in KINDS]
        yield ""
        yield f"{'/'.join(filter(None, path))}: {', '.join(f'{n} {k}' for n, k in counts if n)}"
        for each in listed:
            yield from _one(each)


def log(events: Sequence[Event]) -> Iterator[str]:
    """Yield the journal, a line an event; only validation figures."""
    for event in events:
        name = event.get("version", "")
        parts = [str(event["at"]), str(event["event"]), str(name)]
        yield "  ".join(part for part in (*parts, _event(event)) if part)


def _one(found: Disagreement) -> Iterator[str]:
    judged = " ".join(f"{score:g}" for score in found.judged)
    told = "no score" if found.told is None else f"{found.told:.2f}"
    repeat = f" #{found.repeat}" if found.repeat > 1 else ""
    yield f"  {found.case_id}, {found.point}: {found.kind}, {found.model}{repeat}"
    yield f"    judge {found.mean:.2f} ({judged}), people {told} ({found.people})"
    named = {point[:2] for point in found.points}
    for part, number, text in requirements(found.checklist).points:
        mark = "*" if (part, number) in named else " "
        yield f"   {mark}{part} {number}: {_short(text)}"
    if not requirements(found.checklist).points:
        yield "    no checklist: judged by the reference alone"
    yield from (f"    judge: {_short(said)}" for said in found.explanations)


def _event(event: Event) -> str:
    if event["event"] in ("start", "run"):
        held: list[Mapping[str, Any]] = event["validation"]
        kept = "kept" if event["kept"] else "rolled back"
        stop = f"; ended: {event['stop']}" if event["stop"] else ""
        kappa = f"validation kappa {event['kappa']:.3f}, lower bound {_low(event['low'])}"
        return f"{kappa}, n {held[-1]['n']}; {kept}{stop}"
    by = f"by {event['by']}" if event.get("by") else ""
    who = f"by model {event['model']}" if event.get("model") else by
    reason = str(event.get("reason", ""))
    parent = f"from {event['parent']}" if event.get("parent") else ""
    return ", ".join(part for part in (parent, who, reason) if part)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST else f"{line[: _MOST - 3]}..."


def _low(bound: float | None) -> str:
    return f"unknown (fewer than {FEW} conversations)" if bound is None else f"{bound:.3f}"
