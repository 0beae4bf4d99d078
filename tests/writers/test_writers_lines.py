"""medcheck.writers._lines: what a run used, and why it lacks what it lacks."""

from __future__ import annotations

from report_runs import result, run_of

from medcheck.writers._lines import causes, usage


def test_causes_are_counted():
    """The most frequent causes come first, rare ones are only counted, measured ones are not."""
    lost = [result(f"a{n}", value=None, error="no judge") for n in range(3)]
    lost += [result(f"b{n}", value=None, error=f"cause {n}") for n in range(6)]
    found = causes(run_of(results=[*lost, result("fine")])[0])
    assert found[0] == "not measured, 3: judge_error: no judge"
    assert found[-1] == "not measured, 2: for other causes"
    assert len(found) == 6
    assert causes(run_of(results=[result()])[0]) == []


def test_usage_ends_with_what_was_sent():
    """Each role has a line; the last says what this run itself sent and paid."""
    found = usage(*run_of())
    assert "model alpha: 3 replies, 10 input and 5 output tokens, $0.2500" in found
    assert found[-1].startswith("this run: 0 requests sent, 0 replies reused, 0 failed")
