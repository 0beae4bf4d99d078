"""What the documentation shows can be copied and run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = "docs/python-tests.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (\S+)\n")


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Yield kind and text of the fenced blocks of a page, in order."""
    for found in FENCED.finditer(page.read_text(encoding="utf-8")):
        yield found[1], found[2]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a pytest command as a reader of the page would."""
    given = shlex.split(command)
    assert given[0] == "pytest"
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("MEDCHECK_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", *given, "-p", "no:cacheprovider"],
        cwd=folder,
        env={**kept, "PYTHONUTF8": "1"},
        encoding="utf-8",
        capture_output=True,
        timeout=120,
    )


def test_examples_of_python_tests(project: Path, tmp_path: Path) -> None:
    """Each file of the page is written where it says, each command passes at its place."""
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
    commands = 0
    for kind, text in blocks(project / PAGE):
        if kind in ("python", "yaml"):
            named = NAMED.match(text)
            assert named, f"no file name: {text[:60]}"
            path = tmp_path / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            continue
        assert kind == "console"
        for line in text.splitlines():
            done = run(line.removeprefix("$ "), tmp_path)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            assert re.search(r"\d passed", done.stdout), done.stdout
            commands += 1
    assert commands == 6
    check_results(tmp_path)


def check_results(folder: Path) -> None:
    """Assert what the page says about what the commands leave behind."""
    lines = (folder / "reports/own/results.jsonl").read_text(encoding="utf-8").splitlines()
    results = [json.loads(line) for line in lines]
    assert [(r["case_id"], r["score"], r["model"]) for r in results] == [
        ("胸痛", 1.0, "model"),
        ("fever", 1.0, "model"),
    ]
    assert results[0]["completion"]["evidence"][0]["tool"] == "search"
    named = (folder / "reports/named/results.jsonl").read_text(encoding="utf-8")
    assert named.count('"model": "triage-2.1"') + named.count('"model":"triage-2.1"') == 2
    assert (folder / "overall.txt").read_text(encoding="utf-8") == "named 1.0 of 2\n"


@pytest.mark.parametrize("kind", ["python", "yaml", "console"])
def test_the_page_has_examples(project: Path, kind: str) -> None:
    """The page shows files and commands: an empty page would pass the test above."""
    assert [text for found, text in blocks(project / PAGE) if found == kind]
