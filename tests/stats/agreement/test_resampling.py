"""Bootstrap intervals of agreement: seeded, by whole clusters, and none where nothing is known."""

from __future__ import annotations

import pytest

from medcheck.stats.agreement import (
    cluster_bootstrap,
    cluster_draws,
    percentiles,
)


def share(values):
    """The share of ones."""
    return sum(values) / len(values)


def test_bootstrap_is_seeded():
    """The same seed gives the same interval, another seed another one, around the figure."""
    values = [0, 1, 1, 0, 1, 0, 1, 1, 1, 0] * 3
    alone = range(len(values))
    low, high = cluster_bootstrap(values, alone, share, seed=1, n=400)
    assert (low, high) == cluster_bootstrap(values, alone, share, seed=1, n=400)
    assert (low, high) != cluster_bootstrap(values, alone, share, seed=2, n=400)
    assert low < 0.6 < high
    # The exact binomial deviation is .089.
    assert high - low == pytest.approx(4 * 0.0894, rel=0.2)


def test_clusters_widen_the_interval():
    """Ten copies of each answer are no ten answers: the interval is that of the clusters."""
    values = [0, 1, 1, 0, 1, 0, 1, 1]
    copies = [value for value in values for _ in range(10)]
    clusters = [number for number in range(len(values)) for _ in range(10)]
    wide = cluster_bootstrap(copies, clusters, share, seed=3, n=300)
    assert wide == cluster_bootstrap(values, range(8), share, seed=3, n=300)
    narrow = cluster_bootstrap(copies, range(80), share, seed=3, n=300)
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) / 2


def test_draws_are_whole_clusters():
    """Every draw holds as many clusters as there are, each with all of its rows."""
    clusters = ["a", "b", "a", "c", "c", "c"]
    rows_of = {"a": (0, 2), "b": (1,), "c": (3, 4, 5)}
    for rows in cluster_draws(clusters, seed=5, n=50):
        drawn = list(rows)
        total = 0
        while drawn:
            group = rows_of[clusters[drawn[0]]]
            assert tuple(drawn[: len(group)]) == group
            drawn = drawn[len(group) :]
            total += 1
        assert total == 3


def test_no_interval_is_invented():
    """One cluster, or a figure that most draws do not have, gives no interval."""
    assert cluster_bootstrap([1, 0, 1], ["a", "a", "a"], share, seed=1) is None
    assert cluster_bootstrap([], [], share, seed=1) is None
    assert cluster_bootstrap([1, 0, 1], [1, 2, 3], lambda _: None, seed=1, n=20) is None
    assert percentiles([1.0] * 89 + [None] * 11, n=100) is None
    assert percentiles([1.0] * 90 + [None] * 10, n=100) == (1.0, 1.0)
