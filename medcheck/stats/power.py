"""How small a difference a sample can show, and how large a sample must be.

All figures rest on the normal approximation. Source: trust.md section 2 (paired, power).
"""

from __future__ import annotations

import math

from scipy import special

ALPHA = 0.05
"""One-sided."""
POWER = 0.8


def reach(*, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return how many standard errors away an effect must be: 2.486 at 5 % and 80 %."""
    return float(special.ndtri(1 - alpha) + special.ndtri(power))


def detectable(error: float, *, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return the smallest true difference that a one-sided test finds with this power.

    `error` is the standard error of the mean difference.
    """
    return reach(alpha=alpha, power=power) * error


def power_of(effect: float, error: float, *, alpha: float = ALPHA) -> float:
    """Return the chance that a one-sided test finds a true difference of this size."""
    return float(special.ndtr(abs(effect) / error - special.ndtri(1 - alpha)))


def needed_cases(
    effect: float,
    error: float,
    n: int,
    *,
    alpha: float = ALPHA,
    power: float = POWER,
) -> int:
    """Return how many cases find a true difference, judged by an error seen on `n` cases.

    The cases to come are taken to be like those seen, clusters included. At least 2.
    """
    return max(2, _up(n * (detectable(error, alpha=alpha, power=power) / effect) ** 2))


def planned_cases(
    effect: float,
    *,
    between: float,
    old_noise: float,
    new_noise: float,
    repeats: int = 1,
    alpha: float = ALPHA,
    power: float = POWER,
) -> int:
    """Return how many cases a comparison needs.

    Args:
        effect: true mean difference to be found.
        between: variance over cases of the true difference.
        old_noise: variance of one answer's score about its case's mean, of the old model.
        new_noise: the same of the new model.
        repeats: answers per case, of each model.
        alpha: of the one-sided test.
        power: chance to find the effect.
    """
    variance = between + (old_noise + new_noise) / repeats
    return max(2, _up(reach(alpha=alpha, power=power) ** 2 * variance / effect**2))


def needed_repeats(
    effect: float,
    *,
    n: int,
    between: float,
    noise: float,
    alpha: float = ALPHA,
    power: float = POWER,
) -> int | None:
    """Return how many answers per case find an effect on `n` cases; `None`: no number does.

    Args:
        effect: true mean difference to be found.
        n: cases.
        between: variance over cases of the true difference.
        noise: variances of one answer's score about its case's mean, both models' added.
        alpha: of the one-sided test.
        power: chance to find the effect.
    """
    room = n * (effect / reach(alpha=alpha, power=power)) ** 2 - between
    return max(1, _up(noise / room)) if room > 0 else None


def _up(value: float) -> int:
    # A hair above a whole number is rounding.
    return math.ceil(value - 1e-9)
