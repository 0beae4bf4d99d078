"""Votes: a failed ballot is never one, and a split panel says so."""

import pytest

from medcheck.errors import SettingsError
from medcheck.scoring.voting import RULES, vote
from medcheck.types import Ballot, Criterion

CRITERION = Criterion(id="1", text="t", points=5)
STATES = {
    "+": ("met", 1.0),
    "-": ("not_met", 0.0),
    "?": ("undecided", None),
    "!": ("judge_error", None),
    "o": ("not_run", None),
}


def panel(signs):
    return [
        Ballot(judge=f"j{n}", state=STATES[s][0], value=STATES[s][1]) for n, s in enumerate(signs)
    ]


def scores(*values):
    return [Ballot(judge="j", state="scored", value=value) for value in values]


@pytest.mark.parametrize(
    ("how", "signs", "state"),
    [
        ("single", "+", "met"),
        ("single", "-", "not_met"),
        ("single", "?", "undecided"),
        ("majority", "++-", "met"),
        ("majority", "--+", "not_met"),
        ("majority", "+-", "undecided"),
        ("majority", "+?", "undecided"),
        ("majority", "++?", "met"),
        ("majority", "+-?", "undecided"),
        ("majority", "???", "undecided"),
        ("unanimous", "+++", "met"),
        ("unanimous", "--", "not_met"),
        ("unanimous", "++-", "undecided"),
        ("unanimous", "++?", "undecided"),
        ("any", "--+", "met"),
        ("any", "--", "not_met"),
        ("any", "-?", "undecided"),
        ("any", "+?", "met"),
        ("mean", "++", "met"),
        ("mean", "--", "not_met"),
        ("mean", "+-", "scored"),
        ("mean", "+?", "undecided"),
    ],
)
def test_rules(how, signs, state):
    """Each rule decides as its name says; ties and abstentions are undecided, never not met."""
    verdict = vote(CRITERION, panel(signs), how)
    assert verdict.state == state
    assert verdict.how == how
    assert len(verdict.ballots) == len(signs)
    assert (verdict.value is None) == (state == "undecided")


@pytest.mark.parametrize("how", sorted(RULES))
@pytest.mark.parametrize("sign", ["+", "-"])
def test_one_judge(how, sign):
    """Every rule is defined for one judge and takes its word."""
    verdict = vote(CRITERION, panel(sign), how)
    assert (verdict.state, verdict.value) == STATES[sign]


@pytest.mark.parametrize("how", sorted(RULES))
def test_failed_ballot_is_no_vote(how):
    """A failed ballot makes the verdict a judge error, also where the others agree."""
    signs = "!" if how == "single" else "++!"
    verdict = vote(CRITERION, panel(signs), how)
    assert (verdict.state, verdict.value) == ("judge_error", None)


def test_min_judges():
    """Enough usable ballots decide without the failed ones; too few are a judge error."""
    assert vote(CRITERION, panel("++!"), "majority", min_judges=2).state == "met"
    assert vote(CRITERION, panel("+-!"), "majority", min_judges=2).state == "undecided"
    assert vote(CRITERION, panel("+!!"), "majority", min_judges=2).state == "judge_error"
    assert vote(CRITERION, panel("!!"), "majority", min_judges=0).state == "judge_error"


@pytest.mark.parametrize("signs", ["", "o", "oo"])
def test_nobody_asked(signs):
    """Without a judge that was asked, the criterion was not run."""
    assert vote(CRITERION, panel(signs), "majority").state == "not_run"


def test_scores():
    """Scores on a scale are averaged, or taken where most judges gave the same."""
    assert vote(CRITERION, scores(3.0, 4.0), "mean").value == 3.5
    assert vote(CRITERION, scores(3.0, 4.0, 4.0), "majority").value == 4.0
    assert vote(CRITERION, scores(3.0, 4.0), "unanimous").state == "undecided"
    with pytest.raises(SettingsError, match="Choose mean"):
        vote(CRITERION, scores(3.0, 4.0), "any")


def test_single_with_a_panel():
    """Two judges under a rule for one are an error that names the other rules."""
    with pytest.raises(SettingsError, match="takes one judge, found 2"):
        vote(CRITERION, panel("++"), "single")


def test_unknown_rule():
    """An unknown rule names the nearest known one."""
    with pytest.raises(SettingsError, match='Did you mean "majority"'):
        vote(CRITERION, panel("+"), "majorty")


def test_order_of_judges():
    """The order of the judges changes no verdict."""
    for how in ("majority", "unanimous", "any", "mean"):
        for signs in ("++-", "+-?", "--+", "+?-"):
            forward = vote(CRITERION, panel(signs), how)
            backward = vote(CRITERION, panel(signs[::-1]), how)
            assert (forward.state, forward.value) == (backward.state, backward.value)


def test_label():
    """The verdict carries a label only if the judges behind it gave the same one."""
    same = [Ballot(judge=j, state="met", value=1.0, label="Met") for j in "ab"]
    split = [same[0], Ballot(judge="c", state="met", value=1.0, label="Fully met")]
    assert vote(CRITERION, same, "majority").label == "Met"
    assert vote(CRITERION, split, "majority").label is None
