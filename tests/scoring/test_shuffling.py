"""Copies of a choice question: texts and gold move, what cannot move is refused or left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medcheck.errors import DatasetError
from medcheck.scoring.keys import read_key
from medcheck.scoring.options import choice_of
from medcheck.scoring.shuffling import copies_of, unshuffled
from medcheck.types import Case, Criterion, Message

FIRST = "哪项?\nA. 甲\nB. 乙\nC. 丙"
VITAMINS = "Scurvy?\nA. Vitamin A\nB. Vitamin B12\nC. Vitamin C\nD. Vitamin D"


def case(text=FIRST, **more):
    """Return a choice case."""
    message = Message(role="user", text=text)
    return Case(id="x", suite="s", grader="closed", messages=(message,), **more)


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


def test_an_options_text_stays():
    """Gold that is an option's text is left alone: it moves with the text."""
    assert {c.references for c in copies_of(case(references=("乙",)), 3)} == {("乙",)}


@pytest.mark.parametrize(
    "gold", ["C", "C. Vitamin C", "(C)", "c", "Ｃ", "选C", "Vitamin C", "C) vitamin c"]
)
def test_gold_moves_however_it_is_written(gold):
    """In every copy gold is read as the letter before its text, whatever form it had."""
    made = copies_of(case(VITAMINS, labels={"gold": gold}), 12)
    for each in made:
        question = each.messages[-1].text
        letter = read_key("letter", question, each.labels["gold"])
        assert choice_of(question).text_of(letter) == "Vitamin C"
    assert len({each.messages[-1].text for each in made}) == 12


@pytest.mark.parametrize("gold", ["E", "Vitamin K", "因为C是对的", "C. Vitamin D"])
def test_gold_that_cannot_move_is_refused(gold):
    """Gold that is neither letters nor text of the options would be wrong in the copies."""
    with pytest.raises(DatasetError, match="is no letter or text of its options"):
        copies_of(case(VITAMINS, labels={"gold": gold}), 3)
    with pytest.raises(DatasetError, match="is no letter or text of its options"):
        copies_of(case(VITAMINS, references=(gold,)), 3)


def test_criteria_and_checks_are_refused():
    """A check for a letter would stay at that letter while the texts move."""
    check = Criterion(id="1", text="equals C", points=1, check={"equals": "C"})
    with pytest.raises(DatasetError, match="criteria or checks"):
        copies_of(case(VITAMINS, criteria=(check,)), 3)
    judged = Criterion(id="1", text="The answer matches the reference.", points=1)
    assert len(copies_of(case(VITAMINS, criteria=(judged,), references=("C",)), 3)) == 3
    with pytest.raises(DatasetError, match="criteria or checks"):
        copies_of(replace(case(VITAMINS, criteria=(judged,)), grader="rubric"), 3)


def test_options_in_the_facts_move_too():
    """A grader that reads options from the case's facts sees them in the order of the copy."""
    options = {"A": "甲", "B": "乙", "C": "丙"}
    made = copies_of(case(references=("B",), labels={"task": {"name": "t", "options": options}}), 6)
    for each in made:
        facts = each.labels["task"]
        assert tuple(facts["options"].items()) == choice_of(each.messages[-1].text).options
        assert facts["options"][each.references[0]] == "乙"
        assert facts["name"] == "t"


def test_copies_say_what_they_are():
    """Labels tell how many copies there are, which one this is, and whether there is gold."""
    made = copies_of(case(), 3)
    assert [each.labels["circular"]["copy"] for each in made] == [0, 1, 2]
    assert {each.labels["circular"]["copies"] for each in made} == {3}
    assert not made[0].labels["circular"]["keyed"]
    assert copies_of(case(references=("A",)), 2)[1].labels["circular"]["keyed"]


def test_recorded_answers_stay_with_the_question_as_written():
    """An answer that came with the case was given to its order of options, and to no other."""
    made = copies_of(case(answers={"old": ("A",)}), 3)
    assert [dict(each.answers) for each in made] == [{"old": ("A",)}, {}, {}]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["Influenza", "Malaria", "Both A and B", "Water"], "option C names other options"),
        (["甲", "乙", "丙", "A和B"], "option D names other options"),
        (["甲", "乙", "丙", "A、B、C均正确"], "option D names other options"),
        (["甲", "乙", "AB", "ABC"], "option C names other options"),
        (["甲", "乙", "丙", "前两项"], "option D names other options"),
        (["甲", "乙", "丙", "选项A"], "option D names other options"),
        (["甲", "以上都不是", "丙", "丁"], "option B speaks of those above it"),
        (["甲", "以上都不是"], "has fewer than two options that can change places"),
    ],
)
def test_options_that_name_others_are_not_shuffled(options, why):
    """A question whose options refer to letters or places would be unanswerable in other orders."""
    text = "哪项?\n" + "\n".join(
        f"{letter}. {o}" for letter, o in zip("ABCD", options, strict=False)
    )
    assert unshuffled(case(text)) == why


@pytest.mark.parametrize("last", ["以上都是", "以上均不正确", "None of the above", "All of these"])
def test_a_closing_option_about_all_others_stays_last(last):
    """`All of the above` keeps its place; the others change theirs."""
    made = copies_of(case(f"哪项?\nA. 甲\nB. 乙\nC. 丙\nD. {last}", references=("D",)), 6)
    assert len({each.messages[-1].text for each in made}) == 6
    for each in made:
        assert choice_of(each.messages[-1].text).text_of("D") == last
        assert each.references == ("D",)


@pytest.mark.parametrize("text", [VITAMINS, "?\nA. 38℃以上\nB. 血压140/90以上\nC. 无", FIRST])
def test_plain_options_are_shuffled(text):
    """Names with letters in them and numbers with 以上 are ordinary options."""
    assert unshuffled(case(text)) is None


def test_copies_are_not_copied_again():
    """Rows that come in several orders already are left alone."""
    assert unshuffled(case(tags=("group:1",))) == "stands in shuffled copies already"


def test_no_options_cannot_be_shuffled():
    """A case without options is an error that says what to do."""
    with pytest.raises(DatasetError, match="Leave out circular"):
        copies_of(case("咳嗽怎么办?"), 3)
