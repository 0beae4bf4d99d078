"""Figures from sums are those of the plain definitions, with intervals that respect the cases."""

import random

import pytest

from medcheck.review.sums import EITHER_OR, FIGURES, SCALED, alpha, compare, constant_share
from medcheck.stats import agreement as raters
from medcheck.stats.agreement import cohen_kappa, gwet_ac1, krippendorff_alpha


def drawn(seed, size, values):
    """Return pairs that agree more often than not, and their clusters."""
    chance = random.Random(seed)
    pairs = []
    for _ in range(size):
        one = chance.choice(values)
        pairs.append((float(one), float(one if chance.random() < 0.6 else chance.choice(values))))
    return pairs, [chance.randrange(max(2, size // 4)) for _ in pairs]


def values_of(pairs, names, clusters, **how):
    """Return the figures without intervals."""
    found = compare(pairs, names, clusters=clusters, seed=1, resamples=20, **how)
    return {name: each and each.value for name, each in found.items()}


@pytest.mark.parametrize("seed", range(20))
def test_met_or_not_met(seed):
    """Kappa, AC1, alpha, MCC, precision and recall are those of `stats`, to twelve digits."""
    pairs, clusters = drawn(seed, 15 + 5 * seed, (0, 0, 0, 1))
    found = values_of(pairs, EITHER_OR, clusters)
    table = raters.Confusion.of((bool(a), bool(b)) for a, b in pairs)
    assert found["agreement"] == pytest.approx(table.agreement, abs=1e-12)
    assert found["kappa"] == pytest.approx(cohen_kappa(pairs), abs=1e-12)
    assert found["ac1"] == pytest.approx(gwet_ac1(pairs), abs=1e-12)
    assert found["alpha"] == pytest.approx(krippendorff_alpha(pairs), abs=1e-12)
    assert found["correlation"] == pytest.approx(table.mcc, abs=1e-12)
    assert found["precision"] == pytest.approx(table.precision, abs=1e-12)
    assert found["recall"] == pytest.approx(table.recall, abs=1e-12)
    assert found["bias"] == pytest.approx((table.fp - table.fn) / table.n, abs=1e-12)
    both = 2 * table.tp / (2 * table.tp + table.fp + table.fn)
    neither = 2 * table.tn / (2 * table.tn + table.fp + table.fn)
    assert found["macro_f1"] == pytest.approx((both + neither) / 2, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("values", [(1, 2, 3, 4, 5), (1, 2 + 1 / 3, 3 + 2 / 3, 5)])
def test_scales(seed, values):
    """Weighted kappa and the intraclass correlations are those of `raters`, means included."""
    pairs, clusters = drawn(seed, 10 + 7 * seed, values)
    found = values_of(pairs, SCALED, clusters)
    expected = raters.icc(pairs)
    assert found["weighted_kappa"] == pytest.approx(raters.weighted_kappa(pairs), abs=1e-9)
    assert found["icc_2_1"] == pytest.approx(expected["ICC(2,1)"], abs=1e-9)
    assert found["icc_3_k"] == pytest.approx(expected["ICC(3,k)"], abs=1e-9)


def test_what_is_not_defined():
    """Raters that never vary have no kappa, and one pair has no ICC: `None`, never 0 or NaN."""
    same = values_of([(1.0, 1.0)] * 5, EITHER_OR, range(5))
    assert (same["agreement"], same["ac1"], same["bias"]) == (1.0, 1.0, 0.0)
    assert same["kappa"] is same["alpha"] is same["correlation"] is same["macro_f1"] is None
    # A third is no binary fraction: rounding must not make a figure of no variance.
    third = values_of([(11 / 3, 11 / 3)] * 7, SCALED, range(7))
    assert third["weighted_kappa"] is third["icc_2_1"] is third["correlation"] is None
    assert values_of([(4.0, 5.0)], SCALED, [0])["icc_2_1"] is None


def test_every_figure_has_a_use():
    """No figure is defined that no report names."""
    assert set(FIGURES) == {*EITHER_OR, *SCALED}


def test_weights_stand_for_repeated_pairs():
    """A pair of weight 3 counts as three pairs; only the ratio of weights matters."""
    pairs = [(1.0, 1.0), (1.0, 0.0), (0.0, 0.0), (0.0, 1.0)]
    weights = [3.0, 1.0, 4.0, 1.0]
    spelled = [pair for pair, w in zip(pairs, weights, strict=True) for _ in range(int(w))]
    names = ("agreement", "kappa", "ac1", "bias", "precision", "recall", "macro_f1")
    once = values_of(pairs, names, range(4), weights=weights)
    assert once == pytest.approx(values_of(spelled, names, range(9)))
    assert once == pytest.approx(
        values_of(pairs, names, range(4), weights=[w / 7 for w in weights])
    )


def test_intervals_are_seeded():
    """The same seed gives the same interval, another one another."""
    pairs, clusters = drawn(3, 80, (0, 1))
    first, again = (compare(pairs, ["kappa"], clusters=clusters, seed=5) for _ in range(2))
    assert first == again
    assert first != compare(pairs, ["kappa"], clusters=clusters, seed=6)
    low, high = first["kappa"].ci95
    assert low < first["kappa"].value < high


def test_intervals_are_clustered():
    """Points of one case bring no more certainty than the case; one case brings no interval."""
    pairs, _ = drawn(8, 60, (0, 1))
    copied = [pair for pair in pairs for _ in range(5)]
    free = compare(pairs, ["agreement"], clusters=range(60), seed=1)["agreement"]
    tied = compare(copied, ["agreement"], clusters=[n // 5 for n in range(300)], seed=1)
    loose = compare(copied, ["agreement"], clusters=range(300), seed=1)["agreement"]
    assert tied["agreement"].ci95 == pytest.approx(free.ci95)
    assert loose.ci95[1] - loose.ci95[0] < 0.6 * (free.ci95[1] - free.ci95[0])
    alone = compare(pairs, ["agreement"], clusters=["a"] * 60, seed=1)["agreement"]
    assert alone.ci95 is None


def test_full_agreement_has_no_interval():
    """Where no resample can differ there is no interval, rather than one of no width."""
    found = compare([(1.0, 1.0), (0.0, 0.0)] * 9, ["agreement"], clusters=range(18), seed=1)
    assert (found["agreement"].value, found["agreement"].ci95) == (1.0, None)


@pytest.mark.parametrize("seed", range(5))
def test_alpha_of_many_raters(seed):
    """Alpha of any number of raters is the nominal alpha for met and not met."""
    chance = random.Random(seed)
    units = [[float(chance.random() < 0.3) for _ in range(chance.randrange(1, 5))]
             for _ in range(40)]  # fmt: skip
    found = alpha(units, clusters=range(40), seed=1)
    assert found.value == pytest.approx(krippendorff_alpha(units), abs=1e-12)
    assert found.ci95[0] < found.value < found.ci95[1]
    assert alpha([[1.0], [0.0]], clusters=range(2), seed=1) is None
    assert alpha([[1.0, 1.0]], clusters=range(1), seed=1) is None


def test_alpha_of_a_scale():
    """On a scale small differences count less: the interval alpha of a worked example."""
    # Two raters, differences of 1, 0, 0 and 2 on 1 to 5; coincidences counted by hand.
    units = [(1.0, 2.0), (3.0, 3.0), (4.0, 4.0), (5.0, 3.0)]
    values = [value for unit in units for value in unit]
    expected = sum((a - b) ** 2 for a in values for b in values) / (8 * 7)
    observed = sum((a - b) ** 2 for a, b in units) / 4
    assert alpha(units, clusters=range(4), seed=1).value == pytest.approx(1 - observed / expected)


def test_constant_share():
    """The most frequent rating and how often a judge that only knows it would be right."""
    assert constant_share([0.0, 1.0, 0.0, 0.0]) == (0.0, 0.75)
