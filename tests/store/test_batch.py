from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, select

from medcheck.errors import StoreError
from medcheck.store.batch import BatchStore
from medcheck.store.database import Database, open_database
from medcheck.store.responses import Failure, Lease, Responses, Spend, StoredReply
from medcheck.store.tables import LEASES


@pytest.fixture
def responses(database: Database) -> Responses:
    return Responses(database)


@pytest.fixture
def store(responses: Responses) -> Iterator[BatchStore]:
    opened = BatchStore(responses)
    yield opened
    opened.close()


def reply(key: str) -> StoredReply:
    return StoredReply(key=key, text="text", created=1.0, run="r")


def held(database: Database, key: str) -> bool:
    """Say whether anyone holds a lease on the key."""
    query = select(LEASES.c.owner).where(LEASES.c.key == key)
    return database.read(lambda connection: connection.scalar(query)) is not None


async def undone(store: BatchStore) -> None:
    """Wait until what was granted to cancelled tasks is given back."""
    for _ in range(2):  # the first is answered after the grant, the second after its return
        await store.release(["any"], owner="nobody")
        await store.settle("no run", reserved_usd=None, cost_usd=0.0)


def test_many_tasks_pay_each_key_once(store: BatchStore, responses: Responses) -> None:
    """Of the tasks that want a key, one gets the lease; in the end every reply is stored."""
    paid: list[str] = []

    async def task(key: str) -> None:
        found = await store.claim([key], owner="a", now=10, until=20)
        lease = found[key]
        if isinstance(lease, Lease) and lease.taken:
            paid.append(key)
            await store.save(reply(key), owner="a")
            assert responses.have([key]) == {key}

    async def main() -> None:
        await asyncio.gather(*(task(f"k{i % 50}") for i in range(200)))

    asyncio.run(main())
    assert sorted(paid) == sorted(f"k{i}" for i in range(50))
    assert responses.have(paid) == set(paid)


def test_every_operation_reaches_the_store(
    store: BatchStore, responses: Responses, database: Database
) -> None:
    """What the asynchronous methods do is what the store's own methods do."""

    async def main() -> None:
        await store.claim(["k1", "k2", "k3"], owner="a", now=0, until=5)
        await store.renew(["k1", "k2"], owner="a", until=99)
        await store.release(["k2"], owner="a")
        await store.fail(Failure(key="k3", run="r", at=1.0, message="no"))
        granted = [
            await store.reserve("r", cost_usd=0.5, max_calls=2, budget_usd=None) for _ in range(3)
        ]
        assert granted == [True, True, False]
        await store.settle("r", reserved_usd=0.5, cost_usd=0.25)

    asyncio.run(main())
    assert [held(database, key) for key in ("k1", "k2", "k3")] == [True, False, True]
    lease = responses.claim(["k1"], owner="b", now=98, until=100)["k1"]
    assert lease == Lease(key="k1", owner="a", until=99, taken=False)
    assert [f.message for f in responses.failures_of(["k3"])] == ["no"]
    assert responses.spent("r") == Spend(calls=2, reserved_usd=0.5, spent_usd=0.25)


def test_limits_hold_within_one_batch(store: BatchStore) -> None:
    """Reservations that are decided together do not pass the limit together."""

    async def main() -> list[bool]:
        ask = [store.reserve("r", cost_usd=0.3, budget_usd=1.0) for _ in range(20)]
        return list(await asyncio.gather(*ask))

    assert sum(asyncio.run(main())) == 3


def test_waiting_operations_share_transactions(tmp_path: Path) -> None:
    """A thousand replies that arrive together take far fewer transactions than a thousand."""
    begun: list[int] = []
    with open_database(tmp_path / "s.sqlite") as database:
        event.listen(database._engine, "begin", lambda _: begun.append(1))
        store = BatchStore(Responses(database))

        async def main() -> None:
            await asyncio.gather(*(store.save(reply(f"k{i}"), owner="a") for i in range(1000)))

        asyncio.run(main())
        store.close()
    assert len(begun) < 50


