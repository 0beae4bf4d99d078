"""What changed from one side to another, case by case: scores, criteria, harms; no statistics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from medcheck.gate.measured import MISSING, Demand, Measured, Side

UNKNOWN = "not measured"
_UNSURE = (MISSING, "e")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A case whose mean score changed."""

    case_id: str
    old: float
    new: float

    @property
    def by(self) -> float:
        """New less old."""
        return self.new - self.old


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A criterion that is met in another share of the answers than before."""

    case_id: str
    demand: Demand
    old: str
    """For people: `met`, `not met`, `met in 1 of 3`, a value."""
    new: str
    gain: float
    """Points won, less than 0 where they are lost."""
    is_harm: bool = False
    """An answer now does what it must not and what no old one did."""
    same_answer: bool = False
    """All answers are word for word the old ones, so the judge alone changed."""


def together(old: Side, new: Side) -> Iterator[tuple[Measured, Measured]]:
    """Yield the cases that both sides have, in the new side's order."""
    known = {case.case_id: case for case in old.cases}
    for case in new.cases:
        if case.case_id in known:
            yield known[case.case_id], case


def moved(old: Side, new: Side) -> tuple[Moved, ...]:
    """Return the cases whose score changed, the largest losses first."""
    found = [
        Moved(case_id=now.case_id, old=was.mean, new=now.mean)
        for was, now in together(old, new)
        if was.mean is not None and now.mean is not None and was.mean != now.mean
    ]
    return tuple(sorted(found, key=lambda case: (case.by, case.case_id)))


def flips(old: Side, new: Side) -> tuple[Flip, ...]:
    """Return the criteria that flipped, zero tolerance first, then the largest losses of points.

    Criteria that no answer of a side had judged are not among them.
    """
    found = [flip for was, now in together(old, new) for flip in _flips(was, now)]
    found = [flip for flip in found if flip.old != UNKNOWN]
    return tuple(sorted(found, key=_worst_first))


def harms(old: Side, new: Side) -> tuple[Flip, ...]:
    """Return new harms, the worst first: zero tolerance, then by the points they cost.

    A harm is new if an answer does it now and no old answer to the case did. A case that the old
    side never measured counts as free of harm.
    """
    known = {case.case_id: case for case in old.cases}
    found = []
    for now in new.cases:
        was = known.get(now.case_id)
        found += [flip for flip in _flips(was, now) if flip.is_harm]
    return tuple(sorted(found, key=_worst_first))


def _worst_first(flip: Flip) -> tuple[bool, float, str, str]:
    unforgiven = flip.demand.zero_tolerance and flip.is_harm
    return not unforgiven, flip.gain, flip.case_id, flip.demand.text


def _flips(was: Measured | None, now: Measured) -> Iterator[Flip]:
    comparable = was is not None and was.rubric == now.rubric
    same = was is not None and bool(was.answers) and was.answers == now.answers and all(now.answers)
    for place, demand in enumerate(_demands(was, now)):
        before = _said(was, place) if was is not None and comparable else []
        after = _said(now, place)
        bad = demand.zero_tolerance or demand.points < 0
        harm = bad and _called(after, demand) and not _called(before, demand)
        change = _share(after, demand) - _share(before, demand)
        if after and (change or harm):
            yield Flip(
                case_id=now.case_id,
                demand=demand,
                old=_words(before),
                new=_words(after),
                gain=change * demand.points,
                is_harm=harm,
                same_answer=same,
            )


def _demands(was: Measured | None, now: Measured) -> tuple[Demand, ...]:
    return now.demands or (was.demands if was else ())


def _said(case: Measured, place: int) -> list[str]:
    """Return what was said of one criterion in each repeat in which it was judged."""
    return [states[place] for states in case.states if states[place] not in _UNSURE]


def _called(states: list[str], demand: Demand) -> bool:
    """Return whether any answer does it; a mean vote above 0 counts, see `Verdict.called`."""
    shares = [state for state in states if state not in ("m", "n", "u")]
    partly = demand.scale == (0.0, 1.0) and any(float(share) > 0 for share in shares)
    return "m" in states or partly


def _share(states: list[str], demand: Demand) -> float:
    """Return the mean share of its points that a criterion earns; undecided is a half."""
    low, high = demand.scale
    known = {"m": 1.0, "n": 0.0, "u": 0.5}
    values = [known[s] if s in known else (float(s) - low) / (high - low) for s in states]
    return sum(values) / len(values) if values else 0.0


def _words(states: list[str]) -> str:
    if not states:
        return UNKNOWN
    named = {"m": "met", "n": "not met", "u": "undecided"}
    kinds = set(states)
    if kinds <= {"m", "n"} and len(kinds) > 1:
        return f"met in {states.count('m')} of {len(states)}"
    return ", ".join(named.get(state, state) for state in dict.fromkeys(states))
