"""Figures of a suite whose criteria have levels: coverage, harm, robustness, spread of the scores.

How they become rows stands in `summary`; what undecided points leave open, in `undecided`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from medcheck.extras import Figure
from medcheck.scoring.gaps import IRRELEVANT, SEVERITIES, polarity_of
from medcheck.scoring.points import UNCLIPPED, any_called
from medcheck.scoring.truncation import counted
from medcheck.stats.means import interval, mean, wilson
from medcheck.types import Result, Verdict

TIER, INCIDENCE, RATE, ANY, DELTA = "tier", "incidence", "rate", "any", "delta"
DISTRIBUTION = "distribution"
BIN = 0.1
"""Width of the groups `distribution:LOW`."""
LOWEST, HIGHEST = -10, 9
"""First and last of them, in widths: lower scores stand in the first, a score of 1 in the last."""
WORST = SEVERITIES[-1]

_BASE, _KIND, _PLAIN = "base:", "perturbation:", "P0"


def unit_of(result: Result, told: Mapping[str, Any] = MappingProxyType({})) -> str:
    """Return what an answer is not independent of.

    That is the question it is a variant of, what the suite's `cluster` tag names, its
    conversation, or else its case.

    Args:
        result: one answer.
        told: the suite's description in the run.
    """
    prefix = str(told.get("cluster") or "").rstrip(":")
    found = _tagged(result, _BASE) or (_tagged(result, f"{prefix}:") if prefix else None)
    return found or str(told.get("conversations", {}).get(result.case_id, result.case_id))


def has_levels(result: Result) -> bool:
    """Return whether a criterion of the answer, as far as it was judged, has a level."""
    verdicts = result.score.verdicts if result.score else ()
    return any(verdict.criterion.level for verdict in verdicts)


def own_groups(result: Result) -> frozenset[str]:
    """Return the groups that are counted here, and not as means of an answer's facets."""
    verdicts = result.score.verdicts if result.score else ()
    levels = {verdict.criterion.level for verdict in verdicts} - {None}
    if not levels:
        return frozenset()
    return frozenset({f"{ANY}:{WORST}", *(f"{TIER}:{level}" for level in levels)})


@dataclass(slots=True)
class Known:
    """The answers of one group: a number each, or none."""

    values: list[float] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    """What each value is not independent of."""
    ungraded: int = 0

    def add(self, value: float | None, unit: str) -> None:
        """Keep the number of an answer; `None`: it was not measured."""
        if value is None:
            self.ungraded += 1
        else:
            self.values.append(value)
            self.units.append(unit)

    def figure(self, group: str) -> Figure:
        """Return the mean and the interval that fits its kind: a share, a count, or a score."""
        value = mean(self.values)
        between = _INTERVALS.get(group.partition(":")[0], _interval)
        return Figure(
            group=group,
            value=value,
            raw=value,
            ci95=between(self.values, self.units),
            n=len(self.values),
            ungraded=self.ungraded,
        )


