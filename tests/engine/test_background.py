"""The background thread works ahead, and never lets the awaited item wait for it."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from medcheck.engine.background import LOOKAHEAD, Background


async def nothing():
    """Close nothing."""


class Work:
    """Work on numbers, with a note of what was done when."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.begun = []
        self.ended = []
        self.most = 0

    async def __call__(self, key):
        self.begun.append(key)
        self.most = max(self.most, len(self.begun) - len(self.ended))
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.ended.append(key)
        return key * 10


def until(condition):
    """Wait until a condition holds."""
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.001)


def test_every_key_gives_its_value_in_any_order():
    """What is awaited comes, prefetched or not, in whatever order."""
    background = Background(Work(), range(20), running=3, closing=nothing)
    background.start()
    try:
        order = [*range(19, -1, -2), 100, *range(0, 20, 2)]
        assert [background.wait(key) for key in order] == [key * 10 for key in order]
    finally:
        background.close()


def test_work_runs_ahead_within_bounds():
    """Not more runs at once than allowed, and not more is done than may lie about unawaited."""
    work = Work(0.001)
    background = Background(work, range(200), running=2, closing=nothing)
    background.start()
    try:
        until(lambda: len(work.ended) >= 2 * LOOKAHEAD)
        time.sleep(0.05)
        assert len(work.begun) <= 2 * LOOKAHEAD
        assert work.most <= 2
        assert [background.wait(key) for key in range(200)] == list(range(0, 2000, 10))
        assert sorted(work.begun) == list(range(200))
    finally:
        background.close()


def test_a_full_window_never_blocks_the_awaited_item():
    """An item that was not prefetched starts at once, past every window."""
    work = Work(30.0)
    background = Background(work, range(10), running=2, closing=nothing)
    background.start()
    try:
        until(lambda: len(work.begun) == 2)
        future = background.submit(999)
        until(lambda: 999 in work.begun)
        assert not future.done()
    finally:
        background.close()


def test_a_finished_item_can_be_awaited_again():
    """A second wait for the same item works on it anew, so that reruns are possible."""
    work = Work()
    background = Background(work, [1], running=1, closing=nothing)
    background.start()
    try:
        assert [background.wait(1), background.wait(1)] == [10, 10]
        assert work.begun == [1, 1]
    finally:
        background.close()


def test_a_bug_reaches_who_waits_and_nobody_else():
    """An exception of one item is raised where it is awaited; the others go on."""

    async def work(key):
        if key == 1:
            raise ValueError("bug")
        return key

    background = Background(work, range(3), running=1, closing=nothing)
    background.start()
    try:
        with pytest.raises(ValueError, match="bug"):
            background.wait(1)
        assert [background.wait(0), background.wait(2)] == [0, 2]
    finally:
        background.close()


def test_closing_cancels_what_is_open_and_then_closes():
    """Nothing runs after the end, and the resources close last."""
    work = Work(30.0)
    order = []

    async def closing():
        order.append(sorted(work.ended))

    background = Background(work, range(50), running=4, closing=closing)
    background.start()
    until(lambda: len(work.begun) == 4)
    background.close()
    assert order == [[0, 1, 2, 3]]
    assert work.begun == work.ended or sorted(work.begun) == sorted(work.ended)
    assert not any(thread.name == "medcheck-engine" for thread in threading.enumerate())
    background.close()


def test_an_unused_background_closes():
    """Closing needs no item to have been awaited."""
    Background(Work(), (), running=1, closing=nothing).close()
