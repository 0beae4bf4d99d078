"""Agreement of raters and of two judges: published worked examples, and what is None."""

import pytest

from medcheck.stats.agreement import (
    cohen_kappa,
    gwet_ac1,
    judge_pair,
    krippendorff_alpha,
    mcnemar,
)
from medcheck.types import Ballot, Criterion, Verdict


def pairs(both, first, second, neither):
    return (
        [(True, True)] * both
        + [(True, False)] * first
        + [(False, True)] * second
        + [(False, False)] * neither
    )


def test_kappa():
    """The textbook table of two readers, 20, 5, 10 and 15, has a kappa of 0.4."""
    assert cohen_kappa(pairs(20, 5, 10, 15)) == pytest.approx(0.4, abs=1e-12)


def test_kappa_and_ac1_of_a_rare_category():
    """Where one category is rare, kappa sinks to zero and AC1 stays near the raw agreement."""
    rare = pairs(118, 5, 2, 0)
    assert cohen_kappa(rare) == pytest.approx(-0.0234, abs=5e-5)
    assert gwet_ac1(rare) == pytest.approx(0.9408, abs=5e-5)


def test_more_categories():
    """Kappa and AC1 of three categories follow their formulas."""
    rated = [("a", "a")] * 4 + [("b", "b")] * 3 + [("c", "a")] * 2 + [("c", "c")]
    observed = 0.8
    by_margins = (4 * 6 + 3 * 3 + 3 * 1) / 100
    by_shares = sum(share * (1 - share) for share in (0.5, 0.3, 0.2)) / 2
    assert cohen_kappa(rated) == pytest.approx((observed - by_margins) / (1 - by_margins))
    assert gwet_ac1(rated) == pytest.approx((observed - by_shares) / (1 - by_shares))


def test_alpha_with_missing_ratings():
    """Krippendorff's own example of four observers with gaps has a nominal alpha of 0.743."""
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    assert krippendorff_alpha(zip(*observers, strict=True)) == pytest.approx(0.743, abs=5e-4)


def test_alpha_of_two_observers():
    """Krippendorff's binary example of ten units has an alpha of 0.095."""
    first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert krippendorff_alpha(zip(first, second, strict=True)) == pytest.approx(0.095, abs=5e-4)


@pytest.mark.parametrize("figure", [cohen_kappa, krippendorff_alpha])
@pytest.mark.parametrize("rated", [[], pairs(5, 0, 0, 0)])
def test_not_measured(figure, rated):
    """Without ratings, or without any variation, agreement beyond chance is None, never 0 or 1."""
    assert figure(rated) is None


def test_ac1_without_variation():
    """AC1 knows full agreement on one category; only without ratings it is None."""
    assert gwet_ac1(pairs(5, 0, 0, 0)) == 1.0
    assert gwet_ac1([]) is None


def test_units_rated_once():
    """A unit with one rating says nothing about agreement."""
    assert krippendorff_alpha([(True, None), (None, False)]) is None


def test_mcnemar():
    """The exact test of 1 against 9 is the binomial one; without differences there is none."""
    assert mcnemar(1, 9) == pytest.approx(2 * 11 / 1024)
    assert mcnemar(4, 4) == pytest.approx(1.0)
    assert mcnemar(0, 0) is None


def verdict(first, second):
    states = {"+": "met", "-": "not_met", "!": "judge_error"}
    ballots = tuple(
        Ballot(judge=judge, state=states[sign], value=None)
        for judge, sign in (("a", first), ("b", second))
    )
    criterion = Criterion(id="1", text="t", points=1.0)
    return Verdict(criterion=criterion, state="undecided", value=None, ballots=ballots)


def test_judge_pair():
    """Two judges are compared where both decided; who is more lenient is shown."""
    found = judge_pair(
        [verdict(*signs) for signs in ("++", "-+", "-+", "--", "+!", "!-")], "a", "b"
    )
    assert found.n == 4
    assert found.agreement == 0.5
    assert found.met_rates == (0.25, 0.75)
    assert (found.only_first, found.only_second) == (0, 2)
    assert found.p_value == 0.5
    assert found.kappa == pytest.approx(0.2)


def test_judge_pair_without_common_criteria():
    """Judges without a common criterion have no figures."""
    found = judge_pair([verdict("+", "!")], "a", "b")
    assert (found.n, found.agreement, found.kappa, found.met_rates, found.p_value) == (
        0, None, None, None, None,
    )  # fmt: skip
