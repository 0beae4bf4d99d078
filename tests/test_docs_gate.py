"""The commands of docs/gate.md work as printed, in their order, offline."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = "docs/gate.md"
PROGRAMS = {"pytest": ["-m", "pytest", "-p", "no:cacheprovider"], "medcheck": ["-m", "medcheck"]}


def commands(project: Path) -> list[str]:
    """Return the lines of the page's console blocks."""
    text = (project / PAGE).read_text(encoding="utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


@pytest.fixture(scope="module")
def said(project, tmp_path_factory):
    """What each command printed, by its text; every one of them ended well."""
    folder = tmp_path_factory.mktemp("gate")
    cases = folder / "cases"
    cases.mkdir()
    for path in (project / "cases").glob("*starter*.yaml"):
        if "starter" in path.stem and not path.stem.startswith(("gaps", "llmeval", "med")):
            shutil.copy(path, cases)
    shutil.copy(project / "pytest.ini", folder)
    found = {}
    for line in commands(project):
        program, *words = shlex.split(line)
        done = subprocess.run(
            [sys.executable, *PROGRAMS[program], *words], cwd=folder, capture_output=True,
            encoding="utf-8", env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        found[line] = done.stdout
    return folder, found


def test_every_command_of_the_page_works(said, project):
    """Accept, gate and compare end with 0; the run that equals its baseline passes."""
    _, found = said
    assert len(found) == len(commands(project)) >= 4
    gated = next(text for line, text in found.items() if "--gate" in line)
    assert "PASS" in gated
    compared = next(text for line, text in found.items() if line.startswith("medcheck compare"))
    assert "0 flipped" in compared


def test_the_baseline_holds_no_texts(said, project):
    """The accepted file has hashes and scores; questions and answers stand beside it only."""
    folder, _ = said
    text = (folder / "cases" / "baselines" / "released.json").read_text(encoding="utf-8")
    assert "clinical board" in text
    lines = (
        (project / "medcheck" / "demo" / "hedging.jsonl").read_text(encoding="utf-8").split("\n")
    )
    said_by_models = [json.loads(line) for line in lines if line]
    assert said_by_models
    for record in said_by_models:
        assert record["answer"][:20] not in text
        assert record["prompt"][-1]["content"][:20] not in text
    assert (folder / "cases" / "baselines" / "released.sentinels.json").is_file()
