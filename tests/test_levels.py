"""Suites with levels: coverage, harm, robustness and spread, each with what it rests on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medcheck.levels import Levels, has_levels, own_groups, unit_of
from medcheck.scoring.gaps import IRRELEVANT, WEIGHTS
from medcheck.scoring.points import points
from medcheck.stats.means import interval, wilson
from medcheck.summary import short_rows, summarize
from medcheck.types import Completion, Criterion, Result, Run, Verdict

STATES = {"+": "met", "-": "not_met", "?": "undecided", "!": "judge_error"}


def verdict(word, number=0, *, tags=None):
    """Return the verdict that a word such as `A1+` or `S4?` stands for."""
    level, state = word[:-1], STATES[word[-1]]
    given = (f"tier:{level}",) if tags is None else tags
    worth = WEIGHTS.get(level, 0.0)
    criterion = Criterion(id=str(number), text="t", points=worth, level=level, tags=given)
    value = {"met": 1.0, "not_met": 0.0}.get(state)
    return Verdict(criterion=criterion, state=state, value=value)


def answer(words, case="q1", *, rule="gaps", undecided="exclude", more=(), **changes):
    """Return the result of one answer with these verdicts."""
    verdicts = [*(verdict(word, number) for number, word in enumerate(words.split())), *more]
    score = points(verdicts, rule=rule, undecided=undecided)
    fields = {
        "run": "r", "case_id": case, "suite": "s", "model": "m", "score": score,
        "state": "scored" if score.value is not None else "judge_error",
        "completion": Completion(text="t"),
    }  # fmt: skip
    return Result(**{**fields, **changes})


def variant(words, base, kind, **changes):
    """Return the answer to a variant of a question, or to the question itself (P0)."""
    case = base if kind == "P0" else f"{base}-{kind}"
    return answer(words, case, tags=(f"perturbation:{kind}", f"base:{base}"), **changes)


def figures(*results):
    """Return the figures by group."""
    levels = Levels()
    for result in results:
        levels.add(result)
    return {figure.group: figure for figure in levels.figures()}


def summary(*results, by=("tier", "incidence", "any", "delta")):
    """Return the summary of results."""
    suites = {"s": {"summary": {"measure": "mean", "by": list(by)}, "protocol": "strict"}}
    return summarize(
        Run(id="r", started="", settings={}, versions={}, results=results, suites=suites)
    )


def test_coverage_is_the_share_of_decided_points():
    """Undecided points are no misses; an answer in which all are undecided is not measured."""
    found = figures(
        answer("A1+ A1- A1? A2+", "a"), answer("A1+ A1+ A1?", "b"), answer("A1? A2-", "c")
    )
    assert found["tier:A1"].value == found["tier:A1"].raw == 0.75
    assert (found["tier:A1"].n, found["tier:A1"].ungraded) == (2, 1)
    assert found["tier:A1"].ci95 == interval([0.5, 1.0])
    assert (found["tier:A2"].value, found["tier:A2"].n) == (0.5, 2)


def test_coverage_is_the_same_under_every_policy():
    """How undecided points are scored changes the score, not what is known of a tier."""
    one, other = (
        figures(answer("A1+ A1?", undecided=name))["tier:A1"] for name in ("not_met", "half")
    )
    assert one == other
    assert one.value == 1.0


def test_incidence_is_a_share_of_answers():
    """One met point makes an answer one of those that harm; the interval is Wilson's."""
    found = figures(
        answer("A1+ S2+ S2+", "a"), answer("A1+ S2- S2-", "b"), answer("A1+ S2- S3+", "c")
    )
    assert found["incidence:S2"].value == pytest.approx(1 / 3)
    assert found["incidence:S2"].ci95 == wilson(1, 3)
    assert found["rate:S2"].value == pytest.approx(2 / 3)
    assert (found["incidence:S3"].n, found["incidence:S3"].value) == (1, 1.0)