@dataclass(slots=True)
class Levels:
    """What is kept of one model on one suite while the results stream by: numbers, no texts."""

    found: bool = False
    """Some criterion has a level."""
    groups: defaultdict[str, Known] = field(default_factory=lambda: defaultdict(Known))
    scores: defaultdict[str, list[float | None]] = field(default_factory=lambda: defaultdict(list))
    """By case: the unclipped score of each answer."""
    variants: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By case: how its question was perturbed, and which question it is a variant of."""
    bins: Counter[int] = field(default_factory=Counter)

    def add(self, result: Result, told: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Count the points that an answer met, by level; `told` as for `unit_of`."""
        self._place(result)
        if not has_levels(result) or result.score is None:
            return
        self.found = True
        verdicts, unit = counted(result.score), unit_of(result, told)
        rubric = [v for v in verdicts if IRRELEVANT not in v.criterion.tags]
        for level, points in _by_level(rubric).items():
            for group, value in _figures(level, points):
                self.groups[group].add(value if result.measured else None, unit)
        beside = [v for v in verdicts if IRRELEVANT in v.criterion.tags]
        worst = [v for v in verdicts if v.criterion.level == WORST]
        if worst or beside:
            self.groups[f"{ANY}:{WORST}"].add(any_called(worst) if result.measured else None, unit)
        for level in SEVERITIES if beside else ():
            met = sum(v.criterion.level == level for v in beside)
            known = self.groups[f"{IRRELEVANT}:{level}"]
            known.add(float(met) if result.measured else None, unit)

    def figures(self) -> Iterator[Figure]:
        """Yield the groups by level, the differences to the plain question, and the distribution.

        - `tier:A1`: mean over answers of the share of their decided points that are met; `ungraded`
          are the answers in which none is decided.
        - `incidence:S1`: share of answers that met a point of the level; `any:S4` likewise, with
          the statements found irrelevant. An answer that met none counts only if all are decided.
        - `rate:S1`: mean number of met points in the answers in which all of the level are decided;
          `irrelevant:S1`: mean number of statements found irrelevant. Under `vote: mean` a point
          of an S level that any judge calls met is met in these groups.
        - `delta:P1`: mean unclipped score of a variant less that of its question, over pairs.
        - `distribution:0.3`: share of the scored answers with a score from 0.3 to below 0.4; 0.9
          holds 1 as well, -1.0 all that is lower.

        Source: gaps.md section 10 (axis report).
        """
        for group, known in self.groups.items():
            yield known.figure(group)
        for kind, known in sorted(self._pairs().items()):
            yield known.figure(f"{DELTA}:{kind}")
        for number, answers in sorted(self.bins.items()) if self.found else ():
            share, total = answers / self.bins.total(), self.bins.total()
            group = f"{DISTRIBUTION}:{number * BIN:.1f}"
            yield Figure(group=group, value=share, raw=share, n=total)

    def _place(self, result: Result) -> None:
        base, kind = _tagged(result, _BASE), _tagged(result, _KIND)
        score = result.score.value if result.score else None
        if score is not None:
            # A whisker more, so that 0.3, which is a little less than 3 tenths, is no 0.2.
            number = math.floor(score / BIN + 1e-9)
            self.bins[min(max(number, LOWEST), HIGHEST)] += 1
        if base is None:
            return
        if kind is not None and kind != _PLAIN:
            self.variants[result.case_id] = (kind, base)
        raw = result.score.facets.get(UNCLIPPED, score) if result.score else None
        self.scores[result.case_id].append(raw)

    def _pairs(self) -> dict[str, Known]:
        pairs: defaultdict[str, Known] = defaultdict(Known)
        for case, (kind, base) in self.variants.items():
            one, other = _mean_of(self.scores[case]), _mean_of(self.scores.get(base, ()))
            moved = None if one is None or other is None else one - other
            pairs[kind].add(moved, base)
        return pairs


def _figures(level: str, points: Sequence[Verdict]) -> Iterator[tuple[str, float | None]]:
    """Yield what one answer adds to the groups of a level; `None`: not measured."""
    decided = [v for v in points if v.value is not None]
    if polarity_of(points[0].criterion) == "positive":
        yield f"{TIER}:{level}", _mean_of([_share(v) for v in decided])
        return
    yield f"{INCIDENCE}:{level}", any_called(points)
    met = math.fsum(v.called for v in points)
    yield f"{RATE}:{level}", met if len(decided) == len(points) else None


def _share(verdict: Verdict) -> float | None:
    if verdict.value is None:
        return None
    low, high = verdict.criterion.scale
    return (verdict.value - low) / (high - low)


def _by_level(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    """Return the points by level; those worth nothing, as of unknown level, are left out."""
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.criterion.level and verdict.criterion.points:
            found.setdefault(verdict.criterion.level, []).append(verdict)
    return found


def _mean_of(values: Sequence[float | None]) -> float | None:
    return mean([value for value in values if value is not None])


def _interval(values: Sequence[float], units: Sequence[str]) -> tuple[float, float] | None:
    return interval(values, clusters=units)


def _count_interval(values: Sequence[float], units: Sequence[str]) -> tuple[float, float] | None:
    """Return the interval of a mean count; `None` where all are equal: nothing tells the spread."""
    found = interval(values, clusters=units) if len(set(values)) > 1 else None
    return None if found is None else (max(0.0, found[0]), found[1])


def _share_interval(values: Sequence[float], units: Sequence[str]) -> tuple[float, float] | None:
    """Return Wilson's interval, or where answers depend on each other the one of their clusters."""
    met, answers, apart = round(math.fsum(values)), len(values), len(set(units))
    if apart == answers:
        return wilson(met, answers)
    if met in (0, answers):
        # All are alike, so nothing is known of the spread: as many answers as are independent.
        return wilson(apart if met else 0, apart)
    found = interval(values, clusters=units)
    return None if found is None else (max(0.0, found[0]), min(1.0, found[1]))


_INTERVALS = {
    INCIDENCE: _share_interval,
    ANY: _share_interval,
    RATE: _count_interval,
    IRRELEVANT: _count_interval,
}


def _tagged(result: Result, prefix: str) -> str | None:
    return next((t.removeprefix(prefix) for t in result.tags if t.startswith(prefix)), None)
