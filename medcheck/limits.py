"""What a run and its endpoints allow: hard stops, slots, rates per minute, waits between tries."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from medcheck.errors import BudgetError

MAX_TRIES = 8
UNREACHED_TRIES = 4
"""Tries at a host that no call of this process has ever reached: a wrong address is no outage."""
MAX_WAIT = 60.0
MAX_RETRY_AFTER = 120.0
DEADLINE = 600.0
ELSEWHERE_SECONDS = 0.25
"""How often the account is looked at for calls of other processes that have ended."""
DUST_USD = 1e-9
"""As in `store.responses`: sums of floats may miss a limit by their last digit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the whole run allows itself."""

    run: str
    charged_to: str = ""
    """The run whose hard stops its calls count against; empty: this one."""
    responses: str = "reuse"
    """`reuse` stored replies, ask `fresh`, or `only` read stored ones."""
    max_calls: int | None = None
    budget_usd: float | None = None
    slots: int = 64
    """Requests in flight in this process."""
    share: float = 1.0
    """This process's part of an endpoint's rates: 1 / workers."""
    first_wait: float = 1.0
    """Seconds: the longest wait after a first failed try; doubles with each further one."""

    @property
    def salt(self) -> str | None:
        """Return what keeps the keys of a fresh run apart from all others."""
        return self.run if self.responses == "fresh" else None

    @property
    def account(self) -> str:
        """Return the run whose calls and money are counted."""
        return self.charged_to or self.run

    @property
    def hard_stops(self) -> str:
        """Return the options that limit the run, as the user wrote them."""
        calls = "" if self.max_calls is None else f"--max-calls {self.max_calls}"
        budget = "" if self.budget_usd is None else f"--budget {self.budget_usd:g}"
        return ", ".join(part for part in (calls, budget) if part)


@dataclass(slots=True)
class Traffic:
    """What went through the door of this process; differs between runs of the same replies."""

    sent: int = 0
    reused: int = 0
    failed: int = 0
    retried: int = 0
    spent_usd: float = 0.0
    unpriced: int = 0
    """Paid replies whose price is not known."""
    by_role: dict[str, int] = field(default_factory=dict)


class Spent(Protocol):
    """What a run has used of its hard stops."""

    @property
    def calls(self) -> int:
        """Return how many calls were begun."""

    @property
    def spent_usd(self) -> float:
        """Return what was paid."""

    @property
    def reserved_usd(self) -> float:
        """Return what is set aside for calls in flight."""


class Account(Protocol):
    """Where all processes of a run count calls and money; see `store.batch.BatchStore`."""

    async def reserve(
        self,
        run: str,
        *,
        cost_usd: float | None,
        max_calls: int | None = None,
        budget_usd: float | None = None,
    ) -> bool:
        """Count one call and set its expected cost aside, if both limits allow it."""

    async def settle(self, run: str, *, reserved_usd: float | None, cost_usd: float | None) -> None:
        """Replace what was set aside for a call by what it cost."""

    async def spent(self, run: str) -> Spent:
        """Return what the run has used so far."""


class Purse:
    """Takes each call, and its likely price, out of the run's hard stops before it is sent.

    Calls in flight hold what they may cost at most, and usually cost less: a call that does not
    fit beside them waits for one to end, and only one that cannot fit any more is refused.
    """

    def __init__(self, account: Account, policy: Policy, *, patience: float = 30.0) -> None:
        self._account = account
        self._policy = policy
        self._patience = patience
        """Seconds to wait for calls of other processes; one that was killed never settles."""
        self._open = 0
        self._settled = asyncio.Event()

    async def take(self, likely_usd: float) -> float | None:
        """Return what was set aside; `None`: the run has no hard stop.

        Raises:
            BudgetError: the call does not fit, and no call that ends can change that.
        """
        policy = self._policy
        if policy.max_calls is None and policy.budget_usd is None:
            return None
        before, since = None, time.monotonic()
        while True:
            settled = self._settled
            if await self._account.reserve(
                policy.account,
                cost_usd=likely_usd,
                max_calls=policy.max_calls,
                budget_usd=policy.budget_usd,
            ):
                self._open += 1
                return likely_usd
            spent = await self._account.spent(policy.account)
            if spent != before:
                before, since = spent, time.monotonic()
            late = not self._open and time.monotonic() - since > self._patience
            if late or not self._may_fit(spent, likely_usd):
                raise self._used_up(spent, likely_usd)
            with suppress(TimeoutError):
                await asyncio.wait_for(settled.wait(), None if self._open else ELSEWHERE_SECONDS)

    async def settle(self, reserved_usd: float, cost_usd: float) -> None:
        """Replace what was set aside by what the call cost, and let those that wait try again."""
        await self._account.settle(
            self._policy.account, reserved_usd=reserved_usd, cost_usd=cost_usd
        )
        self._open -= 1
        settled, self._settled = self._settled, asyncio.Event()
        settled.set()

    def _may_fit(self, spent: Spent, likely_usd: float) -> bool:
        """Return whether a call fits once all calls in flight have ended, if they cost nothing."""
        policy = self._policy
        if policy.max_calls is not None and spent.calls >= policy.max_calls:
            return False
        return policy.budget_usd is not None and (
            spent.spent_usd + likely_usd <= policy.budget_usd + DUST_USD
        )

    def _used_up(self, spent: Spent, likely_usd: float) -> BudgetError:
        policy = self._policy
        figures, less = ".", ""
        if policy.max_calls is None or spent.calls < policy.max_calls:
            figures = (
                f": ${spent.spent_usd:.4f} spent, ${spent.reserved_usd:.4f} set aside for calls "
                f"in flight, and the next call may cost ${likely_usd:.4f}."
            )
            less = " Setting max_tokens sets less aside for each call."
        return BudgetError(
            f"the run's limit ({policy.hard_stops}) is used up{figures}",
            hint=f"Run the same command with a higher limit: what is paid for is reused.{less}",
        )


def backoff(tries: int, retry_after: float | None, *, longest: float = 1.0) -> float:
    """Return the seconds to wait after the failed try number `tries` (from 0).

    The endpoint's own demand wins, up to 120 s; else full jitter up to `longest` s after the first
    try, twice as much after each further one, never more than 60 s.
    Unseeded on purpose: jitter must differ between workers, and no result depends on it.
    """
    if retry_after is not None:
        return min(max(retry_after, 0.0), MAX_RETRY_AFTER)
    return random.uniform(0.0, min(MAX_WAIT, longest * 2.0**tries))  # noqa: S311  (not a secret)


@dataclass(slots=True)
class Bucket:
    """A token bucket: `per_minute` units, refilled evenly, never more than a sixth saved up."""

    per_minute: float
    level: float = field(init=False)
    updated: float = field(init=False)

    def __post_init__(self) -> None:
        self.level = self.capacity
        self.updated = time.monotonic()

    @property
    def capacity(self) -> float:
        """Return what may be taken at once: ten seconds' worth, at least one."""
        return max(1.0, self.per_minute / 6)

    def wait(self, units: float) -> float:
        """Take `units` and return the seconds until they are really there."""
        now = time.monotonic()
        self.level = min(self.capacity, self.level + (now - self.updated) * self.per_minute / 60)
        self.updated = now
        self.level -= units
        return max(0.0, -self.level * 60 / self.per_minute)


