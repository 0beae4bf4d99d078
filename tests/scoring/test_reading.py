"""What format rules share: states, thinking aloud, code fences."""

from __future__ import annotations

import pytest

from medcheck.scoring._reading import Reading, fail, leaks, negated, recoverable, strict, unfenced


def test_only_read_values_are_usable():
    """Strict and recoverable readings have a value; failed, missing and free ones have none."""
    assert strict("A").usable
    assert recoverable("A", "why").usable
    assert not fail("why").usable
    assert not Reading(state="null").usable
    assert not Reading(state=None, value="text").usable


@pytest.mark.parametrize(
    ("answer", "leaked"),
    [
        ("首先，任务是选出正确答案。", True),
        ("首先，题目是关于放射防护。", True),
        ("We need to choose one.", True),
        ("首先，多喝水；其次，休息。", False),
        ("A", False),
        ("甲" * 1001, True),
    ],
)
def test_thinking_aloud_is_seen(answer, leaked):
    """An answer that talks about the task leaks reasoning; one that begins with 首先 need not."""
    assert leaks(answer) is leaked


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("```json\n{}\n```", "{}"),
        ("```\n[1]\n```", "[1]"),
        ("before ```{}```", None),
        ("```a``` ```b```", None),
        ("{}", None),
        ("```" + " " * 100_000, None),
    ],
)
def test_one_fence_is_opened(text, inner):
    """Only a text that is nothing but one code fence is opened."""
    assert unfenced(text) == inner


@pytest.mark.parametrize(
    ("before", "denied"),
    [("我不会", True), ("不是", True), ("排除：", True), ("并不属于", True), ("非<", True),
     ("答案是", False), ("类别：", False), ("不正确的是", False), ("不是甲，是", False)],
)  # fmt: skip
def test_what_denies_a_value(before, denied):
    """Words right before a value deny it; those of an earlier clause do not."""
    assert negated(before) is denied
