"""How many cases or repeats would settle what the gate cannot tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from medcheck.gate.findings import OVERALL, Finding, GateSettings, level
from medcheck.gate.measured import Side
from medcheck.stats.means import mean
from medcheck.stats.paired import NOTHING
from medcheck.stats.power import needed_cases, needed_repeats
from medcheck.stats.variance import pooled_noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What would settle an open question."""

    cases: int
    """In all, like those measured."""
    repeats: int | None
    """Answers per case on both sides; `None`: no number would do."""
    at_least: bool
    """`repeats` is a lower bound, as the noise of answers is not known."""
    spread: bool = True
    """Whether differences were seen to differ; if not, `cases` is the least that shows anything."""


def needed(
    sides: Sequence[Side], findings: Sequence[Finding], settings: GateSettings
) -> Needed | None:
    """Return what would settle all open groups with 80 % power; `None`: nothing to count.

    Args:
        sides: old and new.
        findings: overall first.
        settings: of the gate.
    """
    total = findings[0].difference.n
    found = []
    for finding in (each for each in findings if each.verdict == "open"):
        drop = level(finding, findings, settings)
        alpha = settings.alpha
        own = (
            _spread(sides, finding, drop, alpha) if finding.spread else _alike(finding, drop, alpha)
        )
        found.append(replace(own, cases=-(-own.cases * total // finding.difference.n)))
    if not found:
        return None
    repeats = [each.repeats for each in found if each.repeats is not None]
    return Needed(
        cases=max(each.cases for each in found),
        repeats=max(repeats) if len(repeats) == len(found) else None,
        at_least=any(each.at_least for each in found),
        spread=all(each.spread for each in found),
    )


def _spread(sides: Sequence[Side], finding: Finding, drop: float, alpha: float) -> Needed:
    """Return what one group needs whose differences differ."""
    difference = finding.difference
    assert difference.error
    effect, at = _goal(finding, drop, alpha)
    wanted = needed_cases(effect, difference.error, difference.n, alpha=at)
    noise = _noise(sides, finding)
    return Needed(
        cases=max(wanted, difference.n + 1),
        repeats=_repeats(finding, effect, noise, at),
        at_least=noise is None,
    )


def _alike(finding: Finding, drop: float, alpha: float) -> Needed:
    """Return what one group needs whose differences are all equal, or that has only one.

    Of equal differences the sign test shows something from 1 / level = 2 ** units on.
    """
    at = alpha if finding.margin + finding.difference.mean > NOTHING else drop
    units = max(2, math.ceil(-math.log2(at) - 1e-9))
    each = -(-finding.difference.n // finding.difference.units)
    return Needed(
        cases=max(units * each, finding.difference.n + 1),
        repeats=None,
        at_least=False,
        spread=False,
    )


def _goal(finding: Finding, drop: float, alpha: float) -> tuple[float, float]:
    """Return the difference to be told apart, the margin or what is left of it, and at which level.

    Where the margin could be shown on the cases at hand if nothing had changed, the difference
    seen is taken as true: "no drop" or "all of the margin" is excluded, whichever takes less.

    Args:
        finding: with a spread.
        drop: level at which a drop is shown.
        alpha: level at which the margin is excluded.
    """
    seen, error, n = finding.difference.mean, finding.difference.error, finding.difference.n
    assert error
    if finding.margin and needed_cases(finding.margin, error, n, alpha=alpha) > n:
        return finding.margin, alpha
    ways = [(-seen, drop), (finding.margin + seen, alpha)]
    possible = [way for way in ways if way[0] > NOTHING]
    return min(
        possible,
        key=lambda way: needed_cases(way[0], error, n, alpha=way[1]),
        default=(1.0, alpha),
    )


def _noise(sides: Sequence[Side], finding: Finding) -> tuple[float, float] | None:
    """Return the variance of the answers: of one to a case of both sides, and of those at hand."""
    parts = []
    for side in sides:
        own = [c for c in side.cases if finding.group in (OVERALL, *c.categories)]
        scores = [[s for s in case.scores if s is not None] for case in own]
        noise = pooled_noise(scores)
        share = mean([1 / len(s) for s in scores if s])
        if noise is None or share is None:
            return None
        parts.append((noise, noise * share))
    return parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]


def _repeats(
    finding: Finding,
    effect: float,
    noise: tuple[float, float] | None,
    alpha: float,
) -> int | None:
    difference = finding.difference
    assert difference.error
    variance = difference.n * difference.error**2
    # Not known: at best all of the variance is noise of the answers.
    single, present = noise or (variance, variance)
    return needed_repeats(
        effect,
        n=difference.n,
        between=max(0.0, variance - present),
        noise=single,
        alpha=alpha,
    )
