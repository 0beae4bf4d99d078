"""200 vectors of our own with the figures of scipy, statsmodels and scikit-learn, frozen.

Negative moment estimates of a variance become 0 here and are left as they are there.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from medcheck.stats.agreement import HEADLINE, MetaRow, cohen_kappa, mcnemar, model_metrics
from medcheck.stats.means import interval, wilson
from medcheck.stats.paired import holm, paired, permutation_p
from medcheck.stats.power import power_of
from medcheck.stats.variance import components

FROZEN = json.loads((Path(__file__).parent / "data" / "frozen.json").read_text(encoding="utf-8"))
KINDS = {
    "paired_t": 35, "cluster": 25, "holm": 25, "permutation": 20, "wilson": 25, "kappa": 20,
    "mcnemar": 12, "f1": 13, "oneway": 10, "nested": 5, "power": 10,
}  # fmt: skip


def paired_t(given):
    changes = [new - old for new, old in zip(given["new"], given["old"], strict=True)]
    found = paired(changes)
    low, high = found.interval()
    return {
        "p_below": found.p_below(),
        "p_two": found.p_two_sided(),
        "p_above": found.p_above(-given["margin"]),
        "low": low,
        "high": high,
    }


def cluster(given):
    found = paired(given["values"], clusters=given["clusters"])
    low, high = found.interval()
    assert interval(given["values"], clusters=given["clusters"]) == pytest.approx((low, high))
    return {"error": found.error, "low": low, "high": high, "p_two": found.p_two_sided()}


def share(given):
    low, high = wilson(given["k"], given["n"])
    return {"low": low, "high": high}


def macro_f1(given):
    rows = [
        MetaRow(predicted=said, labels=(label,), category="c")
        for said, label in zip(given["predicted"], given["labels"], strict=True)
    ]
    return {"f1": model_metrics(rows)[HEADLINE].value}


def oneway(given):
    scores = given["scores"]
    found = components([[[score] for score in case] for case in scores])
    assert found.judge is None
    f = 1 + found.case * len(scores[0]) / found.generation if found.case else None
    return {"generation": found.generation, "case": found.case, "f": f}


def nested(given):
    found = components(given["scores"])
    return {"judge": found.judge, "generation": found.generation, "case": found.case}


CHECKS = {
    "paired_t": paired_t,
    "cluster": cluster,
    "holm": lambda given: {"adjusted": holm(given["p"])},
    "permutation": lambda given: {"p": permutation_p(given["values"])},
    "wilson": share,
    "kappa": lambda g: {"kappa": cohen_kappa(list(zip(g["first"], g["second"], strict=True)))},
    "mcnemar": lambda g: {"p": mcnemar(g["only_first"], g["only_second"])},
    "f1": macro_f1,
    "oneway": oneway,
    "nested": nested,
    "power": lambda g: {"power": power_of(g["effect"], g["n"] ** -0.5, alpha=g["alpha"])},
}


@pytest.mark.parametrize("kind", CHECKS)
def test_figures_of_others(kind):
    """Our figures equal those of the reference libraries to 1e-9."""
    vectors = [vector for vector in FROZEN["vectors"] if vector["kind"] == kind]
    assert len(vectors) == KINDS[kind]
    for vector in vectors:
        for name, found in CHECKS[kind](vector).items():
            expected = vector["expected"][name]
            if kind in ("oneway", "nested") and (found is None or expected < 0):
                assert not found
            else:
                assert found == pytest.approx(expected, abs=1e-9, rel=1e-9), (vector, name)


def test_two_hundred_vectors():
    """The file holds 200 vectors, and says what made them."""
    assert Counter(vector["kind"] for vector in FROZEN["vectors"]) == KINDS
    assert sum(KINDS.values()) == 200
    assert set(FROZEN["made_with"]) == {"scipy", "statsmodels", "scikit-learn"}
