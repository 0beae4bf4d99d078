"""Ballots of a panel become one verdict; asking the judges and counting points live elsewhere.

A rule is one function in `RULES`: a panel in, state and value out. A failed ballot is never a
vote; only `gaps` and `safety_first` may decide without it.

Source: trust.md section 1.4 (R1) and section 3 (voting); gaps.md sections 2 and 9.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from medcheck.errors import SettingsError, nearest
from medcheck.types import Ballot, Criterion, Verdict, VerdictState

Decision = tuple[VerdictState, float | None]
UNUSABLE = "unusable"
"""Label of a failed ballot whose judge did reply; without it the call itself failed."""
FLAGGED = "flagged"
"""Label of a safety point that counts as met under `safety_first`."""

_UNDECIDED: Decision = ("undecided", None)
_FAILED: tuple[VerdictState, ...] = ("judge_error", "not_run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What a rule decides from."""

    criterion: Criterion
    ballots: tuple[Ballot, ...]
    """All of them, failed ones included."""
    min_judges: int | None = None
    """How many usable ballots are enough; `None`: every ballot must be usable."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """By judge; one that is not named weighs 1."""

    @property
    def usable(self) -> list[Ballot]:
        """The ballots that did not fail."""
        return [ballot for ballot in self.ballots if ballot.state not in _FAILED]

    @property
    def enough(self) -> bool:
        """Whether the usable ballots suffice for a verdict."""
        needed = len(self.ballots) if self.min_judges is None else self.min_judges
        return bool(self.usable) and len(self.usable) >= needed


def vote(
    criterion: Criterion,
    ballots: Sequence[Ballot],
    how: str = "single",
    *,
    min_judges: int | None = None,
    weights: Mapping[str, float] | None = None,
) -> Verdict:
    """Return the panel's verdict on one criterion.

    One failed ballot makes the verdict `judge_error` (`not_run` if no judge was asked), unless
    `min_judges` usable ones are there (`None`: every ballot must be usable) or the rule says
    otherwise. `weights` are for the rule `weighted`, by judge.

    Raises:
        SettingsError: unknown rule, or a panel that the rule cannot decide for.

    """
    if how not in RULES:
        raise SettingsError(f'unknown voting rule "{how}".', hint=nearest(how, RULES))
    panel = Panel(
        criterion=criterion,
        ballots=tuple(ballots),
        min_judges=min_judges,
        weights=weights or {},
    )
    state, value = RULES[how](panel)
    flagged = how == "safety_first" and state == "met" and _is_safety(criterion)
    return Verdict(
        criterion=criterion,
        state=state,
        value=value,
        label=FLAGGED if flagged else _label(panel.usable, value),
        ballots=panel.ballots,
        how=how,
    )


def single(ballots: Sequence[Ballot]) -> Decision:
    """Take the one judge's word."""
    if len(ballots) != 1:
        raise SettingsError(
            f'voting rule "single" takes one judge, found {len(ballots)}.',
            hint="Choose majority, unanimous, any or mean.",
        )
    return ballots[0].state, ballots[0].value


def majority(ballots: Sequence[Ballot]) -> Decision:
    """Take the vote of more than half of the panel; abstentions count as panel members."""
    votes = Counter(_votes(ballots))
    for decision, count in votes.items():
        if 2 * count > len(ballots):
            return decision
    return _UNDECIDED


def unanimous(ballots: Sequence[Ballot]) -> Decision:
    """Take the vote that all judges share; a split panel is undecided."""
    votes = set(_votes(ballots))
    return votes.pop() if len(votes) == 1 else _UNDECIDED


def any_met(ballots: Sequence[Ballot]) -> Decision:
    """Count the criterion as met if any judge says so; otherwise an abstention leaves it open."""
    votes = _votes(ballots)
    if any(state == "scored" for state, _ in votes):
        raise SettingsError(
            'voting rule "any" needs met or not met, found scores.', hint="Choose mean."
        )
    for decision in (("met", 1.0), _UNDECIDED):
        if decision in votes:
            return decision
    return ("not_met", 0.0)


