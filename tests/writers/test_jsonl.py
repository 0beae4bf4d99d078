"""`results.jsonl` holds each answer with its verdicts, one line each, whatever its text."""

from __future__ import annotations

import json
from dataclasses import replace

from report_runs import RESCUE, result, run_of, verdict

from medcheck.types import Completion
from medcheck.writers.jsonl import write


def written(results, folder):
    """Return the lines as data."""
    path = write(*run_of(results), folder / "results.jsonl")
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def test_the_names_that_readers_rely_on(tmp_path):
    """The fields of a line are those of the interface."""
    [line] = written([result()], tmp_path)
    assert list(line) == [
        "case_id", "suite", "model", "repeat", "category", "tags", "score", "state", "earned",
        "possible", "facets", "verdicts", "completion", "error",
    ]  # fmt: skip
    assert line["verdicts"][0]["criterion"] == RESCUE.text
    assert {"points", "tags", "state", "value", "ballots"} <= set(line["verdicts"][0])
    assert line["verdicts"][0]["ballots"][0]["judge"] == "judge-1"
    assert {"text", "finish", "usage", "cost_usd"} <= set(line["completion"])


def test_an_unmeasured_answer_has_no_number(tmp_path):
    """State and cause stand where the score would be."""
    failed = (verdict(RESCUE, "judge_error", error="no usable reply"),)
    lost = result(value=None, verdicts=failed, error="judge failed")
    silent = replace(lost, score=None, completion=None, state="model_error")
    first, second = written([lost, silent], tmp_path)
    assert (first["score"], first["state"], first["error"]) == (
        None, "judge_error", "judge failed",
    )  # fmt: skip
    assert first["verdicts"][0]["value"] is None
    assert first["verdicts"][0]["ballots"][0]["error"] == "no usable reply"
    assert (second["score"], second["completion"], second["verdicts"]) == (None, None, [])


def test_order_is_kept_and_lines_are_lines(tmp_path):
    """Results stand in the run's order; no text breaks a line, even one of broken Unicode."""
    odd = "a\nb\u2028c\x85d \ud800 \0"
    texts = [replace(result(str(n)), completion=Completion(text=odd)) for n in (2, 1, 3)]
    path = write(*run_of(texts), tmp_path / "results.jsonl")
    lines = path.read_bytes().split(b"\n")
    assert len(lines) == 4
    found = [json.loads(line) for line in lines[:3]]
    assert [line["case_id"] for line in found] == ["2", "1", "3"]
    assert found[0]["completion"]["text"] == odd


def test_nothing_in_it_depends_on_the_clock(tmp_path):
    """The same replies give the same bytes, however long they took and wherever they came from."""
    slow = replace(
        result(),
        seconds=9.0,
        run="other",
        completion=Completion(text="x", seconds=5.0, cached=True),
    )
    fast = replace(result(), completion=Completion(text="x"))
    first = write(*run_of([slow]), tmp_path / "a").read_bytes()
    assert first == write(*run_of([fast]), tmp_path / "b").read_bytes()


def test_level_and_label_where_there_are_any(tmp_path):
    """A verdict says its level, and why it is flagged or unusable; others stay as short."""
    flagged = replace(verdict(replace(RESCUE, level="S4"), "met"), label="flagged")
    ballot = replace(flagged.ballots[0], label="unusable")
    verdicts = (replace(flagged, ballots=(ballot,)), verdict(RESCUE, "met"))
    [line] = written([result(verdicts=verdicts)], tmp_path)
    first, second = line["verdicts"]
    assert (first["level"], first["label"], first["ballots"][0]["label"]) == (
        "S4", "flagged", "unusable",
    )  # fmt: skip
    assert not {"level", "label"} & second.keys()
    assert "label" not in second["ballots"][0]