class Gate:
    """Lets one call through to a new endpoint before all others.

    A wrong key or model name then costs one call a worker, not `--concurrency` calls. An
    endpoint that neither answers nor refuses within `patience` seconds is taken for slow.
    """

    def __init__(self, *, patience: float = 5.0) -> None:
        self._patience = patience
        self._first = True
        self._open = asyncio.Event()

    async def enter(self) -> None:
        """Return at once for the first caller, for others when the first call is through."""
        if self._open.is_set():
            return
        if self._first:
            self._first = False
            asyncio.get_running_loop().call_later(self._patience, self._open.set)
            return
        await self._open.wait()

    def release(self) -> None:
        """Let everybody through."""
        self._open.set()


class Limits:
    """The slots and rates of one registry entry in this process."""

    def __init__(
        self,
        *,
        slots: int | None,
        rpm: float | None,
        tpm: float | None,
    ) -> None:
        self.gate = Gate()
        self._slots = asyncio.Semaphore(slots) if slots else None
        self._requests = Bucket(rpm) if rpm else None
        self._tokens = Bucket(tpm) if tpm else None

    async def __aenter__(self) -> None:
        await self.gate.enter()
        if self._slots:
            await self._slots.acquire()

    async def __aexit__(self, *_: object) -> None:
        self.gate.release()
        if self._slots:
            self._slots.release()

    async def pace(self, tokens: float) -> None:
        """Wait until one more request of about `tokens` tokens is within the rates."""
        waits = [0.0]
        if self._requests:
            waits.append(self._requests.wait(1.0))
        if self._tokens:
            waits.append(self._tokens.wait(tokens))
        if max(waits) > 0:
            await asyncio.sleep(max(waits))
