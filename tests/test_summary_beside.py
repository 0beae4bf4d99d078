"""Figures of single benchmarks stand beside the means, with the rule they were counted by."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medcheck.beside import collectors
from medcheck.scoring import taxonomy
from medcheck.summary import short_rows, summarize
from medcheck.types import Completion, Message, Result, Run, Score

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


def test_short_tables_name_the_metrics():
    """Below overall stand metrics by name, and figures over classes; sets have no such row."""
    groups = (
        "overall", "theme:x", "metric:medec_flag_official", "balanced_accuracy:medec_flag_official",
        "macro_f1:medec_flag_official", "macro_f1:CMeEE", "metric:own", "jury:coverage",
    )  # fmt: skip
    facets = {group: 0.5 for group in groups if group != "overall"}
    result = Result(run="r", case_id="c", suite="s", model="m", state="scored", tags=("theme:x",),
                    score=Score(value=0.5, facets=facets))  # fmt: skip
    run = Run(id="r", started="2026-01-01T00:00:00+00:00", settings={}, versions={},
              results=(result,), suites={"s": {"summary": {"by": ["theme"]}}})  # fmt: skip
    found = summarize(run)
    metrics = [
        "balanced_accuracy:medec_flag_official", "macro_f1:medec_flag_official",
        "metric:medec_flag_official",
    ]  # fmt: skip
    assert [row.group for row in short_rows(found)] == ["overall", *metrics, "theme:x"]
    assert [row.group for row in found.rows][:4] == ["overall", *metrics]


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
        f"{figures['op'].ungraded} without a score; op is over 2 of 5 categories."
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
    row = figures["consistent:Own"]
    assert (row.value, row.n, row.ungraded) == (None, 0, 1)


def test_an_answer_that_was_not_measured_is_in_no_row():
    """A cut-off answer is beside accuracy, and its question beside what is said of copies."""
    tags = ("set:Own", "format:letter", "group:2")
    results = [
        answered("a", ("甲", "乙"), "A", gold="A"),
        answered("b", ("乙", "甲"), "B", gold="B"),
        replace(answered("c", ("甲", "乙"), "A", gold="A"), tags=tags),
        replace(answered("d", ("乙", "甲"), "", gold="B"), tags=tags, state="empty", score=None),
    ]
    figures, notes = found({}, results)
    rows = {name: (row.value, row.n, row.ungraded) for name, row in figures.items()}
    assert rows["readable:Own"] == (1.0, 3, 1)
    assert rows["accuracy:Own"] == (1.0, 3, 1)
    for name in ("consistent", "group_accuracy"):
        assert rows[f"{name}:Own"] == (1.0, 1, 1), name
    assert rows["circular_drop:Own"] == (0.0, 1, 1)
    assert notes == [
        "Own: 1 of 2 questions lack a copy or the answer to one; what is said of copies leaves "
        "them out."
    ]


def test_all_answers_lost_is_not_zero():
    """A set of which nothing was measured has rows without a value."""
    lost = replace(answered("a", ("甲", "乙"), None, gold="A"), state="model_error", score=None)
    figures, _ = found({}, [lost])
    for name in ("readable", "accuracy", "consistent", "group_accuracy", "circular_drop"):
        row = figures[f"{name}:Own"]
        assert (row.value, row.n, row.ungraded) == (None, 0, 1), name


def copy(name, number, value, **more):
    """Return the score of a copy of a question, graded by whatever grader."""
    labels = {"circular": {"copies": 2, "copy": number, "keyed": more.pop("keyed", True)}}
    return Result(
        run="r", case_id=f"{name}.c{number}", suite="s", model="m", tags=(f"group:{name}",),
        state="scored" if value is not None else "model_error", score=Score(value=value),
        labels=labels, **more,
    )  # fmt: skip


def test_copies_of_any_grader_are_credited_together():
    """Without a format the scores decide: all copies right, against the question as written."""
    results = [
        copy("a", 0, 1.0), copy("a", 1, 1.0), copy("b", 0, 1.0), copy("b", 1, 0.0),
        copy("c", 0, 1.0), copy("c", 1, None), copy("d", 0, 1.0), copy("e", 0, 1.0, keyed=False),
    ]  # fmt: skip
    figures, notes = found({}, results)
    row = figures["group_accuracy:s"]
    assert (row.value, row.n, row.ungraded) == (0.5, 2, 2)
    assert (figures["circular_drop:s"].value, figures["circular_drop:s"].n) == (0.5, 2)
    assert "s: 2 of 4 questions lack a copy" in notes[0]
    passing = [copy("a", 0, 0.7, pass_at=0.6), copy("a", 1, 0.7, pass_at=0.6)]
    assert found({}, passing)[0]["group_accuracy:s"].value == 1.0
    assert (
        found({}, [replace(each, pass_at=None) for each in passing])[0]["group_accuracy:s"].value
        == 0.0
    )


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
