"""What undecided points leave open: the score under every policy, its range, what is lost.

Also by how much the cut of the original's cell limit moved a score. How points are scored stands
in `scoring.points`; how figures become rows, in `summary`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medcheck.extras import Figure
from medcheck.levels import Known, unit_of
from medcheck.scoring.gaps import undecided_range
from medcheck.scoring.points import LOST, UNCLIPPED, UndecidedPolicy, bounds, points
from medcheck.scoring.truncation import MOVES, counted
from medcheck.stats.means import interval, mean
from medcheck.types import Result, Score

POLICY, RANGE, SHARE = "policy", "range", "points"
POLICIES: tuple[UndecidedPolicy, ...] = ("exclude", "not_met", "half")
"""Those that give a score."""
OWN_GROUPS = frozenset({f"{RANGE}:low", f"{RANGE}:high"})
"""Groups that are counted here, and not as means of an answer's facets."""

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
        states = [verdict.state for verdict in result.score.verdicts]
        self.points += len(states)
        self.undecided += states.count("undecided")
        self.lost += sum(state in LOST for state in states)
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
        if any(value is None for value in means.values()):
            return f"{counts}; the scores that they leave open are not known."
        found = {group: f"{value:.4f}" for group, value in means.items()}
        return (
            f"{counts}; the raw mean is {found['policy:exclude']} without them, "
            f"{found['policy:not_met']} with all of them not met, {found['policy:half']} with "
            f"half their points, and lies between {found['range:low']} and {found['range:high']} "
            "however they are decided."
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
