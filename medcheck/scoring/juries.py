"""What several jurors' marks on one criterion become, and marks as shares of their scale.

Asking the jurors is the business of the grader `jury`.

Source: medhelm.md section 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from medcheck.errors import SettingsError, nearest

TRIMMED_FEWEST = 3


def together(marks: Sequence[float], how: str) -> float | None:
    """Return the one mark of several jurors; `None`: too few for the rule.

    Args:
        marks: of the jurors that gave one.
        how: a name in `RULES`.

    Raises:
        SettingsError: unknown rule.
    """
    if how not in RULES:
        raise SettingsError(f'grader.aggregate: unknown rule "{how}".', hint=nearest(how, RULES))
    return RULES[how](marks) if marks else None


def share(mark: float, scale: tuple[float, float]) -> float:
    """Return a mark as a share of its scale: (x - 1) / 4 for 1 to 5.

    Source: som-shahlab/medhelm tables/1_win_rate_table.py.
    """
    low, high = scale
    return (mark - low) / (high - low)


def mean(marks: Sequence[float]) -> float:
    """Return the mean of marks."""
    return math.fsum(marks) / len(marks)


def trimmed(marks: Sequence[float]) -> float | None:
    """Return the mean without the highest and the lowest mark; `None` below three."""
    return mean(sorted(marks)[1:-1]) if len(marks) >= TRIMMED_FEWEST else None


RULES: Mapping[str, Callable[[Sequence[float]], float | None]] = {
    "mean": mean,
    "median": lambda marks: float(median(marks)),
    "trimmed": trimmed,
}
"""A rule by its name under `grader.aggregate`."""
