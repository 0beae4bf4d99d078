"""Gold of choice questions is read in any usual writing, and never guessed."""

from __future__ import annotations

import pytest

from medcheck.scoring.keys import letters_of, read_key
from medcheck.scoring.options import choice_of

QUESTION = "哪项?\nA. 甲\nB. 乙 (2)\nC. 丙"


@pytest.mark.parametrize(
    "gold",
    [
        "B",
        "b",
        "(B)",
        "（B）",
        "Ｂ",
        "选B",
        "【B】",
        "B.",
        "B、",
        "答案：B",
        "B. 乙 (2)",
        "乙(2)",
        "<b>",
    ],
)
@pytest.mark.parametrize("rule", ["letter", "angle_letter"])
def test_a_letter_in_any_writing(rule, gold):
    """Lower case, full width, brackets, the option's text: all are the letter."""
    assert read_key(rule, QUESTION, gold) == "B"


@pytest.mark.parametrize("rule", ["joined_letters", "comma_letters", "angle_letters"])
@pytest.mark.parametrize("gold", ["AC", "a,c", "C、A", "<A, C>", "ＡＣ", "A;C", "A C"])
def test_several_letters_in_any_writing(rule, gold):
    """Lists of letters are read with any sign between them, and sorted."""
    assert read_key(rule, QUESTION, gold) == "AC"


@pytest.mark.parametrize("gold", ["D", "AC", "丁", "B或C", "不知道", "AA"])
def test_what_is_no_single_option(gold):
    """Letters that are not offered, several, or none at all are no gold."""
    assert read_key("letter", QUESTION, gold) is None


def test_other_formats_are_read_by_their_rule():
    """Gold of lists and objects is as its rule reads it."""
    assert read_key("intent", "?", "不是意图") is None


def test_two_options_of_one_text():
    """A text that two options have names neither."""
    assert letters_of("甲", choice_of("?\nA. 甲\nB. 甲\nC. 乙")) is None
