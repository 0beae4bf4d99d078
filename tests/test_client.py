"""The one door: what is stored is never paid again, what fails is bounded and recorded."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from servers import Reply, Server

from medcheck import client
from medcheck.canonical import prepare
from medcheck.client import Door, Model
from medcheck.errors import BudgetError, MedcheckError, ProviderError
from medcheck.limits import Policy, Purse
from medcheck.providers import Entry, Limits, Price, Timeout
from medcheck.store.batch import BatchStore
from medcheck.store.database import open_database
from medcheck.store.responses import Responses, StoredReply
from medcheck.types import Image, Message, Request

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100}
PRICE = Price(input=1.0, output=10.0)
QUICK = Policy(run="r", first_wait=0.001)


def asking(text="胸痛?", **changes):
    """Return a request."""
    return Request(messages=(Message(role="user", text=text),), **changes)


def entry(server=None, **changes):
    """Return an entry for a local server."""
    url = server.url if server else "http://127.0.0.1:9/v1"
    return Entry(**{"name": "m", "model": "m-1", "base_url": url, **changes})


@pytest.fixture
def responses(tmp_path):
    """The replies of a store of its own."""
    with open_database(str(tmp_path / "store.sqlite")) as database:
        yield Responses(database)


@asynccontextmanager
async def opened(responses, policy=QUICK, owner="host/r/main/1"):
    """Open a door and close it as the engine does."""
    store = BatchStore(responses)
    door = Door(store=store, owner=owner, policy=policy, environ={})
    try:
        yield door
    finally:
        await door.close()
        store.close()


def ask(responses, server, *requests, policy=QUICK, **fields):
    """Ask all at once; return the replies or errors, and the traffic."""

    async def scenario():
        async with opened(responses, policy) as door:
            calls = [door.ask(entry(server, **fields), request) for request in requests]
            return await asyncio.gather(*calls, return_exceptions=True), door.traffic

    return asyncio.run(scenario())


def until(condition):
    """Wait until a condition holds."""
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.005)


def test_a_reply_is_stored_before_it_is_seen(responses):
    """A reply comes back with its key, price and use, and stands in the store with its request."""
    with Server(Reply(text="rest", usage=USAGE)) as server:
        [reply], traffic = ask(responses, server, asking(), price=PRICE)
    stored = responses.get(reply.key)
    assert (reply.text, reply.cached, reply.cost_usd) == ("rest", False, 0.002)
    assert stored.to_completion(cached=False) == reply
    assert json.loads(stored.request)["messages"] == [{"role": "user", "text": "胸痛?"}]
    assert (traffic.sent, traffic.spent_usd, traffic.unpriced) == (1, 0.002, 0)
    assert traffic.by_role == {"model m": 1}


def test_what_is_stored_is_never_asked(responses):
    """The second time the store answers, and says so."""
    with Server(["one", "two"]) as server:
        [first], _ = ask(responses, server, asking())
        [second], traffic = ask(responses, server, asking())
        assert len(server.requests) == 1
    assert second == replace(first, cached=True)
    assert (traffic.sent, traffic.reused) == (0, 1)


def test_equal_requests_of_one_moment_are_one_call(responses):
    """Many who ask the same at the same time share one call and one reply."""
    with Server(Reply(text="x", delay=0.05)) as server:
        replies, _ = ask(responses, server, *[asking()] * 20)
        assert len(server.requests) == 1
    assert {reply.text for reply in replies} == {"x"}


def test_equal_requests_share_a_failure(responses):
    """Who waits for another's call gets its error, and nobody waits for ever."""
    with Server(Reply(status=400, body={"error": "no"}, delay=0.05)) as server:
        errors, traffic = ask(responses, server, *[asking()] * 5)
        assert len(server.requests) == 1
    assert all(isinstance(error, ProviderError) and error.status == 400 for error in errors)
    assert traffic.failed == 1


