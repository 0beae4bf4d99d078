"""Nouns: their properties keep "not measured" apart from every number."""

from __future__ import annotations

import dataclasses

import pytest

from medcheck import types
from medcheck.types import Completion, Criterion, Result, Score, Verdict

HARM = Criterion(id="h", text="Harmful", points=-8, zero_tolerance=True)
DEMAND = Criterion(id="d", text="Demanded", points=5)


def result(value, *, pass_at=None, verdicts=()):
    """Return a result with a score of `value`."""
    score = Score(value=value, verdicts=verdicts)
    return Result(
        run="r", case_id="c", suite="s", model="m", state="scored", score=score, pass_at=pass_at
    )


def verdict(criterion, state):
    """Return a verdict."""
    return Verdict(criterion=criterion, state=state, value=None)


@pytest.mark.parametrize(
    ("value", "pass_at", "passed"),
    [
        (0.5, None, True),
        (0.5, 0.5, True),
        (0.49, 0.5, False),
        (None, 0.5, None),
        (-1.0, None, True),
    ],
)
def test_passing_needs_a_measured_score(value, pass_at, passed):
    """A case passes at its threshold, fails below it, and does neither without a score."""
    assert result(value, pass_at=pass_at).passed is passed


def test_zero_is_measured():
    """A score of 0 is a measurement, `None` is none, and so is no score at all."""
    assert result(0.0).measured
    assert not result(None).measured
    assert not dataclasses.replace(result(0.0), score=None).measured


def test_a_harm_fails_whatever_the_score():
    """A zero-tolerance criterion that was met fails the case, even one without a score."""
    met = (verdict(HARM, "met"), verdict(DEMAND, "met"))
    assert result(1.0, verdicts=met).passed is False
    assert result(None, verdicts=met).passed is False
    assert [v.criterion.id for v in result(1.0, verdicts=met).harms] == ["h"]
    assert result(1.0, verdicts=(verdict(HARM, "not_met"),)).passed is True


def test_polarity_follows_the_points():
    """Points below zero mark what an answer should not hold."""
    assert DEMAND.polarity == "positive"
    assert HARM.polarity == "negative"


@pytest.mark.parametrize("name", ["Case", "Completion", "Result", "Verdict", "Ballot", "Run"])
def test_nouns_are_frozen(name):
    """No layer can change what another one made."""
    assert dataclasses.fields(getattr(types, name))
    assert getattr(types, name).__dataclass_params__.frozen
    with pytest.raises(dataclasses.FrozenInstanceError):
        Completion(text="a").text = "b"
