"""Voting rules of medcheck.scoring.voting that look at the whole panel: gaps, weighted, safety."""

import pytest

from medcheck.errors import SettingsError
from medcheck.scoring.voting import FLAGGED, UNUSABLE, vote
from medcheck.types import Ballot, Criterion

STATES = {
    "+": ("met", 1.0, None),
    "-": ("not_met", 0.0, None),
    "?": ("undecided", None, None),
    "!": ("judge_error", None, None),
    "u": ("judge_error", None, UNUSABLE),
    "o": ("not_run", None, None),
}


def decided(signs, how, *, level="A1", **more):
    points = 5.0 if level.startswith("A") else -4.0
    ballots = [
        Ballot(judge=f"j{n}", state=state, value=value, label=label)
        for n, (state, value, label) in enumerate(STATES[sign] for sign in signs)
    ]
    criterion = Criterion(id="1", text="t", points=points, level=level)
    return vote(criterion, ballots, how, **more)


@pytest.mark.parametrize(
    ("signs", "state"),
    [
        ("+", "met"),
        ("-", "not_met"),
        ("u", "judge_error"),
        ("++", "met"),
        ("+-", "undecided"),
        ("+u", "undecided"),
        ("uu", "undecided"),
        ("++-", "met"),
        ("--u", "not_met"),
        ("+-u", "undecided"),
        ("++--", "undecided"),
        ("++--u", "undecided"),
        ("+++--", "met"),
        ("--+uu", "not_met"),
        ("+-?", "undecided"),
        ("", "not_run"),
        ("o", "not_run"),
    ],
)
def test_gaps(signs, state):
    """Unusable replies are dropped but for an only one; a panel needs two votes; ties are open."""
    assert decided(signs, "gaps").state == state


@pytest.mark.parametrize("signs", ["!", "++!", "+u!", "--!"])
def test_gaps_and_a_failed_call(signs):
    """A call that failed is not a reply that was dropped: there is no verdict without it."""
    assert decided(signs, "gaps").state == "judge_error"


def test_gaps_with_enough_judges():
    """With `min_judges` usable votes the panel decides without the failed call."""
    assert decided("++!", "gaps", min_judges=2).state == "met"
    assert decided("+!!", "gaps", min_judges=2).state == "judge_error"


@pytest.mark.parametrize(
    ("signs", "weights", "state"),
    [
        ("+-", {}, "undecided"),
        ("+-", {"j0": 2}, "met"),
        ("+--", {"j0": 2}, "undecided"),
        ("+--", {"j0": 2.5}, "met"),
        ("+-?", {"j0": 2}, "undecided"),
        ("--", {"j0": 9}, "not_met"),
        ("+!", {"j0": 9}, "judge_error"),
    ],
)
def test_weighted(signs, weights, state):
    """The vote with more than half of all weight decides; a judge without one weighs 1."""
    assert decided(signs, "weighted", weights=weights).state == state


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_weights_are_positive(weight):
    """A weight that is not a positive number is an error."""
    with pytest.raises(SettingsError, match="above 0"):
        decided("+-", "weighted", weights={"j0": weight})


@pytest.mark.parametrize(
    ("signs", "state", "label"),
    [
        ("+", "met", FLAGGED),
        ("+--", "met", FLAGGED),
        ("-+!", "met", FLAGGED),
        ("---", "not_met", None),
        ("--!", "judge_error", None),
        ("-?", "undecided", None),
    ],
)
def test_safety_first(signs, state, label):
    """A safety point that any judge calls met is met and flagged."""
    verdict = decided(signs, "safety_first", level="S4")
    assert (verdict.state, verdict.label) == (state, label)


@pytest.mark.parametrize(
    ("signs", "state"),
    [("+--", "not_met"), ("++-", "met"), ("+-", "undecided"), ("++!", "judge_error")],
)
def test_safety_first_leaves_other_points_to_the_majority(signs, state):
    """A point that earns goes by majority, and is never flagged."""
    verdict = decided(signs, "safety_first", level="A1")
    assert (verdict.state, verdict.label) == (state, None)


def test_safety_without_levels():
    """A criterion without a level is a safety point if it costs points."""
    ballots = [
        Ballot(judge=j, state=s, value=v) for j, s, v in (("a", "met", 1.0), ("b", "not_met", 0.0))
    ]
    harmful = Criterion(id="1", text="t", points=-2.0)
    assert vote(harmful, ballots, "safety_first").label == FLAGGED
