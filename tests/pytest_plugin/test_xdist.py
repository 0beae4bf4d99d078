"""Fixed shares fed a few at a time; what happens when workers crash or another way is chosen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from servers import Reply, Server
from sessions import FIRST, ONE, Sessions, endpoint

from medcheck.pytest_plugin.xdist import FEED, StripeScheduling, share

CRASH = """
import os
def pytest_runtest_setup(item):
    if item.name.startswith("crash"):
        os._exit(3)
"""

BOOM = """
import os
from medcheck.types import Completion

class Provider:
    def __init__(self, entry, environ):
        pass

    async def ask(self, request):
        if request.messages[-1].text == "crash":
            os._exit(3)
        return Completion(text="ok")
"""


@dataclass(eq=False)
class Node:
    """A worker as the scheduler sees it: what it is sent, in order."""

    index: int
    sent: list[int] = field(default_factory=list)
    shutting_down: bool = False

    @property
    def workerinput(self) -> dict[str, Any]:
        return {"medcheck_index": self.index}

    def send_runtest_some(self, indices: list[int]) -> None:
        assert not self.shutting_down
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def many(count: int, **special: str) -> str:
    """A suite of numbered cases; `special` names the case of a number."""
    names = [special.get(f"n{number}", f"c{number}") for number in range(count)]
    cases = [f"  - {{id: {name}, prompt: {name}, checks: [{{contains: ok}}]}}" for name in names]
    return "suite: many\ncases:\n" + "\n".join(cases) + "\n"


def scheduling(items: int, workers: int) -> tuple[StripeScheduling, list[Node]]:
    scheduler = StripeScheduling(None, workers)  # type: ignore[arg-type]  (not needed here)
    nodes = [Node(index) for index in range(workers)]
    for node in nodes:
        scheduler.add_node(node)
    for node in nodes:
        assert not scheduler.collection_is_completed
        scheduler.add_node_collection(node, [f"t{n}" for n in range(items)])
    scheduler.schedule()
    return scheduler, nodes


@pytest.mark.parametrize(("items", "workers"), [(0, 2), (1, 8), (7, 3), (5000, 8)])
def test_shares_are_a_partition(items: int, workers: int) -> None:
    """Every item belongs to exactly one worker, and shares differ by one at most."""
    shares = [share(items, worker, workers) for worker in range(workers)]
    assert sorted(index for part in shares for index in part) == list(range(items))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_workers_are_fed_a_few_at_a_time() -> None:
    """No worker holds more than a few items, and each gets its own share in order."""
    scheduler, nodes = scheduling(20, 2)
    assert [node.sent for node in nodes] == [[0, 2, 4, 6], [1, 3, 5, 7]]
    scheduler.mark_test_complete(nodes[1], 1)
    assert nodes[1].sent[FEED:] == [9]
    while scheduler.has_pending:
        for node in nodes:
            for index in list(node.sent):
                if index in scheduler._pending[node]:
                    scheduler.mark_test_complete(node, index)
    assert [node.sent for node in nodes] == [list(range(0, 20, 2)), list(range(1, 20, 2))]
    assert scheduler.tests_finished
    assert all(node.shutting_down for node in nodes)


def test_what_a_crashed_worker_leaves() -> None:
    """The item it ran is reported, the rest of its share goes to the others, none runs twice."""
    scheduler, nodes = scheduling(12, 2)
    scheduler.mark_test_complete(nodes[0], 0)
    assert scheduler.remove_node(nodes[0]) == "t2"
    assert nodes[0] not in scheduler.nodes
    replacement = Node(2)
    scheduler.add_node(replacement)
    scheduler.add_node_collection(replacement, [f"t{n}" for n in range(12)])
    scheduler.schedule()
    for _ in range(20):
        for node in (nodes[1], replacement):
            for index in list(scheduler._pending[node]):
                scheduler.mark_test_complete(node, index)
    sent = Counter([*nodes[1].sent, *replacement.sent])
    assert sent == Counter(dict.fromkeys((*range(1, 12, 2), 4, 6, 8, 10), 1))
    assert scheduler.tests_finished


def test_a_case_that_crashes_its_worker(sessions: Sessions) -> None:
    """The run goes on; the replacement asks one case at a time; the lost case is not run: 12."""
    sessions.suite(many(12, n2="crash-one", n8="crash-two"))
    sessions.write("conftest.py", CRASH)

    def slow(body: dict[str, Any]) -> Reply:
        crashing = body["messages"][-1]["content"].startswith("crash")
        return Reply(text="ok", delay=60 if crashing else 0)

    with Server(slow) as server:
        sessions.models(m=endpoint(server))
        done = sessions.run("--model=m", workers=2, code=12).calm()
        asked = Counter(body["messages"][-1]["content"] for body in server.bodies)
    assert done.counts() == {"passed": 10, "failed": 2}
    assert "crashed while running 'cases/a.yaml::crash-one'" in done.text
    states = {line["case_id"]: line["state"] for line in sessions.results()}
    assert Counter(states.values()) == {"scored": 10, "not_run": 2}
    assert states["crash-one"] == states["crash-two"] == "not_run"
    assert asked["crash-one"] == 1
    # A reply that was on its way when the worker died is asked for again, once.
    assert max(asked.values()) <= 2, asked


def test_a_case_that_crashes_whoever_asks_it(sessions: Sessions) -> None:
    """Asked ahead it takes its worker down, but not the replacements one after the other."""
    sessions.suite(many(12, n4="crash"))
    sessions.write("boom.py", BOOM)
    done = sessions.run("--model=boom:Provider", workers=2, code=12).calm()
    lost = [line["case_id"] for line in sessions.results() if line["state"] != "scored"]
    assert "crash" in lost
    assert len(lost) <= 2, lost
    assert done.counts()["failed"] <= 2


@pytest.mark.parametrize("dist", ["loadscope", "worksteal", "each"])
def test_another_way_to_distribute(sessions: Sessions, dist: str) -> None:
    """Where the user chooses another `--dist`, ours steps aside and the results are the same."""
    sessions.suite(FIRST)
    done = sessions.run("--model=echo", "--dist", dist, "-v", workers=2, code=1).calm()
    assert "StripeScheduling" not in done.text
    assert [line["score"] for line in sessions.results()] == [1.0, 1.0, 0.0]
    assert sessions.report("summary.json")["complete"] is True


def test_ours_is_used(sessions: Sessions) -> None:
    """Where suites take part, our scheduler hands out the items; elsewhere xdist's own does."""
    sessions.suite(FIRST)
    sessions.write("tests/test_own.py", "def test_own(): pass\n")
    ours = sessions.run("--model=echo", "-v", "-k", "not low", workers=2, code=0)
    assert "scheduling tests via StripeScheduling" in ours.text
    theirs = sessions.run("tests", "-v", workers=2, code=0)
    assert "scheduling tests via LoadScheduling" in theirs.text


