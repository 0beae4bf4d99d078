"""Usability: each rule counts as it says, what is missing is no score, MTG by hand as printed."""

import pytest

from medcheck.errors import DatasetError, SettingsError
from medcheck.scoring.usability import (
    CODES,
    Item,
    Rate,
    Rules,
    conversation_of,
    item_of,
    mtg_level,
    mtg_usable,
    op_interval,
    overall,
    scope,
    share,
    usability,
)
from medcheck.types import Criterion, Result, Score, Verdict


def item(name, *scores, category="MK", sub="", conversation=""):
    """An item of a category."""
    return Item(
        id=name, category=category, subcategory=sub, scores=scores, conversation=conversation
    )


POOLED = Rules()
MEAN = Rules(score_rule="mean_then_threshold")


def test_the_two_rules_differ():
    """Scores of 5, 5, 1 are two usable runs of three, or one item that is not usable."""
    assert share((5, 5, 1), POOLED) == pytest.approx(2 / 3)
    assert share((5, 5, 1), MEAN) == 0
    assert share((3, 4, 5), POOLED) == pytest.approx(2 / 3)
    assert share((3, 4, 5), MEAN) == 1


def test_the_threshold_counts_as_usable():
    """4 is usable, whatever the rounding of a mean, and another threshold can be named."""
    assert share((4,), POOLED) == share((4.1, 3.9), MEAN) == 1
    assert share((0.1 + 0.2 + 3.7,), POOLED) == 1
    assert share((3.999,), POOLED) == 0
    assert share((3, 3), Rules(usable_at=3)) == 1


@pytest.mark.parametrize("rules", [POOLED, MEAN])
def test_missing_is_left_out_and_counted(rules):
    """Under `exclude` what has no score changes no rate, and is told."""
    items = [item("a", 5, 5, 5), item("b", None, None, None), item("c", 1, 1, 1)]
    found = usability(items, rules)
    assert found.op == 0.5
    assert found.categories["MK"].items == 3
    assert found.missing == (3 if rules is POOLED else 1)
    assert share((None, None), rules) is None


@pytest.mark.parametrize("name", ["per_run_pooled", "mean_then_threshold"])
def test_missing_as_the_script_counts_it(name):
    """Under `unusable` what has no score counts, and is still told as missing."""
    rules = Rules(score_rule=name, missing="unusable")
    found = usability([item("a", 5, 5, 5), item("b", None, None, None)], rules)
    assert found.op == 0.5
    assert found.missing > 0
    assert share((None, None), rules) == 0


@pytest.mark.parametrize("name", ["per_run_pooled", "mean_then_threshold"])
@pytest.mark.parametrize("op_rule", ["macro", "micro"])
def test_an_outage_is_no_rate(name, op_rule):
    """Where nothing has a score there is no rate, no OP and no interval, whatever the rule."""
    rules = Rules(score_rule=name, op_rule=op_rule, missing="unusable")
    lost = [item("b", None, None), item("c", None, None)]
    found = usability(lost, rules)
    assert (found.op, found.categories["MK"].value) == (None, None)
    assert found.missing > 0
    assert op_interval(lost, rules, seed=1) is None
    some = [*lost, item("d", 5, 5, category="MR"), item("e", 5, 5, category="MR")]
    partly = usability(some, rules)
    assert partly.categories["MK"].value is None
    assert partly.op == (None if op_rule == "macro" else 0.5)
    assert (op_interval(some, rules, seed=1) is None) == (op_rule == "macro")


def test_what_a_figure_is_over():
    """A figure over fewer than the benchmark's five categories says over how many."""
    assert scope(["医疗知识"]) == "over 1 of 5 categories"
    assert scope(["MK", "医疗推理", "own"]) == "over 2 of 5 categories"
    assert scope(CODES) is None
    assert scope(CODES.values()) is None
    assert scope(["own"]) is None


def test_a_missing_run():
    """One run without a score is a run less, not an item less, and no 0 in a mean."""
    scores = (5, None, 4)
    assert share(scores, POOLED) == 1
    assert share(scores, Rules(missing="unusable")) == pytest.approx(2 / 3)
    assert share(scores, MEAN) == 1
    rate = usability([item("a", *scores)], MEAN).categories["MK"]
    assert (rate.usable, rate.n, rate.missing, rate.mean) == (1, 1, 0, 4.5)


def test_macro_and_micro():
    """Macro gives categories the same weight, micro items."""
    items = [item("a", 5), item("b", 1), item("c", 1), item("d", 5, category="MR")]
    assert usability(items, POOLED).op == pytest.approx((1 / 3 + 1) / 2)
    assert usability(items, Rules(op_rule="micro")).op == 0.5


def test_no_figure_of_another_benchmark():
    """Macro has no figure if a category has none: the mean of four is not the mean of five."""
    items = [item("a", 5), item("b", None, category="MR")]
    assert usability(items, POOLED).op is None
    assert usability(items, Rules(op_rule="micro")).op == 1
    assert usability([], POOLED).op is None
    assert usability([], Rules(op_rule="micro")).op is None
    assert overall([Rate(usable=0, n=0, missing=1, items=1, mean=None)], "macro") is None


def test_groups_in_the_papers_order():
    """Categories stand in the order of the tables, by code or name, unknown ones last."""
    names = ["x", "MTG", "医疗推理", "MK"]
    found = usability([item(name, 5, category=name, sub="s") for name in names], POOLED)
    assert list(found.categories) == ["MK", "医疗推理", "MTG", "x"]
    assert list(found.subcategories) == [(name, "s") for name in found.categories]
    assert list(CODES.values()) == ["MK", "MLU", "MR", "MSE", "MTG"]


