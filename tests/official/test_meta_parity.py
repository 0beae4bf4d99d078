"""Parity with the official meta-evaluation: recorded graders must give the recorded figures."""

import collections
import gzip
import json
from pathlib import Path

import pytest

from medcheck.stats.agreement import (
    HEADLINE,
    MetaRow,
    Metric,
    meta_metrics,
    model_metrics,
    official_metrics,
    physician_metrics,
    theme_agreement,
)

DATA = Path(__file__).parent.parent / "data"
VECTORS = json.loads((DATA / "healthbench_vectors.json").read_text(encoding="utf-8"))
GRADERS = ["llama-3.1-70b", "llama-3.3-70b"]
PAIRWISE = "pairwise_physician_"
OTHER = "somebody else"
SIDES = ("pos", "neg")


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def recorded(shared_data, grader):
    path = shared_data / "healthbench" / f"healthbench_meta_grades_{grader}.metrics.json.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def meta_rows(shared_data, grader):
    """The recorded rows with a grader's predictions; who gave which label is not recorded."""
    folder = shared_data / "healthbench"
    grades = lines(folder / f"healthbench_meta_grades_{grader}.jsonl.gz")
    rows = lines(folder / "healthbench_meta_rows.jsonl.gz")
    assert [row["row"] for row in rows] == [grade["row"] for grade in grades]
    return [
        MetaRow(
            predicted=grade["criteria_met"],
            labels=tuple(row["binary_labels"]),
            category=row["category"],
        )
        for row, grade in zip(rows, grades, strict=True)
    ]


def plain(metrics):
    return {name: {"n": metric.n, "value": metric.value} for name, metric in metrics.items()}


def test_vectors():
    """Every key, value and n of the synthetic rows equals the official function's."""
    table = VECTORS["meta"]
    columns = zip(table["pred"], table["labels"], table["category"], strict=True)
    rows = [MetaRow(predicted=p, labels=tuple(ls), category=c) for p, ls, c in columns]
    assert plain(model_metrics(rows)) == table["expected"]


@pytest.mark.parametrize("grader", GRADERS)
def test_model_agreement(shared_data, grader):
    """Every recorded agreement metric of the grader is equal, to the last bit, and no other is."""
    found = model_metrics(meta_rows(shared_data, grader))
    assert plain(found) == recorded(shared_data, grader)["model_agreement_metrics"]


@pytest.mark.parametrize("grader", GRADERS)
def test_official_metrics(shared_data, grader):
    """The flat report has every recorded key: values and n equal, deviations within 10 %."""
    expected = recorded(shared_data, grader)
    found = official_metrics(meta_rows(shared_data, grader), seed=0)
    assert found.keys() == expected["metrics"].keys()
    for name, value in expected["metrics"].items():
        if name.endswith(":bootstrap_std"):
            # The recorded draw is one of the official, unseeded ones.
            assert found[name] == pytest.approx(value, rel=0.10, abs=1e-12), name
        else:
            assert found[name] == pytest.approx(value, abs=1e-12), name
    assert found[HEADLINE] == expected["score"]


@pytest.mark.parametrize("grader", GRADERS)
def test_physicians(shared_data, grader):
    """Every recorded key of every physician is equal, n and value, and no other is there.

    Who labeled which row is not recorded; each recorded pair of labels stands as a row of its own.
    """
    expected = recorded(shared_data, grader)["physician_agreement_metric_lists"]
    found = physician_metrics(pairs(expected))
    others = {key: plain(by) for key, by in found.items()}
    own = {key: {n: v for n, v in by.items() if n != OTHER} for key, by in others.items()}
    assert {key: by for key, by in own.items() if by} == expected


@pytest.mark.parametrize("grader", GRADERS)
def test_themes(shared_data, grader):
    """The figure by theme of the notebook, computed from the recorded lists as it does."""
    expected = recorded(shared_data, grader)
    model = {k: Metric(**v) for k, v in expected["model_agreement_metrics"].items()}
    lists = expected["physician_agreement_metric_lists"].items()
    physicians = {k: {name: Metric(**v) for name, v in by.items()} for k, by in lists}
    found = theme_agreement(model, physicians, min_labels=5)
    assert len(found) >= 5
    for row in found:
        own = [v for k, v in model.items() if k.startswith(f"cluster:{row.theme}_") and ends(k)]
        assert row.model.value == pytest.approx(sum(m.value * m.n for m in own) / row.model.n)
        others = collections.defaultdict(list)
        for key, by in physicians.items():
            if key.startswith(f"cluster:{row.theme}_") and ends(key):
                for name, metric in by.items():
                    others[name].append(metric)
        n = {name: sum(m.n for m in metrics) for name, metrics in others.items()}
        value = {k: sum(m.value * m.n for m in ms) / n[k] for k, ms in others.items()}
        kept = [value[name] for name in value if n[name] > 5]
        assert row.compared == len(kept)
        assert (row.percentile is None) == (not kept)


def ends(key):
    return key.endswith("_f1_balanced")


def test_headline_is_among_the_metrics(shared_data):
    """The score of a meta-evaluation is the balanced F1 over all pairs."""
    assert meta_metrics(meta_rows(shared_data, GRADERS[0]))[HEADLINE].n == 261


def pairs(lists):
    """A row of two labels for each pair of labels that the recorded counts of a physician hold."""
    tables = collections.defaultdict(collections.Counter)
    for key, by_name in lists.items():
        category, _, metric = key.rpartition(": ")
        sides = tuple(f"{PAIRWISE}{kind}_{s}" for kind in ("precision", "recall") for s in SIDES)
        for name, share in by_name.items() if category and metric in sides else ():
            count(tables[category, name], metric, share)
    for (category, name), table in tables.items():
        for (own, other), times in table.items():
            row = MetaRow(
                predicted=True,
                labels=(own, other),
                category=category,
                physicians=(name, OTHER),
            )
            yield from [row] * times


def count(table, metric, share):
    """Turn a recorded share and its n into counts of (own label, other label)."""
    agreed = round(share["value"] * share["n"])
    truth = metric.endswith("pos")
    table[truth, truth] = agreed
    wrong = (truth, not truth) if "precision" in metric else (not truth, truth)
    table[wrong] = share["n"] - agreed
