"""Endpoints that take less than others: a run with the official settings completes on each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from servers import Reply, Server, pieces

SUITE = """\
suite: s
system: You are a helpful assistant.
params: {temperature: 0.5, max_tokens: 2048}
grader: {name: rubric, judges: [o3], params: {temperature: 0.5, max_tokens: 2048}}
protocol: official
cases:
  - {id: one, prompt: 胸痛?, criteria: [{text: Says ok, points: 5}]}
  - {id: two, prompt: fever?, criteria: [{text: Says ok, points: 3}, {text: Is rude, points: -2}]}
"""
VERDICT = '{"explanation": "it does", "criteria_met": true}'


def answer(body: Any) -> str:
    return VERDICT if "grading" in json.dumps(body) else "ok"


def reasoning(body: Any) -> Reply:
    """Answer as OpenAI's reasoning models do: refuse sampling settings and the old limit."""
    for name in ("temperature", "top_p", "max_tokens"):
        if name in body:
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            return Reply(status=400, body={"error": {"message": message, "param": name}})
    return Reply(text=answer(body))


def streaming(body: Any) -> Reply:
    """Refuse a request that does not stream."""
    if not body.get("stream"):
        return Reply(status=400, body={"error": {"message": "only stream=true is supported"}})
    return Reply(chunks=pieces(answer(body)))


def run(folder: Path, url: str, *options: str) -> tuple[subprocess.CompletedProcess[str], Any]:
    (folder / "cases").mkdir()
    (folder / "cases" / "s.yaml").write_text(SUITE, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--run=r", "-p", "no:cacheprovider", *options]
    environ = {**os.environ, "PYTHONIOENCODING": "utf-8", "OPENAI_API_KEY": "sk-test"}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, encoding="utf-8", check=False, env=environ
    )
    summary = folder / "reports" / "r" / "summary.json"
    return done, json.loads(summary.read_text(encoding="utf-8")) if summary.exists() else None


def test_official_settings_on_a_reasoning_model(tmp_path):
    """--model=o3 runs the official settings: what it refuses is left out, and the notes say so."""
    with Server(reasoning) as server:
        options = ("--model=o3", f"--base-url={server.url}", f"--judge-base-url={server.url}")
        done, summary = run(tmp_path, server.url, *options)
    assert done.returncode == 0, done.stdout
    assert summary["complete"]
    assert {row["group"]: row["value"] for row in summary["rows"]}["overall"] == pytest.approx(
        2 / 3
    )
    assert all("temperature" not in body and "max_tokens" not in body for body in server.bodies)
    notes = " ".join(summary["notes"])
    assert "temperature" in notes
    assert "max_tokens" in notes


def test_an_endpoint_that_only_streams(tmp_path):
    """stream: true in the registry is enough for an endpoint that refuses anything else."""
    with Server(streaming) as server:
        entry = f"{{base_url: '{server.url}', stream: true}}"
        (tmp_path / "models.yaml").write_text(f"m: {entry}\nj: {entry}\n", encoding="utf-8")
        done, summary = run(tmp_path, server.url, "--model=m", "--judge=j")
    assert done.returncode == 0, done.stdout
    assert summary["complete"]
    assert summary["judges"] == ["j"]
