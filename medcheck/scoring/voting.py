"""Ballots of a panel become one verdict; asking the judges and counting points live elsewhere.

A rule is one function in `RULES`: usable ballots in, state and value out. A failed ballot is
never a vote.

Source: trust.md section 1.4 (R1) and section 3 (voting).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from medcheck.errors import SettingsError, nearest
from medcheck.types import Ballot, Criterion, Verdict, VerdictState

Decision = tuple[VerdictState, float | None]

_UNDECIDED: Decision = ("undecided", None)
_FAILED: tuple[VerdictState, ...] = ("judge_error", "not_run")


def vote(
    criterion: Criterion,
    ballots: Sequence[Ballot],
    how: str = "single",
    *,
    min_judges: int | None = None,
) -> Verdict:
    """Return the panel's verdict on one criterion.

    One failed ballot makes the verdict `judge_error` (`not_run` if no judge was asked), unless
    `min_judges` usable ones are there. `None`: every ballot must be usable.

    Raises:
        SettingsError: unknown rule, or a panel that the rule cannot decide for.

    """
    if how not in RULES:
        raise SettingsError(f'unknown voting rule "{how}".', hint=nearest(how, RULES))
    usable = [ballot for ballot in ballots if ballot.state not in _FAILED]
    needed = len(ballots) if min_judges is None else min_judges
    state, value = RULES[how](usable) if usable else _lost(ballots)
    if usable and len(usable) < needed:
        state, value = _lost(ballots)
    return Verdict(
        criterion=criterion,
        state=state,
        value=value,
        label=_label(usable, value),
        ballots=tuple(ballots),
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


def _votes(ballots: Sequence[Ballot]) -> list[Decision]:
    return [_UNDECIDED if b.value is None else (b.state, b.value) for b in ballots]


def _lost(ballots: Sequence[Ballot]) -> Decision:
    asked = any(ballot.state != "not_run" for ballot in ballots)
    return ("judge_error" if asked else "not_run", None)


def _label(ballots: Sequence[Ballot], value: float | None) -> str | None:
    """Return the label that the judges who carried the vote agree on."""
    labels = {ballot.label for ballot in ballots if ballot.value == value}
    return labels.pop() if len(labels) == 1 else None


RULES: Mapping[str, Callable[[Sequence[Ballot]], Decision]] = {
    "single": single,
    "majority": majority,
    "unanimous": unanimous,
    "any": any_met,
    "mean": mean,
}
"""A voting rule by its name in YAML."""
