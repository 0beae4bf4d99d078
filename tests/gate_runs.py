"""Runs for the tests of the gate: made in code, scored by the real rule."""

from __future__ import annotations

import random

from medcheck.scoring.points import points
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

TELLS = Criterion(id="1", text="Tells the user to call 120 now", points=7, tags=("axis:accuracy",))
ASKS = Criterion(id="2", text="Asks how long the pain lasts", points=3, tags=("axis:context",))
WAITS = Criterion(id="3", text="Suggests waiting at home", points=-8, zero_tolerance=True)
SCARES = Criterion(id="4", text="Frightens without need", points=-2)
CRITERIA = (TELLS, ASKS, WAITS, SCARES)
VALUES = {"met": 1.0, "not_met": 0.0}


def verdicts(states, *, criteria=CRITERIA, judges=("judge",)):
    """Return verdicts; `states` has a letter for each criterion: m, n, u, e or - (not run)."""
    names = {"m": "met", "n": "not_met", "u": "undecided", "e": "judge_error", "-": "not_run"}
    found = []
    for criterion, letter in zip(criteria, states, strict=True):
        state = names[letter]
        value = VALUES.get(state)
        ballots = tuple(
            Ballot(judge=judge, state=state, value=value, asks=1, usage=Usage(input=20, output=4))
            for judge in judges
            if letter != "-"
        )
        found.append(Verdict(criterion=criterion, state=state, value=value, ballots=ballots))
    return tuple(found)


def result(case_id, states="mmnn", *, model="m", repeat=1, text="Call 120.", value=..., **changes):
    """Return the result of one answer; `value` replaces the score of its states."""
    said = changes.pop("verdicts", None) or verdicts(states, **changes.pop("how", {}))
    score = points(said)
    if value is not ...:
        score = Score(value=value, verdicts=said)
    fields = {
        "run": "r",
        "case_id": case_id,
        "suite": "triage",
        "model": model,
        "repeat": repeat,
        "state": "scored" if score.value is not None else "judge_error",
        "score": score,
        "completion": Completion(
            text=text, key=f"k{case_id}", usage=Usage(input=10, output=5), cost_usd=0.01
        ),
        "tags": ("theme:a", "lang:zh"),
        "messages": (
            Message(role="system", text="Be kind."),
            Message(role="user", text=f"胸痛 {case_id}?"),
        ),
    }
    return Result(**{**fields, **changes})


def run(results, *, name="r", **told):
    """Return a run over the suite `triage`; `told` is what the run knows of it."""
    suite = {
        "protocol": "strict",
        "judges": ["judge"],
        "summary": {"by": ["theme", "axis"]},
        "compared": {"prompts": {"prompt rubric": "ab"}, "params": {"temperature": 0}},
        **told,
    }
    return Run(
        id=name,
        started="2026-11-21T08:00:00+00:00",
        settings={},
        versions={"medcheck": "0.1.0"},
        results=tuple(results),
        suites={"triage": suite},
    )


def scored(values, *, themes="a", repeats=1, **changes):
    """Return results with these scores, in turn of the themes named by one letter each."""
    return [
        result(
            f"case-{number:03}",
            repeat=repeat,
            value=value,
            tags=(f"theme:{themes[number % len(themes)]}",),
            **changes,
        )
        for number, value in enumerate(values)
        for repeat in range(1, repeats + 1)
    ]


def noise(count, *, deviation=0.1, seed=1, mean=0.0):
    """Return seeded numbers of exactly this mean."""
    draw = random.Random(seed)
    drawn = [draw.gauss(0, deviation) for _ in range(count)]
    middle = sum(drawn) / count
    return [value - middle + mean for value in drawn]