def test_a_leased_request_is_waited_for(responses):
    """What another process is paying for is not paid again: its reply is taken when it comes."""
    key = prepare(entry(), asking(), salt=None).key
    now = time.time()
    responses.claim([key], owner="other", now=now, until=now + 60)

    async def scenario(server):
        async with opened(responses) as door:
            task = asyncio.create_task(door.ask(entry(server), asking()))
            await asyncio.sleep(0.05)
            assert not task.done()
            reply = StoredReply(key=key, text="theirs", created=now, run="r")
            await asyncio.to_thread(responses.save, [reply], owner="other")
            return await asyncio.wait_for(task, timeout=5)

    with Server("mine") as server:
        assert asyncio.run(scenario(server)).text == "theirs"
        assert not server.requests


def test_a_failed_request_can_be_asked_by_others(responses):
    """A failure frees the lease and is recorded, never served."""
    with Server([Reply(status=400, body={"error": "no"}), "yes"]) as server:
        [error], _ = ask(responses, server, asking())
        [reply], _ = ask(responses, server, asking())
    assert isinstance(error, ProviderError)
    assert reply.text == "yes"
    [failure] = responses.failures_of([reply.key])
    assert failure.status == 400
    assert 'model "m"' in failure.message


@pytest.mark.parametrize(
    "fault",
    [Reply(status=429), Reply(status=500), Reply(status=408), Reply(reset=True),
     Reply(body=b"{"), Reply(body={"choices": []})],
)  # fmt: skip
def test_transient_faults_are_asked_again(fault, responses):
    """What may pass is tried again until it has passed."""
    with Server([fault, fault, "fine"]) as server:
        [reply], traffic = ask(responses, server, asking())
        assert len(server.requests) == 3
    assert reply.text == "fine"
    assert (traffic.sent, traffic.failed, traffic.retried) == (3, 2, 2)
    assert len(responses.failures_of([reply.key])) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_tries_are_bounded(status, responses):
    """An endpoint that never recovers costs eight calls and ends in its own words."""
    with Server(Reply(status=status, body={"error": "busy now"})) as server:
        [error], traffic = ask(responses, server, asking())
        assert len(server.requests) == 8
    assert f"HTTP {status}" in str(error)
    assert "busy now" in str(error)
    assert (traffic.failed, traffic.retried) == (8, 7)


@pytest.mark.parametrize("status", [400, 405, 422])
def test_permanent_faults_are_asked_once(status, responses):
    """What would fail again is not tried again, and stops nobody else."""
    script = [Reply(status=status, body={"error": "no"}), "yes"]
    with Server(script) as server:
        results, _ = ask(responses, server, asking("a"), asking("b"))
        assert len(server.requests) == 2
    assert sum(isinstance(result, ProviderError) for result in results) == 1


@pytest.mark.parametrize(("asked", "waits"), [("0.3", 0.3), ("0", 0.0)])
def test_retry_after_is_kept(asked, waits, responses):
    """The endpoint's own wait is kept, within a tenth and the machine's slack."""
    started = time.monotonic()
    with Server([Reply(status=429, headers={"retry-after": asked}), "x"]) as server:
        ask(responses, server, asking(), policy=Policy(run="r", first_wait=50.0))
    assert waits <= time.monotonic() - started < waits + 1.5


def test_a_lost_call_is_repeated_once(responses):
    """A call that timed out may have been paid: it is tried twice, not eight times."""
    with Server(Reply(delay=20)) as server:
        [error], traffic = ask(responses, server, asking(), timeout=Timeout(idle=0.1, total=0.1))
        assert len(server.requests) == 2
    assert error.maybe_paid
    assert traffic.sent == 2


def test_the_deadline_ends_the_tries(responses, monkeypatch):
    """No further try begins when its wait would end after the deadline."""
    monkeypatch.setattr(client.limits, "DEADLINE", 0.5)
    with Server(Reply(status=503, headers={"retry-after": "5"})) as server:
        [error], _ = ask(responses, server, asking(), timeout=Timeout(idle=0.1, total=0.1))
        assert len(server.requests) == 1
    assert error.status == 503


def test_a_wrong_key_is_met_once(responses):
    """A refusal that would meet every call stops the rest before they are sent."""
    with Server(Reply(status=401, body={"error": "bad key"}, delay=0.02)) as server:
        errors, traffic = ask(responses, server, *(asking(str(n)) for n in range(30)))
        assert len(server.requests) == 1
    assert {error.status for error in errors} == {401}
    assert len(set(map(id, errors))) == 30
    assert (traffic.sent, traffic.failed) == (1, 1)


