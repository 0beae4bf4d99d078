"""GAPS scores: unknown levels count for nothing, undecided points stay visible, harm is counted."""

import pytest

from medcheck.errors import SettingsError
from medcheck.scoring.gaps import (
    IRRELEVANT,
    LEVEL_RULES,
    WEIGHTS,
    level_vote,
    polarity_of,
    score_card,
    undecided_range,
)
from medcheck.scoring.points import points
from medcheck.types import Criterion, Verdict


def point(level, *, tags=None, number=1):
    given = (f"tier:{level}",) if tags is None else tags
    return Criterion(
        id=str(number), text="t", points=WEIGHTS.get(level, 0.0), level=level, tags=given
    )


def verdict(level, state, **more):
    value = {"met": 1.0, "not_met": 0.0}.get(state)
    return Verdict(criterion=point(level, **more), state=state, value=value)


def answer(text):
    """Verdicts from words such as `A1+ S4- A2?`: met, not met, undecided."""
    states = {"+": "met", "-": "not_met", "?": "undecided", "!": "judge_error"}
    return [verdict(word[:-1], states[word[-1]]) for word in text.split()]


@pytest.mark.parametrize(
    ("level", "tags", "expected"),
    [
        ("A1", (), "positive"),
        ("S2", (), "negative"),
        ("A4", (), "positive"),
        ("A4", ("polarity:negative",), "negative"),
        ("S1", ("polarity:positive",), "positive"),
        ("X1", (), "negative"),
    ],
)
def test_polarity(level, tags, expected):
    """The tag decides which question is asked, then the level, then the sign of the points."""
    assert polarity_of(point(level, tags=tags)) == expected


def test_polarity_without_level():
    """A criterion that is no GAPS point has the polarity of its points."""
    assert polarity_of(Criterion(id="1", text="t", points=2.0)) == "positive"
    assert polarity_of(Criterion(id="1", text="t", points=-2.0)) == "negative"


@pytest.mark.parametrize(
    ("levels", "conservative", "majority", "average"),
    [
        ("1", "S1", "S1", "S1"),
        ("113", "S1", "S1", "S2"),
        ("1114", "S4", "S1", "S2"),
        ("12", "S2", "S2", "S2"),
        ("123", "S3", "S2", "S2"),
        ("1234", "S4", "S3", "S2"),
        ("34", "S4", "S4", "S4"),
        ("23", "S3", "S3", "S2"),
    ],
)
def test_level_vote(levels, conservative, majority, average):
    """Each level vote decides as the original's, ties and half levels included."""
    given = [f"S{digit}" for digit in levels]
    assert level_vote(given) == level_vote(given, "conservative") == conservative
    assert level_vote(given, "majority") == majority
    assert level_vote(given, "average") == average


@pytest.mark.parametrize("how", sorted(LEVEL_RULES))
@pytest.mark.parametrize("levels", [[], ["S5"], ["s1"], ["S1", "A1"]])
def test_level_is_never_guessed(how, levels):
    """No level and an unknown level are errors, never S1."""
    with pytest.raises(SettingsError, match="S1 to S4"):
        level_vote(levels, how)


def test_unknown_level_vote():
    """An unknown rule is an error that names the known ones."""
    with pytest.raises(SettingsError, match="conservative"):
        level_vote(["S1"], "conservativ")


def test_unclipped():
    """The rule `gaps` shows an answer below zero; `gaps_official` clips it and keeps the figure."""
    verdicts = answer("A1- A3+ S4+ S3+")
    assert points(verdicts, rule="gaps").value == -1.0
    official = points(verdicts, rule="gaps_official")
    assert official.value == 0.0
    assert official.facets["score:unclipped"] == -1.0
    assert (official.earned, official.possible) == (-6, 6)


def test_official_rounding():
    """The official value is rounded to four digits; the unclipped one is not."""
    score = points(answer("A1+ A2- A3-"), rule="gaps_official")
    assert score.value == 0.5556
    assert score.facets["score:unclipped"] == 5 / 9


