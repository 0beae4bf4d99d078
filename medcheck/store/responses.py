"""Paid replies, the leases on those being paid for, failures and spending; synchronous.

Every method is one transaction. Who asks a model, and when to retry, is not decided here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import (
    BindParameter,
    Connection,
    Executable,
    bindparam,
    delete,
    func,
    select,
    update,
)

from medcheck.store.codec import dumps, storable
from medcheck.store.database import Database
from medcheck.store.tables import FAILURES, LEASES, RESPONSES, SPEND
from medcheck.types import Completion, Finish, Usage

_CHUNK = 1000  # keys per query: databases bound the number of parameters
_CENT_DUST = 1e-9  # sums of floats may miss a limit by their last digit

_FINISHES = frozenset(get_args(Finish))

# Statements are built once: building one takes longer than running it.
_KEYS: BindParameter[Any] = bindparam("_keys", expanding=True)
_MINE = (LEASES.c.key == bindparam("_key")) & (LEASES.c.owner == bindparam("_owner"))
_FIND_REPLIES = select(*(c for c in RESPONSES.columns if c.name != "request")).where(
    RESPONSES.c.key.in_(_KEYS)
)
_FIND_KEYS = select(RESPONSES.c.key).where(RESPONSES.c.key.in_(_KEYS))
_FIND_LEASES = select(LEASES).where(LEASES.c.key.in_(_KEYS))
_FIND_FAILURES = select(FAILURES).where(FAILURES.c.key.in_(_KEYS))
_FREE = delete(LEASES).where(_MINE)
_RENEW = update(LEASES).where(_MINE).values(until=bindparam("_until"))
_FIND_SPEND = select(*(c for c in SPEND.columns if c.name != "run")).where(
    SPEND.c.run == bindparam("_run")
)
_LOCK_SPEND = _FIND_SPEND.with_for_update()
_WRITE_SPEND = update(SPEND).where(SPEND.c.run == bindparam("_run"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReply:
    """A reply as it was paid for."""

    key: str
    request: str = ""
    """Canonical JSON; empty where it was not fetched (only `get` fetches it)."""
    text: str
    reasoning: str | None = None
    finish: Finish = "stop"
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    cost_usd: float | None = None
    """`None`: the price was unknown."""
    evidence: tuple[Mapping[str, Any], ...] = ()
    created: float
    """Unix time."""
    run: str

    def to_completion(self, *, cached: bool = True) -> Completion:
        """Return the reply as the engine passes it on."""
        return Completion(
            text=self.text,
            reasoning=self.reasoning,
            finish=self.finish,
            usage=self.usage,
            seconds=self.seconds,
            cost_usd=self.cost_usd,
            key=self.key,
            cached=cached,
            evidence=self.evidence,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to pay for a key until a moment."""

    key: str
    owner: str
    until: float
    """Unix time."""
    taken: bool
    """This very claim took it; otherwise it is busy, even where the owner is the claimant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A call that gave no usable reply; kept as evidence, never served as an answer."""

    key: str
    run: str
    at: float
    """Unix time."""
    status: int | None = None
    """HTTP status, where there was one."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What a run has spent so far."""

    calls: int = 0
    reserved_usd: float = 0.0
    """For calls in flight."""
    spent_usd: float = 0.0
    unpriced: int = 0
    """Settled calls whose price is unknown; they are not in `spent_usd`."""


def pack(reply: StoredReply) -> dict[str, Any]:
    """Return the row of a reply.

    Raises:
        StoreError: its usage or evidence has no JSON form.
    """
    words = {
        "text": reply.text,
        "reasoning": reply.reasoning,
        "finish": reply.finish,
        "evidence": reply.evidence,
    }
    usage = reply.usage
    counts = (usage.input, usage.cached_input, usage.output, usage.reasoning)
    return {
        "key": reply.key,
        "request": storable(reply.request),
        "reply": dumps(words),
        "usage": dumps(counts),
        "cost_usd": reply.cost_usd,
        "seconds": reply.seconds,
        "created": reply.created,
        "run": reply.run,
    }


