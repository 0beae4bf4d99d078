"""Asking judges about one criterion: bounded re-asks, failures that stay failures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from medcheck.client import Askable
from medcheck.errors import JudgeError, ProviderError
from medcheck.types import Ballot, Completion, Request, Usage, Verdict

MAX_ASKS = 4
"""One ask and at most three re-asks. Source: trust.md R3 (malformed verdicts)."""
MAX_STORED = 64


async def ballot(
    judge: Askable,
    build: Callable[[int], Request],
    parse: Callable[[Completion, Request], Ballot],
    *,
    final: bool = False,
) -> Ballot:
    """Return one judge's ballot on one criterion.

    A reply that cannot be used is asked again under its own key, at most `MAX_ASKS` times in
    one run. Stored unusable replies are passed over at no cost, so that a later run goes on
    where this one gave up. Where a missing vote is `final`, because the panel decides without
    it, they count: a later run must find the score that this one found, at no cost.

    Args:
        judge: whom to ask.
        build: the request of attempt number n, from 0.
        parse: the ballot in a reply; raises `JudgeError` for an unusable one.
        final: whether `MAX_ASKS` unusable replies are enough, whenever they were given.
    """
    replies: list[Completion] = []
    reason = "no reply"
    for attempt in range(MAX_STORED):
        request = build(attempt)
        try:
            completion = await judge.ask(request)
        except ProviderError as error:
            return _priced(failed(judge, f"{error}"), replies)
        replies.append(completion)
        try:
            return _priced(parse(completion, request), replies)
        except JudgeError as error:
            reason = str(error)
        if sum(final or not reply.cached for reply in replies) >= MAX_ASKS:
            break
    # Not how many there were: results must not tell how often the run was started.
    lost = failed(judge, f"no usable reply in {MAX_ASKS} tries: {reason}")
    return _priced(lost, replies)


def _priced(found: Ballot, replies: Sequence[Completion]) -> Ballot:
    """Add the tokens and the price of all replies that a ballot took."""
    costs = [reply.cost_usd for reply in replies]
    usages = [reply.usage for reply in replies]
    return replace(
        found,
        asks=len(replies),
        usage=Usage(
            input=_sum(usage.input for usage in usages),
            cached_input=_sum(usage.cached_input for usage in usages),
            output=_sum(usage.output for usage in usages),
            reasoning=_sum(usage.reasoning for usage in usages),
        ),
        cost_usd=None if None in costs or not costs else sum(cost or 0.0 for cost in costs),
        key=found.key or (replies[-1].key if replies else ""),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = list(counts)
    return None if None in known or not known else sum(count or 0 for count in known)


def failed(judge: Askable, reason: str) -> Ballot:
    """Return the ballot of a judge that could not answer: never a vote."""
    return Ballot(judge=judge.name, state="judge_error", value=None, error=reason)


def first_cause(verdicts: tuple[Verdict, ...]) -> str | None:
    """Return the first reason why a verdict is missing, for the line that people read."""
    for verdict in verdicts:
        if verdict.state in ("judge_error", "not_run"):
            causes = [b.error for b in verdict.ballots if b.error]
            return f"criterion {verdict.criterion.id}: {causes[0] if causes else verdict.state}"
    return None
