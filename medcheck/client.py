"""The one door to every model and judge: store, lease, limits, provider, retry, price.

Nothing else calls a provider. A reply is committed to the store before anybody sees it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from medcheck import limits
from medcheck.errors import BudgetError, MedcheckError, ProviderError
from medcheck.providers import Entry, Provider, adapt, cost_usd, create
from medcheck.store.batch import BatchStore
from medcheck.store.responses import Failure, StoredReply
from medcheck.tokens import estimate_messages
from medcheck.types import Completion, Message, Request

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request in the form its endpoint takes."""

    request: Request
    canonical: str
    key: str
    notes: tuple[str, ...]
    """What of the suite's settings was mapped or dropped for this endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the whole run allows itself."""

    run: str
    responses: str = "reuse"
    """`reuse` stored replies, ask `fresh`, or `only` read stored ones."""
    max_calls: int | None = None
    budget_usd: float | None = None
    slots: int = 64
    """Requests in flight in this process."""
    share: float = 1.0
    """This process's part of an endpoint's rates: 1 / workers."""

    @property
    def salt(self) -> str | None:
        """Return what keeps the keys of a fresh run apart from all others."""
        return self.run if self.responses == "fresh" else None


class Passage(Protocol):
    """What a bound model needs of the door."""

    def prepare(self, entry: Entry, request: Request) -> Prepared:
        """Adapt and name a request."""

    async def ask(self, entry: Entry, request: Request) -> Completion:
        """Return the reply to a request."""


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


class Door:
    """Asks providers on behalf of one process; lives on one event loop."""

    def __init__(
        self, *, store: BatchStore, owner: str, policy: Policy, environ: Mapping[str, str]
    ) -> None:
        self.policy = policy
        self.owner = owner
        self.traffic = Traffic()
        self.stopped: MedcheckError | None = None
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
        completion = await self._tries(entry, prepared)
        cost = completion.cost_usd
        if cost is None:
            cost = cost_usd(completion.usage, entry.price)
        completion = replace(completion, key=prepared.key, cost_usd=cost)
        self._count(completion)
        # A reply that is paid for is stored even when the run is being stopped.
        await asyncio.shield(self._save(prepared, completion))
        return completion

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
                await self._note_failure(entry, prepared, error)
                lost += error.maybe_paid
                wait = limits.backoff(number, error.retry_after)
                last = number == limits.MAX_TRIES - 1 or time.monotonic() + wait > ends
                if not error.retryable or lost > 1 or last:
                    raise
                self.traffic.retried += 1
                await asyncio.sleep(wait)
        raise AssertionError  # pragma: no cover

    async def _call(self, entry: Entry, prepared: Prepared) -> Completion:
        limit = self._limit(entry)
        tokens = estimate_messages(prepared.request.messages)
        async with self._slots, limit:
            await limit.pace(tokens)
            if self.stopped is not None:
                raise self.stopped
            reserved = await self._reserve(entry, prepared.request, tokens)
            self.traffic.sent += 1
            who = f"{prepared.request.role} {entry.name}"
            self.traffic.by_role[who] = self.traffic.by_role.get(who, 0) + 1
            completion = None
            try:
                completion = await self._provider(entry).ask(prepared.request)
            except ProviderError as error:
                if error.stop_run:
                    self.stopped = error
                raise
            finally:
                limit.gate.release()
                if reserved is not None:
                    await asyncio.shield(self._settle(entry, reserved, completion))
        return completion

    async def _reserve(self, entry: Entry, request: Request, tokens: int) -> float | None:
        """Take one call, and its likely price, out of the run's budget; `None` without limits."""
        policy = self.policy
        if policy.max_calls is None and policy.budget_usd is None:
            return None
        likely = 0.0
        if entry.price is not None:
            output = request.params.get("max_tokens") or ASSUMED_OUTPUT_TOKENS
            output = request.params.get("max_completion_tokens") or output
            likely = (tokens * entry.price.input + output * entry.price.output) / 1e6
        allowed = await self._store.reserve(
            policy.run,
            cost_usd=likely,
            max_calls=policy.max_calls,
            budget_usd=policy.budget_usd,
        )
        if not allowed:
            limit = (
                f"--max-calls {policy.max_calls}"
                if policy.max_calls is not None
                else f"--budget {policy.budget_usd}"
            )
            self.stopped = BudgetError(
                f"the run's limit ({limit}) is used up.",
                hint="Run the same command with a higher limit: what is paid for is reused.",
            )
            raise self.stopped
        return likely

    async def _settle(self, entry: Entry, reserved: float, completion: Completion | None) -> None:
        paid = cost_usd(completion.usage, entry.price) if completion else 0.0
        await self._store.settle(self.policy.run, reserved_usd=reserved, cost_usd=paid or 0.0)

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

    def _count(self, completion: Completion) -> None:
        if completion.cost_usd is None:
            self.traffic.unpriced += 1
        else:
            self.traffic.spent_usd += completion.cost_usd

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
        return replace(request, repeat=self.repeat, copy=f"{self.copy}/{request.copy}")


def prepare(entry: Entry, request: Request, *, salt: str | None) -> Prepared:
    """Adapt a request to its endpoint and name it by the sha256 of its canonical form."""
    messages, params, notes = adapt(entry, request)
    adapted = replace(request, messages=messages, params=params)
    canonical = _canonical(entry, adapted, salt=salt)
    key = hashlib.sha256(canonical.encode()).hexdigest()
    return Prepared(request=adapted, canonical=canonical, key=key, notes=notes)


def _canonical(entry: Entry, request: Request, *, salt: str | None) -> str:
    """Return the JSON text that names a request: never a host, a port or a key."""
    content: dict[str, Any] = {
        "entry": entry.name,
        "provider": entry.provider,
        "model": entry.model,
        "role": request.role,
        "messages": [_plain(message) for message in request.messages],
        "params": dict(request.params),
        "repeat": request.repeat,
        "copy": request.copy,
        "attempt": request.attempt,
    }
    if salt is not None:
        content["fresh"] = salt
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _plain(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = {"role": message.role, "text": message.text}
    if message.images:
        plain["images"] = [asdict(image) for image in message.images]
    return plain


def _part(limit: float | None, share: float, *, whole: bool = False) -> Any:
    if limit is None:
        return None
    return max(1, int(limit * share)) if whole else limit * share


def _who(entry: Entry) -> str:
    return f'model "{entry.name}"'
