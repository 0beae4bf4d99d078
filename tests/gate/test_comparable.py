"""Whether two sides may be compared, and which belong together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gate_runs import CRITERIA, TELLS, WAITS, result, run, verdicts

from medcheck.gate.comparable import differences, pairs
from medcheck.gate.measured import sides
from medcheck.types import Message


def side(*results, **told):
    (found,) = sides(run(results or [result("a"), result("b")], **told))
    return found


def test_the_same():
    """Another model, another answer, another number of repeats, another order are comparable."""
    old = side(result("a"), result("b"))
    new = side(
        result("b", "nnnn", model="x", text="Rest.", repeat=1),
        result("a", "nnnn", model="x", repeat=1),
        result("a", "nnnn", model="x", repeat=2),
    )
    assert differences(old, new) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocol": "official"}, 'the protocol is "official", the baseline\'s is "strict".'),
        ({"judges": ("other",)}, "judged by other, the baseline by judge."),
        ({"judges": ()}, "judged by no judge"),
        ({"suite": "x"}, 'the suite is "x"'),
        (
            {"compared": {"prompts": {"prompt rubric": "cd"}, "params": {"temperature": 0}}},
            'prompts: {"prompt rubric": "cd"}, the baseline\'s: {"prompt rubric": "ab"}.',
        ),
        (
            {"compared": {"prompts": {"prompt rubric": "ab"}}},
            'params: not recorded, the baseline\'s: {"temperature": 0}.',
        ),
    ],
)
def test_another_measurement(changes, said):
    """Protocol, judges, prompts and parameters must be the same."""
    (found,) = differences(side(), replace(side(), **changes))
    assert said in found


def test_other_cases():
    """Cases that one side lacks are named, and counted."""
    many = side(*(result(f"c{n}") for n in range(6)))
    (found,) = differences(many, side(result("c0")))
    assert found == "5 of 6 cases are only in the baseline: c1, c2, c3 and 2 more."
    (found,) = differences(side(result("c0")), many)
    assert "5 of 6 cases are not in the baseline" in found


def test_other_criteria_and_questions():
    """The same id with other criteria, or another question, is not the same case."""
    changed = verdicts("mmnn", criteria=(replace(TELLS, points=6), *CRITERIA[1:]))
    (found,) = differences(side(result("a")), side(result("a", verdicts=changed)))
    assert found == "1 of 1 cases have other criteria (text, points or tags): a."
    asked = result("a", messages=(Message(role="user", text="?"),))
    (found,) = differences(side(result("a")), side(asked))
    assert "ask something else" in found


@pytest.mark.parametrize(
    "changed",
    [
        {"zero_tolerance": False},
        {"scale": (1.0, 5.0)},
        {"level": "S4"},
        {"check": {"contains": "x"}},
    ],
)
def test_other_terms(changed):
    """Criteria of other zero tolerance, scale, level or check are others, and the case is named.

    A baseline that says nothing of them is compared all the same.
    """
    relaxed = verdicts("mmnn", criteria=(*CRITERIA[:2], replace(WAITS, **changed), CRITERIA[3]))
    old, new = side(result("a")), side(result("a", verdicts=relaxed))
    (found,) = differences(old, new)
    assert "1 of 1 cases have criteria of other zero tolerance, scale, level or check: a." in found
    dated = replace(old, cases=tuple(replace(case, terms=None) for case in old.cases))
    assert differences(dated, new) == ()


def test_the_order_of_equal_criteria():
    """Criteria that read the same, one of zero tolerance and one not, are the same in any order."""
    pair = (WAITS, replace(WAITS, zero_tolerance=False))
    one, other = (
        side(result("a", verdicts=verdicts("nn", criteria=order))) for order in (pair, pair[::-1])
    )
    assert differences(one, other) == ()


def test_other_categories():
    """Cases under other tags, or counted by other prefixes, are others; in another order not."""
    old = side(result("a", tags=("theme:a", "theme:b")), result("b"))
    turned = side(result("a", tags=("theme:b", "theme:a")), result("b"))
    assert differences(old, turned) == ()
    (found,) = differences(old, side(result("a", tags=("theme:zz",)), result("b")))
    assert found.startswith("1 of 2 cases stand in other categories (tags, or `summary.by`): a")
    (found,) = differences(old, side(result("a"), result("b"), summary={"by": ["axis"]}))
    assert found.startswith("2 of 2 cases stand in other categories")


def test_other_clusters():
    """Cases that are taken together otherwise are not compared."""
    old = side(result("a"), result("b"))
    (found,) = differences(old, side(result("a"), result("b"), conversations={"b": "a"}))
    assert found == "1 of 2 cases belong to other clusters: b."


def test_what_is_missing_is_not_different():
    """A case that was not measured is missing, which is said elsewhere."""
    lost = result("a", "----", completion=None, state="model_error")
    assert differences(side(result("a")), side(lost)) == ()


def test_pairs():
    """By suite and model; a suite's only old model serves every new one."""
    old, x, y = side(), replace(side(), model="x"), replace(side(), model="y")
    assert list(pairs([old], [x, y])) == [(old, x), (old, y)]
    assert list(pairs([x, y], [y])) == [(y, y)]
    assert list(pairs([x, y], [old])) == [(None, old)]


def test_suites_without_partner():
    """A new suite has no baseline; a suite that was not run is not forgotten."""
    one, other = side(), replace(side(), suite="other")
    assert list(pairs([one], [one, other])) == [(one, one), (None, other)]
    assert list(pairs([one, other], [one])) == [(one, one), (other, None)]
