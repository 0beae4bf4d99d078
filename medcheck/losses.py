"""What scores do not show of what was lost on the way: replies nobody can read, silent jurors.

Collectors like those of `beside`, which says what a collector is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from medcheck.extras import Figure
from medcheck.scoring.metrics import METRICS, UNREADABLE
from medcheck.stats.ablation import marked
from medcheck.types import Result

_COVERAGE = "jury:coverage"


@dataclass(slots=True)
class Unread:
    """Replies from which the first metric could read no answer: they count as wrong."""

    metric: str = ""
    read: int = 0
    lost: int = 0

    def add(self, result: Result) -> None:
        """Count a measured reply by what its first metric says of it."""
        verdict = result.score.verdicts[0] if result.score and result.score.verdicts else None
        if verdict is None or verdict.value is None or verdict.criterion.id not in METRICS:
            return
        self.metric = verdict.criterion.id
        self.read += 1
        self.lost += any(ballot.explanation in UNREADABLE for ballot in verdict.ballots)

    def figures(self) -> Iterator[Figure]:
        """Yield nothing: they are part of the score."""
        yield from ()

    def notes(self) -> Iterator[str]:
        """Yield how many replies cannot be read, where there are some."""
        if self.lost:
            share = f"{self.lost} of {self.read} replies ({self.lost / self.read:.0%})"
            yield f"{self.metric}: no answer can be read from {share}; they count as wrong."


@dataclass(slots=True)
class Silent:
    """Jurors without a mark on answers that others of their jury gave a score.

    Source: medhelm.md section 7, item 7.
    """

    coverages: list[float] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    """By juror: scored answers that it gave no mark on."""

    def add(self, result: Result) -> None:
        """Count the jurors that a score does without."""
        coverage = result.score.facets.get(_COVERAGE) if result.score else None
        found = marked(result)
        if coverage is not None and found is not None:
            self.coverages.append(coverage)
            self.lost.update(found.lost)

    def figures(self) -> Iterator[Figure]:
        """Yield nothing: the facet `jury:coverage` has its row already."""
        yield from ()

    def notes(self) -> Iterator[str]:
        """Yield who was silent, how often, and the jury's coverage."""
        if self.lost:
            total = len(self.coverages)
            named = ", ".join(f"{name} on {count}" for name, count in self.lost.items())
            share = sum(self.coverages) / total
            yield f"no mark from {named} of {total} scored answers; jury coverage {share:.3f}."
