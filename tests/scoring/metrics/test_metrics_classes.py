"""Rare classes count as much as frequent ones in macro-F1 and balanced accuracy."""

import pytest

from medcheck.scoring.metrics.classes import (
    SKEWED,
    class_figures,
    class_intervals,
    of_results,
    pair_of,
)
from medcheck.types import Ballot, Criterion, Result, Score, Verdict


def result(wanted, given, *, value=1.0, metric="exact_match"):
    """A result of the grader short_answer."""
    criterion = Criterion(id=metric, text="t", points=1.0)
    ballot = Ballot(judge="rule", state="scored", value=value, label=wanted)
    verdict = Verdict(
        criterion=criterion, state="scored", value=value, label=given, ballots=(ballot,)
    )
    score = Score(value=value, verdicts=(verdict,))
    return Result(run="r", case_id="c", suite="s", model="m", state="scored", score=score)


def test_always_the_frequent_class():
    """Saying no to everything is right in 90 % and worth half: the defect behind a high rank."""
    found = class_figures([("no", "no")] * 9 + [("yes", "no")])
    assert found.accuracy == 0.9
    assert found.balanced_accuracy == 0.5
    assert found.macro_f1 == pytest.approx((18 / 19) / 2)
    assert found.skew == 0.9
    assert found.recall == {"no": 1.0, "yes": 0.0}


def test_perfect_and_nothing():
    """All right is 1 everywhere; without answers nothing is measured."""
    found = class_figures([("a", "a"), ("b", "b")])
    assert (found.accuracy, found.balanced_accuracy, found.macro_f1) == (1, 1, 1)
    none = class_figures([], missing=3)
    assert (none.accuracy, none.balanced_accuracy, none.macro_f1, none.skew) == (None,) * 4
    assert none.missing == 3


def test_an_unreadable_answer_is_a_miss():
    """It costs recall of the right class, and precision of none."""
    found = class_figures([("a", "a"), ("a", None), ("b", "b")])
    assert found.recall == {"a": 0.5, "b": 1.0}
    assert found.macro_f1 == pytest.approx((2 / 3 + 1) / 2)


def test_classes_never_right_have_no_figure():
    """A class that only answers name lowers the others, and adds no term."""
    found = class_figures([("a", "c"), ("b", "b")])
    assert found.macro_f1 == 0.5
    assert found.counts == {"a": 1, "b": 1}


def test_of_results():
    """Classes stand on verdict and ballot; unmeasured answers are counted as missing."""
    lost = Result(run="r", case_id="c", suite="s", model="m", state="model_error")
    found = of_results([result("a", "a"), result("b", "a", value=0.0), lost])
    assert (found.n, found.missing, found.accuracy) == (2, 1, 0.5)
    assert pair_of(result("a", None)) == ("a", None)
    assert pair_of(result("a", "a"), metric="other") is None
    assert of_results([result(str(n), "1") for n in range(11)]) is None
    assert of_results([result("a", "a")]) is None


def test_intervals():
    """Intervals hold the figure, depend on the seed and no order, and need two answers."""
    pairs = [("a", "a")] * 30 + [("a", "b")] * 10 + [("b", "b")] * 5 + [("b", None)] * 5
    found = class_intervals(pairs, seed=0, n=200)
    figures = class_figures(pairs)
    for name in SKEWED:
        low, high = found[name]
        assert low < getattr(figures, name) < high
    assert found == class_intervals(reversed(pairs), seed=0, n=200)
    assert found != class_intervals(pairs, seed=1, n=200)
    assert class_intervals([("a", "a")] * 9, seed=0, n=20)["macro_f1"] == (1, 1)
    assert class_intervals(pairs[:1], seed=0) == {}
    rare = [("a", "a")] * 20 + [("b", "b")]
    assert class_intervals(rare, seed=0, n=100) == {}, "a third of the draws have no b"
