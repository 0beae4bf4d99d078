"""The only file that knows xdist: fixed shares, fed a few at a time, and what workers are told."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest

FEED = 4
"""Items a worker holds at once: few, so that -x and Ctrl-C stop the spending."""


def share(items: int, worker: int, workers: int) -> range:
    """Return the indices of the items that are a worker's part; the same on both sides."""
    return range(worker, items, workers)


class StripeScheduling:
    """Gives each worker its fixed stripe of the items, a few at a time.

    Implements xdist's `Scheduling` protocol. What a crashed worker leaves behind goes to its
    replacement, or to whoever has room.
    """

    def __init__(self, config: pytest.Config, numnodes: int) -> None:
        self.config = config
        self.numnodes = numnodes
        self.collection: list[str] | None = None
        self._collected: dict[Any, list[str]] = {}
        self._pending: dict[Any, list[int]] = {}
        self._queues: dict[Any, deque[int]] = {}
        self._left: deque[int] = deque()

    @property
    def nodes(self) -> list[Any]:
        """Return the workers that take part."""
        return list(self._pending)

    @property
    def collection_is_completed(self) -> bool:
        """Return whether every first worker has collected."""
        return len(self._collected) >= self.numnodes

    @property
    def tests_finished(self) -> bool:
        """Return whether nothing is left to hand out and workers hold only their last item."""
        if not self.collection_is_completed or self._left or any(self._queues.values()):
            return False
        return all(len(pending) < 2 for pending in self._pending.values())

    @property
    def has_pending(self) -> bool:
        """Return whether anything is still to be run."""
        return bool(self._left) or any(self._queues.values()) or any(self._pending.values())

    def add_node(self, node: Any) -> None:
        """Take a worker in."""
        self._pending[node] = []
        self._queues[node] = deque()

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        """Note what a worker has collected; one that differs from the others gets nothing."""
        if self.collection is not None and list(collection) != self.collection:
            self._complain(node)
            return
        self._collected[node] = list(collection)

    def schedule(self) -> None:
        """Hand out the first items, or go on handing out after a worker was replaced."""
        if self.collection is None:
            first = next(iter(self._collected.values()))
            for node, collection in self._collected.items():
                if collection != first:
                    self._complain(node)
                    return
            self.collection = first
            for node in self.nodes:
                index = node.workerinput["medcheck_index"]
                self._queues[node].extend(share(len(first), index, self.numnodes))
        for node in self.nodes:
            self._feed(node)

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """Note that a worker is done with an item, and give it the next."""
        del duration
        self._pending[node].remove(item_index)
        self._feed(node)

    def mark_test_pending(self, item: str) -> None:
        """Put an item back."""
        assert self.collection is not None
        self._left.appendleft(self.collection.index(item))
        for node in self.nodes:
            self._feed(node)

    def remove_pending_tests_from_node(self, node: Any, indices: Sequence[int]) -> None:
        """Take items away from a worker: not needed with fixed shares."""
        raise NotImplementedError

    def remove_node(self, node: Any) -> str | None:
        """Take a worker out; return the item in which it crashed, if it did."""
        pending = self._pending.pop(node)
        queue = self._queues.pop(node)
        if not pending:
            self._left.extend(queue)
            return None
        assert self.collection is not None
        crashed = self.collection[pending[0]]
        self._left.extend([*pending[1:], *queue])
        for other in self.nodes:
            self._feed(other)
        return crashed

    def _feed(self, node: Any) -> None:
        if node.shutting_down or self.collection is None or node not in self._collected:
            return
        queue, pending = self._queues[node], self._pending[node]
        batch: list[int] = []
        while len(pending) + len(batch) < FEED and (queue or self._left):
            batch.append((queue or self._left).popleft())
        if batch:
            pending.extend(batch)
            node.send_runtest_some(batch)
        if not queue and not self._left:
            # A worker starts its last item only when it knows that no other follows.
            node.shutdown()

    def _complain(self, node: Any) -> None:
        report = pytest.CollectReport(
            nodeid=node.gateway.id,
            outcome="failed",
            longrepr=f"worker {node.gateway.id} collected other cases than the first worker. "
            "Do the suite files or their data change while the run starts?",
            result=[],
        )
        self.config.hook.pytest_collectreport(report=report)


class Controller:
    """The hooks of the process that hands out the work."""

    def __init__(self) -> None:
        self.started = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a new worker who it is and which run it works on."""
        from medcheck.pytest_plugin.choosing import takes_part
        from medcheck.pytest_plugin.state import state_of

        config = node.config
        node.workerinput["medcheck_index"] = self.started
        node.workerinput["medcheck_workers"] = len(config.getvalue("tx"))
        self.started += 1
        state = state_of(config)
        if takes_part(state):
            node.workerinput["medcheck_run"] = state.settings.run
            node.workerinput["medcheck_striped"] = config.getvalue("dist") == "load"
            node.workerinput["medcheck_handoff"] = str(state.handoff) if state.handoff else ""

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config) -> StripeScheduling | None:
        """Use fixed shares unless the user chose another way, or no suite takes part."""
        from medcheck.pytest_plugin.choosing import takes_part
        from medcheck.pytest_plugin.state import state_of

        if config.getvalue("dist") != "load" or not takes_part(state_of(config)):
            return None
        return StripeScheduling(config, len(config.getvalue("tx")))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Free at once what a crashed worker had begun to ask."""
        from medcheck.pytest_plugin.starting import forget_worker

        if error:
            forget_worker(node.config, str(node.gateway.id))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """Refuse to start a run that a worker has found to be impossible."""
        from medcheck.pytest_plugin.starting import check_handoff

        # A replacement for a crashed worker joins a run that has started.
        if node.workerinput["medcheck_index"] < node.workerinput["medcheck_workers"]:
            check_handoff(node.config)
