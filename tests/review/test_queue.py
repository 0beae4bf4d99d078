"""Which points are worth a review, in which order, and how they are found again."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from review_runs import answer, criterion, panel_run, run_of, scaled_run, verdict

from medcheck.review.queue import AGREED_LEAST, chosen, item_of, points_of
from medcheck.scoring.gaps import IRRELEVANT
from medcheck.types import Completion, Criterion


def point(*said, of=None, **how):
    """Return the point of one verdict."""
    (found,) = points_of(answer("a", [verdict(of or criterion(), *said, **how)]))
    return found


def by_item(run):
    return {item_of(run, each): each for result in run.results for each in points_of(result)}


@pytest.mark.parametrize(
    ("said", "panel", "stratum", "dispute"),
    [
        ("+++", 1.0, "agreed", 0.0),
        ("---", 0.0, "agreed", 0.0),
        ("++-", 1.0, "disputed", 1 / 3),
        ("--?", 0.0, "disputed", 1 / 3),
        ("+-?", None, "undecided", 2 / 3),
        ("++x", None, "lost", 0.0),
    ],
)
def test_strata(said, panel, stratum, dispute):
    """Votes that differ dispute a verdict, none leaves it undecided, a failed judge loses it."""
    found = point(said)
    assert (found.panel, found.stratum) == (panel, stratum)
    assert found.dispute == pytest.approx(dispute)


def test_scales():
    """A scored point is as disputed as its scores are far apart, and keeps its mean."""
    first, second = by_item(scaled_run([(1, 3, 5), (4, 4, 4)])).values()
    assert (first.kind, first.scale, first.panel) == ("scale", (1.0, 5.0), 3.0)
    assert (first.stratum, first.dispute, second.stratum) == ("disputed", 1.0, "agreed")


def test_repeats_of_a_judge_are_one_judge():
    """Several ballots of a judge count as its majority, on a scale as their mean."""
    found = point("++-+", judges=("a",), how="majority")
    assert found.judges == {"a": 1.0}
    assert point("+-", judges=("a",)).judges == {"a": None}
    of = Criterion(id="s", text="t", points=1, scale=(1.0, 5.0))
    assert point(4.0, 5.0, of=of, how="mean", judges=("a",)).judges == {"a": 4.5}


def test_a_mean_of_votes_is_a_verdict():
    """Under `mean` more than half is met; exactly half is undecided."""
    assert point("++-", how="mean").panel == 1.0
    assert point("+-", how="mean").stratum == "undecided"


@pytest.mark.parametrize(
    ("of", "kind"),
    [
        (criterion(points=3.0), "requirement"),
        (criterion(points=-3.0), "flaw"),
        (criterion(points=0.0, level="A4"), "requirement"),
        (criterion(points=0.0, level="S9"), "flaw"),
        (criterion(points=-1.0, tags=("polarity:positive",)), "requirement"),
    ],
)
def test_kinds(of, kind):
    """What meeting a criterion means follows the question that judges were asked."""
    assert point("+++", of=of).kind == kind


def test_the_order():
    """Undecided points first, then the disputed, most disputed first, then the agreed ones."""
    run = panel_run(60)
    points = by_item(run)
    strata = [points[item].stratum for item in chosen(run)]
    counts = Counter(each.stratum for each in points.values())
    assert strata == sorted(strata, key=("undecided", "disputed", "agreed").index)
    assert strata.count("undecided") == counts["undecided"] == 120
    assert strata.count("disputed") == counts["disputed"] == 120
    assert strata.count("agreed") == AGREED_LEAST
    scores = scaled_run([(3, 4, 4), (1, 5, 5), (2, 4, 4), (3, 3, 3)])
    spread = [by_item(scores)[item].dispute for item in chosen(scores)]
    assert spread == [1.0, 0.5, 0.25, 0.0]


def test_the_sample_of_agreed_points():
    """It holds each verdict, model and kind in proportion, and grows with the run."""
    run = panel_run(300)
    points = by_item(run)
    agreed = [each for each in points.values() if each.stratum == "agreed"]
    sample = [points[item] for item in chosen(run) if points[item].stratum == "agreed"]
    assert len(sample) == len(agreed) // 10 == 120
    for of in (lambda p: p.panel, lambda p: p.model, lambda p: p.kind, lambda p: p.category):
        whole, part = Counter(map(of, agreed)), Counter(map(of, sample))
        assert all(abs(part[each] - whole[each] / 10) <= 6 for each in whole), (whole, part)


def test_the_order_tells_nothing():
    """Within a stratum points of a case or a model do not stand together."""
    run = panel_run(60)
    points = by_item(run)
    undecided = [points[item] for item in chosen(run)][:120]
    models = [each.model for each in undecided]
    assert 40 < sum(a != b for a, b in itertools.pairwise(models)) < 80
    assert [each.case_id for each in undecided] != sorted(each.case_id for each in undecided)


def test_ids_can_be_computed_again():
    """The same run gives the same items; another seed, run or place gives others."""
    run = panel_run(5)
    assert chosen(run) == chosen(panel_run(5))
    others = (panel_run(5, seed=1), panel_run(5, run="run-2"))
    assert not any(set(by_item(run)) & set(by_item(other)) for other in others)
    assert len(by_item(run)) == 5 * 2 * 4
    (first,) = points_of(answer("a", [verdict(criterion(), "+++")]))
    changes = ({"suite": "b"}, {"case_id": "b"}, {"model": "b"}, {"repeat": 2},
               {"criterion_id": "b"})  # fmt: skip
    ids = {item_of(run, replace(first, **change)) for change in ({}, *changes)}
    assert len(ids) == 6
    assert all(item.startswith("r") and len(item) == 17 for item in ids)


def test_what_is_not_for_people():
    """Checks, found statements, failed judges and answers that were not given are left out."""
    checked = Criterion(id="k", text="t", points=1, check={"contains": "x"})
    found = criterion(2, points=-1, tags=(IRRELEVANT,))
    verdicts = [verdict(checked, "+++"), verdict(found, "+-?"), verdict(criterion(3), "++x")]
    silent = answer("b", [verdict(criterion(), "+++")], completion=None)
    assert chosen(run_of([answer("a", verdicts), silent, answer("c", [])])) == ()
    ungraded = answer("d", [], score=None, completion=Completion(text="t"))
    assert list(points_of(ungraded)) == []


def test_clusters():
    """Variants belong to their base question, rounds to their conversation, models to the case."""
    base = answer("q-1", [verdict(criterion(), "+++")])
    variant = replace(base, case_id="q-1-p1", tags=("base:q-1", "perturbation:P1"))
    rounds = [replace(base, case_id=f"MK-5-{n}", tags=("turn:multi", f"round:{n}")) for n in (1, 2)]
    found = [next(points_of(result)).cluster for result in (base, variant, *rounds)]
    assert found == ["triage::q-1", "triage::q-1", "triage::MK-5", "triage::MK-5"]