def test_a_stopped_run_asks_no_other_endpoint(responses):
    """After a refusal of one endpoint the others are not asked, and the reason names the cause."""

    async def scenario(bad, good):
        async with opened(responses) as door:
            with pytest.raises(ProviderError):
                await door.ask(entry(bad), asking())
            with pytest.raises(MedcheckError) as caught:
                await door.ask(entry(good, name="n"), asking())
            return caught.value

    with Server(Reply(status=403)) as bad, Server() as good:
        error = asyncio.run(scenario(bad, good))
        assert not good.requests
    assert not isinstance(error, ProviderError)
    assert 'the run was stopped: model "m": HTTP 403' in str(error)


def test_slots_are_never_exceeded(responses):
    """In flight are at most the run's slots, and at most an endpoint's own."""
    policy = replace(QUICK, slots=3)
    many = [asking(str(n)) for n in range(15)]
    with Server(Reply(delay=0.02)) as server:
        ask(responses, server, *many, policy=policy)
        assert server.most_in_flight == 3
    others = [asking(f"other {n}") for n in range(9)]
    with Server(Reply(delay=0.02)) as server:
        ask(responses, server, *others, policy=policy, limits=Limits(concurrency=2))
        assert server.most_in_flight == 2


def test_a_slow_endpoint_does_not_hold_up_another(responses):
    """Calls that wait for one endpoint's slot leave the run's slots to the others."""

    async def scenario(slow, fast):
        async with opened(responses, replace(QUICK, slots=4)) as door:
            narrow = entry(slow, name="slow", limits=Limits(concurrency=1))
            waiting = [asyncio.create_task(door.ask(narrow, asking(str(n)))) for n in range(8)]
            await asyncio.sleep(0.05)
            calls = [door.ask(entry(fast, name="fast"), asking(str(n))) for n in range(8)]
            await asyncio.wait_for(asyncio.gather(*calls), timeout=5)
            open_calls = sum(not task.done() for task in waiting)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            return open_calls

    with Server(Reply(delay=3)) as slow, Server() as fast:
        assert asyncio.run(scenario(slow, fast)) == 8


def test_the_call_limit_is_exact(responses):
    """Not one call more than allowed is sent, and the error names the limit."""
    policy = replace(QUICK, max_calls=3)
    with Server() as server:
        results, traffic = ask(
            responses, server, *(asking(str(n)) for n in range(10)), policy=policy
        )
        assert len(server.requests) == 3
    errors = [result for result in results if isinstance(result, BudgetError)]
    assert len(errors) == 7
    assert "--max-calls 3" in str(errors[0])
    assert traffic.sent == 3


def test_the_budget_is_a_hard_stop(responses):
    """A call whose likely price would exceed the budget is not sent; real prices are settled."""
    policy = replace(QUICK, budget_usd=0.05, slots=1)
    many = [asking(str(n), params={"max_tokens": 1000}) for n in range(50)]
    with Server(Reply(usage=USAGE)) as server:
        results, traffic = ask(responses, server, *many, policy=policy, price=PRICE)
        sent = len(server.requests)
    # A little more than 0.01 is set aside for each, 0.002 paid: the last begins at 0.038 spent.
    assert sent == 20
    assert traffic.spent_usd == pytest.approx(0.040)
    assert sum(isinstance(result, BudgetError) for result in results) == 30
    spend = responses.spent("r")
    assert spend.spent_usd == pytest.approx(0.040)
    assert spend.reserved_usd == pytest.approx(0)


def test_a_call_waits_for_money_that_is_set_aside(responses):
    """Calls in flight hold more than they cost; who waits for them goes on, up to the budget."""
    policy = replace(QUICK, budget_usd=0.03)
    many = [asking(str(n), params={"max_tokens": 1000}) for n in range(20)]
    with Server(Reply(usage=USAGE, delay=0.01)) as server:
        results, traffic = ask(responses, server, *many, policy=policy, price=PRICE)
        # 0.01 and a little is set aside for each, so two fit at once; 0.002 is paid.
        assert server.most_in_flight == 2
        assert len(server.requests) == 10
    assert traffic.spent_usd == pytest.approx(0.020)
    assert sum(isinstance(result, BudgetError) for result in results) == 10


