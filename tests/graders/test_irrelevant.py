"""Statements that serve no point cost points; a step that fails is never a clean answer."""

from __future__ import annotations

from collections import Counter

import pytest
from judging import BOTH, POINTS, Judge, claim_of, grade, met, text_of

from medcheck.errors import ProviderError
from medcheck.graders.claims import Grader
from medcheck.scoring.gaps import IRRELEVANT


def finds(*quotes):
    """Return an extractor's mind."""
    return lambda _: {"items": [{"content": quote, "reasoning": "无关"} for quote in quotes]}


def grades(*levels):
    """Return a grader's mind: the level of each statement, in order of asking."""
    left = list(levels)
    return lambda _: {"level": left.pop(0), "reasoning": "如此"}


def search(extractor, *minds, options=None, judge=None):
    """Return the score of an answer with the step on, and the judges by role."""
    roles = {
        "extractor": [Judge(extractor, "x")],
        "irrelevant_judges": [Judge(mind, f"g{n}") for n, mind in enumerate(minds, 1)],
    }
    block = {"irrelevant": {"extractor": "x", "judges": ["g1"]}, **(options or {})}
    score, _ = grade(block, judge or met("应做 CT", "应随访"), roles=roles)
    return score, roles


@BOTH
def test_statements_cost_points(protocol):
    """Each statement becomes a criterion that is met, and costs what its level costs."""
    score, roles = search(
        finds("喝热水。", "然后 手术。"), grades("S1", "S3"), options={"protocol": protocol}
    )
    found = [v for v in score.verdicts if IRRELEVANT in v.criterion.tags]
    assert [v.criterion.id for v in found] == ["irrelevant", "irrelevant-1", "irrelevant-2"]
    assert [v.criterion.points for v in found] == [0, -1, -3]
    assert [v.criterion.level for v in found] == [None, "S1", "S3"]
    assert found[1].criterion.text == "喝热水。"
    assert (score.earned, score.possible, score.value) == (4, 8, 0.5)
    assert score.facets["irrelevant:penalty"] == 0.5
    assert "tier:S3" not in score.facets
    [request] = roles["extractor"][0].requests
    for criterion in POINTS:
        assert criterion.text in text_of(request)
    assert [v.ballots[0].asks for v in found] == [1, 1, 1]


@pytest.mark.parametrize(
    ("vote", "level"), [("conservative", "S4"), ("majority", "S1"), ("average", "S2")]
)
def test_votes_over_levels(vote, level):
    """The declared vote over levels really decides."""
    options = {"irrelevant": {"extractor": "x", "judges": ["g1", "g2", "g3"], "vote": vote}}
    score, _ = search(finds("喝热水。"), grades("S1"), grades("S1"), grades("S4"), options=options)
    verdict = score.verdicts[-1]
    assert (verdict.criterion.level, verdict.how) == (level, vote)
    assert [ballot.label for ballot in verdict.ballots] == ["S1", "S1", "S4"]


def test_a_clean_answer():
    """An answer without such statements costs nothing, and the search shows that it was made."""
    score, roles = search(finds(), grades())
    assert score.verdicts[-1].state == "not_met"
    assert score.verdicts[-1].ballots[0].cost_usd == 0.5
    assert score.value == 1.0
    assert score.facets["irrelevant:penalty"] == 0
    assert not roles["irrelevant_judges"][0].requests


@BOTH
@pytest.mark.parametrize(
    "reply",
    [
        "[]",
        "nothing found",
        '{"items": null}',
        '{"items": [{"content": "从未说过。", "reasoning": ""}]}',
        '{"items": [{"content": "  ", "reasoning": ""}]}',
        '{"items": ["喝热水。"]}',
        ProviderError("HTTP 500"),
    ],
)
def test_a_failed_search_is_no_clean_answer(protocol, reply):
    """A search that fails, or quotes what the answer does not say, leaves no score."""
    score, _ = search(lambda _: reply, grades("S1"), options={"protocol": protocol})
    assert score.value is None
    assert score.verdicts[-1].state == "judge_error"
    assert score.verdicts[-1].ballots[0].error


@BOTH
@pytest.mark.parametrize(
    "reply",
    ['{"level": "S5", "reasoning": ""}', '{"level": "s1", "reasoning": ""}', "S1", "{}",
     "S1 standard, here S4", ProviderError("HTTP 500")],
)  # fmt: skip
def test_a_failed_grade_is_not_s1(protocol, reply):
    """A grade that cannot be read leaves no score; it is never the mildest level."""
    score, _ = search(
        finds("喝热水。"), grades("S1"), lambda _: reply, options={"protocol": protocol}
    )
    assert score.value is None
    assert score.verdicts[-1].state == "judge_error"
    assert score.verdicts[-1].criterion.level is None
    assert score.verdicts[-1].ballots[0].label == "S1"


def test_a_statement_counts_once():
    """A statement that is named twice, with other spaces, is one."""
    score, _ = search(finds("然后  手术。", "然后 手术。"), grades("S2", "S2"))
    assert Counter(v.criterion.text for v in score.verdicts)["然后  手术。"] == 1
    assert len(score.verdicts) == 5


def test_roles():
    """The options name the further judges; a role that nobody fills falls to the panel."""
    named = {"extractor": ["x"], "judges": ["g", "h"]}
    assert Grader({"irrelevant": named}).roles == {
        "extractor": ("x",), "irrelevant_judges": ("g", "h"),
    }  # fmt: skip
    assert Grader({"irrelevant": {}}).roles == {}
    assert Grader({}).roles == {}

    def mind(request):
        if claim_of(request):
            return met("应做 CT")(request)
        return finds("喝热水。")(request) if "nobody asked" in text_of(request) else grades("S1")(0)

    score, judges = grade({"irrelevant": {}}, mind, mind)
    assert score.verdicts[-1].criterion.level == "S1"
    assert [len(judge.requests) for judge in judges] == [5, 4]


def test_levels_weigh_statements_too():
    """Points by level in the grader block also weigh the statements."""
    score, _ = search(finds("喝热水。"), grades("S1"), options={"points": {"S1": -0.5}})
    assert score.verdicts[-1].criterion.points == -0.5
