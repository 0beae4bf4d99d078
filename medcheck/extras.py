"""Numbers beside the means: worst of several answers, a judge among physicians, tokens, cost.

How results become groups, and figures become rows, stands in `summary`; GAPS in `levels`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medcheck.scoring.points import Dropped
from medcheck.stats.agreement import (
    HEADLINE,
    MetaRow,
    ThemeAgreement,
    meta_metrics,
    physician_metrics,
    rows_of,
    theme_agreement,
    theme_of,
)
from medcheck.stats.means import expected_minimum, interval, mean
from medcheck.types import Result, Usage

LENGTH_ADJUSTED = "length_adjusted"
WORST = "worst_at"
SPREAD = "run_std"
EXTRAS = (LENGTH_ADJUSTED, WORST, SPREAD)
"""Groups, by what stands before their colon, that no tag has named."""
PAIRWISE = "pairwise_f1"
"""The measure of a meta-evaluation under `summary.measure`."""

_CLUSTER = "cluster:"
_MIN_REPEATS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a model on a suite; the fields are those of `summary.Row`."""

    group: str
    value: float | None
    raw: float | None
    std: float | None = None
    ci95: tuple[float, float] | None = None
    n: int
    ungraded: int = 0


@dataclass(slots=True)
class Use:
    """Tokens and cost of one model or judge, while the replies stream by."""

    calls: int = 0
    input: int = 0
    cached_input: int = 0
    output: int = 0
    reasoning: int = 0
    uncounted: int = 0
    cost: float = 0.0
    unpriced: int = 0

    def add(self, usage: Usage, cost_usd: float | None, *, calls: int = 1) -> None:
        """Count what one answer or one ballot took."""
        self.calls += calls
        self.uncounted += usage.input is None or usage.output is None
        self.input += usage.input or 0
        self.cached_input += usage.cached_input or 0
        self.output += usage.output or 0
        self.reasoning += usage.reasoning or 0
        self.unpriced += cost_usd is None
        self.cost += cost_usd or 0.0

    def plain(self) -> dict[str, Any]:
        """Return the numbers; a cost of which a part is unknown is unknown."""
        return {
            "calls": self.calls,
            "input": self.input,
            "cached_input": self.cached_input,
            "output": self.output,
            "reasoning": self.reasoning,
            "calls_without_token_counts": self.uncounted,
            "cost_usd": None if self.unpriced else self.cost,
        }


@dataclass(slots=True)
class Repeats:
    """The scores of one model on one suite, case by case, while the results stream by."""

    cases: dict[str, list[float | None]] = field(default_factory=dict)
    """By case: a score for each repeat, in their order; `None`: not measured."""

    def add(self, result: Result) -> None:
        """Keep the score of a result."""
        score = result.score.value if result.score else None
        self.cases.setdefault(result.case_id, []).append(score)

    @property
    def repeats(self) -> int:
        """The fewest answers of a case that has several; 0: no case has."""
        counts = (len(scores) for scores in self.cases.values() if len(scores) >= _MIN_REPEATS)
        return min(counts, default=0)

    def notes(self) -> Iterator[str]:
        """Yield how many cases the figures leave out: answered once, or not measured each time."""
        left_out = len(self.cases) - len(self._kept(self.repeats))
        if self.repeats and left_out:
            yield (
                f"worst_at and run_std leave out {left_out} of {len(self.cases)} cases that have "
                f"fewer than {self.repeats} scored answers."
            )

    def figures(self, measure: Callable[[Sequence[float]], float | None]) -> Iterator[Figure]:
        """Yield `worst_at:1` to `worst_at:N` (n: cases) and `run_std` (n: repeats).

        The value of `run_std` is the deviation of what each repeat alone would have reported, its
        raw that of the unclipped means. Nothing where every case was answered once.

        Source: healthbench_analysis.ipynb cells 54-71.
        """
        repeats = self.repeats
        if not repeats:
            return
        kept = self._kept(repeats)
        several = sum(len(scores) >= _MIN_REPEATS for scores in self.cases.values())
        for k in range(1, repeats + 1):
            lowest = [expected_minimum(scores, k) for scores in kept]
            yield Figure(
                group=f"{WORST}:{k}",
                value=measure(lowest),
                raw=mean(lowest),
                ci95=interval(lowest),
                n=len(kept),
                ungraded=several - len(kept),
            )
        runs = list(zip(*(scores[:repeats] for scores in kept), strict=True))
        spread = (_deviation([of(run) for run in runs]) for of in (measure, mean))
        yield Figure(group=SPREAD, value=next(spread), raw=next(spread), n=len(runs))

    def _kept(self, repeats: int) -> list[list[float]]:
        """Return the measured scores of the cases whose first `repeats` answers all have one."""
        return [
            [score for score in scores if score is not None]
            for scores in self.cases.values()
            if len(scores) >= repeats and None not in scores[:repeats]
        ]


