"""Formats are found by name, and missing answers are no failures."""

from __future__ import annotations

import pytest

from medcheck.errors import SettingsError
from medcheck.scoring.formats import RULES, format_state, read_answer
from medcheck.scoring.medbench_sets import set_of


@pytest.mark.parametrize("rule", sorted(RULES))
@pytest.mark.parametrize("answer", ["", " \n", None, "。", "{", "[]", "<", "A" * 5000, "\ud800"])
def test_no_rule_breaks(rule, answer):
    """No answer, however odd, breaks a rule; missing answers have states of their own."""
    found = read_answer(rule, "问题", answer)
    if answer is None:
        assert found.state == "null"
    elif not answer.strip():
        assert found.state == "empty"
    else:
        assert found.state in ("strict", "recoverable", "fail")


def test_free_text_is_not_measured():
    """Free text has no state, only a value; its absence has one."""
    assert read_answer("text", "", "好").state is None
    assert read_answer("text", "", "好").value == "好"
    assert read_answer("text", "", None).state == "null"


def test_state_by_set():
    """A set's own rule is used."""
    assert format_state(set_of("v4", "MedExam"), "题目：\nA. 甲\nB. 乙", "<A>") == "strict"
    assert format_state(set_of("v4", "MedHC"), "咳嗽?", "多喝水") is None


def test_unknown_rules_are_refused():
    """A wrong name is an error that names the nearest one."""
    with pytest.raises(SettingsError, match="angle_letter"):
        read_answer("angle_leter", "", "A")


@pytest.mark.parametrize(
    ("answer", "state", "value"),
    [
        ("<think>选择A</think>B", "recoverable", "B"),
        ("想好了</thinking>\nB", "recoverable", "B"),
        ("<think>选择A", "fail", None),
        ("<think>选择A</think>", "fail", None),
        ("<think>A</think><think>B", "fail", None),
    ],
)
def test_thinking_is_not_read(answer, state, value):
    """What follows the thinking is the answer; thinking that never ends holds none."""
    found = read_answer("letter", "题目：\nA. 甲\nB. 乙", answer)
    assert (found.state, found.value) == (state, value)
