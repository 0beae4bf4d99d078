"""Shares of the noise, and the cheapest plan; the figures of others are in test_frozen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medcheck.stats.variance import Components, cheapest, components, pooled_noise

FOUND = Components(case=0.04, generation=0.02, judge=0.004, cases=9, answers=27, gradings=54)


def simulated(cases, answers, gradings, *, seed=2):
    """Return scores with variances 0.09, 0.03 and 0.01; numbers may be functions of the case."""
    draw = np.random.default_rng(seed)
    table = []
    for number in range(cases):
        case = draw.normal(0, 0.3)
        table.append([])
        for _ in range(answers(number)):
            answer = case + draw.normal(0, 0.03**0.5)
            table[-1].append(list(answer + draw.normal(0, 0.1, gradings(number))))
    return table


@pytest.mark.parametrize(
    ("answers", "gradings"),
    [(lambda _: 3, lambda _: 2), (lambda n: 1 + n % 4, lambda n: 1 + n % 3)],
    ids=["equal numbers", "unequal numbers"],
)
def test_components_are_found(answers, gradings):
    """The three variances come out of a nested design, with equal and with unequal numbers."""
    found = components(simulated(3000, answers, gradings))
    assert found.case == pytest.approx(0.09, rel=0.08)
    assert found.generation == pytest.approx(0.03, rel=0.08)
    assert found.judge == pytest.approx(0.01, rel=0.08)
    assert math.fsum(found.shares) == pytest.approx(1)
    assert found.cases == 3000


def test_what_a_design_cannot_tell_apart():
    """Without re-gradings the judge's noise is the answers', without repeats all is the cases'."""
    once = components(simulated(2000, lambda _: 3, lambda _: 1))
    assert once.judge is None
    assert once.generation == pytest.approx(0.04, rel=0.1)
    assert once.shares[2] is None
    single = components(simulated(2000, lambda _: 1, lambda _: 1))
    assert (single.generation, single.judge) == (None, None)
    assert single.case == pytest.approx(0.13, rel=0.1)


def test_regraded_single_answers():
    """Re-gradings alone show the judge's noise; answers and cases stay together."""
    found = components(simulated(2000, lambda _: 1, lambda _: 2))
    assert found.generation is None
    assert found.judge == pytest.approx(0.01, rel=0.1)
    assert found.case == pytest.approx(0.12, rel=0.1)


def test_estimates_below_zero_become_zero():
    """Cases that are all alike have no variance, not a negative one."""
    found = components([[[0.0], [1.0]], [[0.0], [1.0]], [[0.0], [1.0]]])
    assert found.case == 0
    assert found.shares == (0.0, 1.0, None)


def test_too_little():
    """One case, or cases without scores, say nothing."""
    assert components([[[0.1], [0.2]]]) is None
    assert components([[[0.1]], [[]], []]) is None
    assert components([[[0.5]], [[0.5]]]).shares == (0.0, None, None)


def test_error_of_a_plan():
    """Each part of the noise is divided by how often it is drawn."""
    expected = math.sqrt(0.04 / 100 + 0.02 / 300 + 0.004 / 600)
    assert FOUND.error(100, 3, 2) == pytest.approx(expected)
    assert FOUND.needed(expected, repeats=3, gradings=2) == 100


def test_cheapest_plan():
    """Many cases once, if cases are free; repeats, if there are no more cases; or no plan."""
    prices = {"answer_cost": 0.01, "grading_cost": 0.05}
    free = cheapest(FOUND, 0.01, **prices)
    assert (free.repeats, free.gradings) == (1, 1)
    assert free.cases == FOUND.needed(0.01) == 640
    assert free.cost == pytest.approx(640 * 0.06)
    assert free.error <= 0.01
    few = cheapest(FOUND, 0.01, **prices, cases_at_most=500)
    assert few.cases <= 500
    assert few.repeats > 1
    assert few.error <= 0.01
    dear = cheapest(FOUND, 0.01, **prices, case_cost=1.0)
    assert dear.repeats > 1
    assert dear.cost < 640 * 1.06
    assert cheapest(FOUND, 0.01, **prices, cases_at_most=300) is None


def test_a_plan_does_not_repeat_in_vain():
    """Where repeats were never measured they are not recommended."""
    unknown = Components(case=0.04, generation=None, judge=None, cases=9, answers=9, gradings=9)
    plan = cheapest(unknown, 0.01, answer_cost=1, grading_cost=1, case_cost=99)
    assert (plan.cases, plan.repeats, plan.gradings) == (400, 1, 1)


def test_pooled_noise():
    """The variance within cases, over those with several scores."""
    assert pooled_noise([[0.1, 0.3], [0.5], [0.2, 0.2, 0.2]]) == pytest.approx(0.02 / 3)
    assert pooled_noise([[0.1], []]) is None
