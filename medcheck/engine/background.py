"""The thread that keeps the endpoint busy while pytest waits for one result after the other.

Prefetching is only an optimization: what was not prefetched is asked when it is awaited.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")
Other = TypeVar("Other")

LOOKAHEAD = 8
"""Finished but not yet awaited work, as a multiple of what may run at once."""


class Background(Generic[Key, Value]):
    """Works on keys in the given order, some at a time, on an event loop of its own.

    Args:
        work: what is done for a key; must not raise but for bugs.
        ahead: the keys to prefetch, in the order in which they will be awaited.
        running: how many keys are worked on at once.
        closing: awaited last, on the loop, when everything else has ended.
    """

    def __init__(
        self,
        work: Callable[[Key], Awaitable[Value]],
        ahead: Sequence[Key],
        *,
        running: int,
        closing: Callable[[], Awaitable[None]],
    ) -> None:
        self._work = work
        self._ahead = ahead
        self._running = running
        self._closing = closing
        self._started: dict[Key, asyncio.Task[Value]] = {}
        self._taken: set[Key] = set()
        self._room = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="medcheck-engine", daemon=True)
        self._thread.start()
        self._feeder: Future[None] | None = None

    def start(self) -> None:
        """Begin to prefetch; once is enough."""
        if self._feeder is None:
            self._feeder = asyncio.run_coroutine_threadsafe(self._feed(), self._loop)

    def run(self, work: Coroutine[object, object, Other]) -> Other:
        """Return what some other work on the loop comes to."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def wait(self, key: Key) -> Value:
        """Return the value of a key; starts it at once, past every window, if need be."""
        return self.submit(key).result()

    def submit(self, key: Key) -> Future[Value]:
        """Return the future of a key, which is worked on from now on."""
        return asyncio.run_coroutine_threadsafe(self._take(key), self._loop)

    def close(self) -> None:
        """Cancel what is open, wait until it has ended, stop the loop and its thread."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _start(self, key: Key) -> asyncio.Task[Value]:
        if key not in self._started:
            self._started[key] = self._loop.create_task(_awaited(self._work(key)))
        return self._started[key]

    async def _take(self, key: Key) -> Value:
        task = self._start(key)
        self._taken.add(key)
        try:
            return await asyncio.shield(task)
        finally:
            if task.done():
                del self._started[key]
                self._room.set()

    async def _feed(self) -> None:
        running: set[asyncio.Task[Value]] = set()
        for key in self._ahead:
            if key in self._taken or key in self._started:
                continue
            while len(running) >= self._running:
                _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            while len(self._started) >= self._running * LOOKAHEAD:
                self._room.clear()
                await self._room.wait()
            if key not in self._taken:
                running.add(self._start(key))

    async def _end(self) -> None:
        if self._feeder is not None:
            self._feeder.cancel()
        open_tasks = [task for task in self._started.values() if not task.done()]
        for task in open_tasks:
            task.cancel()
        await asyncio.gather(*open_tasks, return_exceptions=True)
        await self._closing()
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _awaited(work: Awaitable[Value]) -> Value:
    return await work
