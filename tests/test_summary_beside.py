"""Figures of single benchmarks stand beside the means, with the rule they were counted by."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medcheck.beside import collectors
from medcheck.scoring import taxonomy
from medcheck.types import Completion, Message, Result, Score

RULES = {
    "score_rule": "per_run_pooled", "op_rule": "macro", "missing": "exclude", "usable_at": 4,
    "runs": 3,
}  # fmt: skip


def graded(name, category, scores, **fields):
    """Return a result with the scores of three runs; `None`: not measured."""
    facets = {f"run:{number}": float(score) for number, score in enumerate(scores or (), 1)}
    return Result(
        run="r", case_id=name, suite="s", model="m", state="scored" if scores else "judge_error",
        score=Score(value=0.5, facets=facets) if scores else Score(value=None),
        category=(category, "sub"), **fields,
    )  # fmt: skip


def found(described, results):
    """Return figures by group, and the notes."""
    figures, notes = {}, []
    for collector in collectors(described, seed=1):
        for result in results:
            collector.add(result)
        figures |= {figure.group: figure for figure in collector.figures()}
        notes += collector.notes()
    return figures, notes


def test_rates_of_usable_answers_are_rows_with_their_rule():
    """OP is the mean of the category rates, runs are pooled, what has no score is counted."""
    results = [
        graded("MK-1-1", "医疗知识", (5, 4, 3)),
        graded("MK-2-1", "医疗知识", (4, 4, 4)),
        graded("MR-1-1", "医疗推理", (1, 2, 4)),
        graded("MR-2-1", "医疗推理", None),
    ]
    figures, notes = found({"usability": RULES}, results)
    assert figures["usable_rate:医疗知识"].value == pytest.approx(5 / 6)
    assert figures["usable_rate:医疗推理"].value == pytest.approx(1 / 3)
    assert figures["op"].value == pytest.approx((5 / 6 + 1 / 3) / 2)
    assert figures["op"].n == 9
    assert figures["op"].ungraded > 0
    assert figures["usable_rate:医疗知识/sub"].n == 6
    assert notes == [
        f"op and usable_rate by per_run_pooled, OP macro, usable at 4, missing excluded; "
        f"{figures['op'].ungraded} without a score."
    ]


def test_a_suite_without_such_a_grader_has_no_such_rows():
    """Nothing is counted where nothing tells how."""
    assert found({}, [graded("a", "x", (5, 5, 5))]) == ({}, [])


QUESTION = "哪一项正确？\nA. {}\nB. {}\n请只输出字母，如<A>。"


def answered(name, options, answer, gold=None):
    """Return an answer to one copy of a choice question."""
    asked = Message(role="user", text=QUESTION.format(*options))
    return Result(
        run="r", case_id=name, suite="s", model="m", state="scored", score=Score(value=1.0),
        completion=None if answer is None else Completion(text=answer),
        messages=(asked,), tags=("set:Own", "format:letter", "group:1"),
        labels={"gold": gold} if gold else {},
    )  # fmt: skip


def test_copies_of_a_question_are_read_together():
    """Shares of readable answers, consistent copies, and the drop against plain accuracy."""
    results = [
        answered("a", ("甲", "乙"), "A", gold="A"),
        answered("b", ("乙", "甲"), "B", gold="B"),
        replace(
            answered("c", ("甲", "乙"), "B", gold="A"), tags=("set:Own", "format:letter", "group:2")
        ),
        replace(
            answered("d", ("乙", "甲"), "B", gold="B"), tags=("set:Own", "format:letter", "group:2")
        ),
    ]
    figures, _ = found({}, results)
    assert figures["readable:Own"].value == 1.0
    assert (figures["consistent:Own"].value, figures["consistent:Own"].n) == (0.5, 2)
    assert figures["accuracy:Own"].value == 0.75
    assert figures["group_accuracy:Own"].value == 0.5
    assert figures["circular_drop:Own"].value == 0.25


def test_a_missing_answer_is_counted_and_nothing_else():
    """An answer that was not given is in no share, and stands beside each."""
    figures, _ = found({}, [answered("a", ("甲", "乙"), "A"), answered("b", ("乙", "甲"), None)])
    assert (figures["readable:Own"].n, figures["readable:Own"].ungraded) == (1, 1)
    assert "accuracy:Own" not in figures


def placed(name, *path):
    """Return a result that stands at a path of some taxonomy."""
    return replace(graded(name, "x", (5, 5, 5)), category=path)


def test_what_of_the_taxonomy_is_touched():
    """A suite whose cases stand in MedHELM's taxonomy says how much of it they touch."""
    twice = [placed(name, "clinical_decision_support", "planning_treatments") for name in "ab"]
    lost = replace(
        placed("c", "Clinical Note Generation", "Documenting Patient Visits"),
        state="judge_error", score=None,
    )  # fmt: skip
    assert found({}, [*twice, lost, placed("d", "医疗知识", "基础医学")]) == (
        {},
        ["touches 2 of 22 MedHELM subcategories: Planning Treatments, Documenting Patient Visits."],
    )
    assert found({}, [placed("a", "clinical_decision_support")])[1] == [
        "touches 0 of 22 MedHELM subcategories."
    ]


def test_what_of_the_taxonomy_is_missing():
    """Where nearly everything is touched the rest is named; other taxonomies give no note."""
    paths = [part.path for part in taxonomy.subcategories()]
    everywhere = [placed(str(at), *path) for at, path in enumerate(paths)]
    assert found({}, everywhere)[1] == ["touches 22 of 22 MedHELM subcategories."]
    [note] = found({}, everywhere[1:])[1]
    first = taxonomy.subcategories()[0].name
    assert note == f"touches 21 of 22 MedHELM subcategories; without a case: {first}."
    assert found({}, [placed("a", "planning_treatments"), placed("b")])[1] == []


def test_several_answers_pass_or_do_not():
    """Any of k and all of k, unbiased, over cases whose answers were all measured."""
    scores = {"a": (1.0, 0.0), "b": (1.0, 1.0), "c": (0.0, None)}
    results = [
        Result(
            run="r", case_id=name, suite="s", model="m", repeat=repeat, pass_at=0.5,
            state="scored" if score is not None else "judge_error", score=Score(value=score),
        )
        for name, both in scores.items()
        for repeat, score in enumerate(both, 1)
    ]  # fmt: skip
    figures, _ = found({}, results)
    assert (figures["pass_any:1"].value, figures["pass_all:1"].value) == (0.75, 0.75)
    assert (figures["pass_any:2"].value, figures["pass_all:2"].value) == (1.0, 0.5)
    assert (figures["pass_any:2"].n, figures["pass_any:2"].ungraded) == (2, 1)
    plain = [replace(result, pass_at=None) for result in results]
    assert not [group for group in found({}, plain)[0] if group.startswith("pass_")]
