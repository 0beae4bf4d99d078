"""Agreement with physicians: hand-counted tables, missing keys, comparison by theme."""

import pytest

from medcheck.stats.agreement import (
    HEADLINE,
    MetaRow,
    Metric,
    meta_metrics,
    model_metrics,
    official_metrics,
    physician_metrics,
    rows_of,
    theme_agreement,
    theme_of,
)
from medcheck.types import Criterion, Result, Score, Verdict

CATEGORY = "cluster:hedging_no-uncertainty_hedges"


def row(predicted, *labels, physicians=(), category=CATEGORY):
    return MetaRow(predicted=predicted, labels=labels, category=category, physicians=physicians)


ROWS = [row(True, True, True), row(True, False), row(False, True, False)]
"""TP 2, FP 1, FN 1, TN 1."""


@pytest.mark.parametrize("scope", ["", f"{CATEGORY}: "])
def test_counts(scope):
    """Each pair of prediction and label counts once; F1 rests on the union TP+FP+FN."""
    found = model_metrics(ROWS)
    expected = {
        "precision_pos": (2 / 3, 3),
        "recall_pos": (2 / 3, 3),
        "precision_neg": (1 / 2, 2),
        "recall_neg": (1 / 2, 2),
        "f1_pos": (2 / 3, 4),
        "f1_neg": (1 / 2, 3),
        "precision_balanced": (7 / 12, 5),
        "recall_balanced": (7 / 12, 5),
        "f1_balanced": (7 / 12, 7),
    }
    for name, (value, n) in expected.items():
        metric = found[f"{scope}pairwise_model_{name}"]
        assert (metric.value, metric.n) == (pytest.approx(value), n), name
    assert len(found) == 2 * len(expected)


def test_missing_sides():
    """What no pair counts for is missing, never 0; two shares of 0 give an F1 of 0."""
    assert set(model_metrics([row(True, True)])) == {
        f"{scope}pairwise_model_{name}"
        for scope in ("", f"{CATEGORY}: ")
        for name in ("precision_pos", "recall_pos", "f1_pos")
    }
    found = model_metrics([row(True, False), row(False, True)])
    assert found[HEADLINE] == Metric(value=0.0, n=4)
    assert model_metrics([]) == meta_metrics([]) == official_metrics([]) == {}


def test_physicians():
    """Each physician is rated against the others of a row; a lone label says nothing."""
    rows = [
        row(True, True, False, True, physicians=("a", "b", "c")),
        row(True, False, physicians=("d",)),
        row(True, True, True),
    ]
    found = physician_metrics(rows)
    assert {name for by in found.values() for name in by} == {"a", "b", "c"}
    assert found["pairwise_physician_precision_pos"] == {
        "a": Metric(value=0.5, n=2),
        "c": Metric(value=0.5, n=2),
    }
    assert found["pairwise_physician_precision_neg"] == {"b": Metric(value=0.0, n=2)}


def test_physicians_must_match_labels():
    """A physician too many is an error, not a shift of all labels."""
    with pytest.raises(ValueError, match="zip"):
        physician_metrics([row(True, True, physicians=("a", "b"))])


def test_sample_means():
    """Means over rows, their n, and a seeded error that is the same again."""
    found = meta_metrics(ROWS, seed=3)
    assert found["num_physician_labels"].value == pytest.approx(5 / 3)
    assert found["percent_physician_pos"].value == 0.5
    assert found[f"{CATEGORY}: model_predicted_positive"].value == pytest.approx(2 / 3)
    assert found["model_predicted_positive"].n == 3
    assert found["num_physician_labels"].bootstrap_std > 0
    assert found == meta_metrics(ROWS, seed=3)
    assert meta_metrics(ROWS)["percent_physician_pos"].bootstrap_std is None


def test_official_names():
    """Without a seed no error is invented; the score's own n stands beside the headline."""
    found = official_metrics(ROWS)
    assert found["score:n_samples"] == 3
    assert found[HEADLINE] == pytest.approx(7 / 12)
    assert not [name for name in found if name.endswith("bootstrap_std")]
    assert "score:bootstrap_std" in official_metrics(ROWS, seed=0)


def test_unlabeled_row():
    """A row without labels has no share of positive ones."""
    assert meta_metrics([row(True)]).keys() == {
        f"{scope}{name}"
        for scope in ("", f"{CATEGORY}: ")
        for name in ("num_physician_labels", "model_predicted_positive")
    }


def test_themes():
    """A theme weighs its categories by n; physicians of 50 or fewer are not compared."""
    key = "cluster:hedging_{}: pairwise_{}_f1_balanced".format
    model = {
        key("a", "model"): Metric(value=0.5, n=10),
        key("b", "model"): Metric(value=0.8, n=20),
        "pairwise_model_f1_balanced": Metric(value=0.1, n=1),
        "cluster:global_health_x: pairwise_model_f1_balanced": Metric(value=0.4, n=4),
    }
    physicians = {
        key("a", "physician"): {
            "below": Metric(value=0.2, n=60),
            "equal": Metric(value=0.7, n=60),
            "few": Metric(value=0.9, n=50),
        },
        key("b", "physician"): {"above": Metric(value=0.9, n=51)},
    }
    other, hedging = theme_agreement(model, physicians)
    assert (hedging.theme, hedging.compared) == ("hedging", 3)
    assert hedging.model == Metric(value=pytest.approx(0.7), n=30)
    assert 0 < hedging.percentile < 100
    total = 60 * 0.2 + 60 * 0.7 + 50 * 0.9 + 51 * 0.9
    assert hedging.physicians == Metric(value=pytest.approx(total / 221), n=221)
    assert (other.theme, other.physicians, other.percentile) == ("global_health", None, None)


def test_percentile():
    """The percentile counts those below in full and those equal by half."""
    model = {"cluster:hedging_a: pairwise_model_f1_balanced": Metric(value=0.5, n=9)}
    values = {"a": 0.2, "b": 0.5, "c": 0.7, "d": 0.8}
    by_name = {name: Metric(value=value, n=60) for name, value in values.items()}
    physicians = {"cluster:hedging_a: pairwise_physician_f1_balanced": by_name}
    (found,) = theme_agreement(model, physicians)
    assert found.percentile == pytest.approx(37.5)


@pytest.mark.parametrize(
    ("category", "theme"),
    [
        ("cluster:health_data_tasks_enough_x", "health_data_tasks"),
        ("cluster:hedging_a_b: pairwise_model_f1_balanced", "hedging"),
        ("cluster:other_a", "other"),
    ],
)
def test_theme_of(category, theme):
    """A theme of several words is not cut at its first underscore."""
    assert theme_of(category) == theme


def test_rows_of_results():
    """Measured results become rows; one that was not measured is no prediction."""
    criterion = Criterion(id="1", text="x", points=1)
    verdict = Verdict(criterion=criterion, state="met", value=1.0)
    fields = {"run": "r", "suite": "s", "model": "m", "tags": ("lang:zh", CATEGORY)}
    labels = {"1": [True, False], "physicians": ["a", "b"]}
    score = Score(value=0.5, verdicts=(verdict,))
    measured = Result(case_id="1", state="scored", score=score, labels=labels, **fields)
    lost = Result(case_id="2", state="judge_error", labels=labels, **fields)
    assert list(rows_of([measured, lost])) == [row(True, True, False, physicians=("a", "b"))]
