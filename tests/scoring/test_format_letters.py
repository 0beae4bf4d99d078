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


ONE = [letters.letter, letters.angle_letter]
SEVERAL = [letters.joined_letters, letters.comma_letters, letters.angle_letters]


@pytest.mark.parametrize(
    "answer",
    [
        "A、B", "A B", "B 或 C", "C\nA", "A/B", "A.错误，正确为C", "答案是A或B", "答案：A、B",
        "不能选择A", "我不会选择A", "选择A是错误的", "排除<A>", "非<A>", "<A>不正确，因此是B",
        "<A>和<B>", "选择B超检查", "选B族维生素", "A.错误",
    ],
)  # fmt: skip
@pytest.mark.parametrize("rule", ONE)
def test_no_letter_is_picked_from_several(rule, answer):
    """A letter that is denied, part of a name, or one of several is not the answer."""
    assert rule(QUESTION, answer).state == "fail"


@pytest.mark.parametrize(
    "answer",
    [
        "(B)", "（B）", "B)", "【B】", "＜B＞", "Ｂ", "b", '{"answer":"B"}', "选B。", "故选B",
        "不选<A>，答案是B", "应选B而非A", "答案：B。A是错误的", "答案是B乙", "答案为B选项",
        "答案：B\n解析：C错误", "B. 乙",
    ],
)  # fmt: skip
@pytest.mark.parametrize("rule", ONE)
def test_a_letter_in_any_clothes(rule, answer):
    """A letter that can mean one option only is read, whatever stands around it."""
    found = rule(QUESTION, answer)
    assert (found.state, found.value) == ("recoverable", "B")


def test_other_letters_in_the_text_of_an_option():
    """An option's own text may name another letter; a text that is not its own may not."""
    question = "哪种?\nA. 维生素 B\nB. 维生素 C"
    assert letters.letter(question, "A. 维生素 B").value == "A"
    assert letters.letter(question, "A. 应为 B").state == "fail"


@pytest.mark.parametrize(
    "answer",
    [
        "答案：AC", "AC。", "【A,C】", "（AC）", "选择A、C", "选AC", "答案是A和C", "ＡＣ",
        '{"answer":"AC"}', '{"answer":["A","C"]}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("rule", SEVERAL)
def test_letters_in_any_clothes(rule, answer):
    """Letters that can mean one choice only are read, whatever stands around them."""
    found = rule(QUESTION, answer)
    assert (found.state, found.value) == ("recoverable", "AC")


@pytest.mark.parametrize("answer", ["答案是A或C", "排除A、C", "不选A,C", "答案：ABC类药物"])
@pytest.mark.parametrize("rule", SEVERAL)
def test_no_letters_are_picked_from_doubt(rule, answer):
    """Letters that are denied, alternatives or part of a name are no list."""
    assert rule(QUESTION, answer).state == "fail"
