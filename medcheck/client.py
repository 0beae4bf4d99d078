"""The one door to every model and judge: store, lease, limits, provider, retry, price.

Nothing else calls a provider. A reply is committed to the store before anybody sees it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from medcheck import limits
from medcheck.canonical import Prepared, prepare
from medcheck.errors import BudgetError, MedcheckError, ProviderError
from medcheck.limits import Policy, Traffic
from medcheck.providers import (
    Entry,
    NoConnectionError,
    Provider,
    cost_usd,
    create,
    own_provider,
)
from medcheck.store.batch import BatchStore
from medcheck.store.responses import Failure, StoredReply
from medcheck.tokens import estimate_messages
from medcheck.types import Completion, Request

LEASE_SECONDS = 20.0
ASSUMED_OUTPUT_TOKENS = 2048
BUSY_WAIT = (0.02, 0.5)


class Askable(Protocol):
    """What graders see of a model or judge."""

    @property
    def name(self) -> str:
        """The name the user gave it."""

    async def ask(self, request: Request) -> Completion:
        """Return the reply to a request."""

    def key(self, request: Request) -> str:
        """Return the sha256 of the canonical request."""


class Passage(Protocol):
    """What a bound model needs of the door."""

    def prepare(self, entry: Entry, request: Request) -> Prepared:
        """Adapt and name a request."""

    async def ask(self, entry: Entry, request: Request) -> Completion:
        """Return the reply to a request."""


class Door:
    """Asks providers on behalf of one process; lives on one event loop."""

    def __init__(
        self, *, store: BatchStore, owner: str, policy: Policy, environ: Mapping[str, str]
    ) -> None:
        self.policy = policy
        self.owner = owner
        self.traffic = Traffic()
        self.stopped: MedcheckError | None = None
        """Why nothing is sent any more."""
        self.tell: Callable[[str], None] | None = None
        """Told at once what its user would else wait for in silence; on the door's thread."""
        self._refusing = ""
        self._reached: set[str] = set()
        """Hosts that a call has come through to."""
        self._unreached: set[str] = set()
        """Hosts without a connection of which `tell` was told."""
        self._purse = limits.Purse(store, policy)
        self._store = store
        self._environ = environ
        self._providers: dict[str, Provider] = {}
        self._limits: dict[str, limits.Limits] = {}
        self._asking: dict[str, asyncio.Future[Completion]] = {}
        self._slots = asyncio.Semaphore(policy.slots)
        self._held: set[str] = set()
        self._heartbeat: asyncio.Task[None] | None = None

    def prepare(self, entry: Entry, request: Request) -> Prepared:
        """Adapt a request to its endpoint and name it by the sha256 of its canonical form."""
        return prepare(entry, request, salt=self.policy.salt)

    async def ask(self, entry: Entry, request: Request) -> Completion:
        """Return the reply to a request: from the store, or asked once and stored.

        Raises:
            ProviderError: the endpoint gave no usable reply within tries and deadline.
            BudgetError: the run's hard stop was reached.
            StoreError: the store cannot be read or written.
        """
        prepared = self.prepare(entry, request)
        shared = self._asking.get(prepared.key)
        if shared is not None:
            return await asyncio.shield(shared)
        future = asyncio.get_running_loop().create_future()
        self._asking[prepared.key] = future
        try:
            completion = await self._ask_once(entry, prepared)
        except BaseException as error:
            if not future.done():
                future.set_exception(error) if isinstance(error, Exception) else future.cancel()
                future.exception() if not future.cancelled() else None
            raise
        else:
            future.set_result(completion)
            return completion
        finally:
            del self._asking[prepared.key]

    def adopt(self, entry: Entry, target: object) -> None:
        """Let an object of the user's own answer for an entry."""
        self._providers[entry.name] = own_provider(entry, self._environ, target)

    async def close(self) -> None:
        """Close the connections of every provider."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        for provider in self._providers.values():
            close = getattr(provider, "close", None)
            if close is not None:
                await close()

    async def _ask_once(self, entry: Entry, prepared: Prepared) -> Completion:
        stored = await self._claim(prepared.key)
        if stored is not None:
            self.traffic.reused += 1
            return stored
        try:
            return await self._pay(entry, prepared)
        except BaseException:
            await asyncio.shield(self._release(prepared.key))
            raise
        finally:
            self._held.discard(prepared.key)

    async def _claim(self, key: str) -> Completion | None:
        """Return the stored reply, or `None` when this process now holds the lease on the key."""
        pause, longest = BUSY_WAIT
        while True:
            now = time.time()
            until = now + LEASE_SECONDS
            found = await self._store.claim([key], owner=self.owner, now=now, until=until)
            holding = found[key]
            if isinstance(holding, StoredReply):
                return holding.to_completion(cached=True)
            if holding.taken:
                self._held.add(key)
                self._keep_leases()
                return None
            await asyncio.sleep(pause)
            pause = min(longest, pause * 2)

    def _keep_leases(self) -> None:
        """Renew leases in the background: they are short, so that a dead owner blocks nobody."""
        if self._heartbeat is None or self._heartbeat.done():
            self._heartbeat = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        while self._held:
            await asyncio.sleep(LEASE_SECONDS / 4)
            until = time.time() + LEASE_SECONDS
            if self._held:
                await self._store.renew(tuple(self._held), owner=self.owner, until=until)

    async def _pay(self, entry: Entry, prepared: Prepared) -> Completion:
        if self.policy.responses == "only":
            raise ProviderError(
                f'{_who(entry)}: no stored reply to this request, and "--responses only" '
                "forbids new calls.",
                hint="Leave the option out to ask for what is missing.",
            )
        return await self._tries(entry, prepared)

    async def _tries(self, entry: Entry, prepared: Prepared) -> Completion:
        """Call the provider until it replies, within tries and deadline.

        Source: trust.md R3 (classes of errors, Retry-After, jitter, deadline).
        """
        ends = time.monotonic() + max(limits.DEADLINE, 3 * entry.timeout.total)
        lost = 0
        for number in range(limits.MAX_TRIES):
            try:
                return await self._call(entry, prepared)
            except ProviderError as error:
                lost += error.maybe_paid
                never = self._never_reached(entry, error)
                tries = limits.UNREACHED_TRIES if never else limits.MAX_TRIES
                wait = limits.backoff(number, error.retry_after, longest=self.policy.first_wait)
                last = number >= tries - 1 or time.monotonic() + wait > ends
                if not error.retryable or lost > 1 or last:
                    if never and self.stopped is None:
                        self.stopped, self._refusing = error, entry.name
                    raise
                if never:
                    self._tell_once(entry, error)
                self.traffic.retried += 1
                await asyncio.sleep(wait)
        raise AssertionError  # pragma: no cover

    def _never_reached(self, entry: Entry, error: ProviderError) -> bool:
        """Return whether no call has ever come through to a host: its address is likely wrong."""
        return isinstance(error, NoConnectionError) and entry.host not in self._reached

    def _tell_once(self, entry: Entry, error: ProviderError) -> None:
        if self.tell is not None and entry.host not in self._unreached:
            self._unreached.add(entry.host)
            self.tell(f"{error} Still trying.")

    async def _call(self, entry: Entry, prepared: Prepared) -> Completion:
        limit = self._limit(entry)
        tokens = estimate_messages(prepared.request.messages)
        async with limit:
            await limit.pace(tokens)
            # The run's slots last: who waits for one endpoint must not keep others from theirs.
            async with self._slots:
                if self.stopped is not None:
                    raise self._stopping(self.stopped, entry)
                reserved = await self._reserve(entry, prepared.request, tokens)
                return await self._send(entry, prepared, reserved)

    async def _send(self, entry: Entry, prepared: Prepared, reserved: float | None) -> Completion:
        self.traffic.sent += 1
        who = f"{prepared.request.role} {entry.name}"
        self.traffic.by_role[who] = self.traffic.by_role.get(who, 0) + 1
        completion = None
        try:
            reply = await self._provider(entry).ask(prepared.request)
            self._reached.add(entry.host)
            completion = self._priced(entry, replace(reply, key=prepared.key))
            # Still in its slot: a kill then loses what is in flight and nothing that came back.
            # A reply that is paid for is stored even when the run is being stopped.
            await asyncio.shield(self._save(prepared, completion))
        except ProviderError as error:
            if not isinstance(error, NoConnectionError):
                self._reached.add(entry.host)
            if error.stop_run:
                self.stopped, self._refusing = error, entry.name
            await self._note_failure(entry, prepared, error)
            raise
        finally:
            if reserved is not None:
                await asyncio.shield(self._settle(entry, reserved, completion))
        return completion

    def _stopping(self, cause: MedcheckError, entry: Entry) -> MedcheckError:
        """Return why a call is not sent: the endpoint's own refusal, or that the run has stopped.

        A new error each time: one that a thousand callers raise would drag their frames along.
        """
        if isinstance(cause, ProviderError) and entry.name == self._refusing:
            return ProviderError(cause.message, hint=cause.hint, status=cause.status)
        if isinstance(cause, BudgetError):
            # The figures and what to do stand once, in the run's own words, not beside each case.
            short = cause.message.partition(":")[0].rstrip(".")
            return BudgetError(f"not asked, because {short}.")
        text = f"not asked, because the run was stopped: {cause.message}"
        return MedcheckError(text, hint=cause.hint)

    async def _reserve(self, entry: Entry, request: Request, tokens: int) -> float | None:
        """Take one call, and its likely price, out of the run's budget; `None` without limits."""
        likely = 0.0
        if entry.price is not None:
            output = request.params.get("max_tokens") or ASSUMED_OUTPUT_TOKENS
            output = request.params.get("max_completion_tokens") or output
            likely = (tokens * entry.price.input + output * entry.price.output) / 1e6
        try:
            return await self._purse.take(likely)
        except BudgetError as error:
            self.stopped = self.stopped or error
            raise self._stopping(error, entry) from None

    async def _settle(self, entry: Entry, reserved: float, completion: Completion | None) -> None:
        paid = cost_usd(completion.usage, entry.price) if completion else 0.0
        await self._purse.settle(reserved, paid or 0.0)

    async def _release(self, key: str) -> None:
        await self._store.release([key], owner=self.owner)

    async def _save(self, prepared: Prepared, completion: Completion) -> None:
        await self._store.save(
            StoredReply(
                key=prepared.key,
                request=prepared.canonical,
                text=completion.text,
                reasoning=completion.reasoning,
                finish=completion.finish,
                usage=completion.usage,
                seconds=completion.seconds,
                cost_usd=completion.cost_usd,
                evidence=completion.evidence,
                created=time.time(),
                run=self.policy.run,
            ),
            owner=self.owner,
        )

    async def _note_failure(self, entry: Entry, prepared: Prepared, error: ProviderError) -> None:
        self.traffic.failed += 1
        await self._store.fail(
            Failure(
                key=prepared.key,
                run=self.policy.run,
                at=time.time(),
                status=error.status,
                message=f"{_who(entry)}: {error.message}",
            )
        )

    def _priced(self, entry: Entry, completion: Completion) -> Completion:
        """Return the reply with what it cost, which is counted as spent."""
        cost = completion.cost_usd
        if cost is None:
            cost = cost_usd(completion.usage, entry.price)
        self.traffic.unpriced += cost is None
        self.traffic.spent_usd += cost or 0.0
        return replace(completion, cost_usd=cost)

    def _provider(self, entry: Entry) -> Provider:
        if entry.name not in self._providers:
            self._providers[entry.name] = create(entry, self._environ)
        return self._providers[entry.name]

    def _limit(self, entry: Entry) -> limits.Limits:
        if entry.name not in self._limits:
            share = self.policy.share
            self._limits[entry.name] = limits.Limits(
                slots=_part(entry.limits.concurrency, share, whole=True),
                rpm=_part(entry.limits.rpm, share),
                tpm=_part(entry.limits.tpm, share),
            )
        return self._limits[entry.name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model or judge bound to the door, for one answer of one case."""

    entry: Entry
    door: Passage
    repeat: int = 1
    copy: int = 0
    params: Mapping[str, Any] = field(default_factory=dict)
    """Settings for each request that does not bring its own."""

    @property
    def name(self) -> str:
        """The name the user gave it."""
        return self.entry.name

    async def ask(self, request: Request) -> Completion:
        """Return the reply to a request; see `Door.ask`."""
        return await self.door.ask(self.entry, self._bind(request))

    def key(self, request: Request) -> str:
        """Return the sha256 of the canonical request."""
        return self.prepare(request).key

    def prepare(self, request: Request) -> Prepared:
        """Return the request in the form its endpoint takes."""
        return self.door.prepare(self.entry, self._bind(request))

    def _bind(self, request: Request) -> Request:
        params = {**self.params, **request.params}
        copy = f"{self.copy}/{request.copy}"
        return replace(request, params=params, repeat=self.repeat, copy=copy)


def _part(limit: float | None, share: float, *, whole: bool = False) -> Any:
    if limit is None:
        return None
    return max(1, int(limit * share)) if whole else limit * share


def _who(entry: Entry) -> str:
    return f'model "{entry.name}"'
