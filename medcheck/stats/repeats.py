"""Several answers to a case: how often one of k passes, how often all of k do.

The expected worst of k answers stands beside the means (`means.worst_at_k`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from medcheck.errors import SettingsError
from medcheck.stats.means import mean


def pass_at_k(passed: Sequence[Sequence[bool]], k: int) -> float | None:
    """Return the chance that at least one of `k` answers passes, averaged over cases.

    Unbiased: 1 - C(n - c, k) / C(n, k) for c passes among a case's n answers. `None` without
    cases, or if a case has fewer than `k` answers.

    Source: Chen et al. 2021, arXiv 2107.03374, section 2.1.

    Raises:
        SettingsError: k below 1.
    """
    return _over_cases(passed, k, lambda n, c: 1 - math.comb(n - c, k) / math.comb(n, k))


def pass_all_k(passed: Sequence[Sequence[bool]], k: int) -> float | None:
    """Return the chance that all of `k` answers pass (pass^k), averaged over cases.

    Unbiased: C(c, k) / C(n, k). `None` as for `pass_at_k`.

    Source: Yao et al. 2024, arXiv 2406.12045, section 3.

    Raises:
        SettingsError: k below 1.
    """
    return _over_cases(passed, k, lambda n, c: math.comb(c, k) / math.comb(n, k))


def _over_cases(
    passed: Sequence[Sequence[bool]], k: int, chance: Callable[[int, int], float]
) -> float | None:
    if k < 1:
        raise SettingsError(f"pass@k needs k of 1 or more, found {k}.")
    if any(len(answers) < k for answers in passed):
        return None
    return mean([chance(len(answers), sum(answers)) for answers in passed])
