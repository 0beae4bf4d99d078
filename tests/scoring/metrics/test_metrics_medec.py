"""Errors in clinical texts: flag, sentence, correction; refusals say nothing."""

import pytest

from medcheck.scoring.metrics import Gold, measure
from medcheck.scoring.metrics.medec import read

RIGHT = Gold(references=("CORRECT",), facts={"flag": 0, "sentence_id": None})
WRONG = Gold(
    references=("5 He was given penicillin G.",),
    facts={
        "flag": 1, "sentence_id": 5, "sentence": "He was given vancomycin.",
        "corrected": "He was given penicillin G.",
    },
)  # fmt: skip
REFUSAL = "I cannot help with that."


@pytest.mark.parametrize(
    "answer",
    ["CORRECT", "CORRECT.", "**Correct**", "Answer: CORRECT", "The text is correct.", "答案：正确"],
)
def test_correct_in_any_form(answer):
    """A stop, a mark-up or "Answer:" does not turn CORRECT into an error."""
    assert read(answer).flag == 0
    assert measure("medec_flag", answer, RIGHT).value == 1
    assert measure("medec_flag", answer, WRONG).value == 0


@pytest.mark.parametrize(
    "answer",
    ["5 He was given x.", "5. He was given x.", "Sentence 5: He was given x.",
     "第5句 He was given x.", "[5] He was given x.", "5\nHe was given x."],
)  # fmt: skip
def test_a_number_in_any_form(answer):
    """The number of the sentence and its correction are read in any form."""
    found = read(answer)
    assert (found.flag, found.sentence_id, found.correction) == (1, 5, "He was given x.")


@pytest.mark.parametrize("answer", [REFUSAL, "INCORRECT", "The text is not correct", "Maybe"])
def test_what_says_nothing(answer):
    """A refusal is no "error found"; the original takes it as one."""
    assert read(answer) is None
    assert measure("medec_flag", answer, WRONG).value == 0
    assert measure("medec_flag_official", answer, WRONG).value == 1


def test_the_originals_defects():
    """There a full stop is an error, silence is one, and no sentence is ever right."""
    assert measure("medec_flag_official", "CORRECT.", RIGHT).value == 0
    assert measure("medec_flag_official", "", WRONG).value == 1
    assert measure("medec_flag", "", WRONG).value == 0
    assert measure("medec_sentence_official", WRONG.reference, WRONG).value == 0
    assert measure("medec_sentence_official", "CORRECT", RIGHT).value == 1


def test_sentences():
    """The number must be right; of a right text, that there is no error."""
    assert measure("medec_sentence", "5 x", WRONG).value == 1
    assert measure("medec_sentence", "4 x", WRONG).value == 0
    assert measure("medec_sentence", "CORRECT", WRONG).value == 0
    assert measure("medec_sentence", "CORRECT", RIGHT).value == 1
    assert measure("medec_sentence", "5 x", RIGHT).value == 0


def test_corrections_are_what_was_changed():
    """The wrong sentence given back earns nothing, the reference all, a part a part."""
    remarked = f"{WRONG.reference}\nVancomycin is not the first choice."
    assert measure("medec_correction", remarked, WRONG).value == 1
    assert measure("medec_correction", WRONG.reference, WRONG).value == 1
    assert measure("medec_correction", "5 He was given vancomycin.", WRONG).value == 0
    assert measure("medec_correction", "4 He was given penicillin G.", WRONG).value == 0
    assert measure("medec_correction", "5", WRONG).value == 0
    assert 0 < measure("medec_correction", "5 He was given penicillin V.", WRONG).value < 1
    assert measure("medec_correction", "CORRECT", RIGHT).value == 1
    assert measure("medec_correction", "5 x", RIGHT).value == 0


def test_gold_that_corrects_nothing():
    """A correction equal to the wrong sentence measures nothing, as missing facts do."""
    facts = {**WRONG.facts, "corrected": WRONG.facts["sentence"]}
    assert measure("medec_correction", "5 x", Gold(facts=facts)).value is None
    for name in ("medec_flag", "medec_sentence", "medec_correction", "medec_flag_official"):
        assert measure(name, "CORRECT", Gold()).value is None
