"""A seeded part of a suite's cases: stratified, or by a benchmark's own rule."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medcheck.errors import SettingsError
from medcheck.scoring.circular import GROUP
from medcheck.types import Case

_OFFICIAL = re.compile(r"official:([1-9][0-9]*)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How many cases to take, and how."""

    n: int
    seed: int = 0
    official: bool = False
    """HealthBench's own rule instead of strata."""


def parse_sample(value: Any, *, seed: int = 0) -> Sample:
    """Return the sample that `N`, `official:N` or `{n, seed}` stands for.

    Raises:
        SettingsError: it is none of these.
    """
    if isinstance(value, Sample):
        return value
    if isinstance(value, Mapping):
        return Sample(n=value["n"], seed=value.get("seed", seed))
    text = str(value)
    if found := _OFFICIAL.fullmatch(text):
        return Sample(n=int(found.group(1)), official=True)
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise SettingsError(f'sample "{text}": expected N or official:N, with N from 1.')
    return Sample(n=int(text), seed=seed)


def drawn(cases: Sequence[Case], sample: Sample, *, by: str | None = None) -> list[Case]:
    """Return the sampled cases; all of them if there are no more than `n`.

    Stratified: each stratum gives its share (largest remainders), the file's order is kept. The
    strata are the categories, else the tags with the prefix `by`. Shuffled copies of a question
    (tag `group:`) come all or none, so that strata of them may give up to a question less than
    their share; one question comes even if it has more copies than `n`. Official:
    random.Random(0).sample on the file's order, whose order is kept as drawn.

    Source: openai/simple-evals healthbench_eval.py:300, 346-350 (the official rule).
    """
    if sample.n >= len(cases):
        return list(cases)
    if sample.official:
        return random.Random(0).sample(list(cases), sample.n)  # noqa: S311 - not for secrets
    generator = random.Random(sample.seed)  # noqa: S311 - not for secrets
    strata = _strata(cases, by)
    shares = _shares([len(rows) for rows in strata], sample.n)
    rows: list[int] = []
    left = 0
    for some, share in zip(strata, shares, strict=True):
        units = _units(cases, some)
        if len(units) == len(some):
            rows += generator.sample(some, share)
            continue
        taken = _fitting(generator.sample(units, len(units)), share + left)
        left += share - len(taken)
        rows += taken
    rows = rows or generator.choice(_units(cases, strata[0]))
    return [cases[row] for row in sorted(rows)]


def _units(cases: Sequence[Case], rows: Sequence[int]) -> list[list[int]]:
    """Return the rows, those of one group together."""
    found: dict[str, list[int]] = {}
    for row in rows:
        group = next((tag for tag in cases[row].tags if tag.startswith(GROUP)), f"row {row}")
        found.setdefault(group, []).append(row)
    return list(found.values())


def _fitting(units: Sequence[Sequence[int]], n: int) -> list[int]:
    """Return the rows of the first units that fit into `n` rows."""
    taken: list[int] = []
    for unit in units:
        if len(taken) + len(unit) <= n:
            taken += unit
    return taken


def _strata(cases: Sequence[Case], by: str | None) -> list[list[int]]:
    found: dict[tuple[str, ...], list[int]] = {}
    categorized = any(case.category for case in cases)
    for row, case in enumerate(cases):
        tags = () if by is None else tuple(t for t in case.tags if t.startswith(f"{by}:"))
        found.setdefault(case.category if categorized else tags, []).append(row)
    return list(found.values())


def _shares(sizes: Sequence[int], n: int) -> list[int]:
    total = sum(sizes)
    shares = [size * n // total for size in sizes]
    remainders = [size * n % total for size in sizes]
    largest = sorted(range(len(sizes)), key=lambda index: (-remainders[index], index))
    for index in largest[: n - sum(shares)]:
        shares[index] += 1
    return shares
