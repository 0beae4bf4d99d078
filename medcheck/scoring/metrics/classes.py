"""Macro-F1 and balanced accuracy of answers that choose a class: where classes are skewed.

Source: medhelm.md section 7, item 6 (plain accuracy rewards the frequent class).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from medcheck.types import Result

Pair = tuple[str, str | None]
"""The right class, and the one that the answer chose; `None`: none could be read."""
Span = tuple[float, float]

SKEWED = ("balanced_accuracy", "macro_f1")
MOST = 10
"""Different right answers above which they are no classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFigures:
    """How answers do on each class alike; shares and F1 from 0 to 1."""

    n: int
    """Answers; one that chose no class counts as a miss of the right one."""
    missing: int
    """Answers that were not measured: they count nowhere else."""
    accuracy: float | None
    balanced_accuracy: float | None
    """Mean of the recall of each class that is the right one somewhere."""
    macro_f1: float | None
    """Mean of the F1 of each such class."""
    recall: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    """Right answers by class."""

    @property
    def skew(self) -> float | None:
        """The share of the most frequent class: what always answering it would score."""
        return max(self.counts.values()) / self.n if self.n else None


def class_figures(pairs: Iterable[Pair], *, missing: int = 0) -> ClassFigures:
    """Return the figures of answers; all are `None` without answers."""
    return _figures(Counter(pairs), missing=missing)


def class_intervals(pairs: Iterable[Pair], *, seed: int, n: int = 1000) -> dict[str, Span]:
    """Return the 95 % bootstrap intervals of `balanced_accuracy` and `macro_f1`, answers drawn.

    A draw without one of the classes has no figure. Empty below two answers, or where more than a
    tenth of the draws have none.
    """
    import numpy as np

    from medcheck.stats.agreement import percentiles

    # Sorted, so that the order of the answers does not move the draws.
    cells = dict(sorted(Counter(pairs).items(), key=str))
    total = sum(cells.values())
    if total < 2:
        return {}
    generator = np.random.Generator(np.random.PCG64(seed))
    shares = np.array([*cells.values()]) / total
    drawn = [
        _figures(Counter(dict(zip(cells, map(int, counts), strict=True))))
        for counts in generator.multinomial(total, shares, size=n)
    ]
    kinds = len({wanted for wanted, _ in cells})
    whole = [figures for figures in drawn if len(figures.counts) == kinds]
    bounds = {name: percentiles((getattr(f, name) for f in whole), n=n) for name in SKEWED}
    return {name: span for name, span in bounds.items() if span is not None}


def are_classes(pairs: Iterable[Pair]) -> bool:
    """Return whether the right answers are of 2 to 10 kinds, so that they are classes."""
    return 1 < len({wanted for wanted, _ in pairs}) <= MOST


def _figures(cells: Counter[Pair], *, missing: int = 0) -> ClassFigures:
    counts: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    chosen: Counter[str] = Counter()
    for (wanted, given), count in cells.items():
        counts[wanted] += count
        hits[wanted] += count if wanted == given else 0
        if given is not None:
            chosen[given] += count
    kinds = [name for name, count in counts.items() if count]
    recall = {name: hits[name] / counts[name] for name in kinds}
    f1 = [2 * hits[name] / (counts[name] + chosen[name]) for name in kinds]
    n = counts.total()
    return ClassFigures(
        n=n,
        missing=missing,
        accuracy=hits.total() / n if n else None,
        balanced_accuracy=math.fsum(recall.values()) / len(kinds) if kinds else None,
        macro_f1=math.fsum(f1) / len(kinds) if kinds else None,
        recall=recall,
        counts={name: counts[name] for name in kinds},
    )


def pair_of(result: Result, metric: str | None = None) -> Pair | None:
    """Return the classes of a result of the grader `short_answer`; `None`: it has none.

    Args:
        result: a graded answer.
        metric: whose reading counts; default: the leading one.
    """
    verdicts = result.score.verdicts if result.score else ()
    named = [v for v in verdicts if metric in (None, v.criterion.id) and v.value is not None]
    if not named or not named[0].ballots or named[0].ballots[0].label is None:
        return None
    return named[0].ballots[0].label, named[0].label


def of_results(results: Iterable[Result], metric: str | None = None) -> ClassFigures | None:
    """Return the figures of one model on one suite; `None`: its answers choose no classes."""
    pairs, missing = [], 0
    for result in results:
        pair = pair_of(result, metric)
        missing += pair is None
        if pair is not None:
            pairs.append(pair)
    return class_figures(pairs, missing=missing) if are_classes(pairs) else None
