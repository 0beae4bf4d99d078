"""What a leaderboard's contestants cost: tokens and money as paid, or MedHELM's upper bound.

What a model's answers cost and what judging them cost are kept apart: the second is the price of
measuring, not of the model. Prices with their dates stand in `providers/prices.yaml`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from medcheck.gate.measured import Side, Spent
from medcheck.providers import Entry, Price

JUDGE_TOKENS = 4096
"""Output of a judge for one answer under the official estimate: its limit, hardly ever used."""
_MILLION = 1_000_000
_DUST = 1e-12
"""Less is left over from rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Tokens and what they cost."""

    input: int | None
    """`None`: not known."""
    output: int | None
    cost_usd: float | None
    """`None`: a price or a count is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What one contestant took."""

    answering: Part
    judging: Part
    """Under the official estimate the tokens of one judge, priced at the sum of all judges."""

    @property
    def total_usd(self) -> float | None:
        """Both parts; `None`: one is not known."""
        if self.answering.cost_usd is None or self.judging.cost_usd is None:
            return None
        return self.answering.cost_usd + self.judging.cost_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What a model or judge costs today."""

    name: str
    price: Price | None
    """`None`: not known."""


def tariffs(names: Iterable[str], entries: Mapping[str, Entry]) -> tuple[Tariff, ...]:
    """Return the price of each name once, in the given order."""
    return tuple(
        Tariff(name=name, price=entries[name].price if name in entries else None)
        for name in dict.fromkeys(names)
    )


def paid(sides: Iterable[Side]) -> Bill:
    """Return what the stored replies of a contestant's suites took.

    Priced when they were paid for. Replies that the store already had count as well: the bill is
    what the results rest on, not what the last command spent.
    """
    found = tuple(sides)
    return Bill(
        answering=_spent([side.answering for side in found]),
        judging=_spent([side.judging for side in found]),
    )


def _spent(parts: Sequence[Spent | None]) -> Part:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return Part(input=None, output=None, cost_usd=None)
    # What was never called, such as an answer that existed, costs nothing.
    costs = [part.cost_usd for part in known if part.calls]
    return Part(
        input=sum(part.input for part in known),
        output=sum(part.output for part in known),
        cost_usd=_sum(costs),
    )


def estimate(
    *,
    prompt_tokens: int,
    max_tokens: int,
    instances: int,
    price: Price | None,
    jury: Sequence[Price | None] = (),
) -> Bill:
    """Return MedHELM's upper bound for one benchmark.

    Every answer is taken to be as long as it may be. A judge reads prompt and answer (its own
    prompt is not counted) and writes `JUDGE_TOKENS` for each; no jury, no judging.

    Source: som-shahlab/medhelm, costs.csv; medhelm.md section 6.
    """
    answering = _priced(prompt_tokens, max_tokens * instances, [price])
    if not jury:
        return Bill(answering=answering, judging=_priced(0, 0, ()))
    read = prompt_tokens + max_tokens * instances
    return Bill(answering=answering, judging=_priced(read, JUDGE_TOKENS * instances, jury))


def official(sides: Iterable[Side], entries: Mapping[str, Entry]) -> Bill:
    """Return the sum of `estimate` over a contestant's suites, at the prices known today.

    Not known where a suite sets no `max_tokens`, or a model or judge has no price.
    """
    bills = [_official(side, entries) for side in sides]
    return Bill(
        answering=_added([bill.answering for bill in bills]),
        judging=_added([bill.judging for bill in bills]),
    )


def _official(side: Side, entries: Mapping[str, Entry]) -> Bill:
    entry = entries.get(side.model)
    params = {**side.compared.get("params", {}), **(entry.params if entry else {})}
    limit = params.get("max_tokens", params.get("max_completion_tokens"))
    if side.answering is None or not isinstance(limit, int):
        unknown = Part(input=None, output=None, cost_usd=None)
        return Bill(answering=unknown, judging=unknown if side.judges else _priced(0, 0, ()))
    return estimate(
        prompt_tokens=side.answering.input,
        max_tokens=limit,
        instances=side.planned,
        price=entry.price if entry else None,
        jury=[entries[name].price if name in entries else None for name in side.judges],
    )


def _priced(read: int, written: int, prices: Sequence[Price | None]) -> Part:
    costs = [
        None if price is None else (read * price.input + written * price.output) / _MILLION
        for price in prices
    ]
    return Part(input=read, output=written, cost_usd=_sum(costs))


def _added(parts: Sequence[Part]) -> Part:
    return Part(
        input=_count([part.input for part in parts]),
        output=_count([part.output for part in parts]),
        cost_usd=_sum([part.cost_usd for part in parts]),
    )


def _count(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _sum(costs: Sequence[float | None]) -> float | None:
    """Return a sum of which no part is unknown."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def per_point(cost_usd: float | None, score: float | None) -> float | None:
    """Return USD for each hundredth of a score; `None`: not known, or the score is not above 0."""
    if cost_usd is None or score is None or score <= 0:
        return None
    return cost_usd / (100 * score)


def exact(amount: float) -> str:
    """Return an amount with four digits after the point, or more where these would hide it."""
    small = _DUST < abs(amount) < 0.01
    places = 1 - math.floor(math.log10(abs(amount))) if small else 4
    return f"{amount:,.{max(4, places)}f}"


def pareto(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Return which (cost, quality) no other beats on both counts, the cheapest first.

    A point is beaten by one that is no worse in either and better in one.
    """
    front: list[int] = []
    for at in sorted(range(len(points)), key=lambda at: (points[at][0], -points[at][1])):
        best = points[front[-1]] if front else None
        if best is None or points[at][1] > best[1] or points[at] == best:
            front.append(at)
    return tuple(front)