@dataclass(slots=True)
class Meta:
    """What is kept of a meta-evaluation: verdicts and labels, no texts."""

    rows: list[MetaRow] = field(default_factory=list)
    ungraded: Counter[str] = field(default_factory=Counter)
    """By category."""

    def add(self, result: Result) -> None:
        """Keep the verdict and the labels of a measured result, count another."""
        found = list(rows_of([result]))
        # Labels of which some have no name belong to nobody who could be compared.
        self.rows += [
            row if len(row.physicians) == len(row.labels) else replace(row, physicians=())
            for row in found
        ]
        if not found:
            self.ungraded[next((t for t in result.tags if t.startswith(_CLUSTER)), "")] += 1

    def figures(self, *, seed: int | None) -> Iterator[Figure]:
        """Yield the official figures under their keys, and the judge among physicians by theme.

        n is pairs, rows or physicians as the official code counts them. Nothing here is clipped,
        so raw is the value. Without `seed` no standard error is drawn.

        Source: simple-evals healthbench_meta_eval.py:138-336; healthbench_analysis.ipynb cell 50.
        """
        metrics = meta_metrics(self.rows, seed=seed)
        scoped = sorted(metrics, key=lambda name: (name.startswith(_CLUSTER), name))
        shared = [name for name in scoped if not name.startswith(_CLUSTER)]
        figures = {
            name: _figure(
                name,
                metrics[name].value,
                metrics[name].n,
                std=metrics[name].bootstrap_std,
                ungraded=self._lost(name),
            )
            for name in scoped
        }
        yield from (figures[name] for name in shared)
        for theme in theme_agreement(metrics, physician_metrics(self.rows)):
            yield from self._theme(theme)
        yield from (figures[name] for name in scoped[len(shared) :])

    def _theme(self, found: ThemeAgreement) -> Iterator[Figure]:
        name = f"theme:{found.theme}"
        lost = sum(n for tag, n in self.ungraded.items() if theme_of(tag) == found.theme)
        yield _figure(f"{name}: {HEADLINE}", found.model.value, found.model.n, ungraded=lost)
        if found.physicians:
            key = f"{name}: pairwise_physician_f1_balanced"
            yield _figure(key, found.physicians.value, found.physicians.n)
        if found.percentile is not None:
            # A share, as all other numbers are, and not the notebook's percent.
            yield _figure(f"{name}: physicians_below", found.percentile / 100, found.compared)

    def _lost(self, name: str) -> int:
        """Return how many results are missing from a metric's category, or from all of them."""
        if not name.startswith(_CLUSTER):
            return self.ungraded.total()
        return self.ungraded[name.rpartition(": ")[0]]


def together(one: Dropped | None, other: Dropped) -> Dropped:
    """Return what two answers dropped."""
    if one is None:
        return other
    return Dropped(
        criteria=one.criteria + other.criteria,
        met=one.met + other.met,
        points=one.points + other.points,
    )


def dropped_notes(dropped: Mapping[tuple[str, str, str], Dropped]) -> Iterator[str]:
    """Yield a line for each suite, all models together; the keys are model, suite and axis."""
    suites: dict[str, Dropped] = {}
    for (_, suite, _), lost in dropped.items():
        suites[suite] = together(suites.get(suite), lost)
    for suite, lost in suites.items():
        yield (
            f"{suite}: {lost.criteria} penalties, {lost.met} of them met ({lost.points:g} points), "
            "count in the overall score but in no axis score: in their cases the axis has no "
            "criterion that earns points."
        )


def _figure(
    group: str, value: float, n: int, *, std: float | None = None, ungraded: int = 0
) -> Figure:
    return Figure(group=group, value=value, raw=value, std=std, n=n, ungraded=ungraded)


def _deviation(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.std(known)) if known else None