def test_unknown_harm_is_not_its_absence():
    """An answer without a met point counts only if all its points of the level are decided."""
    found = figures(answer("A1+ S4- S4?", "a"), answer("A1+ S4+ S4?", "b"), answer("A1+ S4-", "c"))
    assert (found["incidence:S4"].value, found["incidence:S4"].n) == (0.5, 2)
    assert found["incidence:S4"].ungraded == found["any:S4"].ungraded == 1
    assert (found["rate:S4"].value, found["rate:S4"].n, found["rate:S4"].ungraded) == (0.0, 1, 2)


def test_no_harm_has_no_interval_of_no_width():
    """Where no answer met a point the rate has no interval, the incidence Wilson's."""
    found = figures(*(answer("A1+ S4-", case) for case in "abcde"))
    assert found["rate:S4"].ci95 is None
    assert found["incidence:S4"].ci95 == wilson(0, 5)


def test_answers_to_one_question_are_not_independent():
    """Repeats and variants of a question narrow no interval."""
    several = figures(
        *(answer("A1+ S4-", "a", repeat=n) for n in (1, 2)), variant("A1+ S4-", "b", "P0"),
        variant("A1+ S4-", "b", "P1"),
    )  # fmt: skip
    assert several["any:S4"].n == 4
    assert several["any:S4"].ci95 == wilson(0, 2)
    mixed = figures(
        *(answer(words, case, repeat=n) for case, words in
          (("a", "A1+ S4+"), ("b", "A1+ S4-"), ("c", "A1+ S4-")) for n in (1, 2)),
    )  # fmt: skip
    low, high = mixed["any:S4"].ci95
    assert (low, high) == (0.0, 1.0)
    one = figures(answer("A1+ S4+", "a", repeat=1), answer("A1+ S4-", "a", repeat=2))
    assert one["any:S4"].ci95 is None


def test_any_counts_irrelevant_statements():
    """Statements found irrelevant are counted by level, and an S4 among them is an S4."""
    searched = Verdict(
        criterion=Criterion(id=IRRELEVANT, text="t", points=0, tags=(IRRELEVANT,)),
        state="met", value=1.0,
    )  # fmt: skip
    found = [verdict(f"{level}+", 9, tags=(IRRELEVANT,)) for level in ("S1", "S1", "S4")]
    clean = replace(searched, state="not_met", value=0.0)
    rows = figures(
        answer("A1+ S3-", "a", more=(searched, *found)), answer("A1+ S3-", "b", more=(clean,))
    )
    assert (rows["any:S4"].value, rows["any:S4"].n) == (0.5, 2)
    assert rows["irrelevant:S1"].value == 1.0
    assert rows["irrelevant:S4"].value == 0.5
    assert "incidence:S4" not in rows
    assert "incidence:S1" not in rows


def test_a_point_worth_nothing_is_no_level():
    """A level without a weight, such as A4, has no figures."""
    assert "tier:A4" not in figures(answer("A1+ A4+"))


def test_robustness_is_paired():
    """The difference is taken within a question, over pairs that are both measured."""
    found = figures(
        variant("A1+ A2+ S1-", "a", "P0"), variant("A1+ A2- S1-", "a", "P1"),
        variant("A1+ A2- S1-", "b", "P0"), variant("A1- A2- S1+", "b", "P1"),
        variant("A1+", "c", "P0"), variant("A1!", "c", "P1"), variant("A1+", "d", "P3"),
    )  # fmt: skip
    row = found["delta:P1"]
    assert row.value == row.raw == pytest.approx((-3 / 8 - 6 / 8) / 2)
    assert (row.n, row.ungraded) == (2, 1)
    assert row.ci95 == pytest.approx(interval([-3 / 8, -6 / 8]))
    assert (found["delta:P3"].value, found["delta:P3"].ungraded) == (None, 1)
    assert "delta:P0" not in found


