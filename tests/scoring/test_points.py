"""Points: signed, unclipped, and never a score from a verdict that is missing."""

import math
import random
from dataclasses import replace

import pytest

from medcheck.errors import SettingsError
from medcheck.scoring.points import bounds, dropped_penalties, group_scores, points
from medcheck.types import Criterion, Score, Verdict


def verdict(worth, state, *, tags=(), value=None, scale=(0.0, 1.0)):
    criterion = Criterion(id="1", text="t", points=worth, tags=tags, scale=scale)
    return Verdict(criterion=criterion, state=state, value=value)


def test_example_score():
    """Earned over positive points; penalties are not part of what can be earned."""
    score = points([verdict(5, "met"), verdict(3, "not_met"), verdict(-2, "met")])
    assert (score.value, score.earned, score.possible) == (3 / 8, 3, 8)
    assert len(score.verdicts) == 3


def test_not_clipped():
    """A harmful answer scores below zero."""
    assert points([verdict(1, "not_met"), verdict(-9, "met")]).value == -9


@pytest.mark.parametrize("state", ["judge_error", "not_run"])
@pytest.mark.parametrize("worth", [4, -4])
def test_failed_judge_is_no_score(state, worth):
    """A missing verdict leaves the answer without value and facets, whatever its sign."""
    score = points([verdict(5, "met", tags=("axis:a",)), verdict(worth, state)])
    assert score.value is None
    assert score.earned is None
    assert not score.facets
    assert len(score.verdicts) == 2


def test_nothing_to_earn():
    """Without positive points there is no score."""
    assert points([verdict(-3, "met")]).value is None
    assert points([]).value is None


def test_facets():
    """Each criterion tag is scored over its criteria; none without positive points."""
    score = points(
        [
            verdict(5, "met", tags=("level:x", "axis:a")),
            verdict(5, "not_met", tags=("level:x", "axis:b")),
            verdict(-4, "met", tags=("level:x", "axis:b")),
            verdict(-1, "met", tags=("axis:c",)),
        ]
    )
    assert score.facets == {"level:x": 0.1, "axis:a": 1.0, "axis:b": -0.8}


@pytest.mark.parametrize(
    ("policy", "value"), [("exclude", 1.0), ("half", 0.75), ("not_met", 0.5), ("error", None)]
)
def test_undecided(policy, value):
    """What an undecided criterion does to the score is declared, and the default leaves it out."""
    verdicts = [verdict(4, "met", tags=("t",)), verdict(4, "undecided", tags=("t",))]
    score = points(verdicts, undecided=policy)
    assert score.value == value
    assert score.facets == ({} if value is None else {"t": value})
    assert [v.state for v in score.verdicts] == ["met", "undecided"]
    if policy == "exclude":
        assert points(verdicts).value == value


def test_scale():
    """A score on a scale earns its share of the points; half of an undecided one is mid-scale."""
    graded = verdict(10, "scored", value=4.0, scale=(1.0, 5.0))
    assert points([graded]).value == 0.75
    assert points([verdict(10, "undecided", scale=(1.0, 5.0))], undecided="half").value == 0.5


def test_order_of_criteria():
    """Shuffling the criteria changes no bit of the score, fractional points included."""
    rng = random.Random(1)
    verdicts = [verdict(rng.uniform(-9, 9), rng.choice(["met", "not_met"])) for _ in range(50)]
    expected = points(verdicts).value
    for _ in range(20):
        rng.shuffle(verdicts)
        assert points(verdicts).value == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: points([], rule="helthbench"), 'Did you mean "healthbench"'),
        (lambda: points([], undecided="excluded"), 'Did you mean "exclude"'),
        (lambda: bounds([], undecided="no"), 'unknown policy "no"'),
    ],
)
def test_unknown_names(call, message):
    """An unknown rule or policy names the nearest known one."""
    with pytest.raises(SettingsError, match=message):
        call()


def test_bounds():
    """The bounds are the worst and the best that missing verdicts can still bring."""
    known = [verdict(5, "met"), verdict(5, "not_met")]
    missing = [verdict(10, "judge_error"), verdict(-4, "not_run")]
    assert bounds(known + missing) == (1 / 20, 15 / 20)
    assert bounds(known) == (0.5, 0.5)
    assert bounds([verdict(-1, "judge_error")]) is None