def test_stopping_stops_the_spending(sessions: Sessions, workers: int) -> None:
    """After the first failure under `-x`, few further calls are paid."""
    cases = [f"  - {{id: c{n}, prompt: q{n}, {ONE}, pass_at: 1}}" for n in range(400)]
    sessions.suite("suite: many\ncases:\n" + "\n".join(cases) + "\n")
    with Server(lambda body: Reply(text="no", delay=0.02)) as server:
        sessions.models(m=endpoint(server))
        done = sessions.run("--model=m", "-x", "--concurrency=16", workers=workers, code=12).calm()
        paid = len(server.requests)
    assert done.counts()["failed"] <= 1 + workers
    assert paid <= 40, paid


def test_more_workers_than_cases(sessions: Sessions) -> None:
    """Workers without a case end quietly."""
    sessions.suite(FIRST)
    done = sessions.run("--model=echo", "-k", "fever", workers=3, code=0).calm()
    assert done.counts()["passed"] == 1


def test_the_number_of_workers_changes_nothing(sessions: Sessions) -> None:
    """Results and summary are the same to the byte, alone and with workers."""
    sessions.suite(many(9))
    with Server("ok") as server:
        sessions.models(m=endpoint(server))
        files = []
        for workers in (0, 1, 3):
            sessions.run("--model=m", "--run=r", workers=workers, code=0)
            names = ("results.jsonl", "summary.json")
            files.append([(sessions.folder("r") / name).read_bytes() for name in names])
        assert len(server.requests) == 9
    assert files[0] == files[1] == files[2]
