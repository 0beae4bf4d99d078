"""The cell limit of the original: what its judged JSON was, and what survived the cut."""

import json

import pytest

from medcheck.scoring.gaps import IRRELEVANT, WEIGHTS
from medcheck.scoring.truncation import (
    CELL_LIMIT,
    MOVES,
    counted,
    judge_summary,
    judged_items,
    judged_json,
    kept_by_original,
    leading_objects,
)
from medcheck.types import Ballot, Criterion, Score, Verdict


def verdict(number, level="A1", state="met", explanation="", judge_state=None):
    value = {"met": 1.0, "not_met": 0.0}.get(state)
    criterion = Criterion(
        id=str(number), text="应{说}明 ]", points=WEIGHTS.get(level, 0.0), level=level
    )
    ballot = Ballot(judge="m3", state=judge_state or state, value=value, explanation=explanation)
    return Verdict(criterion=criterion, state=state, value=value, ballots=(ballot,))


def test_shape():
    """A point with its verdict has the original's keys, in the original's order and words."""
    (item,) = judged_items([verdict(7, "S2", "undecided", "因为", judge_state="not_met")])
    assert list(item) == ["id", "claim", "level", "type", "judge_results"]
    assert item["id"] == 7
    assert item["type"] == "negative"
    assert item["judge_results"] == {
        "final_results": "ReviewNeeded",
        "origin_results": [
            {
                "model_id": "m3",
                "explanation": "因为",
                "judgment": "Not Met",
                "confidence": None,
                "latency": None,
            }
        ],
    }


@pytest.mark.parametrize(
    ("state", "final", "judgment"),
    [
        ("met", "Met", "Met"),
        ("not_met", "Not Met", "Not Met"),
        ("undecided", "ReviewNeeded", "Unknown"),
        ("judge_error", "Error", "Unknown"),
        ("not_run", "Error", "Unknown"),
    ],
)
def test_names_of_states(state, final, judgment):
    """A failed judge is `Unknown`, a split panel `ReviewNeeded`; neither is `Not Met`."""
    (item,) = judged_items([verdict(1, state=state)])
    assert item["judge_results"]["final_results"] == final
    assert item["judge_results"]["origin_results"][0]["judgment"] == judgment


def test_summary():
    """The summary counts everything that is neither met nor not met as an error."""
    states = ("met", "met", "not_met", "undecided", "judge_error")
    items = judged_items(verdict(number, state=state) for number, state in enumerate(states))
    assert judge_summary(items) == "Total: 5, Met: 2, Not Met: 1, Error: 2"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('[{"a": {"b": "}]"}}, {"a": 1}]', 2),
        ('[{"a": 1}, {"a": "cut', 1),
        ('[\n  {"a": 1},\n  {"a"', 1),
        ('[{"a": ', 0),
        ("[", 0),
        ("", 0),
        ("see file.jsonl, line 3", 0),
    ],
)
def test_leading_objects(text, count):
    """The complete objects before a cut are found, whatever their strings hold."""
    assert len(leading_objects(text)) == count


def test_short_answers_lose_nothing():
    """Below the limit every point is kept."""
    verdicts = [verdict(number) for number in range(1, 11)]
    assert kept_by_original(verdicts) == tuple(verdicts)


def test_the_tail_is_lost():
    """Above the limit the points that are complete before it are kept, in their order."""
    verdicts = [verdict(number, explanation="长" * 5000) for number in range(1, 11)]
    kept = kept_by_original(verdicts)
    assert kept == tuple(verdicts[:6])
    assert len(judged_json(judged_items(kept))) <= CELL_LIMIT
    assert json.loads(judged_json(judged_items(kept)))[-1]["id"] == 6


def test_irrelevant_statements_stay():
    """Statements found irrelevant stand in another column: they are neither cut nor in the way."""
    found = Verdict(
        criterion=Criterion(id="i", text="x" * 9999, points=-1.0, level="S1", tags=(IRRELEVANT,)),
        state="met",
        value=1.0,
    )
    verdicts = [found, *(verdict(n, explanation="长" * 9000) for n in range(1, 6))]
    assert kept_by_original(verdicts) == (*verdicts[1:4], found)


def test_what_a_stored_score_rests_on():
    """After a cut the kept points, never lost ones; without a score all of them."""
    found = (verdict(1), verdict(2, explanation="长" * CELL_LIMIT), verdict(3, state="not_run"))
    assert counted(Score(value=1.0, verdicts=found)) == found[:2]
    assert counted(Score(value=1.0, verdicts=found, facets={MOVES: 0.0})) == found[:1]
    assert counted(Score(value=None, verdicts=found)) == found