def test_bounds_hold_the_truth():
    """Whatever the missing verdicts turn out to be, the score lies within the bounds."""
    rng = random.Random(2)
    for _ in range(200):
        worths = [rng.choice([-7, -2, 3, 8]) for _ in range(8)] + [5]
        truth = [rng.choice(["met", "not_met"]) for _ in worths]
        full = points([verdict(w, s) for w, s in zip(worths, truth, strict=True)]).value
        seen = [
            verdict(w, s if rng.random() < 0.6 else "judge_error")
            for w, s in zip(worths, truth, strict=True)
        ]
        low, high = bounds(seen)
        assert low <= full <= high


def test_bounds_of_undecided():
    """An undecided verdict is open under `error` and settled by the other policies."""
    verdicts = [verdict(4, "met"), verdict(4, "undecided")]
    assert bounds(verdicts) == (1.0, 1.0)
    assert bounds(verdicts, undecided="half") == (0.75, 0.75)
    assert bounds(verdicts, undecided="error") == (0.5, 1.0)


def test_dropped_penalties():
    """Penalties of an axis without positive criteria are named: no axis score shows them."""
    found = dropped_penalties(
        [
            verdict(5, "met", tags=("axis:seen", "level:x")),
            verdict(-5, "met", tags=("axis:seen", "level:x")),
            verdict(-3, "met", tags=("axis:lost", "level:y")),
            verdict(-2, "not_met", tags=("axis:lost", "level:y")),
        ]
    )
    assert list(found) == ["axis:lost"]
    lost = found["axis:lost"]
    assert (lost.criteria, lost.met, lost.points) == (2, 1, -3)


def test_group_scores():
    """An answer adds its value to overall and its tags, and each facet to its criterion tag."""
    score = Score(value=0.5, facets={"axis:a": 1.0})
    assert group_scores(("theme:t",), score) == {"overall": 0.5, "theme:t": 0.5, "axis:a": 1.0}


def test_group_scores_unmeasured():
    """An answer that was not measured adds nothing to any group."""
    assert group_scores(("theme:t",), Score(value=None, facets={"axis:a": 1.0})) == {}


def test_group_named_overall():
    """A criterion tag called overall does not replace the overall score."""
    assert group_scores((), Score(value=0.5, facets={"overall": 1.0})) == {"overall": 0.5}


def test_finite():
    """No combination of states yields NaN."""
    for state in ("met", "not_met", "undecided", "judge_error", "not_run"):
        value = points([verdict(2, state)]).value
        assert value is None or math.isfinite(value)


def test_bounds_of_a_clipping_rule():
    """Bounds are clipped and rounded where scores are, and follow the policy."""
    found = [verdict(5, "not_met"), verdict(3, "undecided"), verdict(-4, "judge_error")]
    assert bounds(found) == (-0.8, 0.0)
    assert bounds(found, undecided="not_met") == (-0.5, 0.0)
    assert bounds(found, undecided="not_met", rule="gaps_official") == (0.0, 0.0)
    third = [verdict(5, "met"), verdict(3, "judge_error"), verdict(1, "not_met")]
    assert bounds(third, rule="gaps_official") == (0.5556, 0.8889)


def leveled(level, state):
    """Return the verdict on a point of a level that is worth 4 points."""
    found = verdict(4 if level.startswith("A") else -4, state)
    value = {"met": 1.0, "not_met": 0.0}.get(state)
    return replace(found, criterion=replace(found.criterion, level=level), value=value)


@pytest.mark.parametrize(
    ("policy", "value"), [("exclude", None), ("half", 0.5), ("not_met", 0.0), ("error", None)]
)
def test_all_points_excluded_is_no_score_of_0(policy, value):
    """Under the original's rule only a question that has nothing to earn scores 0 for it."""
    lost = [leveled("A1", "undecided"), leveled("S4", "not_met")]
    assert points(lost, rule="gaps_official", undecided=policy).value == value
    assert points(lost[1:], rule="gaps_official", undecided=policy).value == 0.0
    assert points(lost[1:], rule="gaps", undecided=policy).value is None


@pytest.mark.parametrize("policy", ["exclude", "half", "not_met"])
def test_unknown_harm_is_not_its_absence(policy):
    """`any:S4` is there only if an S4 point is met, or all are decided, under any policy."""
    facets = {
        states: points(
            [leveled("A1", "met"), *(leveled("S4", state) for state in states)],
            rule="gaps", undecided=policy,
        ).facets.get("any:S4")
        for states in [("not_met", "undecided"), ("met", "undecided"), ("not_met",)]
    }  # fmt: skip
    assert list(facets.values()) == [None, 1.0, 0.0]
