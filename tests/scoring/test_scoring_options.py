"""The options of a choice question are read from its text."""

from __future__ import annotations

import pytest

from medcheck.scoring.options import choice_of

LINES = "下列哪项正确?\nA. 甲\nB. 乙\nC. 丙\n答:"


@pytest.mark.parametrize(
    ("question", "options"),
    [
        (LINES, (("A", "甲"), ("B", "乙"), ("C", "丙"))),
        ("问题 A. 甲\nB. 乙\nC. 丙", (("A", "甲"), ("B", "乙"), ("C", "丙"))),
        ("正确的是()\nA.甲B.维生素CC.丙\n", (("A", "甲"), ("B", "维生素C"), ("C", "丙"))),
        ("题目：\nA 《甲》\nB《乙》\n", (("A", "《甲》"), ("B", "《乙》"))),
        ("题目：\nA、甲\n(B) 乙\n", (("A", "甲"), ("B", "乙"))),
        ("等效的是\nA.5mg甲B.0.75mg乙", (("A", "5mg甲"), ("B", "0.75mg乙"))),
    ],
)
def test_options_are_found(question, options):
    """Options stand a line each or run together, with any of the usual marks."""
    found = choice_of(question)
    assert found is not None
    assert found.options == options


def test_the_example_is_not_the_question():
    """Options of a worked example before the last question are not its options."""
    found = choice_of("题目：例\nA. 一\nB. 二\nC. 三\n答：<A>\n\n题目：真\nA. 甲\nB. 乙\n答:")
    assert found is not None
    assert found.letters == "AB"
    assert found.text_of("B") == "乙"
    assert found.text_of("C") is None


def test_the_parts_are_the_whole():
    """Head, marks, texts and tail put together are the question, to the letter."""
    found = choice_of(LINES)
    assert found is not None
    body = "".join(mark + text for mark, (_, text) in zip(found.marks, found.options, strict=True))
    assert found.head + body + found.tail == LINES


@pytest.mark.parametrize("question", ["", "如何治疗?", "A. 只有一个", "B. 乙\nC. 丙"])
def test_no_options_is_none(question):
    """A question without at least two options from A on has none."""
    assert choice_of(question) is None
