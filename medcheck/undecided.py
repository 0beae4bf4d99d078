"""What undecided points leave open: the score under every policy, its range, what is lost.

Also by how much the cut of the original's cell limit moved a score. How points are scored stands
in `scoring.points`; how figures become rows, in `summary`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medcheck.extras import Figure
from medcheck.levels import Known, unit_of
from medcheck.scoring.gaps import IRRELEVANT, undecided_range
from medcheck.scoring.points import LOST, UNCLIPPED, UndecidedPolicy, bounds, points
from medcheck.scoring.truncation import MOVES, counted
from medcheck.stats.means import interval, mean
from medcheck.types import Result, Score, Verdict

POLICY, RANGE, SHARE = "policy", "range", "points"
POLICIES: tuple[UndecidedPolicy, ...] = ("exclude", "not_met", "half")
"""Those that give a score."""
OWN_GROUPS = frozenset({f"{RANGE}:low", f"{RANGE}:high"})
"""Groups that are counted here, and not as means of an answer's facets."""

_WITHOUT = f"{POLICY}:exclude"
_GROUPS = (*(f"{POLICY}:{name}" for name in POLICIES), f"{RANGE}:low", f"{RANGE}:high")
GROUPS = frozenset({*_GROUPS, f"{SHARE}:undecided", f"{SHARE}:lost"})
"""All groups of `Undecided.figures`."""

Measure = Callable[[Sequence[float]], float | None]


@dataclass(slots=True, kw_only=True)
class Rules:
    """How a suite scores, as far as its run has recorded it."""

    suite: Mapping[str, Any]
    levels: bool = False
    """Its criteria have levels."""

    @property
    def official(self) -> bool:
        """Whether it is the protocol of the original of GAPS."""
        return self.levels and self.suite.get("protocol") == "official"

    @property
    def rule(self) -> str:
        """The points rule, apart from facets."""
        return str(self.suite.get("points") or ("gaps_official" if self.official else "gaps"))

    @property
    def undecided(self) -> UndecidedPolicy:
        """The policy for undecided points: the recorded one, else the protocol's."""
        policy: UndecidedPolicy | None = self.suite.get("undecided")
        return policy or ("not_met" if self.official else "exclude")

    def of(self, score: Score) -> str:
        """Return the rule that one answer was scored by: only the one that clips leaves a trace."""
        if score.value is None:
            return self.rule
        return "gaps_official" if UNCLIPPED in score.facets else "gaps"

    def bounds(self, score: Score) -> tuple[float, float] | None:
        """Return the scores that the missing verdicts of an unmeasured answer leave open."""
        found = counted(score)
        return bounds(found, undecided=self.undecided, rule=self.rule) if found else None


