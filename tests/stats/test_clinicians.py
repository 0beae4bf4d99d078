"""A jury beside clinicians, by benchmark and over all, and clinicians beside each other."""

import numpy as np
import pytest

from medcheck.stats.agreement import icc
from medcheck.stats.clinicians import (
    FIGURES,
    JURY,
    RatedAnswer,
    answers_of,
    beside,
    clinician_pairs,
    figures_of,
    interval_alpha,
    standardized,
)
from medcheck.stats.human import POOLED, Rating
from medcheck.types import Result, Score


def answer(number, human, jury, *, benchmark="b", **more):
    """An answer with the ratings of one clinician, or of several by name."""
    given = human if isinstance(human, dict) else {"R1": human}
    return RatedAnswer(
        benchmark=benchmark, cluster=number, clinicians=given, measured={JURY: jury, **more}
    )


def test_a_jury_that_says_the_same():
    """Full agreement is 1 in every figure, with its interval."""
    found = beside([answer(n, n % 5, n % 5) for n in range(20)], seed=0, n=100)
    [row] = found
    assert (row.measure, row.benchmark, row.n, row.clusters) == ("jury", "b", 20, 20)
    assert set(row.figures) == set(FIGURES)
    for name, figure in row.figures.items():
        assert figure.value == pytest.approx(1), name
        assert figure.ci95 == pytest.approx((1, 1))


def test_a_lenient_jury():
    """A shift leaves consistency at 1 and lowers absolute agreement and alpha."""
    [row] = beside([answer(n, n % 5, n % 5 + 2) for n in range(20)], seed=0, n=50)
    values = {name: figure.value for name, figure in row.figures.items()}
    assert values["ICC(3,1)"] == values["spearman"] == pytest.approx(1)
    assert values["ICC(2,1)"] < 0.9
    assert values["ICC(1,1)"] < values["ICC(2,1)"]
    assert values["alpha"] < 0.9


def test_every_benchmark_and_every_metric():
    """Each measure has a row for each benchmark and one over all; the jury comes first."""
    rows = beside(
        [answer(n, n % 5, n % 4, benchmark=b, rouge_l=n % 3) for n in range(12) for b in "ab"],
        seed=0, n=20,
    )  # fmt: skip
    assert [(row.measure, row.benchmark) for row in rows] == [
        (measure, name) for measure in ("jury", "rouge_l") for name in ("a", "b", POOLED)
    ]
    assert rows[2].n == 24
    assert rows[2].clusters == 24
    [only] = beside([answer(1, 1, 1), answer(2, 2, 2)], seed=0, n=10, measures=["jury"])
    assert only.benchmark == "b"


def test_what_is_missing_is_left_out():
    """Answers without the measure, or without a clinician, are no pair; figures may be None."""
    found = [
        answer(1, 1, 1),
        answer(2, {}, 5),
        RatedAnswer(benchmark="b", cluster=3, clinicians={"R1": 2}),
    ]
    [row] = beside(found, seed=0, n=10)
    assert row.n == 1
    assert {figure.value for figure in row.figures.values()} == {None}
    assert {figure.ci95 for figure in row.figures.values()} == {None}


def test_the_same_seed_the_same_interval():
    """Intervals depend on the seed and on nothing else."""
    answers = [answer(n, n % 5, (n * 7) % 5) for n in range(15)]
    assert beside(answers, seed=1, n=50) == beside(answers, seed=1, n=50)
    assert beside(answers, seed=1, n=50) != beside(answers, seed=2, n=50)


def test_interval_alpha():
    """Two raters by hand: 1 minus the ratio of observed to expected squared differences."""
    ratings = np.array([[1.0, 2.0], [3.0, 3.0], [5.0, 4.0]])
    values = ratings.ravel()
    expected = np.mean(
        [(a - b) ** 2 for i, a in enumerate(values) for j, b in enumerate(values) if i != j]
    )
    assert interval_alpha(ratings) == pytest.approx(1 - (2 / 3) / expected)
    assert interval_alpha(np.ones((3, 2))) is None


def test_standardized_ratings():
    """Each rater has mean 0 and deviation 1; one that never varies is 0 throughout."""
    found = standardized(np.array([[1.0, 7.0], [3.0, 7.0]]))
    assert found.tolist() == [[-1, 0], [1, 0]]
    assert figures_of(np.zeros((1, 2))) == dict.fromkeys(FIGURES)


def test_pairs_of_clinicians():
    """Every pair with enough shared answers is there; an undefined one is named, not counted."""
    told = [{"R1": n % 5, "R2": n % 5 + 1, "R3": 4.0} for n in range(6)]
    found = clinician_pairs([answer(n, given, 1) for n, given in enumerate(told)])
    assert [pair.raters for pair in found.pairs] == [("R1", "R2"), ("R1", "R3"), ("R2", "R3")]
    assert [pair.raters for pair in found.defined] == [("R1", "R2")]
    assert {pair.undefined for pair in found.undefined} == {"R3 gave one rating throughout"}
    assert found.mean == found.weighted == pytest.approx(1)
    assert found.defined[0].single == pytest.approx(
        icc([(given["R1"], given["R2"]) for given in told])["ICC(3,1)"]
    )


def test_too_few_shared_answers():
    """A pair below the limit is no pair; without pairs there is no mean."""
    few = [answer(n, {"R1": n, "R2": n}, 1) for n in range(4)]
    assert clinician_pairs(few).pairs == ()
    assert clinician_pairs(few).mean is None
    assert clinician_pairs(few).weighted is None
    assert len(clinician_pairs(few, min_shared=4).pairs) == 1


def test_weights():
    """The weighted mean counts a pair as often as it shares answers."""
    told = [{"R1": n, "R2": n} for n in range(5)]
    told += [{"R3": n, "R4": n % 4} for n in range(10)]
    found = clinician_pairs([answer(n, given, 1) for n, given in enumerate(told)], min_shared=5)
    values = [pair.icc for pair in found.defined]
    assert values[1] < values[0] == pytest.approx(1)
    assert found.mean == pytest.approx(sum(values) / 2)
    assert found.weighted == pytest.approx((values[0] * 5 + values[1] * 10) / 15)


def test_of_results():
    """Jury and metrics come from facets, ratings by case and model; what is missing is left out."""

    def result(case_id, **facets):
        score = Score(value=0.5, facets=facets) if facets else None
        state = "scored" if facets else "model_error"
        return Result(run="r", case_id=case_id, suite="s", model="m", state=state, score=score)

    ratings = [
        Rating(case_id="1", rater="R1", score=4.0, model="m"),
        Rating(case_id="1", rater="R2", score=3.0),
        Rating(case_id="1", rater="R3", usable=True),
        Rating(case_id="2", rater="R1", score=2.0, model="other"),
        Rating(case_id="3", rater="R1", score=2.0),
    ]
    facets = {"score": 4.5, "jury:accuracy": 0.9, "metric:rouge_l": 0.3}
    [found] = answers_of([result("1", **facets), result("2", **facets), result("3")], ratings)
    assert found.clinicians == {"R1": 4.0, "R2": 3.0}
    assert found.human == 3.5
    assert found.measured == {"jury": 4.5, "rouge_l": 0.3}
    assert (found.benchmark, found.cluster) == ("s", "1")
