"""Small runs for the tests of writers: made in code, the same each time."""

from __future__ import annotations

from medcheck.summary import Row, Summary
from medcheck.types import (
    Ballot,
    Completion,
    Criterion,
    Message,
    Result,
    Run,
    Score,
    Usage,
    Verdict,
)

RESCUE = Criterion(id="rescue", text="Tells the user to call 120 now", points=5, tags=("axis:acc",))
WAIT = Criterion(id="wait", text="Suggests waiting at home", points=-8, zero_tolerance=True)


def verdict(criterion, state, *, judge="judge-1", explanation="It says so.", error=None):
    """Return a verdict of one judge."""
    value = {"met": 1.0, "not_met": 0.0}.get(state)
    ballot = Ballot(judge=judge, state=state, value=value, explanation=explanation, error=error)
    return Verdict(criterion=criterion, state=state, value=value, ballots=(ballot,))


def result(case_id="chest-pain", model="alpha", *, value=0.5, verdicts=None, **changes):
    """Return a scored result; `value=None`: one that was not measured."""
    verdicts = verdicts or (verdict(RESCUE, "met"), verdict(WAIT, "not_met"))
    fields = {
        "run": "run-1",
        "case_id": case_id,
        "suite": "triage",
        "model": model,
        "state": "scored" if value is not None else "judge_error",
        "completion": Completion(text="Call 120 now.", usage=Usage(input=10, output=5)),
        "score": Score(value=value, earned=5, possible=10, verdicts=verdicts),
        "tags": ("theme:emergency", "lang:zh"),
        "messages": (Message(role="user", text="胸口很痛 for 30 minutes. What now?"),),
    }
    return Result(**{**fields, **changes})


def row(model="alpha", group="overall", **changes):
    """Return a row of the summary."""
    fields = {"value": 0.5, "raw": 0.5, "std": 0.01, "ci95": (0.4, 0.6), "n": 10, "ungraded": 0}
    return Row(model=model, suite="triage", group=group, **{**fields, **changes})


def run_of(results=(), rows=None, run="run-1", models=("alpha", "beta"), **changes):
    """Return a run and its summary."""
    rows = tuple(row(model) for model in models) if rows is None else rows
    used = {"calls": 3, "input": 10, "output": 5, "cost_usd": 0.25}
    fields = {
        "complete": True,
        "judges": ("judge-1",),
        "protocol": {"triage": "official"},
        "versions": {"medcheck": "0.1.0"},
        "usage": {
            **{f"model {name}": used for name in models[:1]},
            "judge judge-1": {**used, "cost_usd": None},
        },
        "states": {model: {"scored": 10} for model in models},
        "by": {"triage": ("theme",)},
    }
    summary = Summary(run=run, models=models, rows=rows, **{**fields, **changes})
    suites = {"triage": {"summary": {"measure": "clipped_mean"}, "judges": ["judge-1"]}}
    started = "2026-11-21T08:00:00Z"
    made = Run(
        id=run, started=started, settings={}, versions={}, results=tuple(results), suites=suites
    )
    return made, summary


def many(count, *, text=1500):
    """Yield `count` results of the size of official ones: 11 criteria each."""
    criteria = [
        Criterion(id=f"c{n}", text=f"Demand {n}: " + "x y z " * 20, points=5) for n in range(11)
    ]
    for number in range(count):
        words = f"{number * 7919 % 10007} word "
        verdicts = tuple(
            verdict(each, "met" if (number + at) % 3 else "not_met", explanation=words * 16)
            for at, each in enumerate(criteria)
        )
        yield result(
            f"case-{number:05d}",
            value=(number % 100) / 100,
            verdicts=verdicts,
            tags=(f"theme:{number % 7}", f"cluster:{number % 31}"),
            messages=(Message(role="user", text=words * (text // len(words))),),
            completion=Completion(text=words * (2000 // len(words))),
            position=number,
        )