def test_cancelled_claim_is_given_back(responses: Responses, database: Database) -> None:
    """A lease that was granted to a cancelled task does not block its key."""
    store = BatchStore(responses, linger_seconds=0.05)

    async def main() -> None:
        claim = asyncio.ensure_future(store.claim(["k"], owner="a", now=10, until=20))
        await asyncio.sleep(0)
        # The loop is busy while the store grants the lease, then the task is cancelled.
        deadline = time.monotonic() + 10
        while not held(database, "k") and time.monotonic() < deadline:
            pass
        assert held(database, "k")
        claim.cancel()
        with pytest.raises(asyncio.CancelledError):
            await claim
        await undone(store)

    asyncio.run(main())
    store.close()
    assert not held(database, "k")


def test_cancelled_reservation_is_refunded(responses: Responses) -> None:
    """Money set aside for a cancelled task is free again."""
    store = BatchStore(responses)

    async def main() -> None:
        ask = asyncio.ensure_future(store.reserve("r", cost_usd=1.0))
        await asyncio.sleep(0)
        deadline = time.monotonic() + 10
        while not responses.spent("r").calls and time.monotonic() < deadline:
            pass
        ask.cancel()
        await asyncio.gather(ask, return_exceptions=True)
        await undone(store)

    asyncio.run(main())
    store.close()
    assert responses.spent("r") == Spend(calls=1)


def test_close_finishes_what_waits(responses: Responses) -> None:
    """Replies handed over before `close` are stored, even where nobody waits any more."""
    store = BatchStore(responses, linger_seconds=0.05)

    async def main() -> None:
        tasks = [asyncio.ensure_future(store.save(reply(f"k{i}"), owner="a")) for i in range(30)]
        await asyncio.sleep(0)
        store.close()
        assert responses.have([f"k{i}" for i in range(30)]) == {f"k{i}" for i in range(30)}
        await asyncio.gather(*tasks)
        with pytest.raises(StoreError, match="closed"):
            await store.save(reply("late"), owner="a")

    asyncio.run(main())
    store.close()


def test_store_error_reaches_every_waiter(store: BatchStore, database: Database) -> None:
    """When the store breaks, each waiting task gets its own `StoreError`, and none hangs."""
    database.write(lambda connection: connection.exec_driver_sql("DROP TABLE responses"))

    async def main() -> list[object]:
        saves = [store.save(reply(f"k{i}"), owner="a") for i in range(10)]
        claims = [store.claim([f"k{i}"], owner="a", now=0, until=1) for i in range(10)]
        waiting = asyncio.gather(*saves, *claims, return_exceptions=True)
        return list(await asyncio.wait_for(waiting, 30))

    errors = asyncio.run(main())
    assert all(isinstance(error, StoreError) for error in errors)
    assert len({id(error) for error in errors}) == 20
    assert "responses" in str(errors[0])


def test_bug_reaches_every_waiter(store: BatchStore) -> None:
    """Even an error that nobody foresaw ends the wait, with its cause attached."""

    async def main() -> None:
        with pytest.raises(StoreError, match="TypeError") as caught:
            await asyncio.wait_for(store.release(["k", 1], owner="a"), 30)  # type: ignore[list-item]
        assert caught.value.__cause__ is not None
        await store.release(["still working"], owner="a")

    asyncio.run(main())


def test_one_bad_reply_harms_no_other(store: BatchStore, responses: Responses) -> None:
    """A reply that cannot be stored fails alone; its neighbors are saved."""
    bad = StoredReply(key="bad", text="t", evidence=({"x": object()},), created=1.0, run="r")

    async def main() -> list[object]:
        saves = [store.save(r, owner="a") for r in (reply("k1"), bad, reply("k2"))]
        return list(await asyncio.gather(*saves, return_exceptions=True))

    first, second, third = asyncio.run(main())
    assert (first, third) == (None, None)
    assert isinstance(second, StoreError)
    assert responses.have(["k1", "bad", "k2"]) == {"k1", "k2"}
