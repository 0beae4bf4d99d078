"""Figures of raters equal those of scikit-learn, statsmodels, pingouin and scipy, frozen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medcheck.stats.agreement import (
    Confusion,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    icc,
    spearman,
    weighted_kappa,
)

VECTORS = json.loads(
    (Path(__file__).parents[2] / "data" / "rater_vectors.json").read_text(encoding="utf-8")
)


def near(value):
    """The frozen figure, within 1e-9, or None."""
    return value if value is None else pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("vector", VECTORS["marks"], ids=range(len(VECTORS["marks"])))
def test_scores(vector):
    """Weighted kappa and rank correlation of two raters are the frozen ones."""
    pairs = vector["pairs"]
    assert weighted_kappa(pairs, "linear") == near(vector["linear"])
    assert weighted_kappa(pairs) == near(vector["quadratic"])
    assert spearman(pairs) == near(vector["spearman"])


@pytest.mark.parametrize("vector", VECTORS["verdicts"], ids=range(len(VECTORS["verdicts"])))
def test_verdicts(vector):
    """MCC, kappa, precision and recall of two raters' yes or no are the frozen ones."""
    counts = Confusion.of((said, truth) for said, truth in vector["pairs"])
    assert counts.n == len(vector["pairs"])
    for name in ("mcc", "kappa", "precision", "recall"):
        assert getattr(counts, name) == near(vector[name]), name


@pytest.mark.parametrize("vector", VECTORS["tables"], ids=range(len(VECTORS["tables"])))
def test_tables(vector):
    """All six ICC and Fleiss' kappa of a table of raters are the frozen ones."""
    found = icc(vector["ratings"])
    assert set(found) == set(vector["icc"])
    for name, value in vector["icc"].items():
        assert found[name] == near(value), name
    assert fleiss_kappa(vector["ratings"]) == near(vector["fleiss"])


def test_icc_of_shrout_and_fleiss():
    """The worked example of the paper gives its six printed figures."""
    rows = VECTORS["tables"][1]["ratings"]
    assert rows[0] == [9, 2, 5, 8]
    found = {name: round(value, 2) for name, value in icc(rows).items()}
    assert found == {
        "ICC(1,1)": 0.17, "ICC(2,1)": 0.29, "ICC(3,1)": 0.71,
        "ICC(1,k)": 0.44, "ICC(2,k)": 0.62, "ICC(3,k)": 0.91,
    }  # fmt: skip


def test_not_defined_is_none():
    """A figure that is not defined is None: no pairs, one rater, no variance."""
    assert weighted_kappa([]) is None
    assert weighted_kappa([(0.1, 0.1)] * 7) is None
    assert weighted_kappa([(0.1, 0.1)] * 7, "linear") is None
    assert spearman([]) is None
    assert spearman([(1, 2)]) is None
    assert spearman([(1, 2), (1, 3)]) is None
    assert set(icc([[1, 2]]).values()) == {None}
    assert set(icc([[1], [2]]).values()) == {None}
    assert set(icc([[0.1, 0.1], [0.1, 0.1], [0.1, 0.1]]).values()) == {None}
    assert set(icc([]).values()) == {None}
    assert fleiss_kappa([]) is None
    assert fleiss_kappa(["a", "b"]) is None
    assert fleiss_kappa(["aa", "aa"]) is None
    empty = Confusion(tp=0, fn=0, fp=0, tn=0)
    for name in ("agreement", "precision", "recall", "prevalence", "kappa", "ac1", "mcc"):
        assert getattr(empty, name) is None
    assert empty.warning() is None
    assert Confusion(tp=3, fn=0, fp=2, tn=0).mcc is None


def test_fleiss_wants_equally_many_raters():
    """Answers with different numbers of raters are refused, not padded."""
    with pytest.raises(ValueError, match="2 to 3 ratings"):
        fleiss_kappa([[1, 1], [1, 2, 2]])


def test_unused_ratings_change_nothing():
    """A distance is that of the ratings: 1 against 5 is as far where nobody gave 2 to 4."""
    pairs = [(1, 5), (5, 5), (1, 1), (5, 1)]
    assert weighted_kappa(pairs, "linear") == weighted_kappa(pairs) == cohen_kappa(pairs)
    perfect = [(1, 1), (2.5, 2.5), (5, 5)]
    assert weighted_kappa(perfect) == weighted_kappa(perfect, "linear") == 1


def test_counts_are_those_of_pairs():
    """Counts and pairs say the same, in both directions, and add up."""
    counts = Confusion(tp=3, fn=1, fp=2, tn=4)
    assert Confusion.of(counts.pairs) == counts
    assert counts.kappa == cohen_kappa(counts.pairs)
    assert counts.ac1 == gwet_ac1(counts.pairs)
    assert counts + counts == Confusion(tp=6, fn=2, fp=4, tn=8)
    assert (counts.precision, counts.recall, counts.agreement) == (0.6, 0.75, 0.7)


def test_warning_where_agreement_is_empty():
    """A judge that agrees by prevalence only is told apart from one that agrees."""
    rare = Confusion(tp=1, fn=1, fp=9, tn=91)
    assert rare.agreement == pytest.approx(92 / 102)
    assert "always answering no would agree on 0.980" in rare.warning()
    worse = Confusion(tp=16, fn=6, fp=40, tn=40)
    assert "percent agreement 0.549 says little" in worse.warning()
    assert "always answering yes" in Confusion(tp=91, fn=9, fp=1, tn=1).warning()
    assert Confusion(tp=40, fn=5, fp=5, tn=50).warning() is None
