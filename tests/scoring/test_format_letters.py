"""Letters are read where one is meant, and nowhere else."""

from __future__ import annotations

import pytest

from medcheck.scoring import _format_letters as letters

QUESTION = "## 问题\n哪项正确?\nA. 甲\nB. 乙\nC. 丙\nD. 丁"
LEAK = "首先，题目是关于甲的。示例的答案是<A>。我选B。"


@pytest.mark.parametrize(
    ("answer", "state", "value", "why"),
    [
        ("<B>", "strict", "B", None),
        ("< B >", "strict", "B", None),
        ("B", "recoverable", "B", "bare letter, <> missing"),
        ("B**", "recoverable", "B", "bare letter, <> missing"),
        ("答：<B>", "recoverable", "B", "<X> inside other text"),
        ("<B>\n<B>", "recoverable", "B", "<X> inside other text"),
        ("正确答案是B。", "recoverable", "B", '"答案是X" sentence'),
        ("答：B", "recoverable", "B", '"答案是X" sentence'),
        ("B. 乙", "recoverable", "B", "letter + option text"),
        ("<A>或<B>", "fail", None, "no unique option letter"),
        ("<>", "fail", None, "no unique option letter"),
        ("ABD", "fail", None, "no unique option letter"),
        ("抱歉，我无法协助。", "fail", None, "no unique option letter"),
        ("<E>", "fail", None, "letter not among options"),
        (LEAK, "fail", None, "leaked reasoning, no unique choice"),
    ],
)
def test_one_letter_in_brackets(answer, state, value, why):
    """One letter in brackets is strict; one that can only mean one option is recoverable."""
    found = letters.angle_letter(QUESTION, answer)
    assert (found.state, found.value, found.why) == (state, value, why)


@pytest.mark.parametrize(
    ("answer", "state", "value"),
    [("B", "strict", "B"), ("<B>", "recoverable", "B"), ("答案：C", "recoverable", "C"),
     ("E", "fail", None), ("AB", "fail", None)],
)  # fmt: skip
def test_one_bare_letter(answer, state, value):
    """Where a bare letter is asked, brackets are not strict."""
    found = letters.letter(QUESTION, answer)
    assert (found.state, found.value) == (state, value)


@pytest.mark.parametrize(
    ("rule", "answer", "state", "value"),
    [
        (letters.joined_letters, "CA", "strict", "AC"),
        (letters.joined_letters, "A C", "recoverable", "AC"),
        (letters.joined_letters, "A、C", "recoverable", "AC"),
        (letters.joined_letters, "AA", "fail", None),
        (letters.joined_letters, "AE", "fail", None),
        (letters.joined_letters, "答案是A,C", "recoverable", "AC"),
        (letters.joined_letters, "没有", "fail", None),
        (letters.comma_letters, "A,C", "strict", "AC"),
        (letters.comma_letters, "A, C", "strict", "AC"),
        (letters.comma_letters, "<A,C>", "recoverable", "AC"),
        (letters.comma_letters, "AC", "recoverable", "AC"),
        (letters.angle_letters, "<A, C>", "strict", "AC"),
        (letters.angle_letters, "< A, C >", "recoverable", "AC"),
        (letters.angle_letters, "答案：<C>。因为甲。", "recoverable", "C"),
        (letters.angle_letters, "<A> 或 <B>", "fail", None),
        (letters.angle_letters, "<None>", "fail", None),
    ],
)
def test_several_letters(rule, answer, state, value):
    """Several letters are read in any order; unknown and repeated ones are refused."""
    found = rule(QUESTION, answer)
    assert (found.state, found.value) == (state, value)


@pytest.mark.parametrize("answer", ["**B**", "**B**。", "`B`", "*B*"])
@pytest.mark.parametrize("rule", [letters.letter, letters.angle_letter])
def test_a_letter_in_bold(rule, answer):
    """A letter alone in bold or code can be read, though it was not asked for so."""
    found = rule(QUESTION, answer)
    assert (found.state, found.value) == ("recoverable", "B")


def test_letters_in_bold():
    """Several letters in bold can be read as well."""
    assert letters.joined_letters(QUESTION, "**AC**").value == "AC"
    assert letters.comma_letters(QUESTION, "**A, C**").state == "recoverable"
    assert letters.angle_letters(QUESTION, "**A,C**").value == "AC"
