"""Where the noise of a run's mean comes from, and which plan would make it small enough.

The shares come from repeats of a run and from re-gradings of it (runs with `regraded_from`); the
estimates themselves stand in `stats.variance`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from medcheck.costs import exact
from medcheck.errors import SettingsError
from medcheck.gate.measured import Measured, Side, Spent, sides
from medcheck.stats.variance import Components, Plan, cheapest, components
from medcheck.types import Run

REGRADED_FROM = "regraded_from"
"""Entry of a run's `meta`, written by `medcheck rejudge`."""
HALF_INTERVAL = 1.96
NO_VARIANCE = 1e-20
"""Equal scores may have a variance of this size, from rounding their mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What one answer and one grading of it take."""

    answer: float
    grading: float
    unit: str
    """`USD`, or `calls` where a price is unknown or nothing was paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """One model on one suite."""

    suite: str
    model: str
    mean: float
    found: Components
    gradings: tuple[str, ...]
    """The runs that graded the same answers, the run itself first."""
    prices: Prices
    precision: float
    """The standard error that the plans are to reach."""
    plan: Plan | None
    """The cheapest with any number of cases; `None`: none within reason, or no variance seen."""
    plan_here: Plan | None
    """The cheapest with the cases that there are; `None`: more of them are needed, likewise."""
    now: float
    """The standard error of the mean as it was measured: of this design, clusters aside."""

    @property
    def seen(self) -> bool:
        """Whether any two scores differ: without that nothing can be planned."""
        c = self.found
        return max(c.case, c.generation or 0.0, c.judge or 0.0) > NO_VARIANCE


def noises(
    run: Run, regradings: Sequence[Run] = (), *, precision: float | None = None
) -> tuple[tuple[Noise, ...], tuple[str, ...]]:
    """Return the noise of each suite and model, and why suites or re-gradings are left out.

    Args:
        run: its repeats show the noise of answering.
        regradings: other gradings of its answers; those by another judge, prompt or rubric are
            left out, since they measure something else.
        precision: standard error to plan for; `None`: half of what the run has.

    Raises:
        SettingsError: a precision of 0 or less.
    """
    if precision is not None and not 0 < precision < math.inf:
        raise SettingsError(f"--precision {precision:g}: a standard error above 0 is needed.")
    graded = [(again.id, {_key(side): side for side in sides(again)}) for again in regradings]
    found, left_out = [], []
    for side in sides(run):
        same = []
        for name, others in graded:
            other = others.get(_key(side))
            if other is None or _differs(side, other):
                left_out.append(
                    f"{name}: other answers, judges, prompts or rubrics on {side.suite}"
                )
            else:
                same.append((name, other))
        noise = _noise(side, run.id, same, precision)
        if noise is None:
            left_out.append(f"{side.suite}: {side.model}: fewer than two measured cases")
        else:
            found.append(noise)
    return tuple(found), tuple(dict.fromkeys(left_out))


def lines(noise: Noise) -> Iterator[str]:
    """Yield it for a terminal."""
    c = noise.found
    spread = f"standard error {exact(noise.now)}" if noise.seen else "all scores equal"
    yield (
        f"{noise.suite}: {noise.model}: mean {noise.mean:.3f}, {spread} "
        f"({c.cases} cases, {c.answers} answers, {c.gradings} gradings)"
    )
    names = ("cases", "answers to a case", "gradings of an answer")
    for name, variance, share in zip(names, (c.case, c.generation, c.judge), c.shares, strict=True):
        if variance is None:
            yield f"  {name}: cannot be told apart; {_HOW[name]}"
        elif noise.seen:
            yield f"  {name}: variance {variance:.5f}, {share:.0%} of that of one score"
    unit = noise.prices.unit
    yield (
        f"  an answer takes {_amount(noise.prices.answer, unit)}, "
        f"a grading {_amount(noise.prices.grading, unit)}"
    )
    if not noise.seen:
        yield (
            "  no plan: no variance was seen, so nothing tells how many cases or repeats are "
            "needed. Add cases on which the model may score otherwise."
        )
        return
    yield f"  for a standard error of {exact(noise.precision)} (interval of +-{_half(noise):.3f}):"
    yield f"    with any number of cases: {_plan(noise.plan, unit)}"
    yield f"    with the {c.cases} cases here: {_plan(noise.plan_here, unit)}"


_HOW: Mapping[str, str] = {
    "cases": "run it",
    "answers to a case": "run it with --repeats 2 or more",
    "gradings of an answer": "grade it again: medcheck rejudge RUN --responses fresh",
}


def _noise(
    side: Side, own: str, same: Sequence[tuple[str, Side]], precision: float | None
) -> Noise | None:
    table = _nested(side, [other for _, other in same])
    found = components(table)
    if found is None:
        return None
    scores = [score for case in table for answer in case for score in answer]
    now = found.error(found.cases, *_design(found))
    prices = _prices(side)
    noise = Noise(
        suite=side.suite,
        model=side.model,
        mean=math.fsum(scores) / len(scores),
        found=found,
        gradings=(own, *(name for name, _ in same)),
        prices=prices,
        precision=precision or now / 2,
        plan=None,
        plan_here=None,
        now=now,
    )
    if not noise.seen:
        return noise
    return replace(noise, plan=_best(noise, None), plan_here=_best(noise, found.cases))


def _best(noise: Noise, most: int | None) -> Plan | None:
    return cheapest(
        noise.found,
        noise.precision,
        answer_cost=noise.prices.answer,
        grading_cost=noise.prices.grading,
        cases_at_most=most,
    )


def _nested(side: Side, others: Sequence[Side]) -> list[list[list[float]]]:
    """Return the scores by case, answer and grading; what was not measured is left out."""
    again = [{case.case_id: case for case in other.cases} for other in others]
    return [
        [
            [
                score
                for graded in (case, *(cases[case.case_id] for cases in again))
                if (score := graded.scores[repeat]) is not None
            ]
            for repeat in range(len(case.scores))
        ]
        for case in side.cases
    ]


def _design(found: Components) -> tuple[int, int]:
    """Return answers per case and gradings per answer, as whole numbers."""
    repeats = max(1, round(found.answers / found.cases))
    return repeats, max(1, round(found.gradings / found.answers))


def _differs(one: Side, other: Side) -> bool:
    if (one.judges, one.protocol, one.compared) != (other.judges, other.protocol, other.compared):
        return True
    again = {case.case_id: case for case in other.cases}
    return any(
        (graded := again.get(case.case_id)) is None
        or graded.answers != case.answers
        or _rubrics_differ(case, graded)
        for case in one.cases
    )


def _rubrics_differ(one: Measured, other: Measured) -> bool:
    pairs = ((one.rubric, other.rubric), (one.terms, other.terms))
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def _prices(side: Side) -> Prices:
    answers = sum(score is not None for case in side.cases for score in case.scores) or 1
    answering, judging = side.answering or Spent(), side.judging or Spent()
    # A part of unknown price, or nothing that was paid: calls are weighed in place of money.
    given, judged = answering.cost_usd, judging.cost_usd
    if given is None or judged is None or not given + judged:
        return Prices(answer=1.0, grading=judging.calls / answers, unit="calls")
    # Answers that existed already cost nothing here: gradings alone are then weighed.
    return Prices(answer=given / answers, grading=judged / answers, unit="USD")


def _key(side: Side) -> tuple[str, str]:
    return side.suite, side.model


def _half(noise: Noise) -> float:
    return HALF_INTERVAL * noise.precision


def _plan(plan: Plan | None, unit: str) -> str:
    if plan is None:
        return "not reached by any number of repeats and gradings"
    return (
        f"{plan.cases} cases, answers per case: {plan.repeats}, gradings per answer: "
        f"{plan.gradings}; {_amount(plan.cost, unit)}, standard error {exact(plan.error)}"
    )


def _amount(value: float, unit: str) -> str:
    return f"{exact(value)} USD" if unit == "USD" else f"{value:,.1f} calls"
