"""Numbers beside the means: length, repeats, dropped penalties, a judge among physicians."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from medcheck.extras import Meta, Repeats, dropped_notes, together
from medcheck.scoring.points import Dropped, points
from medcheck.stats.means import MEASURES
from medcheck.summary import short_rows, summarize
from medcheck.types import Completion, Criterion, Result, Run, Score, Verdict
from medcheck.writers import json as json_writer

VECTORS = json.loads(
    (Path(__file__).parent / "data" / "healthbench_vectors.json").read_text(encoding="utf-8")
)
CLIPPED = {"measure": "clipped_mean"}


def result(case="a", score=0.5, *, text="t", **changes):
    """Return a result with this score; `None` is not measured."""
    fields = {
        "run": "r", "case_id": case, "suite": "s", "model": "m", "tags": ("theme:x",),
        "state": "judge_error" if score is None else "scored", "score": Score(value=score),
        "completion": Completion(text=text),
    }  # fmt: skip
    return Result(**{**fields, **changes})


def run_of(*results, **suite):
    """Return a run of one suite under these settings."""
    return Run(
        id="r", started="2026-01-01T00:00:00+00:00", settings={}, versions={},
        results=results, suites={"s": suite},
    )  # fmt: skip


def summary(*results, **options):
    """Return the summary of results under one suite's `summary` block."""
    return summarize(run_of(*results, summary=options))


def rows(found):
    """Return the rows by group."""
    return {row.group: row for row in found.rows}


def repeated(scores, **changes):
    """Return a result for each score of each case."""
    return [
        result(f"c{case}", score, repeat=repeat, **changes)
        for case, own in enumerate(scores)
        for repeat, score in enumerate(own, start=1)
    ]


# ---- length


@pytest.mark.parametrize("vector", VECTORS["length_adjusted"])
def test_length_adjusted_vectors(vector):
    """The raw adjusted score of one answer is that of the official function."""
    options = {name: vector[name] for name in ("center", "penalty_per_500")}
    one = result(score=vector["score"], text="胸" * vector["chars"])
    row = rows(summary(one, **CLIPPED, length_adjusted=options))["length_adjusted"]
    assert row.raw == vector["expected"]
    assert row.value == min(1.0, max(0.0, vector["expected"]))


def test_length_adjusted_row():
    """The row has the suite's measure, an interval, an error, and what is not measured."""
    found = summary(
        result("a", 1.0, text="x" * 1000), result("b", 0.5, text="x" * 3000), result("c", None),
        **CLIPPED, bootstrap={"n": 50, "seed": 0},
        length_adjusted={"center": 2000, "penalty_per_500": 0.1},
    )  # fmt: skip
    row = rows(found)["length_adjusted"]
    assert row.value == row.raw == np.mean([1.0 + 0.2, 0.5 - 0.2])
    assert row.ci95[0] < row.raw < row.ci95[1]
    assert row.std > 0
    assert (row.n, row.ungraded) == (2, 1)
    assert [r.group for r in found.rows][:2] == ["overall", "length_adjusted"]
    assert row in short_rows(found)


def test_no_length_adjustment_unless_asked():
    """A suite that sets no parameters has no such row, and one answer a case no repeats."""
    assert set(rows(summary(result("a"), result("b")))) == {"overall", "theme:x"}


# ---- repeats


def test_worst_at_k_vectors():
    """Every recorded worst-at-k is equal, with the cases as n."""
    table = VECTORS["worst_at_k"]
    found = rows(summary(*repeated(table["scores"]), **CLIPPED))
    for k, expected in table["expected"].items():
        row = found[f"worst_at:{k}"]
        assert row.value == pytest.approx(expected, abs=1e-12)
        assert (row.n, row.ungraded) == (len(table["scores"]), 0)
    assert f"worst_at:{len(table['expected']) + 1}" not in found


