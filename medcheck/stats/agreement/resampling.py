"""Bootstrap of agreement: whole clusters are drawn, such as the rounds of a conversation.

Source: Field and Welsh 2007 (cluster bootstrap); trust.md section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

_MIN_DRAWS = 0.9
"""Share of bootstrap draws that must have a figure."""


def cluster_bootstrap(
    values: Sequence[T],
    clusters: Sequence[Hashable],
    statistic: Callable[[Sequence[T]], float | None],
    *,
    seed: int,
    n: int = 1000,
    confidence: float = 0.95,
) -> tuple[float, float] | None:
    """Return the percentile interval of a statistic, whole clusters being drawn.

    Args:
        values: what the statistic is computed from.
        clusters: what each value belongs to, such as its conversation.
        statistic: may be `None` where it is not defined.
        seed: of the draws.
        n: how many draws.
        confidence: share of the draws that the interval holds.

    `None`: fewer than two clusters, or more than a tenth of the draws have no figure.

    Source: Field and Welsh 2007 (cluster bootstrap); trust.md section 3.
    """
    drawn = (
        statistic([values[row] for row in rows]) for rows in cluster_draws(clusters, seed=seed, n=n)
    )
    return percentiles(drawn, n=n, confidence=confidence)


def cluster_draws(clusters: Sequence[Hashable], *, seed: int, n: int) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of each of `n` bootstrap samples of clusters; nothing below two clusters."""
    rows: dict[Hashable, list[int]] = {}
    for row, name in enumerate(clusters):
        rows.setdefault(name, []).append(row)
    groups = [np.asarray(found, dtype=np.intp) for found in rows.values()]
    if len(groups) < 2:
        return
    draw = np.random.Generator(np.random.PCG64(seed))
    for _ in range(n):
        picked = draw.integers(0, len(groups), size=len(groups), dtype=np.uint32)
        yield np.concatenate([groups[number] for number in picked])


def percentiles(
    drawn: Iterable[float | None], *, n: int, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Return the bounds of what was drawn; `None` if too few of `n` draws have a figure."""
    known = [figure for figure in drawn if figure is not None]
    if not known or len(known) < _MIN_DRAWS * n:
        return None
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