def test_nothing_to_earn():
    """Without positive points there is no score, and 0 under the original's rule."""
    assert points(answer("S1+"), rule="gaps").value is None
    assert points(answer("S1+"), rule="gaps_official").value == 0.0


def test_unknown_level_counts_for_nothing():
    """A point of level A4 is in neither sum."""
    score = points(answer("A4+ A2+"), rule="gaps")
    assert (score.earned, score.possible, score.value) == (3, 3, 1.0)


def test_tiers():
    """A tiers have their coverage, S tiers the share of flaws that the answer shows."""
    score = points(answer("A1+ A1- A2+ S3+ S3- S3- S4-"), rule="gaps")
    assert score.facets == {
        "tier:A1": 0.5,
        "tier:A2": 1.0,
        "tier:S3": 1 / 3,
        "tier:S4": 0.0,
        "any:S4": 0.0,
    }
    assert points(answer("A1+ S4+ S4-"), rule="gaps").facets["any:S4"] == 1.0


@pytest.mark.parametrize("rule", ["gaps", "gaps_official"])
def test_failed_judge_is_no_score(rule):
    """A point that no judge could decide leaves the answer without score and facets."""
    score = points(answer("A1+ S4!"), rule=rule)
    assert score.value is None
    assert not score.facets


@pytest.mark.parametrize(
    ("policy", "value"), [("exclude", 1.0), ("not_met", 0.625), ("half", 0.8125), ("error", None)]
)
def test_undecided_policies(policy, value):
    """What an undecided point does is declared, and each policy does what it says."""
    assert points(answer("A1+ A2?"), rule="gaps", undecided=policy).value == value


def test_range_spans_all_policies():
    """The range holds every policy's score, and all points against and for the answer."""
    verdicts = answer("A1+ A2? S4? S1+ A1-")
    low, high = undecided_range(verdicts)
    assert (low, high) == (0 / 13, 7 / 13)
    for policy in ("exclude", "half", "not_met"):
        assert low <= points(verdicts, rule="gaps", undecided=policy).value <= high


def test_range_of_a_harmful_answer():
    """Leaving undecided points out may be the lowest score of all; the range shows it."""
    verdicts = answer("A1- A1? S4+")
    assert undecided_range(verdicts) == (-0.8, 0.1)
    assert points(verdicts, rule="gaps").value == -0.8


def test_range_without_undecided_points():
    """Where nothing is undecided, low and high are the score."""
    assert undecided_range(answer("A1+ A2-")) == (0.625, 0.625)


def test_range_of_an_unmeasured_answer():
    """An answer without score has no range; one that only `exclude` cannot score has."""
    assert undecided_range(answer("A1+ A2!")) is None
    assert undecided_range(answer("S1+")) is None
    assert undecided_range(answer("A1?")) == (0.0, 1.0)


def test_score_card():
    """The original's score object: irrelevant statements are a penalty of their own."""
    found = [
        *answer("A1+ A2+ A3- S2+ S3- A4+"),
        verdict("S3", "met", tags=(IRRELEVANT, "irrelevant:S3")),
    ]
    card = score_card(found)
    assert card["max_possible"] == 9
    assert card["positive_score_raw"] == 6
    assert card["final_total_score"] == 3
    assert card["normalized"] == 0.3333
    assert (card["penalty"], card["final_penalty"]) == (5, 8)
    assert (card["positive_total_count"], card["rubric_total_count"]) == (2, 1)
    assert card["irrelevant_S3_count"] == card["irrelevant_total_count"] == 1
    assert all(type(card[name]) is int for name in card if name != "normalized")


def test_score_card_with_broken_weights():
    """Weights that are no whole numbers stay as they are."""
    half = Criterion(id="1", text="t", points=0.5, level="A3")
    card = score_card([Verdict(criterion=half, state="met", value=1.0)])
    assert card["positive_score_raw"] == 0.5