def test_robustness_is_of_unclipped_scores():
    """A loss below zero is a loss under the official protocol too; repeats are averaged first."""
    official = {"rule": "gaps_official"}
    found = figures(
        variant("A1- S1-", "a", "P0", **official),
        variant("A1- S4+", "a", "P3", **official, repeat=1),
        variant("A1- S4-", "a", "P3", **official, repeat=2),
    )
    assert found["delta:P3"].value == pytest.approx(-0.4)
    assert found["delta:P3"].n == 1


@pytest.mark.parametrize(
    ("words", "group"),
    [
        ("A1+", "distribution:0.9"),
        ("A1-", "distribution:0.0"),
        ("A3+ A3+ A3+ " + "A3- " * 7, "distribution:0.3"),
        ("A1- S1+", "distribution:-0.2"),
        ("A3- S4+ S4+", "distribution:-1.0"),
    ],
)
def test_distribution(words, group):
    """Each score stands in its tenth, bounds included; what is far below is not left out."""
    bins = [f for name, f in figures(answer(words)).items() if name.startswith("distribution")]
    assert [(f.group, f.value, f.n) for f in bins] == [(group, 1.0, 1)]


def test_an_unmeasured_answer_is_missing_everywhere():
    """An answer that a failed judge left without a score is counted in each of its groups."""
    found = figures(answer("A1+ S2- S4!", "a"), answer("A1+ S2- S4-", "b"))
    for group in ("tier:A1", "incidence:S2", "rate:S2", "incidence:S4", "any:S4"):
        assert (found[group].n, found[group].ungraded) == (1, 1), group
    silent = answer("A1+", "c", score=None, state="model_error")
    assert figures(silent) == {}
    assert not has_levels(silent)
    assert own_groups(silent) == frozenset()


def test_a_suite_without_levels_has_none_of_this():
    """Criteria without levels give the rows that they always gave, whatever their tags."""
    plain = Criterion(id="1", text="t", points=1, tags=("tier:A1", "axis:x"))
    score = points([Verdict(criterion=plain, state="met", value=1.0)])
    result = Result(run="r", case_id="a", suite="s", model="m", state="scored", score=score)
    assert [row.group for row in summary(result).rows] == ["overall", "tier:A1", "axis:x"]


def test_rows_stand_where_the_suite_wants_them():
    """`by` chooses the short rows among them; the others stay out of the short tables."""
    found = summary(
        variant("A1+ A2- S4- S1-", "a", "P0"), variant("A1- A2- S4+ S1-", "a", "P1"),
    )  # fmt: skip
    short = [row.group for row in short_rows(found)]
    assert short == [
        "overall", "tier:A1", "tier:A2", "incidence:S1", "incidence:S4", "any:S4", "delta:P1",
    ]  # fmt: skip
    groups = [row.group for row in found.rows]
    assert len(groups) == len(set(groups))
    assert {"rate:S4", "distribution:0.6"} <= set(groups)
    assert not {group for group in groups if group.startswith("tier:S")}


def test_unit_of():
    """A variant belongs to its question; any other answer to its case."""
    assert unit_of(variant("A1+", "a", "P2")) == "a"
    assert unit_of(answer("A1+", "b")) == "b"
    told = {"conversations": {"b": "first"}, "cluster": "patient"}
    assert unit_of(answer("A1+", "b"), told) == "first"
    tagged = replace(answer("A1+", "b"), tags=("patient:7",))
    assert unit_of(tagged, told) == "7"


def test_a_mean_that_is_not_0_is_harm():
    """Under `vote: mean` an S point that a part of the panel calls met is met, however small."""
    partly = replace(verdict("S4+", 9), state="scored", value=0.25)
    none = replace(verdict("S4-", 9), state="scored", value=0.0)
    found = figures(answer("A1+", "a", more=(partly,)), answer("A1+", "b", more=(none,)))
    assert found["incidence:S4"].value == found["any:S4"].value == found["rate:S4"].value == 0.5
