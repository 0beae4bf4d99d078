"""What format rules share: states, thinking aloud, code fences."""

from __future__ import annotations

import pytest

from medcheck.scoring._reading import Reading, fail, leaks, recoverable, strict, unfenced


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