def test_the_figures_of_a_hard_stop_are_told_once(responses):
    """The run's own cause has spent, set aside and the next price; each case only which limit."""
    policy = replace(QUICK, budget_usd=0.005)

    async def scenario(server):
        async with opened(responses, policy) as door:
            calls = [door.ask(entry(server, price=PRICE), asking(str(n))) for n in range(2)]
            return await asyncio.gather(*calls, return_exceptions=True), door.stopped

    with Server(Reply(usage=USAGE)) as server:
        errors, stopped = asyncio.run(scenario(server))
        assert not server.requests
    short = "not asked, because the run's limit (--budget 0.005) is used up."
    assert [str(error) for error in errors] == [short, short]
    assert "$0.0000 spent, $0.0000 set aside" in str(stopped)
    assert "the next call may cost $0.0205. Run the same command" in str(stopped)


def test_money_that_a_killed_process_had_set_aside(responses):
    """What nobody settles any more is waited for a bounded time, and never spent."""
    policy = replace(QUICK, budget_usd=0.05)
    responses.reserve("r", cost_usd=0.045, budget_usd=0.05)

    async def scenario():
        store = BatchStore(responses)
        try:
            await Purse(store, policy, patience=0.1).take(0.01)
        finally:
            store.close()

    with pytest.raises(BudgetError, match=r"\$0.0450 set aside"):
        asyncio.run(scenario())


def test_a_host_that_was_never_reached_is_given_up_soon(responses):
    """Four tries, told at the first, and no other call is sent there or elsewhere."""
    told = []

    async def scenario():
        async with opened(responses) as door:
            door.tell = told.append
            first = [door.ask(entry(), asking()), door.ask(entry(name="other"), asking("x"))]
            found = await asyncio.gather(*first, return_exceptions=True)
            late = await asyncio.gather(door.ask(entry(), asking("y")), return_exceptions=True)
            return [*found, *late], door.traffic

    errors, traffic = asyncio.run(scenario())
    assert traffic.sent <= 8
    assert all("no connection to 127.0.0.1:9" in str(error) for error in errors)
    assert len(told) == 1
    assert told[0].endswith("Is the server running, and the address right? Still trying.")


def test_a_host_that_is_down_for_a_while_is_tried_on(responses):
    """A host that has answered this run gets all eight tries when it is gone."""

    async def scenario(server):
        async with opened(responses) as door:
            await door.ask(entry(server), asking())
            server.__exit__(None, None, None)
            with pytest.raises(ProviderError, match="no connection"):
                await door.ask(entry(server), asking("later"))
            return door.traffic, door.stopped

    # Else the open connection would outlive its server.
    reply = Reply(headers={"connection": "close"})
    traffic, stopped = asyncio.run(scenario(Server(reply).__enter__()))
    assert (traffic.sent, stopped) == (9, None)


def test_an_unknown_price_stays_unknown(responses):
    """Without a price, or without counted tokens, the cost is `None` and counted as such."""
    with Server(["a", Reply(usage=USAGE)]) as server:
        [uncounted], first = ask(responses, server, asking("1"), price=PRICE)
        [unpriced], second = ask(responses, server, asking("2"))
    assert (uncounted.cost_usd, unpriced.cost_usd) == (None, None)
    assert (first.unpriced, second.unpriced) == (1, 1)


def test_only_never_asks(responses):
    """Under `only` a missing reply is an error, and a stored one is served."""
    only = replace(QUICK, responses="only")
    with Server() as server:
        ask(responses, server, asking("known"))
        results, traffic = ask(responses, server, asking("known"), asking("new"), policy=only)
        assert len(server.requests) == 1
    assert results[0].cached
    assert "no stored reply" in str(results[1])
    assert (traffic.sent, traffic.failed) == (0, 0)


def test_fresh_asks_anew_once_per_run(responses):
    """A fresh run passes over older replies, and continues with its own."""
    fresh = Policy(run="new", responses="fresh")
    with Server(["old", "new"]) as server:
        ask(responses, server, asking())
        [first], _ = ask(responses, server, asking(), policy=fresh)
        [second], _ = ask(responses, server, asking(), policy=fresh)
        assert len(server.requests) == 2
    assert (first.text, second.text, second.cached) == ("new", "new", True)


