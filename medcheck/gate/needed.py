"""How many cases or repeats would settle what the gate cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medcheck.gate.findings import OVERALL, Finding, GateSettings
from medcheck.gate.measured import Side
from medcheck.stats.means import mean
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
    cases, repeats, at_least = 0, 1, False
    for finding in findings:
        difference = finding.difference
        if finding.verdict != "open" or not difference.error:
            continue
        effect = _effect(finding)
        wanted = max(
            needed_cases(effect, difference.error, difference.n, alpha=settings.alpha),
            difference.n + 1,
        )
        cases = max(cases, -(-wanted * total // difference.n))
        noise = _noise(sides, finding)
        answers = _repeats(finding, effect, noise, settings)
        at_least |= noise is None
        repeats = 0 if answers is None or not repeats else max(repeats, answers)
    if not cases:
        return None
    return Needed(cases=cases, repeats=repeats or None, at_least=at_least)


def _effect(finding: Finding) -> float:
    """Return the difference to be told apart: the margin, or what is left of it.

    Where the margin could be shown on the cases at hand if nothing had changed, the difference
    seen is taken as true: "no drop" or "all of the margin" is excluded, whichever takes less.
    """
    difference = finding.difference
    assert difference.error
    margin = finding.margin
    if margin and needed_cases(margin, difference.error, difference.n) > difference.n:
        return margin
    left = [abs(difference.mean), abs(margin + difference.mean)]
    return max(left) or 1.0


def _noise(sides: Sequence[Side], finding: Finding) -> tuple[float, float] | None:
    """Return the variance of the answers: of one to a case of both sides, and of those at hand."""
    parts = []
    for side in sides:
        own = [c for c in side.cases if finding.group in (OVERALL, *c.categories)]
        scores = [[s for s in case.scores if s is not None] for case in own]
        noise = pooled_noise(scores)
        if noise is None:
            return None
        parts.append((noise, noise * (mean([1 / len(s) for s in scores if s]) or 0.0)))
    return parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]


def _repeats(
    finding: Finding,
    effect: float,
    noise: tuple[float, float] | None,
    settings: GateSettings,
) -> int | None:
    difference = finding.difference
    variance = difference.n * (difference.error or 0.0) ** 2
    # Not known: at best all of the variance is noise of the answers.
    single, present = noise or (variance, variance)
    return needed_repeats(
        effect,
        n=difference.n,
        between=max(0.0, variance - present),
        noise=single,
        alpha=settings.alpha,
    )