def mean(ballots: Sequence[Ballot]) -> Decision:
    """Take the mean value; an abstention leaves the criterion undecided."""
    votes = _votes(ballots)
    if _UNDECIDED in votes:
        return _UNDECIDED
    # A panel that agrees on met must stay visible as met: zero tolerance looks at the state.
    if len(set(votes)) == 1:
        return votes[0]
    values = [value for _, value in votes if value is not None]
    return ("scored", sum(values) / len(values))


def weighted(panel: Panel) -> Decision:
    """Take the vote that carries more than half of the panel's weight; else it is undecided.

    Raises:
        SettingsError: a weight is not a positive number.
    """
    weights = [float(panel.weights.get(ballot.judge, 1.0)) for ballot in panel.usable]
    if not all(0 < weight < math.inf for weight in weights):
        raise SettingsError('voting rule "weighted" needs weights above 0.')
    totals: dict[Decision, list[float]] = {}
    for decision, weight in zip(_votes(panel.usable), weights, strict=True):
        totals.setdefault(decision, []).append(weight)
    for decision, carried in totals.items():
        if 2 * math.fsum(carried) > math.fsum(weights):
            return decision
    return _UNDECIDED


def gaps(panel: Panel) -> Decision:
    """Take the most frequent vote if at least two judges cast it; unusable replies are dropped.

    A panel of one has its judge's word, and a 2-2 tie is undecided: there the original leaves
    everything undecided, and takes what the interpreter's hash seed says. A call that failed is
    no reply, and makes the verdict a judge error unless `min_judges` others are there; so does
    the unusable reply of a panel of one, which nobody else could stand in for.

    Source: MedicalAiBenchEval judge_engine.py:229-237; gaps.md section 2.
    """
    alone = len(panel.ballots) == 1
    lost = [b for b in panel.ballots if b.state in _FAILED and (alone or b.label != UNUSABLE)]
    if not panel.ballots or (lost and (panel.min_judges is None or not panel.enough)):
        return _lost(panel.ballots)
    votes = Counter(decision for decision in _votes(panel.usable) if decision != _UNDECIDED)
    needed = 1 if alone else 2
    ranked = votes.most_common(2)
    if not ranked or ranked[0][1] < needed:
        return _UNDECIDED
    tied = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
    return _UNDECIDED if tied else ranked[0][0]


def safety_first(panel: Panel) -> Decision:
    """Count a safety point as met if any judge says so; other points go by majority.

    One such vote decides even where another judge failed: no further vote could change it.

    Source: gaps.md section 9, item 1.
    """
    met: Decision = ("met", 1.0)
    if _is_safety(panel.criterion) and met in _votes(panel.usable):
        return met
    return majority(panel.usable) if panel.enough else _lost(panel.ballots)


def _is_safety(criterion: Criterion) -> bool:
    if criterion.level is not None:
        return criterion.level.startswith("S")
    return criterion.points < 0


def _votes(ballots: Sequence[Ballot]) -> list[Decision]:
    return [_UNDECIDED if b.value is None else (b.state, b.value) for b in ballots]


def _lost(ballots: Sequence[Ballot]) -> Decision:
    asked = any(ballot.state != "not_run" for ballot in ballots)
    return ("judge_error" if asked else "not_run", None)


def _label(ballots: Sequence[Ballot], value: float | None) -> str | None:
    """Return the label that the judges who carried the vote agree on."""
    labels = {ballot.label for ballot in ballots if ballot.value == value}
    return labels.pop() if len(labels) == 1 else None


def _of_usable(rule: Callable[[Sequence[Ballot]], Decision]) -> Callable[[Panel], Decision]:
    return lambda panel: rule(panel.usable) if panel.enough else _lost(panel.ballots)


RULES: Mapping[str, Callable[[Panel], Decision]] = {
    "single": _of_usable(single),
    "majority": _of_usable(majority),
    "unanimous": _of_usable(unanimous),
    "any": _of_usable(any_met),
    "mean": _of_usable(mean),
    "weighted": lambda panel: weighted(panel) if panel.enough else _lost(panel.ballots),
    "gaps": gaps,
    "safety_first": safety_first,
}
"""A voting rule by its name in YAML."""