class Responses:
    """The replies of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert_reply = database.insert_missing(RESPONSES)
        self._insert_spend = database.insert_missing(SPEND)
        self._take_leases = database.upsert(
            LEASES, where=LEASES.c.until <= bindparam("_now")
        ).returning(LEASES.c.key)

    def claim(
        self, keys: Iterable[str], *, owner: str, now: float, until: float
    ) -> dict[str, StoredReply | Lease]:
        """Return per key its stored reply, or the lease taken until `until`, or who holds it.

        Expired leases are taken over.
        """
        # Sorted: processes that lock the same keys in the same order cannot deadlock.
        wanted = sorted(set(keys))
        return self._database.write(
            lambda connection: self._claim(connection, wanted, owner=owner, now=now, until=until)
        )

    def save(self, replies: Sequence[StoredReply], *, owner: str) -> None:
        """Store replies and free their leases at once; the first reply of a key stays."""
        self.save_rows([pack(reply) for reply in replies], owner=owner)

    def save_rows(self, rows: Sequence[Mapping[str, Any]], *, owner: str) -> None:
        """Store what `pack` made of replies, like `save`."""
        if not rows:
            return
        ordered = sorted(rows, key=lambda row: str(row["key"]))
        keys = [str(row["key"]) for row in ordered]

        def work(connection: Connection) -> None:
            connection.execute(self._insert_reply, ordered)
            _release(connection, keys, owner)

        self._database.write(work)

    def renew(self, keys: Iterable[str], *, owner: str, until: float) -> None:
        """Prolong the leases that `owner` still holds."""
        rows = [{"_key": key, "_owner": owner, "_until": until} for key in sorted(set(keys))]
        if rows:
            self._database.write(lambda connection: connection.execute(_RENEW, rows))

    def forget(self, prefix: str) -> None:
        """Free the leases of all owners named `prefix...`, who are known to be dead."""
        # Not LIKE: in SQLite it takes "Run/" for "run/", whose owner may be alive.
        of_these = func.substr(LEASES.c.owner, 1, len(prefix)) == prefix
        self._database.write(lambda connection: connection.execute(delete(LEASES).where(of_these)))

    def release(self, keys: Iterable[str], *, owner: str) -> None:
        """Free the leases that `owner` holds; others stay."""
        held = sorted(set(keys))
        if held:
            self._database.write(lambda connection: _release(connection, held, owner))

    def fail(self, failures: Sequence[Failure]) -> None:
        """Record calls without a usable reply."""
        rows = [asdict(f) | {"message": storable(f.message)} for f in failures]
        if rows:
            self._database.write(lambda connection: connection.execute(FAILURES.insert(), rows))

    def failures_of(self, keys: Iterable[str]) -> tuple[Failure, ...]:
        """Return the failures of these keys, oldest first."""
        wanted = sorted(set(keys))
        rows = self._database.read(lambda c: list(_found(c, _FIND_FAILURES, wanted)))
        return tuple(
            Failure(key=row.key, run=row.run, at=row.at, status=row.status, message=row.message)
            for row in sorted(rows, key=lambda row: int(row.id))
        )

    def get(self, key: str) -> StoredReply | None:
        """Return a reply with its request, or `None`."""
        query = select(RESPONSES).where(RESPONSES.c.key == key)
        row = self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else replace(_reply(row), request=row.request)

    def have(self, keys: Iterable[str]) -> set[str]:
        """Return those keys whose reply is stored."""
        wanted = sorted(set(keys))
        return self._database.read(lambda c: {row.key for row in _found(c, _FIND_KEYS, wanted)})

    def reserve(
        self,
        run: str,
        *,
        cost_usd: float | None,
        max_calls: int | None = None,
        budget_usd: float | None = None,
    ) -> bool:
        """Count one call and set its expected cost aside, if both limits allow it.

        A limit of `None` is none; an unknown cost (`None`) sets nothing aside.
        """
        return self.reserve_many(run, [cost_usd], max_calls=max_calls, budget_usd=budget_usd)[0]

    def reserve_many(
        self,
        run: str,
        costs_usd: Sequence[float | None],
        *,
        max_calls: int | None = None,
        budget_usd: float | None = None,
    ) -> list[bool]:
        """Reserve for several calls, each like `reserve`, in the order given."""

        def work(connection: Connection) -> list[bool]:
            spend = self._locked_spend(connection, run)
            granted = []
            for cost_usd in costs_usd:
                after = replace(
                    spend,
                    calls=spend.calls + 1,
                    reserved_usd=spend.reserved_usd + (cost_usd or 0.0),
                )
                granted.append(_within(after, max_calls=max_calls, budget_usd=budget_usd))
                spend = after if granted[-1] else spend
            _write_spend(connection, run, spend)
            return granted

        return self._database.write(work)

    def settle(self, run: str, *, reserved_usd: float | None, cost_usd: float | None) -> None:
        """Replace what was set aside for a call by what it cost (`None`: unknown)."""
        self.settle_many(run, [(reserved_usd, cost_usd)])

    def settle_many(self, run: str, calls: Sequence[tuple[float | None, float | None]]) -> None:
        """Settle several calls: (set aside, cost) each."""

        def work(connection: Connection) -> None:
            spend = self._locked_spend(connection, run)
            freed = sum(reserved or 0.0 for reserved, _ in calls)
            spend = replace(
                spend,
                reserved_usd=max(0.0, spend.reserved_usd - freed),
                spent_usd=spend.spent_usd + sum(cost or 0.0 for _, cost in calls),
                unpriced=spend.unpriced + sum(cost is None for _, cost in calls),
            )
            _write_spend(connection, run, spend)

        self._database.write(work)

    def spent(self, run: str) -> Spend:
        """Return what a run has spent; zeros where it made no call."""
        return (
            self._database.read(lambda connection: _spend(connection, _FIND_SPEND, run)) or Spend()
        )

    def purge(self, older_than: datetime) -> int:
        """Delete replies and failures made before a moment, for good; return how many replies."""
        moment = older_than.timestamp()

        def work(connection: Connection) -> int:
            connection.execute(delete(FAILURES).where(FAILURES.c.at < moment))
            connection.execute(delete(LEASES).where(LEASES.c.until < moment))
            return connection.execute(
                delete(RESPONSES).where(RESPONSES.c.created < moment)
            ).rowcount

        purged = self._database.write(work)
        self._database.compact()
        return purged

    def _claim(
        self, connection: Connection, keys: Sequence[str], *, owner: str, now: float, until: float
    ) -> dict[str, StoredReply | Lease]:
        found: dict[str, StoredReply | Lease] = dict(_replies(connection, keys))
        missing = [key for key in keys if key not in found]
        if not missing:
            return found
        taken = self._take(connection, missing, owner=owner, now=now, until=until)
        # A reply may have been saved between the look-up and the lease.
        late = _replies(connection, taken) if self._database.dialect != "sqlite" else {}
        _release(connection, list(late), owner)
        found.update(_busy(connection, [key for key in missing if key not in taken]))
        found.update({k: Lease(key=k, owner=owner, until=until, taken=True) for k in taken})
        return {**found, **late}

    def _take(
        self, connection: Connection, keys: Sequence[str], *, owner: str, now: float, until: float
    ) -> list[str]:
        rows = [{"key": key, "owner": owner, "until": until, "_now": now} for key in keys]
        return sorted(connection.scalars(self._take_leases, rows))

    def _locked_spend(self, connection: Connection, run: str) -> Spend:
        spend = _spend(connection, _LOCK_SPEND, run)
        if spend is None:
            connection.execute(self._insert_spend, {"run": run, **asdict(Spend())})
            spend = _spend(connection, _LOCK_SPEND, run)
        return spend or Spend()


def _found(connection: Connection, query: Executable, keys: Sequence[str]) -> Iterator[Any]:
    for start in range(0, len(keys), _CHUNK):
        yield from connection.execute(query, {"_keys": keys[start : start + _CHUNK]})


def _replies(connection: Connection, keys: Sequence[str]) -> dict[str, StoredReply]:
    return {row.key: _reply(row) for row in _found(connection, _FIND_REPLIES, keys)}


def _busy(connection: Connection, keys: Sequence[str]) -> dict[str, Lease]:
    return {
        row.key: Lease(key=row.key, owner=row.owner, until=row.until, taken=False)
        for row in _found(connection, _FIND_LEASES, keys)
    }


def _release(connection: Connection, keys: Sequence[str], owner: str) -> None:
    if keys:
        connection.execute(_FREE, [{"_key": key, "_owner": owner} for key in keys])


def _reply(row: Any) -> StoredReply:
    words = json.loads(row.reply)
    given, cached, output, reasoning = json.loads(row.usage)
    return StoredReply(
        key=row.key,
        text=words["text"],
        reasoning=words["reasoning"],
        finish=words["finish"] if words["finish"] in _FINISHES else "unknown",
        usage=Usage(input=given, cached_input=cached, output=output, reasoning=reasoning),
        seconds=row.seconds,
        cost_usd=row.cost_usd,
        evidence=tuple(words["evidence"]),
        created=row.created,
        run=row.run,
    )


def _within(spend: Spend, *, max_calls: int | None, budget_usd: float | None) -> bool:
    if max_calls is not None and spend.calls > max_calls:
        return False
    committed = spend.reserved_usd + spend.spent_usd
    return budget_usd is None or committed <= budget_usd + _CENT_DUST


def _spend(connection: Connection, query: Executable, run: str) -> Spend | None:
    row = connection.execute(query, {"_run": run}).mappings().first()
    return None if row is None else Spend(**{str(name): row[name] for name in row})


def _write_spend(connection: Connection, run: str, spend: Spend) -> None:
    connection.execute(_WRITE_SPEND, {"_run": run, **asdict(spend)})
