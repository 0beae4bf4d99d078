"""Shuffled copies: what agrees, what is credited, and how copies are made."""

from __future__ import annotations

import pytest

from medcheck.errors import DatasetError
from medcheck.scoring.circular import (
    Copy,
    consistency,
    copies_of,
    credited,
    grouped,
    is_consistent,
)
from medcheck.scoring.options import choice_of
from medcheck.types import Case, Message

FIRST = "哪项?\nA. 甲\nB. 乙\nC. 丙"
SECOND = "哪项?\nA. 丙\nB. 甲\nC. 乙"


def copy(question, letter, group=1):
    """Return one answered copy."""
    return Copy(group=group, question=question, letter=letter)


def case(text=FIRST, **more):
    """Return a choice case."""
    message = Message(role="user", text=text)
    return Case(id="x", suite="s", grader="closed", messages=(message,), **more)


@pytest.mark.parametrize(
    ("answers", "agree"),
    [
        ([(FIRST, "A"), (SECOND, "B")], True),
        ([(FIRST, "A"), (SECOND, "A")], False),
        ([(FIRST, "A"), (SECOND, None)], False),
        ([(FIRST, "A"), (FIRST, "A")], True),
        ([(FIRST, "A"), (FIRST, "B")], False),
        ([("无选项", "A"), ("无选项", "A")], True),
    ],
)
def test_copies_agree_by_text(answers, agree):
    """Copies agree when they point at one option text; a missing answer points at nothing."""
    assert is_consistent([copy(*answer) for answer in answers]) is agree


def test_figures_of_a_set():
    """Groups, consistent ones, and repeated prompts with different answers are counted."""
    found = consistency(
        [copy(FIRST, "A"), copy(SECOND, "B"), copy(FIRST, "B", 2), copy(FIRST, "C", 2)]
    )
    assert (found.groups, found.consistent, found.repeats, found.split) == (2, 1, 1, 1)
    assert (found.bound, found.noise) == (0.5, 1.0)


def test_nothing_is_not_zero():
    """Without groups or repeats there is no bound and no noise, rather than 0."""
    assert consistency([]).bound is None
    assert consistency([copy(FIRST, "A")]).noise is None


def test_groups_keep_their_order():
    """Groups come in the order of their first copies."""
    assert list(grouped([copy(FIRST, "A", "b"), copy(FIRST, "A", "a")])) == ["b", "a"]


def test_one_wrong_copy_is_enough():
    """A group is right only if all copies are; a wrong copy settles it, a missing one does not."""
    rows = [
        (1, True),
        (1, True),
        (2, True),
        (2, False),
        (3, None),
        (3, True),
        (4, None),
        (4, False),
    ]
    assert credited(rows) == {1: True, 2: False, 3: None, 4: False}


def test_copies_move_texts_and_gold():
    """Copies keep letters in place and texts together; gold follows its text."""
    made = copies_of(case(references=("A",), labels={"gold": "<A>"}, tags=("t",)), 6, seed=3)
    assert [each.id for each in made] == ["x", "x.c1", "x.c2", "x.c3", "x.c4", "x.c5"]
    assert made[0].messages == case().messages
    assert len({each.messages[-1].text for each in made}) == 6
    for each in made:
        choice = choice_of(each.messages[-1].text)
        assert choice.letters == "ABC"
        assert {text for _, text in choice.options} == {"甲", "乙", "丙"}
        assert choice.text_of(each.references[0]) == "甲"
        assert each.labels["gold"] == f"<{each.references[0]}>"
        assert each.tags == ("t", "group:x")


def test_copies_are_repeatable():
    """The same case and seed give the same copies; another seed gives others."""
    texts = [[c.messages[-1].text for c in copies_of(case(), 5, seed=s)] for s in (1, 1, 2)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_few_options_repeat_only_when_used_up():
    """Two options have two orders; more copies repeat them."""
    made = copies_of(case("?\nA. 是\nB. 否"), 4)
    assert len(made) == 4
    assert len({each.messages[-1].text for each in made[:2]}) == 2


def test_several_letters_are_sorted_again():
    """A gold list keeps its form, its letters sorted after the move."""
    made = copies_of(case(references=("<A, C>",)), 6)
    for each in made:
        choice = choice_of(each.messages[-1].text)
        letters = [sign for sign in each.references[0] if sign.isalpha()]
        assert letters == sorted(letters)
        assert {choice.text_of(letter) for letter in letters} == {"甲", "丙"}


def test_a_text_reference_stays():
    """A reference that is no list of letters is left alone."""
    assert {c.references for c in copies_of(case(references=("乙类",)), 3)} == {("乙类",)}


def test_no_options_cannot_be_shuffled():
    """A case without options is an error that says what to do."""
    with pytest.raises(DatasetError, match="Leave out circular"):
        copies_of(case("咳嗽怎么办?"), 3)
