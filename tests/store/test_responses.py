from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from medcheck.errors import StoreError
from medcheck.store.database import Database, open_database
from medcheck.store.responses import Failure, Lease, Responses, Spend, StoredReply
from medcheck.store.tables import LEASES
from medcheck.types import Completion, Usage

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def responses(database: Database) -> Responses:
    return Responses(database)


def reply(key: str, text: str = "text", *, created: float = 1.0) -> StoredReply:
    return StoredReply(key=key, text=text, created=created, run="r")


FULL = StoredReply(
    key="k",
    request='{"问": "头痛 \ud800"}',
    text='多喝水 \ud83d "quoted" \0 \u2028 end',
    reasoning="想",
    finish="length",
    usage=Usage(input=3, output=0, reasoning=None),
    seconds=0.1 + 0.2,
    cost_usd=1e-7 / 3,
    evidence=({"tool": "search", "hits": [1, None]},),
    created=1_700_000_000.123456,
    run="run-1",
)


def test_reply_comes_back_exactly(responses: Responses) -> None:
    """Every field of a stored reply survives, to the last digit and the oddest character."""
    responses.save([FULL], owner="a")
    stored = responses.get("k")
    assert stored is not None
    assert json.loads(stored.request) == json.loads(FULL.request)
    assert {**vars_of(stored), "request": ""} == {**vars_of(FULL), "request": ""}


def vars_of(value: StoredReply) -> dict[str, object]:
    return {name: getattr(value, name) for name in StoredReply.__slots__}


def test_reply_becomes_a_completion() -> None:
    """A reply served from the store says so, and carries its recorded price and key."""
    assert FULL.to_completion() == Completion(
        text=FULL.text,
        reasoning="想",
        finish="length",
        usage=FULL.usage,
        seconds=FULL.seconds,
        cost_usd=FULL.cost_usd,
        key="k",
        cached=True,
        evidence=FULL.evidence,
    )
    assert not FULL.to_completion(cached=False).cached


def test_unknown_key_has_no_reply(responses: Responses) -> None:
    """A key that was never paid for gives nothing."""
    assert responses.get("k") is None
    assert responses.have(["k"]) == set()
    assert responses.claim([], owner="a", now=0, until=1) == {}


def test_claim_answers_each_key_by_its_state(responses: Responses) -> None:
    """A claim returns stored replies, takes free keys, and names the owner of busy ones."""
    responses.save([reply("stored")], owner="a")
    responses.claim(["busy"], owner="b", now=10, until=20)
    assert responses.claim(["stored", "busy", "free"], owner="a", now=11, until=30) == {
        "stored": reply("stored"),
        "busy": Lease(key="busy", owner="b", until=20, taken=False),
        "free": Lease(key="free", owner="a", until=30, taken=True),
    }


def test_own_lease_is_not_granted_twice(responses: Responses) -> None:
    """Two tasks of one owner cannot both pay for a key."""
    responses.claim(["k"], owner="a", now=10, until=20)
    assert responses.claim(["k"], owner="a", now=11, until=30) == {
        "k": Lease(key="k", owner="a", until=20, taken=False)
    }


def test_expired_lease_is_taken_over(responses: Responses) -> None:
    """A lease counts until its end, and from then on is anyone's."""
    responses.claim(["k"], owner="a", now=10, until=20)
    assert not taken(responses, "k", owner="b", now=19.9)
    assert taken(responses, "k", owner="b", now=20)
    assert not taken(responses, "k", owner="a", now=21)


def taken(responses: Responses, key: str, *, owner: str, now: float) -> bool:
    lease = responses.claim([key], owner=owner, now=now, until=now + 10)[key]
    assert isinstance(lease, Lease)
    return lease.taken


def test_renewed_lease_lasts_longer(responses: Responses) -> None:
    """An owner prolongs its own leases only."""
    responses.claim(["k"], owner="a", now=10, until=20)
    responses.renew(["k"], owner="b", until=99)
    responses.renew(["k", "never claimed"], owner="a", until=40)
    assert not taken(responses, "k", owner="b", now=30)
    assert taken(responses, "k", owner="b", now=40)


def test_released_lease_is_free(responses: Responses) -> None:
    """An owner frees its own leases only."""
    responses.claim(["k"], owner="a", now=10, until=20)
    responses.release(["k"], owner="b")
    assert not taken(responses, "k", owner="b", now=11)
    responses.release(["k"], owner="a")
    assert taken(responses, "k", owner="b", now=11)


