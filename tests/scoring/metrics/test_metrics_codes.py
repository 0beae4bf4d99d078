"""Codes are compared as sets, whole, with or without their dots."""

import pytest

from medcheck.scoring.metrics import Gold, measure
from medcheck.scoring.metrics.codes import codes_of

GOLD = Gold(references=("J18.9", "S72.001A", "C7A.1"))


def test_codes_of_a_text():
    """Codes in prose, lists and bold are found; words and doses are not."""
    text = "Pneumonia (**J18.9**), S72.001A; C7A1.\nHbA1c 7, 5 mg, COVID19 x1.2"
    assert codes_of(text) == {"J189", "S72001A", "C7A1"}


def test_sets():
    """F1, precision and recall of sets; order, repeats and dots do not count."""
    assert measure("code_f1", "C7A.1, J189, S72001A, J18.9", GOLD).value == 1
    assert measure("code_f1", "J18.9, I10", GOLD).value == pytest.approx(2 / 5)
    assert measure("code_precision", "J18.9, I10", GOLD).value == 0.5
    assert measure("code_recall", "J18.9, I10", GOLD).value == pytest.approx(1 / 3)
    assert measure("code_f1", "none", GOLD).value == 0
    assert measure("code_precision", "none", GOLD).value == 0


def test_the_original_cuts_codes():
    """There the seventh character cuts a code to its category: other fractures are equal."""
    other = "J18.9, S72.109A, C7A.1"
    gold = Gold(references=("J18.9, S72.001A",))
    assert measure("code_f1", other, gold).value < measure("code_f1_official", other, gold).value
    assert measure("code_f1_official", "J189", Gold(references=("J18.9",))).value == 0


def test_precision_and_recall_of_the_original():
    """Both are of the cut codes too; where there are none they are 0."""
    gold = Gold(references=("J18.9", "S72.001A", "I10"))
    given = "S72.109B, J18.9, E11.9"
    assert measure("code_precision_official", given, gold).value == pytest.approx(2 / 3)
    assert measure("code_recall_official", f"{given}, I10", gold).value == 1
    assert measure("code_precision_official", "none", gold).value == 0
    assert measure("code_recall_official", "none", Gold(references=("none",))).value == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("e11.9", {"E119"}), ("The code is e11.9.", {"E119"}),
        ("e11, i10\nj18.9", {"E11", "I10", "J189"}), ("S72.001A; I10.The", {"S72001A", "I10"}),
        ("S72.001a", {"S72001A"}), ("vitamin b12 at t10", set()), ("I10.The end", {"I10"}),
    ],
)  # fmt: skip
def test_small_letters(text, found):
    """Codes in small letters count with their dot, or where nothing but codes stands there."""
    assert codes_of(text) == found


def test_gold_without_codes():
    """A reference without codes measures nothing."""
    assert measure("code_f1", "J18.9", Gold(references=("none",))).value is None