def test_a_reply_that_arrives_while_closing_is_kept(responses):
    """What came back is stored although its asker was cancelled meanwhile."""
    request = asking()

    async def scenario(server):
        async with opened(responses) as door:
            task = asyncio.create_task(door.ask(entry(server), request))
            key = prepare(entry(server), request, salt=None).key
            await asyncio.to_thread(until, lambda: responses.have([key]))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    with Server("paid") as server:
        asyncio.run(scenario(server))
        [reply], _ = ask(responses, server, request)
        assert len(server.requests) == 1
    assert reply.text == "paid"


def test_a_cancelled_call_frees_its_lease(responses):
    """A call that was given up blocks nobody."""

    async def scenario(server):
        async with opened(responses) as door:
            task = asyncio.create_task(door.ask(entry(server), asking()))
            await asyncio.to_thread(until, lambda: server.requests)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    with Server(Reply(delay=20)) as server:
        asyncio.run(scenario(server))
    with Server("yes") as server:
        started = time.monotonic()
        [reply], _ = ask(responses, server, asking())
    assert reply.text == "yes"
    assert time.monotonic() - started < 5


KEY = prepare(entry(), asking(), salt=None).key


@pytest.mark.parametrize(
    ("changes", "request_"),
    [
        ({"name": "other"}, asking()),
        ({"model": "m-2"}, asking()),
        ({"params": {"temperature": 1}}, asking()),
        ({"system": "You are kind."}, asking()),
        ({}, asking("胸痛")),
        ({}, asking(params={"temperature": 1})),
        ({}, asking(role="judge")),
        ({}, asking(repeat=2)),
        ({}, asking(copy="1")),
        ({}, asking(attempt=1)),
        ({}, Request(messages=(Message(role="system", text="胸痛?"),))),
        (
            {},
            Request(
                messages=(
                    Message(
                        role="user",
                        text="胸痛?",
                        images=(Image(path="a", sha256="1", mime="image/png"),),
                    ),
                )
            ),
        ),
    ],
)
def test_whatever_changes_the_reply_changes_the_key(changes, request_):
    """Model, wording, settings, images, role, repeat, copy and attempt are part of the key."""
    assert prepare(entry(**changes), request_, salt=None).key != KEY


@pytest.mark.parametrize(
    "changes",
    [{"base_url": "https://example.org/v1"}, {"api_key_env": "KEY"}, {"price": PRICE},
     {"timeout": Timeout(total=1)}, {"limits": Limits(rpm=1)}, {"query": {"api-version": "1"}}],
)  # fmt: skip
def test_addresses_keys_and_prices_are_no_part_of_the_key(changes):
    """A move of the endpoint, another price or other limits let stored replies stand."""
    prepared = prepare(entry(**changes), asking(), salt=None)
    assert prepared.key == KEY
    assert "example.org" not in prepared.canonical


def test_what_recorded_judges_are_told_is_no_part_of_the_key():
    """The note for judges that repeat recorded verdicts is never sent nor named."""
    noted = asking(recorded={"answer": "secret"})
    assert prepare(entry(), noted, salt=None).key == KEY


def test_keys_never_change():
    """Stored replies stay valid: the key of a request is the same in every version."""
    canonical = prepare(entry(), asking(), salt=None).canonical
    assert canonical == (
        '{"attempt":0,"copy":"0","entry":"m","messages":[{"role":"user",'
        '"text":"\\u80f8\\u75db?"}],"model":"m-1","params":{},"provider":"openai",'
        '"repeat":1,"role":"model"}'
    )


def test_a_bound_model_adds_repeat_and_copy(responses):
    """Case copy and repeat come from the binding, the criterion's copy from the request."""

    async def scenario(server):
        async with opened(responses) as door:
            models = [
                Model(entry=entry(server), door=door, repeat=repeat, copy=copy)
                for repeat in (1, 2)
                for copy in (0, 1)
            ]
            assert models[0].name == "m"
            keys = [model.key(asking()) for model in models]
            replies = [await model.ask(asking()) for model in models]
            return keys, [reply.key for reply in replies]

    with Server() as server:
        keys, asked = asyncio.run(scenario(server))
        assert len(server.requests) == 4
    assert keys == asked
    assert len(set(keys)) == 4
