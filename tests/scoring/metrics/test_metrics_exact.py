"""Exact match looks at the answer, its official variant at the raw reply."""

import pytest

from medcheck.scoring.metrics import Gold, measure

CHOICE = Gold(references=("B",), facts={"options": {"A": "yes", "B": "no"}})
NAMED = Gold(references=("B",), facts={"options": {"A": "yes", "B": "no"}, "class": "no"})
WORD = Gold(references=("Pneumonia", "lung infection"))


def test_a_sentence_is_right_only_when_it_is_read():
    """The answer is B earns 1; the original gives it 0."""
    assert measure("exact_match", "The answer is B", CHOICE).value == 1
    assert measure("exact_match_official", "The answer is B", CHOICE).value == 0
    assert measure("exact_match_official", " B\n", CHOICE).value == 1


@pytest.mark.parametrize(("answer", "value"), [("A", 0), ("A or B", 0), ("no", 1), ("B. no", 1)])
def test_choices(answer, value):
    """One right letter, or its text, is right; everything else is wrong."""
    assert measure("exact_match", answer, CHOICE).value == value


def test_the_chosen_class_is_told():
    """A letter is told by the class that the set names, else by itself; nothing read is none."""
    assert measure("exact_match", "答案是A", NAMED).given == "yes"
    assert measure("exact_match", "答案是A", CHOICE).given == "A"
    assert measure("exact_match_official", "A", NAMED).given == "yes"
    assert measure("exact_match", "A or B", NAMED).given is None
    assert measure("exact_match", "pneumonia.", WORD).given == "Pneumonia"


def test_words_are_compared_without_case_and_stops():
    """Any reference will do; the raw comparison wants each sign."""
    for answer in ("pneumonia", "Lung infection.", "The answer is Pneumonia", "Ｐneumonia"):
        assert measure("exact_match", answer, WORD).value == 1
    assert measure("exact_match", "pneumonia of the left lung", WORD).value == 0
    assert measure("exact_match_official", "pneumonia", WORD).value == 0
    assert measure("exact_match_official", "Pneumonia", WORD).value == 1


def test_a_letter_without_options():
    """A reference of one capital letter is a choice, whatever the facts leave out."""
    gold = Gold(references=("B",))
    assert measure("exact_match", "The correct answer is (B).", gold).value == 1
    assert measure("exact_match", "The correct answer is (A).", gold).value == 0


def test_quasi_exact():
    """Case, punctuation of any script and articles do not count; the original knows ASCII only."""
    assert (
        measure("quasi_exact_match", "A lung-infection!", Gold(references=("lunginfection",))).value
        == 1
    )
    chinese = Gold(references=("肺炎",))
    assert measure("quasi_exact_match", "“肺炎”。", chinese).value == 1
    assert measure("quasi_exact_match_official", "“肺炎”。", chinese).value == 0
    assert measure("quasi_exact_match_official", "The Pneumonia.", WORD).value == 1


@pytest.mark.parametrize("name", ["exact_match", "exact_match_official", "quasi_exact_match"])
def test_without_gold_nothing_is_measured(name):
    """No reference: no value, and the cause."""
    found = measure(name, "B", Gold())
    assert found.value is None
    assert "no reference" in found.why
