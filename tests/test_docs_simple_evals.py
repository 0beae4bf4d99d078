"""docs/from-simple-evals.md: every command on the page runs as printed, on data of our own."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from servers import Server

THEMES = ("hedging", "communication", "global_health")
VERDICT = '```json\n{"explanation": "it does", "criteria_met": true}\n```'
MAIN = "2025-05-07-06-14-12_oss_eval.jsonl"
META = "2025-05-07-06-14-12_oss_meta_eval.jsonl"


def example(number: int, prompt_id: str) -> dict[str, Any]:
    """Return a made-up record in the official layout; every other one has a consensus criterion."""
    theme = THEMES[number % len(THEMES)]
    cluster = f"cluster:{theme}_any_question"
    return {
        "example_tags": [f"theme:{theme}"],
        "ideal_completions_data": {
            "ideal_completion": f"rest and water {number}",
            "ideal_completions_group": "Group 2",
            "ideal_completions_ref_completions": [f"reference {number}.{n}" for n in range(4)],
        },
        "prompt": [{"content": f"made-up question {number}: 头痛?", "role": "user"}],
        "prompt_id": prompt_id,
        "rubrics": [
            {"criterion": "Is clear", "points": 4, "tags": ["level:example", "axis:accuracy"]},
            {"criterion": "Is rude", "points": -2, "tags": ["level:example", "axis:accuracy"]},
            {"criterion": "Asks", "points": 5, "tags": ["level:cluster", cluster, "axis:accuracy"]},
        ],
        "canary": "made-up",
    }


def meta_row(number: int) -> dict[str, Any]:
    return {
        "anonymized_physician_ids": ["p1", "p2"],
        "binary_labels": [True, number % 2 == 0],
        "category": "cluster:hedging_any-reducible-uncertainty_hedges",
        "completion": f"answer {number}",
        "completion_id": f"c{number}",
        "prompt": [{"content": "胸痛?", "role": "user"}],
        "prompt_id": f"made-up-{number}",
        "rubric": "Says what is uncertain",
        "canary": "made-up",
    }


def lay_out(folder: Path, project: Path, url: str) -> None:
    """Copy the shipped suites without their pins, beside data of our own and a local endpoint."""
    hard = (project / "medcheck" / "readers" / "healthbench_hard.txt").read_text(encoding="utf-8")
    ids = [*hard.split()[:4], *(f"made-up-{n}" for n in range(10))]
    data = folder / "cases" / "data" / "healthbench"
    data.mkdir(parents=True)
    rows = [example(number, prompt_id) for number, prompt_id in enumerate(ids)]
    for name, records in ((MAIN, rows), (META, [meta_row(number) for number in range(6)])):
        text = "".join(json.dumps(record) + "\n" for record in records)
        (data / name).write_text(text, encoding="utf-8")
    for suite in (project / "cases").glob("healthbench*.yaml"):
        pinned = suite.read_text(encoding="utf-8")
        unpinned = re.sub(r"^ +sha256: .*\n", "", pinned, flags=re.MULTILINE)
        (folder / "cases" / suite.name).write_text(unpinned, encoding="utf-8")
    names = ("gpt-4.1", "gpt-4.1-mini", "gpt-4.1-2025-04-14")
    entries = "".join(
        f"{name}: {{base_url: '{url}', api_key_env: OPENAI_API_KEY}}\n" for name in names
    )
    (folder / "models.yaml").write_text(entries, encoding="utf-8")
    shutil.copy(project / "pytest.ini", folder)


def answer(body: Any) -> str:
    return VERDICT if "criteria_met" in json.dumps(body) else "rest and water"


def commands(project: Path) -> list[str]:
    page = (project / "docs" / "from-simple-evals.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```console\n(.*?)```", page, flags=re.DOTALL)
    return [line for line in block.splitlines() if line]


def test_every_command_of_the_page_runs(project: Path, tmp_path: Path) -> None:
    """Each command completes, and the judge-only ones ask no model."""
    environ = {**os.environ, "OPENAI_API_KEY": "sk-made-up", "PYTHONIOENCODING": "utf-8"}
    with Server(answer) as server:
        lay_out(tmp_path, project, server.url)
        for line in commands(project):
            program, *options = shlex.split(line)
            before = len(server.bodies)
            done = subprocess.run(
                [sys.executable, "-m", program, *options],
                cwd=tmp_path,
                env=environ,
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            asked = {body["model"] for body in server.bodies[before:]}
            if "answers:" in line:
                assert asked <= {"gpt-4.1-2025-04-14"}, line
    summary = json.loads((tmp_path / "reports/both/summary.json").read_text(encoding="utf-8"))
    rows = {(row["model"], row["group"]): row for row in summary["rows"]}
    assert rows["gpt-4.1", "overall"]["n"] == rows["gpt-4.1-mini", "overall"]["n"] == 10


@pytest.mark.parametrize("option", ["length_adjusted", "worst_at", "answers:ideal_completion"])
def test_the_page_names_what_it_runs(project: Path, option: str) -> None:
    """What the table promises for a reader of the original stands on the page."""
    page = (project / "docs" / "from-simple-evals.md").read_text(encoding="utf-8")
    assert option in page
