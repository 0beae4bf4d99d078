"""Paired differences: errors, tests, sharing of alpha; the figures of others are in test_frozen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medcheck.stats.paired import (
    Split,
    holm,
    paired,
    permutation_p,
    split_alpha,
    standard_errors,
)


def test_nothing_to_compare():
    """Without differences there is no mean; a single one has no error, interval or p."""
    assert paired([]) is None
    found = paired([0.2])
    assert (found.mean, found.error, found.units) == (0.2, None, 1)
    assert found.interval() is None
    assert found.p_below() is found.p_above() is found.p_two_sided() is None


def test_one_cluster_has_no_error():
    """Cases that all belong together are one observation."""
    found = paired([0.1, 0.2, 0.3], clusters=["a", "a", "a"])
    assert (found.error, found.units, found.n) == (None, 1, 3)


def test_clusters_of_one_are_cases():
    """Clusters of one case each change nothing."""
    values = [0.1, -0.2, 0.05, 0.4]
    assert paired(values, clusters=list("abcd")).error == pytest.approx(paired(values).error)


def test_clusters_widen():
    """Cases that move together count less than independent ones."""
    values = [0.1, 0.1, -0.2, -0.2, 0.3, 0.3]
    together = paired(values, clusters=["a", "a", "b", "b", "c", "c"])
    assert together.error > 1.3 * paired(values).error
    assert together.units == 3


def test_clusters_must_fit():
    """A cluster for each difference, or an error."""
    with pytest.raises(ValueError, match="2 clusters for 3"):
        paired([0.1, 0.2, 0.3], clusters=["a", "b"])


def test_many_at_once():
    """Errors of many samples at once are those of each alone, clusters or not."""
    draw = np.random.default_rng(1)
    samples = draw.normal(size=(5, 8))
    names = list("abcabcab")
    for clusters in (None, names):
        alone = [paired(sample, clusters=clusters).error for sample in samples]
        assert standard_errors(samples, clusters) == pytest.approx(alone)


@pytest.mark.parametrize(
    ("value", "below", "above"), [(-0.1, 0.5**6, 1.0), (0.1, 1.0, 0.5**6), (0.0, 1.0, 1.0)]
)
def test_equal_differences_take_the_sign_test(value, below, above):
    """Where all differences are equal there is no t: all signs alike has a chance of 1 in 2^n."""
    found = paired([value] * 6)
    assert found.p_below() == below
    assert found.p_above() == above


def test_sides_of_the_test():
    """A clear drop has a small p below, a large one above; a margin moves both."""
    found = paired([-0.2, -0.25, -0.15, -0.22, -0.18])
    assert found.p_below() < 0.001
    assert found.p_above() > 0.999
    assert found.p_above(-0.5) < 0.001
    assert found.p_two_sided() == pytest.approx(2 * found.p_below())


def test_permutation_is_exact_when_small():
    """Up to 12 units all sign changes are tried: seven equal signs have a chance of 1 in 128."""
    assert permutation_p([-0.1, -0.2, -0.3, -0.1, -0.4, -0.2, -0.1]) == 1 / 128
    assert permutation_p([0.1] * 12) == 1.0
    assert permutation_p([]) is None


def test_permutation_counts_ties():
    """Sums that are equal but for rounding count as equal."""
    assert permutation_p([-0.1, -0.2, 0.3]) == 5 / 8


def test_permutation_is_seeded():
    """Larger samples draw: the same seed, the same p, never 0, near the t test's."""
    draw = np.random.default_rng(3)
    values = list(draw.normal(-0.02, 0.2, 200))
    first = permutation_p(values, seed=1)
    assert first == permutation_p(values, seed=1)
    assert first != permutation_p(values, seed=2)
    assert first == pytest.approx(paired(values).p_below(), abs=0.01)
    assert permutation_p([-1.0] * 100, draws=99) == 1 / 100


def test_permutation_keeps_clusters_together():
    """The signs of a cluster change together: three clusters give an eighth at best."""
    values = [-0.1, -0.2, -0.3, -0.1, -0.2, -0.3]
    assert permutation_p(values, clusters=list("aabbcc")) == 1 / 8


def test_permutation_with_a_limit():
    """The test can be about another difference than 0."""
    assert permutation_p([-0.1, -0.2, -0.3], limit=-0.5) == 1.0


def test_holm_keeps_the_order_given():
    """Adjusted values stand where theirs stood, never fall with rank and never exceed 1."""
    assert holm([0.04, 0.01, 0.9]) == (0.08, 0.03, 0.9)
    assert holm([0.6, 0.5]) == (1.0, 1.0)
    assert holm([]) == ()


@pytest.mark.parametrize(
    ("overall", "categories", "expected"),
    [
        # Each half on its own.
        (0.024, {"a": 0.5}, Split(overall=True, categories=())),
        (0.026, {"a": 0.5}, Split(overall=False, categories=())),
        (0.5, {"a": 0.012, "b": 0.5}, Split(overall=False, categories=("a",))),
        (0.5, {"a": 0.013, "b": 0.5}, Split(overall=False, categories=())),
        # What is used up is passed on.
        (0.024, {"a": 0.024, "b": 0.5}, Split(overall=True, categories=("a",))),
        (0.04, {"a": 0.001, "b": 0.002}, Split(overall=True, categories=("a", "b"))),
        (0.04, {"a": 0.001, "b": 0.5}, Split(overall=False, categories=("a",))),
        # No categories: overall has all of alpha; no overall: the categories have their half.
        (0.04, {}, Split(overall=True, categories=())),
        (None, {"a": 0.02}, Split(overall=False, categories=("a",))),
        (None, {"a": 0.03}, Split(overall=False, categories=())),
    ],
)
def test_alpha_is_shared(overall, categories, expected):
    """Overall and the categories have a half each, and inherit what the other has used up."""
    assert split_alpha(overall, categories) == expected


def test_intervals():
    """The interval is symmetric, and wider for more confidence."""
    found = paired([0.1, 0.3, -0.1, 0.2])
    low, high = found.interval()
    assert math.isclose((low + high) / 2, found.mean)
    wide = found.interval(0.99)
    assert wide[0] < low
    assert wide[1] > high