def test_the_raw_worst_is_the_mean_of_all_minima():
    """Where clipping hides it, raw is the mean over cases of the minimum of every choice of k."""
    table = VECTORS["worst_at_k"]["scores"]
    found = rows(summary(*repeated(table), **CLIPPED))
    for k in range(1, 7):
        minima = [np.mean([min(c) for c in combinations(scores, k)]) for scores in table]
        row = found[f"worst_at:{k}"]
        assert row.raw == pytest.approx(np.mean(minima), abs=1e-12)
        assert row.ci95[0] < row.raw < row.ci95[1]


def test_worst_of_one_is_the_mean():
    """With equal repeats, worst_at:1 is the overall score."""
    found = rows(summary(*repeated([(0.1, 0.5), (0.9, 0.7)]), measure="mean"))
    assert found["worst_at:1"].value == pytest.approx(found["overall"].value)
    assert found["worst_at:2"].value == pytest.approx(np.mean([0.1, 0.7]))


def test_run_std():
    """The spread is that of the scores which each repeat alone would report, ddof 0."""
    scores = [(-0.9, 0.2, 0.4), (0.1, 0.6, 0.5)]
    row = rows(summary(*repeated(scores), **CLIPPED))["run_std"]
    alone = np.mean(scores, axis=0)
    assert row.value == pytest.approx(np.std(np.clip(alone, 0, 1)), abs=1e-12)
    assert row.raw == pytest.approx(np.std(alone), abs=1e-12)
    assert row.raw > row.value
    assert (row.n, row.ci95, row.std) == (3, None, None)


def test_cases_with_fewer_repeats_are_left_out():
    """A case answered once, or not measured each time, is in no figure, and a note counts both."""
    scores = [(0.1, 0.3), (0.5, None), (0.9,), (0.4, 0.6)]
    found = summary(*repeated(scores), measure="mean")
    row = rows(found)["worst_at:2"]
    assert row.value == pytest.approx(np.mean([0.1, 0.4]))
    assert (row.n, row.ungraded) == (2, 1)
    assert rows(found)["run_std"].value == pytest.approx(0.1)
    assert any("leave out 2 of 4 cases that have fewer than 2" in note for note in found.notes)


def test_more_repeats_of_one_case_still_count():
    """k goes to the fewest repeats of a case; a case with more uses all of them."""
    found = rows(summary(*repeated([(0.2, 0.4), (0.0, 0.6, 0.9)]), measure="mean"))
    assert "worst_at:3" not in found
    last = np.mean([min(pair) for pair in combinations((0.0, 0.6, 0.9), 2)])
    assert found["worst_at:2"].value == pytest.approx(np.mean([0.2, last]))
    assert not summary(*repeated([(0.2, 0.4), (0.0, 0.6, 0.9)])).notes


def test_nothing_measured_in_repeats():
    """Repeats of which none is complete give rows without numbers, never 0."""
    found = rows(summary(*repeated([(None, 0.3), (0.2, None)]), measure="mean"))
    worst, spread = found["worst_at:2"], found["run_std"]
    assert (worst.value, worst.raw, worst.n, worst.ungraded) == (None, None, 0, 2)
    assert (spread.value, spread.raw, spread.n) == (None, None, 0)


def test_order_of_the_extras():
    """They stand after overall, k counted as a number, for each model."""
    found = summary(*repeated([[0.5] * 11]), *repeated([[0.5] * 11], model="n"), measure="mean")
    expected = ["overall", *(f"worst_at:{k}" for k in range(1, 12)), "run_std", "theme:x"]
    assert [row.group for row in found.rows] == expected * 2
    assert len(short_rows(found)) == 2 * 13


def test_repeats_alone():
    """One answer a case is no repeat."""
    repeats = Repeats()
    repeats.add(result("a"))
    assert repeats.repeats == 0
    assert list(repeats.figures(MEASURES["mean"])) == list(repeats.notes()) == []


# ---- dropped penalties


def judged(case, *items, **changes):
    """Return a result of (points, axis, met)."""
    verdicts = [
        Verdict(
            criterion=Criterion(id=str(n), text="x", points=p, tags=(axis, "level:example")),
            state="met" if met else "not_met", value=float(met),
        )
        for n, (p, axis, met) in enumerate(items)
    ]  # fmt: skip
    return replace(result(case), **{"score": points(verdicts), **changes})


