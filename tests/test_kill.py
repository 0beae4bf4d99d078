"""A run that dies loses nothing that was paid for, and its continuation gives the same files."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import runs
from servers import Reply

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

DELAY = 0.06
"""Seconds the server takes: a run of 60 calls, 4 at a time, then lasts about a second."""
CONCURRENCY = 4
PATIENCE = 40.0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The files of a run that nothing disturbed."""
    with runs.server() as server:
        found = runs.command(runs.place(tmp_path_factory.mktemp("undisturbed"), server.url))
    assert found.status == 0, found.output
    return found.reports


def until(condition, process=None):
    """Wait until a condition holds; fail if the process ends before, or after `PATIENCE`."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, "it never happened"
        assert process is None or process.poll() is None, process.communicate()[0]
        time.sleep(0.002)


def workers_of(process):
    """Return the process ids of the children of a command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[1]) == process.pid:
                found.append(int(folder.name))
    return sorted(found)


def repeated(server):
    """Return how many requests arrived a second time; none may arrive more often."""
    counts = Counter(map(runs.identity, server.bodies))
    assert max(counts.values()) <= 2
    return sum(count > 1 for count in counts.values())


def killed(folder, server, *, after, workers):
    """Start a run and kill all its processes once so many requests have arrived."""
    process = runs.start(folder, workers=workers, concurrency=CONCURRENCY)
    until(lambda: len(server.requests) >= after, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    until(lambda: server.in_flight == 0)


def test_a_killed_run_continues(undisturbed, tmp_path):
    """After kill -9 only calls in flight are paid again, and the files come out the same."""
    after = random.Random().randint(1, 57)
    with runs.server(delay=DELAY) as server:
        folder = runs.place(tmp_path, server.url)
        killed(folder, server, after=after, workers=0)
        assert len(server.requests) < 60
        found = runs.command(folder, concurrency=CONCURRENCY)
        assert repeated(server) <= CONCURRENCY, f"killed after {after}"
    assert found.status == 0, found.output
    assert found.reports == undisturbed


def test_a_run_killed_twice_continues(undisturbed, tmp_path):
    """Two deaths, and other numbers of workers each time, cost the calls in flight and no more."""
    first = random.Random().randint(2, 15)
    second = first + random.Random().randint(CONCURRENCY + 2, 25)
    with runs.server(delay=DELAY) as server:
        folder = runs.place(tmp_path, server.url)
        killed(folder, server, after=first, workers=0)
        killed(folder, server, after=second, workers=2)
        found = runs.command(folder, workers=2, concurrency=CONCURRENCY)
        counts = Counter(map(runs.identity, server.bodies))
    again = sum(count - 1 for count in counts.values())
    assert again <= 2 * CONCURRENCY, f"killed after {first} and {second}"
    assert found.status == 0, found.output
    assert found.reports == undisturbed


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc to find the workers in")
def test_a_killed_worker_is_replaced(undisturbed, tmp_path):
    """One dead worker costs one case; the command says so, and the same command completes it."""
    with runs.server(delay=DELAY) as server:
        folder = runs.place(tmp_path, server.url)
        process = runs.start(folder, workers=2, concurrency=CONCURRENCY)
        until(lambda: len(server.requests) >= 20, process)
        os.kill(workers_of(process)[0], signal.SIGKILL)
        first = runs.ended(process, folder)
        states = first.data("summary.json")["states"]["m"]
        second = runs.command(folder, concurrency=CONCURRENCY)
        assert repeated(server) <= CONCURRENCY
    # Death may come between the case's result and the worker's word of it: then nothing is lost.
    lost = states.get("not_run", 0)
    assert lost <= 1
    assert states["scored"] == runs.CASES - lost
    assert first.status == (12 if lost else 1), first.output
    assert "crashed" in first.output
    assert second.status == 0, second.output
    assert second.reports == undisturbed


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupted_run_reports_and_continues(workers, undisturbed, tmp_path):
    """Ctrl-C ends in 12 with reports that say incomplete; the same command pays for the rest."""
    ended = threading.Event()

    def slowly(body, _):
        # However long the signal takes on a busy machine, the run must not be over by then.
        if ended.is_set() or len(server.requests) < 30:
            return None
        return Reply(text=runs.healthy(body), usage=runs.USAGE, delay=1.0)

    with runs.server(slowly, delay=DELAY) as server:
        folder = runs.place(tmp_path, server.url)
        process = runs.start(folder, workers=workers, concurrency=CONCURRENCY)
        until(lambda: len(server.requests) >= 25, process)
        os.killpg(process.pid, signal.SIGINT)
        asked = time.monotonic()
        first = runs.ended(process, folder)
        assert time.monotonic() - asked < 15
        ended.set()
        assert first.status == 12, first.output
        summary = first.data("summary.json")
        page = (first.folder / "report.html").read_text(encoding="utf-8")
        tables = (first.folder / "summary.md").read_text(encoding="utf-8")
        second = runs.command(folder, concurrency=CONCURRENCY)
        assert repeated(server) <= CONCURRENCY
    assert summary["complete"] is False
    assert summary["states"]["m"]["not_run"] >= 1
    assert "INCOMPLETE" in tables
    assert "INCOMPLETE" in page.upper()
    assert second.status == 0, second.output
    assert second.reports == undisturbed
