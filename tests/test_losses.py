"""Replies that no metric can read and jurors without a mark are told beside the score."""

from __future__ import annotations

import pytest

from medcheck.beside import collectors
from medcheck.scoring.metrics import UNREADABLE
from medcheck.types import Ballot, Criterion, Result, Score, Verdict


def answer(verdicts, *, value=0.5, facets=None):
    """Return a measured result with these verdicts."""
    return Result(
        run="r", case_id="c", suite="s", model="m", state="scored",
        score=Score(value=value, facets=facets or {}, verdicts=tuple(verdicts)),
    )  # fmt: skip


def read(name, why, *, value=0.0):
    """Return the verdict of a metric, with its reason."""
    ballot = Ballot(judge="rule", state="scored", value=value, explanation=why)
    criterion = Criterion(id=name, text="", points=1.0)
    return Verdict(criterion=criterion, state="scored", value=value, ballots=(ballot,))


def marks(coverage, **given):
    """Return a result with each juror's mark; `None`: it gave none."""
    ballots = tuple(
        Ballot(judge=name, state="judge_error" if mark is None else "scored", value=mark)
        for name, mark in given.items()
    )
    criterion = Criterion(id="clarity", text="", points=1.0, scale=(1.0, 5.0))
    verdict = Verdict(criterion=criterion, state="scored", value=4.0, ballots=ballots)
    facets = {} if coverage is None else {"jury:coverage": coverage}
    return answer([verdict], facets=facets)


def told(*results):
    """Return the notes of all collectors that a suite without any description has."""
    found = collectors({}, seed=1)
    for collector in found:
        for result in results:
            collector.add(result)
    return [note for collector in found for note in collector.notes()]


@pytest.mark.parametrize("why", sorted(UNREADABLE))
def test_replies_that_cannot_be_read_are_counted(why):
    """A wrong answer and one that nobody can read both score 0; the note counts the second."""
    results = [answer([read("exact_match", text)]) for text in (why, "not the same", why, "x")]
    assert told(*results) == [
        "exact_match: no answer can be read from 2 of 4 replies (50%); they count as wrong."
    ]


def test_only_the_first_metric_is_told():
    """Where all replies are read, and of criteria that no metric counts, nothing is said."""
    why = min(UNREADABLE)
    assert told(answer([read("exact_match", "equal", value=1.0), read("medcalc", why)])) == []
    assert told(answer([read("own", why)]), answer([])) == []


def test_a_silent_juror_is_named():
    """A juror whose marks are missing from scores is named, with how often, and the coverage."""
    results = [
        marks(2 / 3, a=4.0, b=5.0, bad=None), marks(1 / 3, a=4.0, b=None, bad=None),
        marks(1.0, a=1.0, b=1.0, bad=2.0),
    ]  # fmt: skip
    assert told(*results) == [
        "no mark from bad on 2, b on 1 of 3 scored answers; jury coverage 0.667."
    ]
    assert told(marks(1.0, a=4.0, b=4.0), marks(None, a=4.0, b=None)) == []