@dataclass(slots=True)
class Undecided:
    """What is kept of one model on one suite while the results stream by."""

    answers: int = 0
    points: int = 0
    undecided: int = 0
    lost: int = 0
    of_level: Counter[str] = field(default_factory=Counter)
    """Points by level."""
    open_level: Counter[str] = field(default_factory=Counter)
    """Undecided points by level."""
    counting: int = 0
    """Undecided points that the cut left in."""
    cut: bool = False
    """Some answer was scored after the cut."""
    scores: dict[str, Known] = field(default_factory=lambda: {name: Known() for name in _GROUPS})
    """By group: the score of each answer."""
    shown: list[float] = field(default_factory=list)
    """Scores after the cut, and before it, of the answers where both are known."""
    whole: list[float] = field(default_factory=list)

    def add(self, result: Result, rules: Rules) -> None:
        """Score an answer under every policy."""
        self.answers += 1
        if result.score is None:
            return
        # Statements that a judge found are no points of the question.
        rubric = [v for v in result.score.verdicts if IRRELEVANT not in v.criterion.tags]
        still_open = [v for v in rubric if v.state == "undecided"]
        self.points += len(rubric)
        self.undecided += len(still_open)
        self.lost += sum(verdict.state in LOST for verdict in rubric)
        self.of_level.update(_weighing(rubric))
        self.open_level.update(_weighing(still_open))
        self._cut(result.score)
        for group, score in self._scores(result.score, rules).items():
            self.scores[group].add(score, unit_of(result, rules.suite))

    def figures(self, measure: Measure) -> Iterator[Figure]:
        """Yield the score under each policy and its range, and the shares of undecided points.

        `n` of `points:undecided` and `points:lost` is points. Nothing where all are decided.
        """
        if not self.undecided:
            return
        for group, known in self.scores.items():
            yield Figure(
                group=group,
                value=measure(known.values),
                raw=mean(known.values),
                ci95=None if group in OWN_GROUPS else interval(known.values, clusters=known.units),
                n=len(known.values),
                ungraded=self.answers - len(known.values),
            )
        for name, count in (("undecided", self.undecided), ("lost", self.lost)):
            share = count / self.points
            yield Figure(group=f"{SHARE}:{name}", value=share, raw=share, n=self.points)

    def notes(self) -> Iterator[str]:
        """Yield what a reader must know: the range of the score, and what the cut changed."""
        if self.undecided:
            yield self._open()
        if self.shown:
            moved = sum(a != b for a, b in zip(self.shown, self.whole, strict=True))
            after, before = mean(self.shown), mean(self.whole)
            assert after is not None
            assert before is not None
            yield (
                "points beyond the original's cell limit are left out, which changes "
                f"{moved} of {len(self.shown)} scores and moves the mean by {after - before:+.6f}, "
                f"to {after:.6f}; with all points it is {before:.6f}."
            )

    def _open(self) -> str:
        counts = f"{self.undecided:,} of {self.points:,} points are undecided"
        counts += f" ({self.counting:,} of those that count)" if self.cut else ""
        counts += f" and {self.lost:,} lost" if self.lost else ""
        means = {group: mean(known.values) for group, known in self.scores.items()}
        if any(means[group] is None for group in _GROUPS if group != _WITHOUT):
            return f"{counts}; the scores that they leave open are not known.{self._by_level()}"
        found = {group: f"{value:.4f}" for group, value in means.items() if value is not None}
        return (
            f"{counts}; the raw mean is {found.get(_WITHOUT, 'not measured')} without them"
            f"{self._fewer()}, {found['policy:not_met']} with all of them not met, "
            f"{found['policy:half']} with half their points, and lies between "
            f"{found['range:low']} and {found['range:high']} however they are decided."
            f"{self._by_level()}"
        )

    def _fewer(self) -> str:
        """Return over how many answers the mean without undecided points is, if not over all."""
        left, all_of_them = (len(self.scores[g].values) for g in (_WITHOUT, f"{POLICY}:not_met"))
        return f" (over {left} of {all_of_them} answers)" if 0 < left < all_of_them else ""

    def _by_level(self) -> str:
        """Return which levels have undecided points; empty: the points have no level."""
        found = sorted(self.open_level.items())
        if not found:
            return ""
        parts = ", ".join(f"{level} {n:,} of {self.of_level[level]:,}" for level, n in found)
        return (
            f" Undecided by level: {parts}; whatever the policy for scores, coverage leaves them "
            "out, and harm is not known where only they could show it."
        )

    def _scores(self, score: Score, rules: Rules) -> dict[str, float | None]:
        verdicts = counted(score)
        undecided = sum(verdict.state == "undecided" for verdict in verdicts)
        self.counting += undecided
        if not undecided:
            return dict.fromkeys(_GROUPS, score.value)
        rule = rules.of(score)
        found = {
            f"{POLICY}:{name}": points(verdicts, rule=rule, undecided=name).value
            for name in POLICIES
        }
        low, high = undecided_range(verdicts, rule=rule) or (None, None)
        return {**found, f"{RANGE}:low": low, f"{RANGE}:high": high}

    def _cut(self, score: Score) -> None:
        if MOVES in score.facets and score.value is not None:
            self.cut = True
            self.shown.append(score.value)
            self.whole.append(score.value - score.facets[MOVES])


def _weighing(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield the level of each point that counts, as the figures by level do."""
    for verdict in verdicts:
        if verdict.criterion.level and verdict.criterion.points:
            yield verdict.criterion.level
