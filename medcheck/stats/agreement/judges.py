"""Two judges of a panel beside each other, over the criteria that both decided.

Source: trust.md section 3 (judge validity).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from medcheck.stats.agreement.coefficients import (
    cohen_kappa,
    gwet_ac1,
    krippendorff_alpha,
    mcnemar,
)
from medcheck.types import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePair:
    """Two judges on the criteria that both decided."""

    n: int
    agreement: float | None
    """Share of equal verdicts; all figures are `None` without criteria."""
    kappa: float | None
    ac1: float | None
    alpha: float | None
    met_rates: tuple[float, float] | None
    """Shares of the first and the second that are met: their difference is the bias."""
    only_first: int
    """Criteria that only the first calls met."""
    only_second: int
    p_value: float | None
    """Of McNemar's exact test that neither judge is the more lenient."""


def judge_pair(verdicts: Iterable[Verdict], first: str, second: str) -> JudgePair:
    """Compare two judges of a panel by their names; criteria that either left open are no pair.

    Source: trust.md section 3.
    """
    pairs = []
    for verdict in verdicts:
        said = {b.judge: b.state == "met" for b in verdict.ballots if b.state in ("met", "not_met")}
        if first in said and second in said:
            pairs.append((said[first], said[second]))
    only_first = sum(one and not other for one, other in pairs)
    only_second = sum(other and not one for one, other in pairs)
    n = len(pairs)
    return JudgePair(
        n=n,
        agreement=(n - only_first - only_second) / n if n else None,
        kappa=cohen_kappa(pairs),
        ac1=gwet_ac1(pairs),
        alpha=krippendorff_alpha(pairs),
        met_rates=(sum(one for one, _ in pairs) / n, sum(o for _, o in pairs) / n) if n else None,
        only_first=only_first,
        only_second=only_second,
        p_value=mcnemar(only_first, only_second),
    )
