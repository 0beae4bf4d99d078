"""`summary.json` is the same for the same replies; what differs stands in `run.json`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from report_runs import result, row, run_of

from medcheck.errors import WriterError
from medcheck.writers.json import write

TRAFFIC = {"sent": 3, "reused": 1, "failed": 2, "retried": 2, "spent_usd": 0.5, "unpriced": 0}


def written(run, summary, folder):
    """Return both files as data."""
    path = write(run, summary, folder / "summary.json")
    names = (path, path.with_name("run.json"))
    return tuple(json.loads(name.read_text(encoding="utf-8")) for name in names)


def test_the_names_that_readers_rely_on(tmp_path):
    """The fields of the file and of its flat rows are those of the interface."""
    data, _ = written(*run_of([result()]), tmp_path)
    names = {"schema", "complete", "models", "judges", "protocol", "versions", "rows", "usage"}
    assert names <= set(data)
    assert data["schema"] == 1
    assert data["protocol"] == "official"
    assert data["rows"][0] == {
        "model": "alpha", "suite": "triage", "group": "overall", "value": 0.5, "raw": 0.5,
        "std": 0.01, "ci95": [0.4, 0.6], "n": 10, "ungraded": 0,
    }  # fmt: skip


def test_a_missing_number_is_null(tmp_path):
    """What was not measured is null in the file."""
    lost = row(value=None, raw=None, std=None, ci95=None, n=0, ungraded=10)
    data, _ = written(*run_of(rows=(lost,)), tmp_path)
    assert [data["rows"][0][name] for name in ("value", "raw", "std", "ci95")] == [None] * 4


def test_numbers_keep_full_precision(tmp_path):
    """No digit is lost."""
    value = 0.1 + 0.2
    data, _ = written(*run_of(rows=(row(value=value),)), tmp_path)
    assert data["rows"][0]["value"] == value


def test_protocols_of_several_suites_stand_by_suite(tmp_path):
    """One protocol is a word, several are named by suite."""
    data, _ = written(*run_of(protocol={"a": "official", "b": "strict"}), tmp_path)
    assert data["protocol"] == {"a": "official", "b": "strict"}


def test_traffic_of_all_workers_adds_up(tmp_path):
    """Requests and money of every process of the run are in `run.json`, and only there."""
    run, summary = run_of()
    meta = {"traffic:gw0": TRAFFIC, "traffic:gw1": TRAFFIC, "ended": "2026-01-01T00:00:01+00:00"}
    first, data = written(replace(run, meta=meta), summary, tmp_path)
    assert data["requests"] == {"sent": 6, "reused": 2, "failed": 4, "retried": 4}
    assert data["spent_usd"] == 1.0
    assert data["ended"] == meta["ended"]
    second, _ = written(run, summary, tmp_path)
    assert first == second
    assert "2026" not in json.dumps(first)


def test_spending_of_unknown_price_is_unknown(tmp_path):
    """One reply without a price leaves the money unknown."""
    run, summary = run_of()
    meta = {"traffic:main": {**TRAFFIC, "unpriced": 1}}
    assert written(replace(run, meta=meta), summary, tmp_path)[1]["spent_usd"] is None


def test_equal_input_gives_equal_bytes(tmp_path):
    """The file is the same each time, with Chinese readable in it."""
    run, summary = run_of(notes=("注意",))
    first = write(run, summary, tmp_path / "a.json").read_bytes()
    assert first == write(run, summary, tmp_path / "b.json").read_bytes()
    assert "注意".encode() in first


def test_a_folder_that_cannot_be_written(tmp_path):
    """A report that cannot be written is our error, with the path."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(WriterError, match="cannot write the report"):
        write(*run_of(), tmp_path / "file" / "summary.json")
