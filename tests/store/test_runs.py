from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from medcheck.errors import StoreError
from medcheck.store.database import Database, open_database
from medcheck.store.responses import Responses, Spend
from medcheck.store.runs import Runs
from medcheck.types import Completion, Result, ResultState, Score


def result(
    number: int, *, repeat: int = 1, state: ResultState = "not_run", run: str = "r", text: str = ""
) -> Result:
    return Result(
        run=run,
        case_id=f"c{number}",
        suite="s",
        model="m",
        repeat=repeat,
        state=state,
        position=number,
        completion=Completion(text=text) if text else None,
        score=Score(value=number / 7) if state == "scored" else None,
    )


def begin(runs: Runs, run_id: str = "r", *, started: str = "2026-01-02T03:04:05+00:00") -> None:
    runs.begin(
        run_id,
        started=started,
        settings={"model": ["m"], "温度": None},
        versions={"code": "1"},
        suites={"s": {"gate": {"margin": 0.03}}},
    )


@pytest.fixture
def runs(database: Database) -> Runs:
    return Runs(database)


def test_run_comes_back(runs: Runs) -> None:
    """A run is read as it was begun, with its results and notes."""
    begin(runs)
    runs.record(result(1, state="scored"))
    run = runs.read("r")
    assert (run.id, run.started) == ("r", "2026-01-02T03:04:05+00:00")
    assert run.settings == {"model": ["m"], "温度": None}
    assert run.versions == {"code": "1"}
    assert run.suites == {"s": {"gate": {"margin": 0.03}}}
    assert run.meta == {}
    assert list(run.results) == [result(1, state="scored")]


def test_results_stream_in_dataset_order(runs: Runs) -> None:
    """Whatever the order of arrival, results come by position, then repeat, and again on demand."""
    expected = [result(n, repeat=k, state="scored") for n in range(150) for k in (1, 2, 10)]
    shuffled = random.Random(0).sample(expected, len(expected))
    begin(runs)
    for start in range(0, len(shuffled), 40):
        runs.record_many(shuffled[start : start + 40])
    results = runs.read("r").results
    assert list(results) == expected
    assert list(results) == expected


def test_equal_positions_have_one_order(runs: Runs) -> None:
    """Rows of the same position are ordered by the bytes of their names on every database."""
    rows = [
        replace(result(0), case_id=name, suite=suite)
        for suite in ("B", "a")
        for name in ("Z", "a", "é", "中")
    ]
    begin(runs)
    runs.plan(reversed(rows))
    assert list(runs.read("r").results) == rows


def test_plan_never_replaces_a_result(runs: Runs) -> None:
    """Planning again leaves what was measured."""
    begin(runs)
    runs.plan([result(1), result(2)])
    runs.record(result(1, state="scored"))
    runs.plan([result(1), result(2), result(3), result(3)])
    assert [r.state for r in runs.read("r").results] == ["scored", "not_run", "not_run"]
    assert runs.counts("r") == {"not_run": 2, "scored": 1}


def test_record_replaces(runs: Runs) -> None:
    """The last record of a case, model and repeat stands."""
    begin(runs)
    runs.record(result(1, state="model_error"))
    runs.record_many([result(1, state="empty"), result(1, state="scored")])
    assert [r.state for r in runs.read("r").results] == ["scored"]


def test_nothing_to_store(runs: Runs) -> None:
    """Empty lists are fine, and a run without results is empty."""
    begin(runs)
    runs.plan([])
    runs.record_many(iter(()))
    assert list(runs.read("r").results) == []
    assert runs.counts("r") == {}


def test_begin_forgets_the_earlier_run(database: Database, runs: Runs) -> None:
    """A run of the same id starts with no results, no notes and nothing spent; others stay."""
    for run_id in ("r", "other"):
        begin(runs, run_id)
        runs.record(result(1, state="scored", run=run_id))
        runs.note(run_id, {"sent": 1})
        Responses(database).reserve(run_id, cost_usd=1.0)
    begin(runs)
    assert list(runs.read("r").results) == []
    assert runs.read("r").meta == {}
    assert Responses(database).spent("r") == Spend()
    assert len(list(runs.read("other").results)) == 1
    assert runs.read("other").meta == {"sent": 1}
    assert Responses(database).spent("other").calls == 1


def test_notes_are_merged(runs: Runs) -> None:
    """A note adds to earlier ones and replaces entries of the same name."""
    begin(runs)
    runs.note("r", {"sent": 1, "ended": None})
    runs.note("r", {"sent": 2, "耗时": 1.5})
    assert runs.read("r").meta == {"sent": 2, "ended": None, "耗时": 1.5}


def test_unknown_run_lists_the_known(runs: Runs) -> None:
    """A wrong run id is answered with the ids there are."""
    with pytest.raises(StoreError, match="Stored runs: none"):
        runs.read("x")
    begin(runs, "later", started="2026-02-01T00:00:00+00:00")
    begin(runs, "early", started="2026-01-01T00:00:00+00:00")
    assert runs.ids() == ("early", "later")
    with pytest.raises(StoreError, match=r'no run "x" in this store\. Stored runs: early, later'):
        runs.note("x", {})


def test_purge_removes_old_runs(runs: Runs) -> None:
    """Runs before the moment go with their results; later ones stay."""
    begin(runs, "old", started="2026-01-01T00:00:00")
    begin(runs, "new", started="2026-03-01T00:00:00+08:00")
    runs.plan([result(1, run="old"), result(1, run="new")])
    assert runs.purge(datetime(2026, 2, 1, tzinfo=UTC)) == ("old",)
    assert runs.ids() == ("new",)
    assert runs.counts("old") == {}
    assert runs.counts("new") == {"not_run": 1}


@pytest.fixture
def big(tmp_path: Path) -> Iterator[Runs]:
    """A run of 3,000 results of 10 kB each."""
    with open_database(tmp_path / "big.sqlite") as database:
        runs = Runs(database)
        begin(runs)
        for start in range(0, 3000, 500):
            runs.record_many(
                result(n, state="scored", text="x" * 10_000) for n in range(start, start + 500)
            )
        yield runs


def test_reading_keeps_few_results_in_memory(big: Runs) -> None:
    """Streaming 30 MB of results holds less than 4 MB at any time."""
    tracemalloc.start()
    try:
        count = sum(1 for _ in big.read("r").results)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 3000
    assert peak < 4_000_000


def test_planning_is_fast(tmp_path: Path) -> None:
    """Planning 5,000 results takes about half a second at most (with slack for a busy machine)."""
    planned = [result(number) for number in range(5000)]
    with open_database(tmp_path / "s.sqlite") as database:
        runs = Runs(database)
        begin(runs)
        before = time.process_time()
        runs.plan(planned)
        assert time.process_time() - before < 1.5
        assert runs.counts("r") == {"not_run": 5000}
