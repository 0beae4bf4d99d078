"""Means, intervals and standard errors against published rules and frozen figures."""

import math
import random

import numpy as np
import pytest

from medcheck.errors import SettingsError
from medcheck.stats import means
from medcheck.stats.means import (
    MEASURES,
    bootstrap_std,
    clipped_mean,
    interval,
    length_adjusted,
    mean,
    row_seed,
    wilson,
    worst_at_k,
)

VALUES = [0.1, 0.4, -0.7, 1.0, 0.6, 0.2]


def test_mean_is_numpys():
    """The mean is numpy's over the given order, to the last bit."""
    rng = random.Random(3)
    values = [rng.uniform(-3, 1) for _ in range(5000)]
    assert mean(values) == float(np.mean(values))


def test_clipped_mean_clips_after_averaging():
    """Single scores below 0 or above 1 count in full; only the mean is clipped."""
    assert clipped_mean([-1.0, 2.0, 0.5]) == 0.5
    assert clipped_mean([-1.0, 0.5]) == 0.0
    assert clipped_mean([1.5, 1.0]) == 1.0


def test_no_values():
    """Nothing measured is None in every function, never 0 or NaN."""
    assert mean([]) is None
    assert clipped_mean([]) is None
    assert interval([]) is None
    assert interval([0.5]) is None
    assert interval([0.5, 0.6], clusters=["a", "a"]) is None
    assert wilson(0, 0) is None
    assert bootstrap_std([], seed=0) is None
    assert worst_at_k([], 1) is None


def test_t_interval():
    """The interval is Student's t with n - 1 degrees of freedom."""
    # Worked by hand: mean 8/30, s = 0.571548, t(0.975, 5) = 2.570582.
    low, high = interval(VALUES)
    half = 2.5705818356363146 * np.std(VALUES, ddof=1) / math.sqrt(6)
    assert low == pytest.approx(8 / 30 - half, abs=1e-12)
    assert high == pytest.approx(8 / 30 + half, abs=1e-12)


def test_t_interval_matches_scipy():
    """The interval equals scipy's t interval at every level of confidence."""
    from scipy import stats

    for confidence in (0.8, 0.9, 0.95, 0.99):
        expected = stats.t.interval(confidence, 5, loc=np.mean(VALUES), scale=stats.sem(VALUES))
        assert interval(VALUES, confidence=confidence) == pytest.approx(expected, abs=1e-12)


def test_cluster_interval():
    """Repeats of one case count as one unit: the cluster-robust error, G - 1 degrees of freedom."""
    # Worked by hand: mean 0.5; cluster sums of residuals -0.4, 0.1, 0.3; sum of squares 0.26.
    values, clusters = [0.2, 0.4, 0.5, 0.6, 0.6, 0.7], list("aabbcc")
    error = math.sqrt(0.26 * 3 / 2) / 6
    half = 4.302652729911275 * error
    assert interval(values, clusters=clusters) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-9)


def test_cluster_interval_without_repeats():
    """With one value per cluster both intervals agree, and names in any order change nothing."""
    plain = interval(VALUES)
    assert interval(VALUES, clusters=list("fbcdea")) == pytest.approx(plain, abs=1e-12)


def test_clusters_must_match():
    """A cluster name for each value, or an error."""
    with pytest.raises(ValueError, match="2 clusters for 6 values"):
        interval(VALUES, clusters=["a", "b"])


@pytest.mark.parametrize("n", [20, 100])
def test_coverage(n):
    """A 95 % interval of skewed case scores holds the true mean in about 95 % of samples."""
    rng = np.random.default_rng(7)
    truth = 1 - 0.5
    hits = 0
    for _ in range(1000):
        low, high = interval(list(1 - rng.gamma(2.0, 0.25, size=n)))
        hits += low <= truth <= high
    assert 0.92 <= hits / 1000 <= 0.975


def test_cluster_coverage():
    """Where answers to one case resemble each other, clusters keep the coverage that iid loses."""
    rng = np.random.default_rng(8)
    names = [case for case in range(100) for _ in range(5)]
    robust = plain = 0
    for _ in range(600):
        values = (rng.normal(size=(100, 1)) + rng.normal(size=(100, 5))).ravel()
        low, high = interval(values, clusters=names)
        robust += low <= 0 <= high
        low, high = interval(values)
        plain += low <= 0 <= high
    assert 0.92 <= robust / 600 <= 0.975
    assert plain / 600 < 0.85


