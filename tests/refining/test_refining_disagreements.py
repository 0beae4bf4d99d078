"""Disagreements come the worst first, grouped, with the points that the judge named."""

from __future__ import annotations

from refine_runs import ratings, result

from medcheck.refining.disagreements import disagreements, named_points
from medcheck.scoring.requirements import requirements
from medcheck.scoring.usability import Rules

OTHER = ("医疗推理", "治疗方案")
LIST = "核心需求：\n1. a\n2. b\n次要需求：\n1. c\n2. d"


def test_false_usable_comes_first():
    """The subcategory with most answers wrongly let pass leads, and they lead within it."""
    results = [
        result("a", [5, 1]),  # mean 3
        result("b", [5]),
        result("c", [2]),
        result("d", [5], category=OTHER),
        result("e", [4], category=OTHER),
        result("f", [5]),
    ]
    said = ratings({"a": 2, "b": 2, "c": 5, "d": 1, "e": 3, "f": 4.5})
    found = disagreements(results, said, Rules())
    assert [(each.case_id, each.kind) for each in found] == [
        ("d", "false usable"),
        ("e", "false usable"),
        ("b", "false usable"),
        ("c", "false unusable"),
        ("a", "scores apart"),
    ]
    assert (found[-1].judged, found[-1].mean, found[-1].told) == ((5, 1), 3, 2)


def test_what_is_not_measured_or_not_rated_is_no_disagreement():
    """A failed judge and an answer that nobody rated are left out."""
    results = [result("a", [1], state="judge_error"), result("b", [1])]
    assert disagreements(results, ratings({"a": 5}), Rules()) == ()


def test_runs_are_ten_or_more():
    """Run 10 comes after run 9."""
    found = disagreements([result("a", range(1, 12))], ratings({"a": 1}), Rules())
    assert found[0].judged == tuple(range(1, 12))


def test_the_points_that_explanations_name():
    """Chinese and English mentions count, several numbers too; unknown numbers do not."""
    demands = requirements(LIST)
    said = (
        "核心需求第1点不满足，次要需求第1、2点缺失；core requirement 2 is met, core point 9 is not"
    )
    found = list(named_points(said, demands))
    assert [(part, number) for part, number, _ in found] == [
        ("core", 1), ("secondary", 1), ("secondary", 2), ("core", 2),
    ]  # fmt: skip
    assert found[0][2] == "a"
    assert list(named_points("第1点，评分3分", demands)) == []


def test_a_disagreement_names_its_points():
    """All runs' explanations are read, each wording once, points in the checklist's order."""
    wrong = result("a", [5, 5], checklist=LIST, explanation="次要需求第2点和核心需求第2点满足")
    (found,) = disagreements([wrong], ratings({"a": 1}), Rules())
    assert found.point == "core 2, secondary 2"
    assert found.explanations == ("次要需求第2点和核心需求第2点满足",)
    assert (found.question, found.answer) == ("question a", "answer a m")
    (bare,) = disagreements([result("a", [5])], ratings({"a": 1}), Rules())
    assert bare.point == "no point named"
