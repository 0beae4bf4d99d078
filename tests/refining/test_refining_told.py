"""Text about a refinement: validation is the result, calibration a work aid that says so."""

from __future__ import annotations

from refine_runs import ratings, result

from medcheck.refining.disagreements import disagreements
from medcheck.refining.rounds import Rule, decide
from medcheck.refining.told import decided, log, shown
from medcheck.scoring.usability import Rules


def test_disagreements_are_grouped_with_their_points():
    """A subcategory has its counts; a point that the judge named is marked."""
    wrong = result("a", [5, 4], explanation="核心需求第1点满足")
    harsh = result("b", [2], checklist="与参考答案一致（无检查清单）。")
    found = disagreements([wrong, harsh], ratings({"a": 1, "b": 5}), Rules())
    lines = list(shown(found))
    assert lines[1] == "医疗推理/病症推断: 1 false usable, 1 false unusable"
    assert "  a, core 1: false usable, m" in lines
    assert "    judge 4.50 (5 4), people 1.00 (1)" in lines
    assert "   *core 1: 说出诊断" in lines
    assert "    secondary 1: 说出依据" in lines
    assert "    no checklist: judged by the reference alone" in lines


def test_a_decision_is_told():
    """What holds, what was rolled back and why it ended stand in sentences."""
    first = decide((), "v0", 0.5, None, Rule())
    worse = decide((first.round,), "v1", 0.4, 0.1, Rule(max_rounds=1))
    assert list(decided(first))[-1] == "It may go on."
    told = list(decided(worse))
    assert told[0] == "v1: validation kappa 0.400, lower bound 0.100"
    assert told[1].startswith("v1 is rolled back")
    assert told[2] == "The refinement has ended: 1 rounds were run."


def test_the_log_shows_validation_only():
    """Calibration figures do not stand in the log."""
    event = {
        "event": "run", "at": "2026-01-01", "version": "v1", "kappa": 0.7, "low": None,
        "kept": False, "stop": "the end", "validation": [{"n": 20}],
        "calibration_work_aid": [{"n": 999}],
    }  # fmt: skip
    (line,) = log([event])
    assert "validation kappa 0.700" in line
    assert "n 20; rolled back; ended: the end" in line
    assert "999" not in line