def test_leases_of_dead_owners_are_forgotten(responses: Responses) -> None:
    """Only owners whose name begins with the very prefix lose their leases."""
    for owner in ("运行_1/a", "运行_1/b", "运行_10/a", "运行x1/a", "Run/a"):
        responses.claim([f"of {owner}"], owner=owner, now=10, until=20)
    responses.forget("运行_1/")
    responses.forget("run/")
    free = {
        o
        for o in ("运行_1/a", "运行_1/b", "运行_10/a", "运行x1/a", "Run/a")
        if taken(responses, f"of {o}", owner="new", now=11)
    }
    assert free == {"运行_1/a", "运行_1/b"}


def test_saving_frees_the_lease(responses: Responses, database: Database) -> None:
    """Once a reply is stored, others get the reply, not a lease."""
    responses.claim(["k"], owner="a", now=10, until=20)
    responses.save([reply("k")], owner="a")
    assert responses.claim(["k"], owner="b", now=11, until=30) == {"k": reply("k")}
    count = select(func.count()).select_from(LEASES)
    assert database.read(lambda connection: connection.scalar(count)) == 0


def test_first_reply_stays(responses: Responses) -> None:
    """Saving a key again changes nothing, alone or among new ones."""
    responses.save([reply("k", "first")], owner="a")
    responses.save([reply("k", "second"), reply("new")], owner="b")
    stored = responses.get("k")
    assert stored is not None
    assert stored.text == "first"
    assert responses.have(["k", "new"]) == {"k", "new"}


def test_unstorable_evidence_is_refused(responses: Responses) -> None:
    """A number that is not finite never reaches the store."""
    broken = StoredReply(
        key="k", text="t", evidence=({"score": float("nan")},), created=1.0, run="r"
    )
    with pytest.raises(StoreError, match="cannot be stored"):
        responses.save([broken], owner="a")


def test_many_keys_at_once(responses: Responses) -> None:
    """A query may name more keys than a database takes parameters."""
    keys = [f"k{i}" for i in range(40_000)]
    responses.save([reply("k7"), reply("k39999")], owner="a")
    assert responses.have(keys) == {"k7", "k39999"}


def test_failures_are_kept_but_never_served(responses: Responses) -> None:
    """A failed call stays on record, in order, and its key is still to be asked."""
    first = Failure(key="b", run="r", at=1.0, status=500, message="first 错误 \ud800 \0")
    second = Failure(key="a", run="r", at=2.0, status=None, message="second")
    responses.fail([first, second])
    stored = responses.failures_of(["a", "b", "c"])
    assert [f.message for f in stored] == [r"first 错误 \ud800 \u0000", "second"]
    assert stored[1] == second
    assert taken(responses, "b", owner="a", now=1)


def test_limits_stop_reservations(responses: Responses) -> None:
    """A call is counted only while it fits both the number of calls and the budget."""
    limits = {"max_calls": 3, "budget_usd": 1.0}
    assert responses.reserve("r", cost_usd=0.6, **limits)
    assert not responses.reserve("r", cost_usd=0.6, **limits)
    assert responses.reserve("r", cost_usd=0.4, **limits)
    responses.settle("r", reserved_usd=0.6, cost_usd=0.1)
    assert responses.reserve("r", cost_usd=0.5, **limits)
    assert not responses.reserve("r", cost_usd=0.0, **limits)
    assert responses.reserve("other run", cost_usd=0.6, **limits)
    spend = responses.spent("r")
    assert (spend.calls, spend.spent_usd, spend.unpriced) == (3, 0.1, 0)
    assert spend.reserved_usd == pytest.approx(0.9)


def test_unknown_price_is_counted_apart(responses: Responses) -> None:
    """A call without a price adds nothing to the money spent, and is counted."""
    assert responses.spent("r") == Spend()
    assert responses.reserve("r", cost_usd=None, budget_usd=0.0)
    responses.settle("r", reserved_usd=None, cost_usd=None)
    assert responses.spent("r") == Spend(calls=1, unpriced=1)


