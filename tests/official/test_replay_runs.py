"""Whole runs through real HTTP against recorded models and judges give the published figures."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import replaying

SUITE = """\
suite: {name}
data: {{format: healthbench, path: data/dataset.jsonl.gz}}
system: You are a helpful assistant.
params: {{temperature: 0.5, max_tokens: 2048}}
grader: {{name: rubric, judges: [recorded-judge], params: {{temperature: 0.5, max_tokens: 2048}}}}
policies: {{truncated: score}}
summary: {{measure: clipped_mean, by: [theme, axis], bootstrap: {{n: 1000, seed: 0}}}}
"""
OVERALL = {"overall_score", "score"}


def run(place: Path, url: str, *, model: str, workers: int, more: tuple[str, ...] = ()) -> Path:
    """Run the suite in `place` and return its run folder."""
    name = f"n{workers}"
    command = [
        sys.executable, "-m", "pytest", "-q", "-n", str(workers), "cases/suite.yaml",
        f"--model={model}", f"--base-url={url}", f"--judge-base-url={url}",
        f"--run={name}", f"--store={name}.sqlite", "-p", "no:cacheprovider", *more,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=place, capture_output=True, encoding="utf-8", check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return place / "reports" / name


def lines(path: Path) -> Iterator[dict]:
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        yield from (json.loads(line) for line in file)


def repeated_criteria(dataset: Path) -> int:
    """Return how many judge requests of a set repeat another one of the same case."""
    return sum(
        count - 1
        for row in lines(dataset)
        for count in Counter((r["points"], r["criterion"]) for r in row["rubrics"]).values()
    )


def differences(rows: dict[str, dict], metrics: dict[str, float]) -> list[str]:
    """Return the recorded means and counts that the summary's rows do not repeat to the bit."""
    wrong = []
    for key, recorded in metrics.items():
        group = key.removesuffix(":n_samples")
        if key.endswith(":bootstrap_std"):
            continue
        row = rows["overall" if group in OVERALL else group]
        found = row["n"] if key.endswith(":n_samples") else row["value"]
        if found != recorded:
            wrong.append(f"{key}: {recorded} recorded, {found} here")
    return wrong


@pytest.mark.parametrize(
    ("folder", "model"),
    [("healthbench-m42", "m42-recorded"), ("healthbench-hard-baseline", "recorded")],
)
def test_recorded_run_through_http(folder, model, shared_data, shared_tools, tmp_path):
    """A recorded run gives its recorded figures, to the bit, whatever the number of workers."""
    recorded = shared_data / "e2e" / folder
    (tmp_path / "cases" / "data").mkdir(parents=True)
    shutil.copy(recorded / "dataset.jsonl.gz", tmp_path / "cases" / "data")
    suite = tmp_path / "cases" / "suite.yaml"
    suite.write_text(SUITE.format(name=folder), encoding="utf-8")
    expected = json.loads((recorded / "expected.json").read_text(encoding="utf-8"))
    known = repeated_criteria(recorded / "dataset.jsonl.gz")
    written = []
    for workers in (0, 2, 8):
        with replaying(shared_tools, recorded) as url:
            reports = run(tmp_path, url, model=model, workers=workers)
            with urllib.request.urlopen(f"{url}/stats") as reply:
                stats = json.load(reply)
        assert stats["unmatched"] == 0
        assert stats["repeated"] == known
        names = ("summary.json", "results.jsonl")
        written.append(tuple((reports / name).read_bytes() for name in names))
    assert written[0] == written[1] == written[2]
    rows = {row["group"]: row for row in json.loads(written[0][0])["rows"]}
    assert differences(rows, expected["metrics"]) == []
    if "unclipped_mean" in expected:
        assert rows["overall"]["raw"] == expected["unclipped_mean"]


def test_strict_protocol_through_http(shared_data, shared_tools, tmp_path):
    """Under the strict protocol the same recordings give the same scores: each id is echoed."""
    recorded = shared_data / "e2e" / "healthbench-m42"
    (tmp_path / "cases" / "data").mkdir(parents=True)
    shutil.copy(recorded / "dataset.jsonl.gz", tmp_path / "cases" / "data")
    suite = tmp_path / "cases" / "suite.yaml"
    suite.write_text(SUITE.format(name="m42"), encoding="utf-8")
    expected = json.loads((recorded / "expected.json").read_text(encoding="utf-8"))
    with replaying(shared_tools, recorded) as url:
        more = ("--protocol=strict",)
        reports = run(tmp_path, url, model="m42-recorded", workers=0, more=more)
    summary = json.loads((reports / "summary.json").read_text(encoding="utf-8"))
    assert summary["protocol"] == "strict"
    rows = {row["group"]: row for row in summary["rows"]}
    assert differences(rows, expected["metrics"]) == []