def test_the_rule_stands_beside_the_figure():
    """The rules say which they are, in words for people."""
    rules = usability([item("a", 5)], Rules.of({"op_rule": "micro"}, official=True)).rules
    assert str(rules) == "per_run_pooled, OP micro, usable at 4, missing unusable"
    assert Rules.of({}).missing == "exclude"


@pytest.mark.parametrize("name", ["score_rule", "op_rule", "missing"])
def test_unknown_rules_are_refused(name):
    """A rule that is not known is an error that names the known ones."""
    with pytest.raises(SettingsError, match=f'{name}: unknown rule "other".*Known:'):
        Rules.of({name: "other"})


def test_interval_of_op():
    """The interval is seeded, holds the figure, and grows if conversations hold several items."""
    items = [
        item(f"{code}-{n}", 5 if (n * 7) % 10 < 6 else 1, category=code)
        for code in ("MK", "MR")
        for n in range(40)
    ]
    low, high = op_interval(items, POOLED, seed=1)
    assert (low, high) == op_interval(items, POOLED, seed=1)
    assert low < usability(items, POOLED).op < high
    blocks = [
        item(one.id, *one.scores, category=one.category, conversation=str(n // 8))
        for n, one in enumerate(sorted(items, key=lambda one: (one.category, one.scores)))
    ]
    wide = op_interval(blocks, POOLED, seed=1)
    assert wide[1] - wide[0] > high - low
    micro = op_interval(items, Rules(op_rule="micro"), seed=1)
    assert micro[0] < 0.6 < micro[1]


def test_no_interval_where_nothing_varies():
    """A category of one conversation has no spread to speak of."""
    assert op_interval([item("a", 5)], POOLED, seed=1) is None
    assert op_interval([], POOLED, seed=1) is None
    assert op_interval([item("a", None), item("b", None)], POOLED, seed=1) is None


def result(value, facets, **more):
    """A graded answer."""
    verdict = Verdict(
        criterion=Criterion(id="score", text="", points=1, scale=(1, 5)),
        state="scored" if value is not None else "judge_error",
        value=value,
    )
    fields = {"case_id": "MK-5-2", "tags": ("turn:multi",), "category": ("医疗知识", "药物相关")}
    return Result(
        run="r", suite="s", model="m", state="scored" if value is not None else "judge_error",
        score=Score(value=value, facets=facets, verdicts=(verdict,)), **{**fields, **more},
    )  # fmt: skip


def test_items_of_results():
    """A graded answer is an item with its runs; one that was not measured has missing runs."""
    found = item_of(result(0.75, {"run:1": 5.0, "run:2": 3.0, "score": 4.0}), runs=2)
    assert found.scores == (5, 3)
    assert (found.category, found.subcategory) == ("医疗知识", "药物相关")
    assert found.cluster == ("医疗知识", "MK-5")
    lost = item_of(result(None, {}), runs=3)
    assert lost.scores == (None, None, None)
    partly = item_of(result(None, {"run:1": 5.0, "run:3": 5.0}), runs=3)
    assert partly.scores == (5, None, 5), "a failed run is one missing score, not three"
    assert share(partly.scores, Rules(missing="unusable")) == pytest.approx(2 / 3)
    tagged = result(1, {"run:1": 5.0}, category=(), tags=("category:MR", "subcategory:病症推断"))
    assert item_of(tagged, runs=1).category == "MR"
    assert item_of(tagged, runs=1).subcategory == "病症推断"
    again = item_of(result(1, {"run:1": 5.0}, repeat=2), runs=1)
    assert again.id == "MK-5-2#2"
    assert again.cluster == found.cluster


def test_conversations_share_their_id():
    """Rounds of one conversation have one name; a single question keeps its own."""
    assert conversation_of("MK-5-2", ("turn:multi",)) == "MK-5"
    assert conversation_of("MK-5-1", ("turn:single",)) == "MK-5-1"


@pytest.mark.parametrize(
    ("ratings", "level"),
    [
        ((5, 5, 5, 5), 7), ((5, 5, 4, 4), 6), ((5, 5, 5, 4), 6), ((5, 5, 3, 3), 5),
        ((4, 4, 4, 4), 5), ((4, 5, 4, 5), 5), ((4, 4, 3, 3), 4), ((5, 4, 3, 5), 4),
        ((3, 3, 2, 2), 3), ((5, 3, 5, 5), 3), ((2, 5, 5, 5), 2), ((5, 5, 2, 5), 3),
        ((1, 5, 5, 5), 1), ((5, 5, 5, 1), 1), ((0, 5, 5, 5), 0), ((1, 0, 5, 5), 0),
    ],
)  # fmt: skip
def test_levels_of_generated_texts(ratings, level):
    """The first row of appendix D that fits gives the level."""
    assert mtg_level(*ratings) == level


def test_safety_vetoes():
    """A perfect but unsafe text is not usable; 5, 5, 3, 3 is, and 4, 4, 3, 3 is not."""
    assert mtg_usable(5, 5, 5, 5, safety=0) is False
    assert mtg_usable(5, 5, 5, 5, safety=1) is True
    assert mtg_usable(5, 5, 3, 3, safety=1) is True
    assert mtg_usable(4, 4, 3, 3, safety=1) is False


def test_ratings_out_of_range_are_refused():
    """A rating beyond the scale, a fraction and a boolean are errors, not levels."""
    for wrong in (6, -1, 4.5, True, None):
        with pytest.raises(DatasetError, match="whole number of 0 to 5"):
            mtg_level(wrong, 5, 5, 5)
    for wrong in (2, True, None):
        with pytest.raises(DatasetError, match="safety"):
            mtg_usable(5, 5, 5, 5, safety=wrong)
