"""The CI templates are YAML, and the very commands that stand in them work on the demo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml


@pytest.fixture(scope="module")
def released(tmp_path_factory, request):
    """Return a folder with the starter suite and the baseline that docs/ci.md tells to make."""
    project = request.getfixturevalue("project")
    folder = tmp_path_factory.mktemp("ci")
    (folder / "cases").mkdir()
    for path in [*project.glob("cases/_starter_*.yaml"), project / "cases" / "starter.yaml"]:
        shutil.copy(path, folder / "cases")
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = cases\n", "utf-8")
    programs = folder / "bin"
    programs.mkdir()
    for name, module in (("pytest", "pytest"), ("medcheck", "medcheck")):
        text = f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n'
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    by_hand = blocks(project)[0]
    assert "baseline accept" in by_hand
    done = shell(folder, f"set -e\n{by_hand}")
    assert done.returncode == 0, done.stdout
    return folder


def blocks(project):
    """Return the shell commands of docs/ci.md."""
    text = (project / "docs" / "ci.md").read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shell(folder, script, **more):
    """Run commands in the folder, with our programs first in the path."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env={**os.environ, "PATH": path, "PYTHONUTF8": "1", **more},
        timeout=120,
    )


def template(project, name):
    """Return a template as data."""
    return yaml.safe_load((project / "docs" / "ci" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("model", "status", "said"),
    [
        ("demo", 0, "::notice title=medcheck::no worse"),
        ("demo-weak", 10, "::error title=medcheck::r"),
    ],
)
def test_github(project, released, model, status, said):
    """The steps end in the gate's status, with an annotation and a step summary."""
    job = template(project, "github.yml")["jobs"]["gate"]
    steps = {step.get("name"): step.get("run") for step in job["steps"]}
    summary = released / f"step-{model}.md"
    given = {**job["env"], "MODEL": model, "GITHUB_STEP_SUMMARY": str(summary)}
    run = steps["Evaluate and decide"]
    done = shell(released, f"set -e\n{run}", **given)
    assert done.returncode == status, done.stdout
    assert said in done.stdout
    assert "sentinels of release: 30 of 30 verdicts as before" in done.stdout
    assert shell(released, steps["Step summary"], **given).returncode == 0
    assert "## Gate" in summary.read_text(encoding="utf-8")
    uploaded = next(s for s in job["steps"] if s.get("name") == "Report")["with"]["path"].split()
    assert all((released / path).is_file() for path in uploaded)
    assert not any("results.jsonl" in path or "sqlite" in path for path in uploaded)


def test_gitlab(project, released):
    """The job's script and what comes after it work, and its artifacts are there."""
    job = template(project, "gitlab.yml")["medcheck"]
    [run] = job["script"]
    done = shell(released, run, **job["variables"])
    assert done.returncode == 0, done.stdout
    [after] = job["after_script"]
    assert "medcheck run ci" in shell(released, after).stdout
    files = [*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]
    assert all((released / path).is_file() for path in files)
    assert job["allow_failure"]["exit_codes"] == [11]


def test_the_page_names_every_status(project):
    """Each exit status stands in the table, and each command exists."""
    text = (project / "docs" / "ci.md").read_text(encoding="utf-8")
    for status in ("0", "1", "2 to 5", "10", "11", "12", "13"):
        assert f"| {status} |" in text
    from medcheck.commands import COMMANDS

    named = re.findall(r"^medcheck (\w+)", "\n".join(blocks(project)), re.MULTILINE)
    assert set(named) <= set(COMMANDS)
