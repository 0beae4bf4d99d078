"""Waits, rates and slots hold what they promise."""

from __future__ import annotations

import asyncio
import time

import pytest

from medcheck import limits
from medcheck.limits import Bucket, Gate, Limits, Policy, backoff


@pytest.mark.parametrize(
    ("asked", "waits"), [(0.0, 0.0), (3.5, 3.5), (120.0, 120.0), (1e9, 120.0), (-5.0, 0.0)]
)
def test_the_endpoints_own_wait_is_kept(asked, waits):
    """Retry-After is obeyed to the second, but for absurd values."""
    assert backoff(0, asked) == waits
    assert backoff(7, asked) == waits


@pytest.mark.parametrize("tries", [0, 1, 3, 6, 50])
def test_waits_grow_with_full_jitter(tries):
    """A wait lies anywhere from 0 to the double of the last bound, never beyond a minute."""
    bound = min(60.0, 2.0**tries)
    drawn = [backoff(tries, None) for _ in range(400)]
    assert 0 <= min(drawn) < bound / 4
    assert bound * 3 / 4 < max(drawn) <= bound


def test_the_first_wait_scales_all():
    """A run may shorten its waits as a whole."""
    assert max(backoff(3, None, longest=0.001) for _ in range(100)) <= 0.008


def test_a_bucket_gives_what_is_there_and_then_waits():
    """Ten seconds' worth comes at once; each further unit at the rate."""
    bucket = Bucket(per_minute=60)
    assert [bucket.wait(1) for _ in range(10)] == [0.0] * 10
    assert bucket.wait(1) == pytest.approx(1.0, abs=0.05)
    assert bucket.wait(1) == pytest.approx(2.0, abs=0.05)


def test_a_bucket_fills_again_but_never_beyond():
    """Time refills a bucket evenly, to ten seconds' worth at most."""
    bucket = Bucket(per_minute=60)
    bucket.wait(10)
    bucket.updated -= 3
    assert [bucket.wait(1) for _ in range(3)] == [0.0] * 3
    assert bucket.wait(1) > 0.9
    bucket.updated -= 10_000
    assert bucket.wait(10) == 0.0
    assert bucket.wait(1) > 0.9


def test_a_request_larger_than_the_bucket_still_goes():
    """What no bucket can hold waits its time instead of for ever."""
    bucket = Bucket(per_minute=600)
    assert bucket.wait(700) == pytest.approx(60.0, abs=0.1)


def test_a_slow_rate_lets_the_first_through():
    """Even one request a minute starts at once."""
    assert Bucket(per_minute=1).wait(1) == 0.0


def passed(gate, count):
    """Return a function that enters a gate `count` times and the list it fills."""
    through = []

    async def enter(number):
        await gate.enter()
        through.append(number)

    return through, lambda: [asyncio.create_task(enter(number)) for number in range(count)]


def test_one_call_goes_before_all_others():
    """A new endpoint gets one call; the others follow when it is through."""

    async def scenario():
        gate = Gate()
        through, start = passed(gate, 5)
        tasks = start()
        await asyncio.sleep(0.01)
        before = list(through)
        gate.release()
        await asyncio.gather(*tasks)
        return before, through

    before, after = asyncio.run(scenario())
    assert before == [0]
    assert after == [0, 1, 2, 3, 4]


def test_a_silent_endpoint_is_taken_for_slow():
    """When the first call takes long, the others do not wait for its end."""

    async def scenario():
        through, start = passed(Gate(patience=0.02), 3)
        await asyncio.wait_for(asyncio.gather(*start()), timeout=5)
        return through

    assert asyncio.run(scenario()) == [0, 1, 2]


def test_slots_bound_what_runs_at_once():
    """No more than `slots` callers are inside, and a failing one frees its slot and the gate."""
    inside, most = 0, 0

    async def call(limit, number):
        nonlocal inside, most
        async with limit:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1
            if number % 3 == 0:
                raise ValueError

    async def scenario():
        limit = Limits(slots=2, rpm=None, tpm=None)
        calls = [call(limit, number) for number in range(12)]
        return await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), timeout=3)

    results = asyncio.run(scenario())
    assert most == 2
    assert sum(isinstance(result, ValueError) for result in results) == 4


def test_pacing_waits_for_the_slower_rate():
    """Requests and tokens are limited apart; the one that is used up decides."""

    async def scenario(**rates):
        limit = Limits(slots=None, **rates)
        started = time.monotonic()
        for _ in range(3):
            await limit.pace(100)
        return time.monotonic() - started

    assert asyncio.run(scenario(rpm=60_000.0, tpm=None)) < 0.05
    # 200 of 300 tokens are there at once.
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(scenario(rpm=60_000.0, tpm=1200.0), timeout=0.1))
    assert asyncio.run(scenario(rpm=60_000.0, tpm=30_000.0)) < 0.05


def test_a_policy_names_its_hard_stops():
    """Both limits stand in the message when both were given, and a fresh run has its own keys."""
    policy = Policy(run="r", max_calls=5, budget_usd=0.5)
    assert policy.hard_stops == "--max-calls 5, --budget 0.5"
    assert Policy(run="r", budget_usd=2).hard_stops == "--budget 2"
    assert policy.salt is None
    assert Policy(run="r", responses="fresh").salt == "r"


def test_the_rules_of_retrying():
    """At most eight attempts, a minute between two, two minutes where the endpoint asks for it."""
    assert (limits.MAX_TRIES, limits.MAX_WAIT, limits.MAX_RETRY_AFTER) == (8, 60.0, 120.0)
    assert limits.DEADLINE == 600.0
