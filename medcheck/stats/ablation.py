"""What each juror of a panel does to the result: each alone, and the panel without each.

Source: medhelm.md section 4 (som-shahlab/medhelm, the judge ablation tables).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from medcheck.stats.agreement import spearman
from medcheck.types import Result

Kind = Literal["all", "only", "without"]
NO_JUDGES = ("rule", "check")
"""What ballots call their judge where none was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """One answer and what each juror made of it."""

    model: str
    benchmark: str
    marks: Mapping[str, float]
    """By juror: the mean over the criteria, on their scale; a missing juror is left out."""
    asked: tuple[str, ...] = ()
    """All its jurors, with a mark or without."""

    @property
    def lost(self) -> tuple[str, ...]:
        """The jurors without a mark."""
        return tuple(name for name in self.asked if name not in self.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The table that one choice of jurors gives."""

    kind: Kind
    judge: str | None
    """Who sits alone, or was left out; `None`: the whole panel."""
    judges: tuple[str, ...]
    means: Mapping[str, Mapping[str, float]]
    """By model and benchmark: the mean of the answers' marks."""
    overall: Mapping[str, float]
    """By model, the highest first: the mean of its benchmarks, each weighing the same."""
    answers: int
    """Marked by every juror of the panel; the others count nowhere."""
    agreement: float | None
    """Rank correlation of the models' means with the whole panel's."""
    swapped: tuple[tuple[str, str], ...]
    """Models that stand the other way round than in the whole panel's order."""

    @property
    def name(self) -> str:
        """Such as `only gpt-4.1`."""
        return self.kind if self.judge is None else f"{self.kind} {self.judge}"

    @property
    def order(self) -> tuple[str, ...]:
        """The models, the best first."""
        return tuple(self.overall)


def ablation(answers: Iterable[Marked], judges: Sequence[str] = ()) -> tuple[Panel, ...]:
    """Return the whole panel, each juror alone, and the panel without each.

    Each is over the answers that all jurors of the whole panel marked, so that the tables differ by
    the jurors alone. A panel of two without one is the other one alone, so it stands once.

    Args:
        answers: with their marks.
        judges: the panel; default: all that marked anything, in the order of appearance. One that
            never did would leave nothing to compare; `silent` tells of it.
    """
    found = [each for each in answers if each.marks]
    panel = tuple(judges) or tuple(dict.fromkeys(name for each in found for name in each.marks))
    kept = [each for each in found if all(name in each.marks for name in panel)]
    sets: list[tuple[Kind, str | None, tuple[str, ...]]] = [("all", None, panel)]
    if len(panel) > 1:
        sets += [("only", name, (name,)) for name in panel]
    if len(panel) > 2:
        sets += [("without", name, tuple(n for n in panel if n != name)) for name in panel]
    whole = _overall(_means(kept, panel))
    return tuple(_panel(kept, kind, name, chosen, whole) for kind, name, chosen in sets)


def silent(answers: Iterable[Marked]) -> dict[str, tuple[int, int]]:
    """Return, by juror that gave no mark on some answers, on how many, and of how many asked.

    Benchmarks in which nobody marked anything are graded otherwise, or not at all.
    """
    found = list(answers)
    graded = {each.benchmark for each in found if each.marks}
    own = [each for each in found if each.benchmark in graded]
    asked = Counter(name for each in own for name in each.asked)
    lost = Counter(name for each in own for name in each.lost)
    return {name: (lost[name], count) for name, count in asked.items() if lost[name]}


def answers_of(results: Iterable[Result]) -> tuple[Marked, ...]:
    """Return the answers that judges were asked about; see `marked`."""
    return tuple(found for result in results if (found := marked(result)) is not None)


def marked(result: Result) -> Marked | None:
    """Return who marked an answer and how; `None`: no judge was asked.

    A juror without a mark on one of the criteria is missing.
    """
    verdicts = result.score.verdicts if result.score else ()
    given: dict[str, list[float]] = {}
    for verdict in verdicts:
        for ballot in verdict.ballots:
            if ballot.judge not in NO_JUDGES:
                own = given.setdefault(ballot.judge, [])
                if ballot.state == "scored" and ballot.value is not None:
                    own.append(ballot.value)
    whole = {judge: _mean(own) for judge, own in given.items() if len(own) == len(verdicts)}
    if not given:
        return None
    asked = tuple(given)
    return Marked(model=result.model, benchmark=result.suite, marks=whole, asked=asked)


def compared(
    means: Mapping[str, float], whole: Mapping[str, float]
) -> tuple[float | None, tuple[tuple[str, str], ...]]:
    """Return the rank correlation of two tables of means, and the pairs that they order otherwise.

    Equal means are no order.
    """
    shared = [name for name in whole if name in means]
    agreement = spearman([(means[name], whole[name]) for name in shared]) if shared else None
    swapped = [
        (one, other)
        for at, one in enumerate(shared)
        for other in shared[at + 1 :]
        if (means[one] - means[other]) * (whole[one] - whole[other]) < 0
    ]
    return agreement, tuple(swapped)


def _panel(
    answers: Sequence[Marked],
    kind: Kind,
    judge: str | None,
    judges: tuple[str, ...],
    whole: Mapping[str, float],
) -> Panel:
    means = _means(answers, judges)
    overall = _overall(means)
    agreement, swapped = compared(overall, whole)
    return Panel(
        kind=kind,
        judge=judge,
        judges=judges,
        means=means,
        overall=overall,
        answers=len(answers),
        agreement=agreement,
        swapped=swapped,
    )


def _means(answers: Iterable[Marked], judges: Sequence[str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, list[float]]] = {}
    for each in answers:
        mark = _mean([each.marks[name] for name in judges])
        found.setdefault(each.model, {}).setdefault(each.benchmark, []).append(mark)
    return {
        model: {name: _mean(marks) for name, marks in columns.items()}
        for model, columns in found.items()
    }


def _overall(means: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    found = {model: _mean(list(columns.values())) for model, columns in means.items()}
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