@pytest.mark.parametrize(
    ("k", "n", "expected"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0000, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilson(k, n, expected):
    """Wilson's interval gives the published worked examples."""
    assert wilson(k, n) == pytest.approx(expected, abs=5e-5)


def test_wilson_stays_in_range():
    """The interval of an extreme share ends exactly at 0 or 1."""
    for n in (1, 3, 7, 50, 1000):
        assert wilson(0, n)[0] == 0.0
        assert wilson(n, n)[1] == 1.0
        assert wilson(n, n)[0] == pytest.approx(1 - wilson(0, n)[1], abs=1e-12)


def test_bootstrap_is_seeded():
    """The same seed gives the same number, another seed another one."""
    assert bootstrap_std(VALUES, seed=1) == bootstrap_std(VALUES, seed=1)
    assert bootstrap_std(VALUES, seed=1) != bootstrap_std(VALUES, seed=2)


def test_bootstrap_is_a_standard_error():
    """Far from 0 and 1 it is the deviation over root n."""
    rng = np.random.default_rng(5)
    values = list(rng.normal(0.5, 0.3, size=400))
    expected = np.std(values) / math.sqrt(400)
    assert bootstrap_std(values, seed=0, n=4000) == pytest.approx(expected, rel=0.05)


def test_bootstrap_clips_each_mean():
    """Every bootstrap mean is clipped, so that a mean far below 0 has deviation 0."""
    values = [-3.0, -2.0, -1.0]
    assert bootstrap_std(values, seed=0) == 0.0
    assert bootstrap_std(values, seed=0, clip=False) == pytest.approx(0.471, abs=0.05)


def test_bootstrap_chunks(monkeypatch):
    """How many draws are held in memory at a time changes no number."""
    whole = bootstrap_std(VALUES, seed=4, n=501)
    monkeypatch.setattr(means, "_CHUNK", 7)
    assert bootstrap_std(VALUES, seed=4, n=501) == whole


def test_worst_at_k_is_the_mean_of_minima():
    """The closed form equals the mean minimum over all subsets of k answers."""
    from itertools import combinations

    cases = [[0.3, 0.9, 0.5, 0.1], [0.8, 0.2, 0.6, 0.6]]
    for k in (1, 2, 3, 4):
        minima = [np.mean([min(c) for c in combinations(case, k)]) for case in cases]
        assert worst_at_k(cases, k) == pytest.approx(np.mean(minima), abs=1e-12)


def test_worst_at_k_with_too_few_answers():
    """A case with fewer than k answers leaves worst-at-k unmeasured."""
    assert worst_at_k([[0.5, 0.6], [0.5]], 2) is None
    with pytest.raises(SettingsError, match="k of 1 or more, found 0"):
        worst_at_k([[0.5]], 0)


def test_length_adjusted():
    """A long answer loses, a short one gains and may exceed 1."""
    assert length_adjusted(0.5, 2500, 2000, 0.03) == 0.47
    assert length_adjusted(1.0, 1000, 2000, 0.03) == 1.06
    for center, penalty in ((-1, 0.03), (2000, -0.1)):
        with pytest.raises(SettingsError, match="0 or more"):
            length_adjusted(0.5, 1, center, penalty)


def test_row_seed():
    """Each row has its own seed, whatever the other rows are; names do not run together."""
    assert row_seed(0, "m", "overall") == row_seed(0, "m", "overall")
    seeds = {
        row_seed(0, "m", "overall"),
        row_seed(1, "m", "overall"),
        row_seed(0, "mo", "verall"),
        row_seed(0, "m"),
        row_seed(0, "模型", "overall"),
    }
    assert len(seeds) == 5
    assert all(0 <= seed < 2**64 for seed in seeds)


def test_row_seed_is_frozen():
    """The seed of a row is the same in every version, so that reports stay the same."""
    assert row_seed(0, "model", "overall") == 8605634153844240558


def test_measures():
    """The names under summary.measure are the functions' own names."""
    assert {name: function.__name__ for name, function in MEASURES.items()} == {
        "mean": "mean",
        "clipped_mean": "clipped_mean",
    }
