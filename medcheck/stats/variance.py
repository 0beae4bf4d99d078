"""Where the noise of a mean comes from: cases, answers to a case, gradings of an answer.

Source: trust.md section 2 (noise decomposition); Searle, Casella & McCulloch 1992, "Variance
Components", section 3.3 and appendix F (nested designs, unequal numbers).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

FEWEST_CASES = 2
"""Of fewer no spread between cases is seen, and no error of a mean can be told."""
MOST_REPEATS = 32
MOST_GRADINGS = 8

Nested = Sequence[Sequence[Sequence[float]]]
"""Scores by case, answer and grading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Variances of one score; a part that the design cannot tell apart is `None`.

    What is `None` is contained in the next part that is not: without two gradings of any answer
    the judge's noise is part of `generation`, without repeats both are part of `case`.
    """

    case: float
    generation: float | None
    judge: float | None
    cases: int
    answers: int
    gradings: int

    @property
    def shares(self) -> tuple[float, float | None, float | None]:
        """Shares of the variance of one score: case, generation, judge; of 0 all are 0."""
        total = math.fsum((self.case, self.generation or 0.0, self.judge or 0.0)) or 1.0
        return (
            self.case / total,
            None if self.generation is None else self.generation / total,
            None if self.judge is None else self.judge / total,
        )

    def error(self, cases: int, repeats: int = 1, gradings: int = 1) -> float:
        """Return the standard error of a mean over such a plan."""
        return math.sqrt(self._one_case(repeats, gradings) / cases)

    def needed(self, error: float, *, repeats: int = 1, gradings: int = 1) -> int:
        """Return how many cases reach a standard error, at least two."""
        return max(FEWEST_CASES, math.ceil(self._one_case(repeats, gradings) / error**2 - 1e-9))

    def _one_case(self, repeats: int, gradings: int) -> float:
        answer = (self.generation or 0.0) + (self.judge or 0.0) / gradings
        return self.case + answer / repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Cases, answers per case and gradings per answer, with their price."""

    cases: int
    repeats: int
    gradings: int
    cost: float
    """In the unit of the prices."""
    error: float
    """Standard error of the mean that it reaches."""


def components(scores: Nested) -> Components | None:
    """Return the moment estimates of a nested design; unequal numbers are allowed.

    An estimate below 0 becomes 0. `None` below two cases; cases and answers without scores are
    left out.
    """
    table = [[list(answer) for answer in case if len(answer)] for case in scores]
    table = [case for case in table if case]
    if len(table) < 2:
        return None
    sizes = [[len(answer) for answer in case] for case in table]
    per_case = [sum(case) for case in sizes]
    total, answers, cases = sum(per_case), sum(map(len, sizes)), len(table)
    within, between, among = _squares(table)
    judge = within / (total - answers) if total > answers else None
    inner = sum(sum(n * n for n in case) / own for case, own in zip(sizes, per_case, strict=True))
    squares = sum(n * n for case in sizes for n in case)
    generation = None
    if answers > cases:
        weight = (total - inner) / (answers - cases)
        generation = max(0.0, (between / (answers - cases) - (judge or 0.0)) / weight)
    expected = (judge or 0.0) + (generation or 0.0) * (inner - squares / total) / (cases - 1)
    weight = (total - sum(n * n for n in per_case) / total) / (cases - 1)
    case = max(0.0, (among / (cases - 1) - expected) / weight)
    return Components(
        case=case, generation=generation, judge=judge, cases=cases, answers=answers, gradings=total
    )


def cheapest(
    found: Components,
    error: float,
    *,
    answer_cost: float,
    grading_cost: float,
    case_cost: float = 0.0,
    cases_at_most: int | None = None,
) -> Plan | None:
    """Return the plan that reaches a standard error at the least cost; `None`: none does.

    Args:
        found: the variances.
        error: standard error to be reached; half a 95 % interval is about twice that.
        answer_cost: of one answer.
        grading_cost: of grading one answer once.
        case_cost: of one more case, whatever is asked about it.
        cases_at_most: how many cases there are; `None`: any number.
    """
    plans = (
        _plan(found, error, repeats, gradings, (case_cost, answer_cost, grading_cost))
        for repeats in range(1, (MOST_REPEATS if found.generation is not None else 1) + 1)
        for gradings in range(1, (MOST_GRADINGS if found.judge is not None else 1) + 1)
    )
    fitting = [plan for plan in plans if cases_at_most is None or plan.cases <= cases_at_most]
    return min(fitting, key=lambda p: (p.cost, p.cases * p.repeats * p.gradings), default=None)


def pooled_noise(repeats: Iterable[Sequence[float]]) -> float | None:
    """Return the variance of one score about its case's mean; `None`: no case has two scores."""
    several = [np.asarray(scores, dtype=np.float64) for scores in repeats if len(scores) > 1]
    if not several:
        return None
    squares = math.fsum(float(np.sum((scores - scores.mean()) ** 2)) for scores in several)
    return squares / sum(len(scores) - 1 for scores in several)


def _plan(
    found: Components, error: float, repeats: int, gradings: int, costs: tuple[float, float, float]
) -> Plan:
    case, answer, grading = costs
    cases = found.needed(error, repeats=repeats, gradings=gradings)
    return Plan(
        cases=cases,
        repeats=repeats,
        gradings=gradings,
        cost=cases * (case + repeats * (answer + gradings * grading)),
        error=found.error(cases, repeats, gradings),
    )


def _squares(table: Sequence[Sequence[Sequence[float]]]) -> tuple[float, float, float]:
    """Return the sums of squares within answers, between answers of a case, among cases."""
    grand = float(np.mean([score for case in table for answer in case for score in answer]))
    within = between = among = 0.0
    for case in table:
        center = float(np.mean([score for answer in case for score in answer]))
        among += sum(map(len, case)) * (center - grand) ** 2
        for answer in case:
            own = float(np.mean(answer))
            between += len(answer) * (own - center) ** 2
            within += float(np.sum((np.asarray(answer) - own) ** 2))
    return within, between, among
