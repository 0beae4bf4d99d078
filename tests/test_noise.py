"""Shares of noise from repeats and re-gradings, and the plan that is cheap enough."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from gate_runs import result, run, verdicts

from medcheck.errors import SettingsError
from medcheck.noise import lines, noises
from medcheck.types import Completion


def simulated(*, cases=200, repeats=2, gradings=2, case=0.3, answer=0.2, judge=0.1, seed=0):
    """Return a run and its re-gradings with known standard deviations."""
    draw = random.Random(seed)
    graded = [[] for _ in range(gradings)]
    for number in range(cases):
        center = draw.gauss(0.5, case)
        for repeat in range(1, repeats + 1):
            own = center + draw.gauss(0, answer)
            said = Completion(text=f"{number}/{repeat}", key="k", cost_usd=0.01)
            for part in graded:
                part.append(
                    result(
                        f"c{number}", value=own + draw.gauss(0, judge), repeat=repeat,
                        completion=said, verdicts=paid(),
                    )
                )  # fmt: skip
    first, *others = (run(part, name=f"r{at}") for at, part in enumerate(graded))
    return first, others


def paid():
    """Return four verdicts of 0.001 USD each."""
    return tuple(
        replace(verdict, ballots=tuple(replace(b, cost_usd=0.001) for b in verdict.ballots))
        for verdict in verdicts("mmnn")
    )


def test_shares_of_known_noise():
    """With repeats and re-gradings all three parts come out near what they are."""
    first, others = simulated()
    (noise,), left_out = noises(first, others, precision=0.01)
    assert left_out == ()
    assert noise.gradings == ("r0", "r1")
    assert noise.found.case == pytest.approx(0.09, rel=0.3)
    assert noise.found.generation == pytest.approx(0.04, rel=0.3)
    assert noise.found.judge == pytest.approx(0.01, rel=0.3)
    assert (noise.found.cases, noise.found.answers, noise.found.gradings) == (200, 400, 800)


def test_prices_come_from_the_run():
    """An answer costs what answers cost, a grading what the ballots on one answer cost."""
    first, others = simulated(cases=20)
    (noise,), _ = noises(first, others, precision=0.02)
    assert noise.prices.unit == "USD"
    assert noise.prices.answer == pytest.approx(0.01)
    assert noise.prices.grading == pytest.approx(0.004)
    assert noise.plan.error <= 0.02
    assert noise.plan.cost == pytest.approx(
        noise.plan.cases
        * noise.plan.repeats
        * (noise.prices.answer + noise.plan.gradings * noise.prices.grading)
    )


def test_a_plan_with_the_cases_there_are():
    """Where case noise alone is too large no number of repeats helps, and that is said."""
    first, others = simulated(cases=50)
    (noise,), _ = noises(first, others, precision=0.01)
    assert noise.plan.cases > 50
    assert noise.plan_here is None
    said = "\n".join(lines(noise))
    assert "with the 50 cases here: not reached by any number of repeats and gradings" in said
    assert "50 cases, 100 answers, 200 gradings" in said


def test_without_repeats_parts_cannot_be_told_apart():
    """What the design does not show is said, with the command that would."""
    first, _ = simulated(cases=20, repeats=1, gradings=1)
    (noise,), _ = noises(first)
    assert noise.found.generation is noise.found.judge is None
    said = "\n".join(lines(noise))
    assert "--repeats 2" in said
    assert "medcheck rejudge RUN --responses fresh" in said
    assert noise.precision == pytest.approx(noise.now / 2)


def test_another_judge_is_no_second_grading():
    """A re-grading with another judge, prompt or answer measures something else: left out."""
    first, (again,) = simulated(cases=5)
    other = replace(again, suites={"triage": {**again.suites["triage"], "protocol": "official"}})
    (noise,), left_out = noises(first, [other])
    assert noise.gradings == ("r0",)
    assert left_out == ("r1: other answers, judges, prompts or rubrics on triage",)


def test_another_rubric_is_no_second_grading():
    """A re-grading by other criteria, or by other terms of the same, is left out."""
    first, (again,) = simulated(cases=5)
    for changes in ({"points": 9}, {"level": "R1"}):
        said = [
            replace(v, criterion=replace(v.criterion, **changes))
            for v in again.results[0].score.verdicts
        ]
        results = [replace(r, score=replace(r.score, verdicts=tuple(said))) for r in again.results]
        (noise,), left_out = noises(first, [replace(again, results=tuple(results))])
        assert noise.gradings == ("r0",)
        assert left_out == ("r1: other answers, judges, prompts or rubrics on triage",)


def test_no_variance_is_no_plan():
    """Where all scores are equal nothing can be planned, whatever precision is asked for."""
    results = [result(f"c{n}", value=0.7, repeat=r) for n in range(24) for r in (1, 2)]
    for precision in (None, 0.01):
        (noise,), _ = noises(run(results), precision=precision)
        assert (noise.seen, noise.plan, noise.plan_here) == (False, None, None)
        said = "\n".join(lines(noise))
        assert "mean 0.700, all scores equal (24 cases, 48 answers, 48 gradings)" in said
        assert "no plan: no variance was seen" in said
        assert "for a standard error" not in said
        assert "gradings of an answer: cannot be told apart" in said


def test_a_plan_has_at_least_two_cases():
    """Where repeats of a case are all the noise, a plan still is about several cases."""
    values = (0.2, 0.8)
    results = [result(f"c{n}", value=values[r - 1], repeat=r) for n in range(9) for r in (1, 2)]
    (noise,), _ = noises(run(results), precision=0.4)
    assert noise.found.case == 0
    assert noise.plan.cases == noise.plan_here.cases == 2


def test_small_amounts_are_not_hidden():
    """A known price or error has digits to be seen, however small it is."""
    cheap = Completion(text="a", key="k", cost_usd=3.2e-6)
    results = [result(f"c{n}", value=n / 1e5, completion=cheap, verdicts=paid()) for n in range(9)]
    (noise,), _ = noises(run(results))
    said = "\n".join(lines(noise))
    assert "an answer takes 0.0000032 USD, a grading 0.0040 USD" in said
    assert "standard error 0.0000091 (9 cases" in said


def test_lost_scores_are_left_out():
    """What was not measured is no score of 0."""
    results = [result("a"), result("b", "emnn"), result("c", "nmnn"), result("d")]
    (noise,), _ = noises(run(results))
    assert noise.found.cases == 3
    assert noises(run([result("a")]))[1] == ("triage: m: fewer than two measured cases",)
    with pytest.raises(SettingsError, match="above 0"):
        noises(run(results), precision=0)