def test_dropped_penalties():
    """Penalties of an axis that earns nothing in its case are counted beside the axis scores."""
    good, bad, shown = (5, "axis:a", True), (-3, "axis:b", True), (2, "axis:b", True)
    found = summary(
        judged("1", good, bad, (-1, "axis:b", False)),
        judged("2", good, bad),
        judged("3", good, bad, shown),
        judged("1", good, bad, model="n"),
    )
    assert dict(found.dropped) == {
        ("m", "s", "axis:b"): Dropped(criteria=3, met=2, points=-6.0),
        ("n", "s", "axis:b"): Dropped(criteria=1, met=1, points=-3.0),
    }
    # The axis score stays what the official code prints.
    assert rows(summary(judged("3", good, bad, shown)))["axis:b"].raw == -0.5
    assert [note for note in found.notes if "penalties" in note] == [
        "s: 4 penalties, 3 of them met (-9 points), count in the overall score but in no axis "
        "score: in their cases the axis has no criterion that earns points."
    ]


def test_dropped_penalties_in_the_file():
    """summary.json lists them in a fixed order; a run without any has an empty list."""
    items = ((5, "axis:a", True), (-3, "axis:c", True), (-2, "axis:b", False))
    found = json_writer.summary_data(summary(judged("1", *items)))
    assert found["dropped_penalties"] == [
        {"model": "m", "suite": "s", "tag": "axis:b", "criteria": 1, "met": 0, "points": 0.0},
        {"model": "m", "suite": "s", "tag": "axis:c", "criteria": 1, "met": 1, "points": -3.0},
    ]
    assert json_writer.summary_data(summary(result()))["dropped_penalties"] == []


def test_unmeasured_answers_drop_nothing():
    """An answer without a score is in no axis, so it hides no penalty."""
    lost = judged("1", (5, "axis:a", True), (-3, "axis:b", True), state="judge_error")
    broken = Score(value=None, verdicts=lost.score.verdicts)
    assert not summary(judged("1", (5, "axis:a", True), score=broken)).dropped


def test_together_and_notes():
    """Sums start from nothing; no penalties, no line."""
    one = Dropped(criteria=1, met=1, points=-2.0)
    assert together(None, one) == one
    assert together(one, one) == Dropped(criteria=2, met=2, points=-4.0)
    assert list(dropped_notes({})) == []


# ---- a judge among physicians

META = {"measure": "pairwise_f1", "by": ["theme"]}
PHYSICIANS = ("p", "q", "r", "s", "t")


def opinion(case, met, labels, category="cluster:hedging_x_y", **changes):
    """Return what a judge, `None` for no usable reply, and physicians said of one answer."""
    state = "judge_error" if met is None else "met" if met else "not_met"
    verdict = Verdict(
        criterion=Criterion(id="1", text="x", points=1.0), state=state, value=None
    )  # fmt: skip
    equal = None if met is None else sum(label == met for label in labels) / len(labels)
    given = {"1": list(labels), "physicians": list(PHYSICIANS[: len(labels)])}
    fields = {"score": Score(value=equal, verdicts=(verdict,)), "tags": (category,)}
    return replace(result(case, equal), **{**fields, "labels": given, **changes})


def opinions():
    """The synthetic rows of the vectors."""
    table = VECTORS["meta"]
    columns = zip(table["pred"], table["labels"], table["category"], strict=True)
    return [opinion(str(n), *column) for n, column in enumerate(columns)]


def test_meta_vectors():
    """Every official key is a row with the official value and n, and overall is the headline."""
    expected = VECTORS["meta"]["expected"]
    found = rows(summary(*opinions(), **META))
    for key, metric in expected.items():
        assert {"value": found[key].value, "n": found[key].n} == metric
        assert (found[key].std, found[key].ci95) == (None, None)
    overall = found["overall"]
    assert overall.value == overall.raw == expected["pairwise_model_f1_balanced"]["value"]
    assert (overall.n, overall.ungraded, overall.std) == (len(VECTORS["meta"]["pred"]), 0, None)
    assert {g for g in found if g.partition(":")[0] == "cluster" and ": " not in g} == set()