def test_purge_removes_old_texts_from_the_file(tmp_path: Path) -> None:
    """What is purged can no longer be found in any byte of the store."""
    path = tmp_path / "s.sqlite"
    with open_database(path) as database:
        responses = Responses(database)
        responses.save([reply("old", "PATIENT-ONE", created=100.0)], owner="a")
        responses.save([reply("new", "PATIENT-TWO", created=300.0)], owner="a")
        responses.fail([Failure(key="old", run="r", at=100.0, message="PATIENT-ONE")])
        assert responses.purge(datetime.fromtimestamp(200, UTC)) == 1
        assert responses.have(["old", "new"]) == {"new"}
        assert responses.failures_of(["old"]) == ()
        found = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"PATIENT-TWO" in found
    assert b"PATIENT-ONE" not in found


PAY_FOR_ALL = """
import json, random, sys, time
from medcheck.store.database import open_database
from medcheck.store.responses import Lease, Responses, StoredReply
url, owner = sys.argv[1:]
paid = []
with open_database(url) as database:
    responses = Responses(database)
    open_keys = [f"k{i}" for i in range(300)]
    random.Random(owner).shuffle(open_keys)
    print('ready', flush=True)
    sys.stdin.readline()
    while open_keys:
        part, now = open_keys[:10], time.time()
        found = responses.claim(part, owner=owner, now=now, until=now + 60)
        mine = [k for k, v in found.items() if isinstance(v, Lease) and v.taken]
        paid += mine
        responses.save(
            [StoredReply(key=k, text=owner, created=now, run="r") for k in mine], owner=owner
        )
        done = {k for k, v in found.items() if isinstance(v, StoredReply)} | set(mine)
        open_keys = [k for k in open_keys[10:] + part if k not in done]
print(json.dumps(paid))
"""


def go(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Let processes that have said "ready" run at the same moment; return what each printed."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    finished = [process.communicate(timeout=120) for process in processes]
    assert [errors for _, errors in finished] == [""] * len(processes)
    return [output for output, _ in finished]


def test_nothing_is_paid_twice(url: str, start_script: Start) -> None:
    """300 requests that 8 processes want at once are paid 300 times in all."""
    open_database(url).close()
    outputs = go([start_script(PAY_FOR_ALL, url, f"owner {i}") for i in range(8)])
    paid = [key for output in outputs for key in json.loads(output)]
    assert sorted(paid) == sorted(f"k{i}" for i in range(300))


RESERVE_ALL = """
import sys
from medcheck.store.database import open_database
from medcheck.store.responses import Responses
with open_database(sys.argv[1]) as database:
    responses = Responses(database)
    print('ready', flush=True)
    sys.stdin.readline()
    granted = 0
    for _ in range(60):
        if responses.reserve("r", cost_usd=0.25, max_calls=200, budget_usd=40.0):
            granted += 1
            responses.settle("r", reserved_usd=0.25, cost_usd=0.25)
print(granted)
"""


def test_limits_hold_across_processes(url: str, start_script: Start) -> None:
    """Four processes together never pass the budget, and use it up."""
    open_database(url).close()
    outputs = go([start_script(RESERVE_ALL, url) for _ in range(4)])
    assert sum(map(int, outputs)) == 160
    with open_database(url) as database:
        assert Responses(database).spent("r") == Spend(calls=160, spent_usd=40.0)


SAVE_AND_HANG = """
import sys, time
from medcheck.store.database import open_database
from medcheck.store.responses import Responses, StoredReply
responses = Responses(open_database(sys.argv[1]))
responses.claim(["saved", "in flight"], owner="dead", now=1000, until=1100)
responses.save([StoredReply(key="saved", text="paid", created=1.0, run="r")], owner="dead")
print("ready", flush=True)
time.sleep(600)
"""


def test_kill_loses_only_what_was_in_flight(url: str, start_script: Start) -> None:
    """After kill -9 a saved reply is there, and a lease blocks others only until its end."""
    process = start_script(SAVE_AND_HANG, url)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    with open_database(url) as database:
        responses = Responses(database)
        found = responses.claim(["saved", "in flight"], owner="b", now=1050, until=1060)
        assert found["saved"] == StoredReply(key="saved", text="paid", created=1.0, run="r")
        assert found["in flight"] == Lease(key="in flight", owner="dead", until=1100, taken=False)
        assert taken(responses, "in flight", owner="b", now=1100)
