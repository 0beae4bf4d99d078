"""Marks of several jurors become one by a named rule."""

import pytest

from medcheck.errors import SettingsError
from medcheck.scoring.juries import RULES, share, together


@pytest.mark.parametrize(("how", "mark"), [("mean", 2.75), ("median", 2.5), ("trimmed", 2.5)])
def test_rules(how, mark):
    """Mean, median, and the mean without the extremes."""
    assert together([1, 2, 3, 5], how) == mark


@pytest.mark.parametrize("how", RULES)
def test_nobody_gave_a_mark(how):
    """Without marks there is none, and never the lowest."""
    assert together([], how) is None


def test_two_jurors_cannot_be_trimmed():
    """A trimmed mean takes three."""
    assert together([1, 5], "trimmed") is None
    assert together([1, 5, 2], "trimmed") == 2


def test_shares():
    """1 to 5 is (x - 1) / 4, any other scale likewise."""
    assert [share(mark, (1, 5)) for mark in (1, 4, 5)] == [0, 0.75, 1]
    assert share(0, (-10, 10)) == 0.5


def test_an_unknown_rule():
    """The error names the nearest rule."""
    with pytest.raises(SettingsError, match="median"):
        together([1], "medain")
