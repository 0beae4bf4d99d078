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


@pytest.mark.parametrize(
    ("reference", "answer", "ours", "theirs"),
    [
        ("A", "A", 1, 1), ("A", "a.", 1, 1), ("The", "“the”", 1, 0), ("%", "%", 1, 1),
        ("A", "the", 0, 1), ("A", "B", 0, 0), ("%", "!", 0, 1), ("A", "%", 0, 1), ("%", "", 0, 0),
    ],
)  # fmt: skip
def test_quasi_exact_of_an_article_or_a_sign(reference, answer, ours, theirs):
    """A reference of which folding leaves nothing is still itself; there all such are equal."""
    gold = Gold(references=(reference,))
    assert measure("quasi_exact_match", answer, gold).value == ours
    assert measure("quasi_exact_match_official", answer, gold).value == theirs


@pytest.mark.parametrize(
    ("answer", "value", "given"),
    [
        ("Yes, the study shows it.", 1, "yes"), ("yes because it was blinded", 1, "yes"),
        ("**Yes**.\nIt was blinded.", 1, "yes"), ("Answer: Yes (p < .05)", 1, "yes"),
        ("No, the study does not.", 0, "no"), ("Maybe; more data are needed.", 0, "maybe"),
        ("A long thought goes first, on several matters.\nYes, it does.", 1, "yes"),
        ("Yes and no.", 0, "Yes and no"), ("Yes, or maybe.", 0, "Yes, or maybe"),
        ("No evidence was found for yes", 0, "No evidence was found for yes"),
    ],
)  # fmt: skip
def test_yes_before_its_reasons(answer, value, given):
    """Yes and no are read with their reasons behind, not as the first word of something else."""
    found = measure("exact_match", answer, Gold(references=("yes",)))
    assert (found.value, found.given) == (value, given)


@pytest.mark.parametrize(
    ("answer", "value"),
    [("Answer: 1 (hallucinated)", 1), ("1 (made up).", 1), ("Answer: 1 (or 0)", 0),
     ("1 (not 0)", 0), ("0 (see 1)", 0)],
)  # fmt: skip
def test_a_remark_in_brackets(answer, value):
    """A remark behind the answer does not count, unless it takes it back; gold may hold one."""
    assert measure("exact_match", answer, Gold(references=("1",))).value == value
    noted = Gold(references=("Vitamin D (calciferol)",))
    assert measure("exact_match", "vitamin D (calciferol).", noted).value == 1


@pytest.mark.parametrize("name", ["exact_match", "exact_match_official", "quasi_exact_match"])
def test_without_gold_nothing_is_measured(name):
    """No reference: no value, and the cause."""
    found = measure(name, "B", Gold())
    assert found.value is None
    assert "no reference" in found.why