def test_meta_means_have_the_official_error():
    """The sample means alone carry a standard error, seeded, where the suite asks for it."""
    asked = {**META, "bootstrap": {"seed": 1}}
    first, second = (rows(summary(*opinions(), **asked)) for _ in range(2))
    key = "model_predicted_positive"
    assert first[key].std == second[key].std > 0
    other = rows(summary(*opinions(), **{**META, "bootstrap": {"seed": 2}}))
    assert other[key].std != first[key].std
    assert {g.rpartition(": ")[2] for g, row in first.items() if row.std is not None} == {
        "num_physician_labels", "percent_physician_pos", key,
    }  # fmt: skip


def test_meta_counts_what_is_not_measured():
    """A verdict that is missing is in no pair and counted, overall and in its category."""
    yes, no = (True, True), (False, False)
    found = summary(
        opinion("1", True, yes), opinion("2", False, no), opinion("3", None, yes),
        opinion("4", True, yes, "cluster:global_health_x"),
        opinion("5", None, yes, "cluster:global_health_x"), **META,
    )  # fmt: skip
    by_group = rows(found)
    assert (by_group["overall"].n, by_group["overall"].ungraded) == (3, 2)
    assert by_group["cluster:hedging_x_y: pairwise_model_f1_balanced"].ungraded == 1
    assert by_group["theme:hedging: pairwise_model_f1_balanced"].ungraded == 1
    assert by_group["model_predicted_positive"].ungraded == 2
    assert not found.complete
    assert "2 of 5 not measured; the score they would add cannot be bounded" in found.notes[0]


def test_meta_without_a_verdict():
    """A judge that never gave a usable reply has a headline of `None`."""
    found = rows(summary(opinion("1", None, (True,)), **META))
    assert set(found) == {"overall"}
    assert (found["overall"].value, found["overall"].n, found["overall"].ungraded) == (None, 0, 1)


def test_meta_themes():
    """The short tables show the judge beside the physicians of each theme, as shares."""
    split = [(True, True, False), (False, False, True), (True, False, False)]
    results = [opinion(str(n), n % 3 == 0, split[n % 3]) for n in range(90)]
    found = summary(*results, **META)
    short = {row.group: row for row in short_rows(found)}
    assert set(short) == {
        "overall",
        "theme:hedging: pairwise_model_f1_balanced",
        "theme:hedging: pairwise_physician_f1_balanced",
        "theme:hedging: physicians_below",
    }
    below = short["theme:hedging: physicians_below"]
    assert 0 <= below.value <= 1
    assert below.n == 3
    assert all(row.raw == row.value for row in short.values())


def test_meta_rows_are_in_a_fixed_order():
    """Overall figures first, then themes, then categories by name; no dependence on row order."""
    forth, back = (
        [r.group for r in summary(*o, **META).rows] for o in (opinions(), opinions()[::-1])
    )
    assert forth == back
    ranks = [0 if ":" not in g else 1 if g.startswith("theme:") else 2 for g in forth]
    assert ranks == sorted(ranks)
    clusters = [g for g in forth if g.startswith("cluster:")]
    assert clusters == sorted(clusters)


def test_meta_keeps_no_texts():
    """Of a result only verdict, labels, category and physicians stay."""
    meta = Meta()
    meta.add(opinion("1", True, (True, False), completion=Completion(text="long")))
    (row,) = meta.rows
    assert (row.predicted, row.labels, row.physicians) == (True, (True, False), ("p", "q"))
    assert "long" not in repr(meta)


def test_labels_without_names():
    """Labels that are not all signed still rate the judge, but compare no physician."""
    given = {"1": [True, False], "physicians": ["p"]}
    found = rows(summary(replace(opinion("1", True, (True, False)), labels=given), **META))
    assert found["overall"].n == 1
    assert found["pairwise_model_precision_pos"].value == 0.5
    assert not [group for group in found if "physician_f1" in group]
