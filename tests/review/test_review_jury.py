"""A jury without each juror, and beside clinicians, as people read it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medcheck.errors import SettingsError
from medcheck.review.jury import ablation_lines, clinician_lines
from medcheck.stats.human import Rating
from medcheck.types import Ballot, Criterion, Result, Run, Score, Verdict

JURORS = ("kind", "strict", "fair")


def marked(case, model, marks):
    """Return an answer with one mark of each juror on one criterion, 1 to 5."""
    criterion = Criterion(id="accuracy", text="", points=1.0, scale=(1.0, 5.0))
    ballots = tuple(
        Ballot(judge=name, state="scored", value=float(mark))
        if mark
        else Ballot(judge=name, state="judge_error", value=None)
        for name, mark in zip(JURORS, marks, strict=True)
    )
    mean = sum(marks) / len(marks)
    verdict = Verdict(criterion=criterion, state="scored", value=mean, ballots=ballots)
    score = Score(value=(mean - 1) / 4, facets={"score": mean}, verdicts=(verdict,))
    return Result(run="r", case_id=case, suite="notes", model=model, state="scored", score=score)


RESULTS = (
    marked("a", "one", (5, 3, 4)), marked("b", "one", (4, 2, 3)), marked("c", "one", (5, 4, 5)),
    marked("a", "two", (5, 1, 2)), marked("b", "two", (4, 1, 2)), marked("c", "two", (5, 3, 3)),
)  # fmt: skip
RUN = Run(id="r", started="2026-01-01T00:00:00+00:00", settings={}, versions={}, results=RESULTS)


def test_the_table_without_each_juror():
    """All jurors, each alone and each left out stand beside each other, with the models' order."""
    lines = ablation_lines(RUN)
    rows = {line.split("  ")[0]: line for line in lines[2:]}
    assert list(rows) == [
        "all jurors", "kind alone", "strict alone", "fair alone",
        "without kind", "without strict", "without fair",
    ]  # fmt: skip
    assert "3.89" in rows["all jurors"]
    assert "2.89" in rows["all jurors"]
    assert rows["kind alone"].count("4.67") == 2
    assert "1.67" in rows["strict alone"]


def test_a_juror_without_marks_is_named():
    """A juror that failed on all answers, or on some, stands under the table by name."""
    dead = (marked("a", "one", (5, 3, 0)), marked("a", "two", (4, 2, 0)))
    lines = ablation_lines(replace(RUN, results=dead))
    assert lines[-1] == "fair gave no mark on 2 of 2 answers, so it is in no row."
    assert [line.split("  ")[0] for line in lines[2:-1]] == [
        "all jurors", "kind alone", "strict alone",
    ]  # fmt: skip
    lines = ablation_lines(replace(RUN, results=(*RESULTS, dead[0])))
    assert lines[-1] == "fair gave no mark on 1 of 7 answers, which are in no row."
    apart = (marked("a", "one", (5, 0, 0)), marked("b", "one", (0, 2, 0)))
    with pytest.raises(SettingsError, match="kind gave no mark on 1 of 2 answers"):
        ablation_lines(replace(RUN, results=apart))


def test_the_jury_beside_clinicians():
    """Figures of the jury with their answers; the clinicians' own pairs, undefined ones named."""
    said = {"a": 4, "b": 3, "c": 5}
    ratings = [
        Rating(case_id=case, rater=rater, model=model, score=float(score) - lower)
        for model, lower in (("one", 0), ("two", 1))
        for case, score in said.items()
        for rater in ("A", "B")
    ]
    ratings = [replace(r, score=3.0) if r.rater == "B" else r for r in ratings]
    text = list(clinician_lines(RUN, ratings, seed=1))
    assert text[0].endswith("seed 1")
    assert any(line.startswith("jury") and " 6 " in line for line in text)
    assert "A and B (6 answers): undefined, B gave one rating throughout" in text[-1]
    with pytest.raises(SettingsError, match="none of the rated answers"):
        list(clinician_lines(RUN, [replace(ratings[0], case_id="z")], seed=1))


def test_a_run_without_a_jury_is_told_so():
    """A run that no jury marked gives an error that says what does."""
    empty = replace(RUN, results=())
    with pytest.raises(SettingsError, match="Juries grade suites with the grader jury"):
        ablation_lines(empty)
