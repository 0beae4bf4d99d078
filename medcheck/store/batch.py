"""The store for an event loop: one thread that groups waiting operations into few transactions.

What an operation does is defined in `responses`; here is only who waits for it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from medcheck.errors import StoreError
from medcheck.store.responses import Failure, Lease, Responses, Spend, StoredReply, pack

Kind = Literal["save", "release", "renew", "fail", "claim", "settle", "reserve", "spent"]
Claimed = dict[str, StoredReply | Lease]

# Replies first: what is paid for is on disk before anything else is attempted.
_ORDER: tuple[Kind, ...] = (
    *("save", "release", "renew", "fail", "claim", "settle", "reserve", "spent"),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Operation:
    """One call that waits; operations of the same `kind` and `group` share a transaction."""

    kind: Kind
    group: tuple[Any, ...]
    value: Any
    loop: asyncio.AbstractEventLoop | None = None
    future: asyncio.Future[Any] | None = None


_Answers = list[tuple[_Operation, Any]]


class BatchStore:
    """Asynchronous access to `responses`, safe for several event loops."""

    def __init__(self, responses: Responses, *, linger_seconds: float = 0.001) -> None:
        self._responses = responses
        self._linger_seconds = linger_seconds
        """How long the first operation of a group waits for company."""
        self._queue: queue.SimpleQueue[_Operation | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def claim(self, keys: Iterable[str], *, owner: str, now: float, until: float) -> Claimed:
        """Return what `Responses.claim` returns; a claim nobody waits for any more is undone."""
        found: Claimed = await self._ask("claim", (owner,), (tuple(keys), now, until))
        return found

    async def save(self, reply: StoredReply, *, owner: str) -> None:
        """Return once the reply is committed and its lease is free."""
        await self._ask("save", (owner,), pack(reply))

    async def renew(self, keys: Iterable[str], *, owner: str, until: float) -> None:
        """Prolong the leases that `owner` still holds."""
        await self._ask("renew", (owner, until), tuple(keys))

    async def release(self, keys: Iterable[str], *, owner: str) -> None:
        """Free the leases that `owner` holds."""
        await self._ask("release", (owner,), tuple(keys))

    async def fail(self, failure: Failure) -> None:
        """Record a call without a usable reply."""
        await self._ask("fail", (), failure)

    async def reserve(
        self,
        run: str,
        *,
        cost_usd: float | None,
        max_calls: int | None = None,
        budget_usd: float | None = None,
    ) -> bool:
        """Count one call and set its expected cost aside, if both limits allow it."""
        granted: bool = await self._ask("reserve", (run, max_calls, budget_usd), cost_usd)
        return granted

    async def settle(self, run: str, *, reserved_usd: float | None, cost_usd: float | None) -> None:
        """Replace what was set aside for a call by what it cost."""
        await self._ask("settle", (run,), (reserved_usd, cost_usd))

    async def spent(self, run: str) -> Spend:
        """Return what a run has spent and set aside so far."""
        found: Spend = await self._ask("spent", (run,), None)
        return found

    def close(self) -> None:
        """Finish what is waiting and stop the thread; later calls raise `StoreError`."""
        with self._guard:
            self._closed = True
            thread = self._thread
            self._queue.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _ask(self, kind: Kind, group: tuple[Any, ...], value: Any) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._put(_Operation(kind, group, value, loop, future))
        return future

    def _put(self, operation: _Operation) -> None:
        with self._guard:
            if self._closed:
                raise StoreError("the store is closed.")
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="medcheck-store", daemon=True
                )
                self._thread.start()
            self._queue.put(operation)

    def _work(self) -> None:
        while (operations := self._next_group()) is not None:
            self._answer(self._run([o for o in operations if not _pointless(o)]))

    def _next_group(self) -> list[_Operation] | None:
        first = self._queue.get()
        if first is None:
            return None
        if self._linger_seconds and not self._closed:
            time.sleep(self._linger_seconds)
        operations = [first]
        while not self._queue.empty():
            operation = self._queue.get()
            if operation is None:
                self._queue.put(None)
                break
            operations.append(operation)
        return operations

    def _run(self, operations: Sequence[_Operation]) -> _Answers:
        groups: dict[tuple[Any, ...], list[_Operation]] = {}
        for operation in operations:
            groups.setdefault((operation.kind, *operation.group), []).append(operation)
        ordered = sorted(groups.values(), key=lambda group: _ORDER.index(group[0].kind))
        return [answer for group in ordered for answer in self._run_group(group)]

    def _run_group(self, group: Sequence[_Operation]) -> _Answers:
        try:
            answers = self._commit(group)
        except StoreError as error:
            return [
                (o, StoreError(error.message, hint=error.hint, where=error.where)) for o in group
            ]
        except Exception as error:  # noqa: BLE001 - a dead thread would leave every waiter hanging
            failed = StoreError(f"the store failed: {type(error).__name__}.")
            failed.__cause__ = error
            return [(operation, failed) for operation in group]
        return list(zip(group, answers, strict=True))

    def _commit(self, group: Sequence[_Operation]) -> Sequence[Any]:
        kind, names = group[0].kind, group[0].group
        values = [operation.value for operation in group]
        nothing: list[None] = [None] * len(group)
        match kind:
            case "claim":
                return _claim_all(self._responses, values, owner=names[0])
            case "reserve":
                return self._responses.reserve_many(
                    names[0], values, max_calls=names[1], budget_usd=names[2]
                )
            case "spent":
                return [self._responses.spent(names[0])] * len(group)
            case "save":
                self._responses.save_rows(values, owner=names[0])
            case "release":
                self._responses.release(_joined(values), owner=names[0])
            case "renew":
                self._responses.renew(_joined(values), owner=names[0], until=names[1])
            case "fail":
                self._responses.fail(values)
            case "settle":
                self._responses.settle_many(names[0], values)
        return nothing

    def _answer(self, answers: _Answers) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, _Answers] = {}
        for operation, value in answers:
            if operation.loop is not None:
                by_loop.setdefault(operation.loop, []).append((operation, value))
        for loop, part in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._deliver, part)
            except RuntimeError:  # the loop is closed: nobody waits
                self._undo(part)

    def _deliver(self, answers: _Answers) -> None:
        unwanted: _Answers = []
        for operation, value in answers:
            future = operation.future
            if future is None or future.done():
                unwanted.append((operation, value))
            elif isinstance(value, StoreError):
                future.set_exception(value)
            else:
                future.set_result(value)
        self._undo(unwanted)

    def _undo(self, answers: _Answers) -> None:
        """Give back what was granted to waiters that were cancelled meanwhile."""
        for operation, value in answers:
            undo = _reversed(operation, value)
            if undo is not None:
                with suppress(StoreError):  # closed: the lease will expire
                    self._put(undo)


def _claim_all(responses: Responses, values: Sequence[Any], *, owner: str) -> list[Claimed]:
    """Claim for several waiters at once; a key that two of them want is granted to the first."""
    keys = _joined([value[0] for value in values])
    now = min(value[1] for value in values)
    until = max(value[2] for value in values)
    found = responses.claim(keys, owner=owner, now=now, until=until)
    granted: set[str] = set()
    answers = []
    for wanted, _, _ in values:
        answer: Claimed = {}
        for key in wanted:
            holding = found[key]
            if isinstance(holding, Lease) and key in granted:
                holding = replace(holding, taken=False)
            answer[key] = holding
        granted.update(wanted)
        answers.append(answer)
    return answers


def _pointless(operation: _Operation) -> bool:
    """Say whether it would only grant something to a waiter that was cancelled meanwhile."""
    future = operation.future
    return operation.kind in {"claim", "reserve"} and future is not None and future.cancelled()


def _reversed(operation: _Operation, value: Any) -> _Operation | None:
    if operation.kind == "claim" and isinstance(value, dict):
        taken = tuple(k for k, v in value.items() if isinstance(v, Lease) and v.taken)
        return _Operation("release", operation.group, taken) if taken else None
    if operation.kind == "reserve" and value is True:
        return _Operation("settle", operation.group[:1], (operation.value, 0.0))
    return None


def _joined(parts: Iterable[Iterable[str]]) -> list[str]:
    return [key for part in parts for key in part]
