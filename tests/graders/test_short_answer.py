"""Answers are compared with gold by named metrics; the first is the score, all are visible."""

from __future__ import annotations

import asyncio

import jsonschema
import pytest

from medcheck.errors import SettingsError
from medcheck.graders.short_answer import OPTIONS, Grader
from medcheck.scoring import metrics
from medcheck.scoring.metrics.classes import pair_of
from medcheck.scoring.points import bounds
from medcheck.types import Case, Completion, Message, Result

MEDEC = {
    "flag": 1, "class": 1, "sentence_id": 5, "sentence": "Give iron.", "corrected": "Give zinc.",
}  # fmt: skip


def grade(block, answer, *, references=("B",), **facts):
    """Return the score of an answer to a case with these facts."""
    case = Case(
        id="c", suite="s", grader="short_answer", references=references,
        messages=(Message(role="user", text="?"),), labels={"task": facts},
    )  # fmt: skip
    return asyncio.run(Grader(block).grade(case, Completion(text=answer), []))


def test_one_metric():
    """By default the answer's letter is compared; the score is the metric's value."""
    score = grade({}, "The answer is B", options={"A": "yes", "B": "no"})
    assert (score.value, score.earned, score.possible) == (1, 1, 1)
    assert score.facets == {"metric:exact_match": 1}
    [verdict] = score.verdicts
    assert (verdict.criterion.id, verdict.state, verdict.value) == ("exact_match", "scored", 1)
    assert verdict.ballots[0].judge == "rule"
    assert bounds(score.verdicts) == (1, 1)


def test_the_first_of_several_leads():
    """Each metric has a verdict and a facet; the first is the score."""
    named = ["medec_sentence", "medec_flag", "medec_correction"]
    score = grade({"metric": named}, "4 Give zinc.", references=("5 Give zinc.",), **MEDEC)
    assert score.value == 0
    assert [verdict.criterion.id for verdict in score.verdicts] == named
    assert score.facets == {
        "metric:medec_sentence": 0, "metric:medec_flag": 1, "metric:medec_correction": 0,
    }  # fmt: skip


def test_official_takes_the_originals_variants():
    """Under official each metric is the original's own, and its name says so."""
    options = {"metric": ["exact_match", "medec_correction"], "protocol": "official"}
    grader = Grader(options)
    assert grader.metrics == ("exact_match_official", "medec_correction")
    assert grade({"protocol": "official"}, "The answer is B").value == 0
    assert grade({"protocol": "strict"}, "The answer is B").value == 1
    both = grade({"metric": ["exact_match", "exact_match_official"]}, "The answer is B")
    assert both.facets == {"metric:exact_match": 1, "metric:exact_match_official": 0}


def test_not_measured_is_no_zero():
    """A leading metric without gold leaves the answer without a score, and says why."""
    score = grade({"metric": ["medcalc", "exact_match"]}, "10", references=("10",))
    assert score.value is None
    assert score.facets == {"metric:exact_match": 1}
    [first, second] = score.verdicts
    assert (first.state, first.value, second.state) == ("not_run", None, "scored")
    assert "calculator" in first.ballots[0].error
    assert bounds(score.verdicts) == (0, 1)


def test_a_later_metric_that_measures_nothing():
    """A metric that does not lead may be missing: the score stands."""
    score = grade({"metric": ["exact_match", "medcalc"]}, "10", references=("10",))
    assert score.value == 1
    assert score.verdicts[1].value is None


def test_classes_are_told():
    """Verdict and ballot carry the chosen class and the right one; texts carry none."""
    score = grade({}, "A", **{"options": {"A": "yes", "B": "no"}, "class": "no"})
    result = Result(run="r", case_id="c", suite="s", model="m", state="scored", score=score)
    assert pair_of(result) == ("no", "yes")
    unread = grade({}, "A or B", options={"A": "yes", "B": "no"})
    assert (unread.verdicts[0].label, unread.verdicts[0].ballots[0].label) == (None, "B")
    text = grade({"metric": "quasi_exact_match"}, "x", references=("a long text",))
    assert text.verdicts[0].ballots[0].label is None


@pytest.mark.parametrize("metric", ["exactmatch", ["exact_match", "rouge"], []])
def test_wrong_names(metric):
    """An unknown metric, or none, is refused before anything is asked, and by the schema."""
    with pytest.raises(SettingsError, match=r"grader\.metric"):
        Grader({"metric": metric})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"metric": metric}, dict(OPTIONS))


@pytest.mark.parametrize("name", metrics.METRICS)
def test_the_schema_takes_every_metric(name):
    """Alone and in a list."""
    jsonschema.Draft202012Validator.check_schema(dict(OPTIONS))
    jsonschema.validate({"metric": name}, dict(OPTIONS))
    jsonschema.validate({"metric": [name]}, dict(OPTIONS))


def test_no_judge_and_libraries_by_version():
    """No judge is needed; a library that measures is named with its version."""
    assert not Grader({}).needs_judge
    assert Grader({}).versions == {}
    pytest.importorskip("rouge_score", reason="the extra metrics is not installed")
    assert list(Grader({"metric": "rouge_l"}).versions) == ["package rouge-score"]


def test_a_long_reference_is_measured():
    """Texts are compared by the library, and the score is its figure."""
    pytest.importorskip("rouge_score", reason="the extra metrics is not installed")
    score = grade({"metric": ["rouge_l"]}, "the cat", references=("the cat sat",))
    assert score.value == pytest.approx(0.8)
