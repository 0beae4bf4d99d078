"""MedHELM's jury beside its clinicians, and its judge ablation, from what it published."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from medcheck.stats.ablation import compared
from medcheck.stats.agreement import spearman
from medcheck.stats.clinicians import RatedAnswer, beside, clinician_pairs

NAMES = ("accuracy", "completeness", "clarity")
SUBSET = ("aci_bench", "medi_qa")
JUDGES = ("gpt", "claude", "llama")


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def published(shared_data):
    return shared_data / "medhelm" / "published"


@pytest.fixture(scope="module")
def answers(published):
    """The 74 rated answers: a clinician's and the jury's mark are means of three criteria."""
    found = {}
    for row in rows_of(published / "jury_vs_clinician_ratings.csv"):
        key = (row["dataset"], row["instance_id"], row["model"])
        human, jury = (sum(float(row[f"{who}_{n}"]) for n in NAMES) / 3 for who in ("h", "llm"))
        raters, _ = found.setdefault(key, ({}, jury))
        raters[row["rater"]] = human
    return [
        RatedAnswer(benchmark=key[0], cluster=key, clinicians=raters, measured={"jury": jury})
        for key, (raters, jury) in found.items()
    ]


@pytest.fixture(scope="module")
def tables(published):
    """By file: mean mark by model and column."""
    found = {}
    for path in sorted(published.glob("judge_ablation_*.csv")):
        table = {row.pop("Model").partition("_")[2]: row for row in rows_of(path)}
        found[path.stem.removeprefix("judge_ablation_")] = {
            model: np.array([float(value) for value in row.values()])
            for model, row in table.items()
        }
    return found


def test_the_published_coefficient(answers):
    """.474 on the published two of three benchmarks, .276 on all that was rated."""
    rated = {row.benchmark: row for row in beside(answers, seed=0, n=200)}
    subset = [answer for answer in answers if answer.benchmark in SUBSET]
    rated["published"] = beside(subset, seed=0, n=200)[-1]
    expected = {
        "aci_bench": (31, 0.308, 0.182), "medi_qa": (25, 0.625, 0.454),
        "published": (56, 0.474, 0.311), "mtsamples_replicate": (18, -1.195, -0.374),
        "all": (74, 0.276, 0.160),
    }  # fmt: skip
    for name, (n, average, single) in expected.items():
        figures = rated[name].figures
        assert rated[name].n == n
        assert figures["ICC(3,k) z"].value == pytest.approx(average, abs=0.0006), name
        assert figures["ICC(3,1) z"].value == pytest.approx(single, abs=0.0006), name
    low, high = rated["all"].figures["ICC(3,k) z"].ci95
    assert low < 0 < high
    assert rated["published"].figures["ICC(3,k)"].value == pytest.approx(0.469, abs=0.0006)
    assert rated["mtsamples_replicate"].figures["spearman"].value < 0


def test_ranks_hardly_agree(answers):
    """Rank agreement is nil; its third digit depends on how ties of rounded thirds are taken."""
    table = np.array([(answer.human, answer.measured["jury"]) for answer in answers])
    for digits in (2, 9):
        assert abs(spearman(np.round(table, digits))) < 0.11


def test_pairs_of_clinicians(answers):
    """Five defined pairs on the published subset average .42; the undefined one is named."""
    found = clinician_pairs(a for a in answers if a.benchmark in SUBSET)
    assert found.mean == pytest.approx(0.42, abs=0.005)
    assert len(found.defined) == 5
    assert [(p.raters, p.n, p.undefined) for p in found.undefined] == [
        (("R06", "R11"), 7, "R06 gave one rating throughout")
    ]
    # The .36 in circulation is the weighted mean with the undefined pair as 0.
    assert found.weighted == pytest.approx(0.418, abs=0.001)
    shared = sum(pair.n for pair in found.defined)
    assert found.weighted * shared / (shared + 7) == pytest.approx(0.36, abs=0.001)
    assert clinician_pairs(answers).mean == pytest.approx(0.41, abs=0.005)


def test_ablation_order(tables):
    """Each judge alone has the same first five and last two; only one pair of models swaps."""
    means = {
        name: {model: float(row.mean()) for model, row in table.items()}
        for name, table in tables.items()
    }
    order = {name: sorted(m, key=m.get, reverse=True) for name, m in means.items()}
    alone = [order[f"only_{judge}"] for judge in JUDGES]
    assert len({tuple(each[:5]) for each in alone}) == 1
    assert len({tuple(each[7:]) for each in alone}) == 1
    spans = {
        j: (min(means[f"only_{j}"].values()), max(means[f"only_{j}"].values())) for j in JUDGES
    }
    assert spans["gpt"] == pytest.approx((4.07, 4.60), abs=0.005)
    assert spans["claude"] == pytest.approx((3.66, 4.30), abs=0.005)
    assert spans["llama"] == pytest.approx((4.12, 4.72), abs=0.006)
    agreement, swapped = compared(means["only_claude"], means["only_gpt"])
    assert [set(pair) for pair in swapped] == [{"gemini-2.0-flash-001", "gpt-4o-mini-2024-07-18"}]
    assert agreement == pytest.approx(0.983, abs=0.001)
    assert compared(means["only_llama"], means["only_gpt"]) == (pytest.approx(1), ())


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("all_judges", (0, 0.5, 0.5)),
        ("exclude_claude", (0.75, 0, 0.25)),
        ("exclude_gpt", (0, 0.25, 0.75)),
        ("exclude_llama", (0.75, 0.25, 0)),
    ],
)
def test_published_panels_are_not_the_means_of_their_judges(tables, name, weights):
    """The published "all judges" is the mean of two of them; a pair weighs three to one."""
    alone = [tables[f"only_{judge}"] for judge in JUDGES]
    apart = [
        row - sum(w * t[model] for w, t in zip(weights, alone, strict=True))
        for model, row in tables[name].items()
    ]
    assert np.median(np.abs(apart)) < 0.0011
