"""People's ratings of generated texts stand in for the judge's, and nothing else of a file does."""

from __future__ import annotations

import pytest

from medcheck.errors import DatasetError, SettingsError
from medcheck.review.text_ratings import TEXT, by_people
from medcheck.scoring.usability import Item, Rules, op_interval, usability
from medcheck.stats.human import Rating

RULES = Rules(missing="unusable")
ITEMS = (
    Item(id="MK-1-1", category="医疗知识", scores=(5.0,)),
    *(
        Item(id=f"MTG-{n}-1", category=TEXT, subcategory="改写" if n < 3 else "生成", scores=(1.0,))
        for n in range(1, 5)
    ),
)


def rated(case_id, *, usable=True, rater="甲", model=None):
    return Rating(case_id=case_id, rater=rater, usable=usable, model=model)


def figures(*ratings, items=ITEMS, model=None):
    return by_people(usability(items, RULES), items, ratings, model)


def test_people_take_the_judges_place():
    """Rate, subcategories and OP are people's; ties and unrated texts are missing, not unusable."""
    found = figures(
        rated("MTG-1-1"), rated("MTG-2-1", usable=False),
        rated("MTG-3-1"), rated("MTG-3-1", usable=False, rater="乙"),
    )  # fmt: skip
    rate = found.usability.categories[TEXT]
    assert (rate.usable, rate.n, rate.missing, rate.items) == (1, 2, 2, 4)
    assert found.usability.op == 0.75
    parts = {sub: rate for (_, sub), rate in found.usability.subcategories.items()}
    assert (parts["改写"].value, parts["生成"].value) == (0.5, None)
    assert {item.id: item.scores for item in found.items} == {
        "MK-1-1": (5.0,), "MTG-1-1": (5.0,), "MTG-2-1": (0.0,),
    }  # fmt: skip
    texts = [item for item in found.items if item.category == TEXT]
    assert op_interval(texts, RULES, seed=0) == (0.0, 1.0)


def test_the_model_is_found_or_asked_for():
    """Ratings of one model are its ratings; of several, one must be named."""
    one = rated("MTG-1-1", model="demo")
    found = figures(one, rated("MTG-2-1", usable=False))
    assert (found.model, found.usability.categories[TEXT].n) == ("demo", 2)
    other = rated("MTG-1-1", usable=False, model="weak")
    with pytest.raises(SettingsError, match=r"2 models: demo, weak.*--model"):
        figures(one, other)
    assert figures(one, other, model="weak").usability.categories[TEXT].usable == 0
    with pytest.raises(SettingsError, match=r'no rating of the model "dmeo".*demo'):
        figures(one, model="dmeo")
    assert figures(rated("MTG-1-1")).model is None


@pytest.mark.parametrize("case_id", ["MK-1-1", "MTG-99-1", "t1"])
def test_other_cases_are_refused(case_id):
    """A rated case of another category, or one that the scores do not have, is an error."""
    with pytest.raises(DatasetError, match=f"1 of 2 rated cases.*: {case_id}"):
        figures(rated("MTG-1-1"), rated(case_id))


def test_scores_without_generated_texts():
    """Where no judge scored generated texts, as in the paper, the rated ones are the category."""
    found = figures(rated("MTG-1-1"), rated("MTG-2-1", usable=False), items=ITEMS[:1])
    assert list(found.usability.categories) == ["医疗知识", TEXT]
    assert found.usability.op == 0.75
    with pytest.raises(DatasetError, match="MK-2-1"):
        figures(rated("MK-2-1"), items=ITEMS[:1])
