"""docs/from-medbench-script.md: every command on the page runs as printed, without a network."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from medbench_packs import questions
from servers import Server

from medcheck.readers import _medbench_lint

PAGE = "docs/from-medbench-script.md"
EXAMPLE = {"question": "请写出诊断，严格遵守 JSON 格式。", "answer": "", "other": {"id": 1}}


def page_of(project: Path) -> str:
    return (project / PAGE).read_text(encoding="utf-8")


def blocks(project: Path, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", page_of(project), flags=re.DOTALL)


def programs(folder: Path) -> Path:
    """Return a folder with `medcheck` and `pytest` of this very Python."""
    folder.mkdir()
    for name in ("medcheck", "pytest"):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {name} "$@"\n', encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder


def lay_out(folder: Path, project: Path) -> None:
    """Write what a user has: the shipped suites, the script's folder, the page's table."""
    (folder / "cases").mkdir(parents=True)
    for path in (project / "cases").glob("medbench_*"):
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, folder / "cases" / path.name)
    shutil.copy(project / "pytest.ini", folder)
    questions(folder / "LlmMedEval" / "MedBench" / "new_test_data", "v4")
    [table] = blocks(project, "csv")
    (folder / "scores.csv").write_text(table, encoding="utf-8")


@pytest.fixture(scope="module")
def ran(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Server]:
    """Run all blocks in order; return the folder, what was printed, and who was asked."""
    if os.name != "posix":
        pytest.skip("the page's commands are for a POSIX shell")
    folder = tmp_path_factory.mktemp("page")
    lay_out(folder, project)
    path = f"{programs(folder / 'bin')}{os.pathsep}{os.environ['PATH']}"
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("MEDCHECK_", "PYTEST_"))}
    said = ""
    with Server(lambda body: f"答案 {len(json.dumps(body))}") as server:
        environ = {
            **kept, "PATH": path, "PYTHONIOENCODING": "utf-8", "MODEL_NAME": "our-model",
            "API_TOKEN": "sk-made-up", "API_URL": f"{server.url}/chat/completions",
        }  # fmt: skip
        for block in blocks(project, "console"):
            for line in block.splitlines():
                done = subprocess.run(
                    ["sh", "-c", line], cwd=folder, env=environ, capture_output=True,
                    encoding="utf-8", check=False, timeout=300,
                )  # fmt: skip
                assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
                said += f"$ {line}\n{done.stdout}"
    return folder, said, server


def rows_of(pack: Path) -> dict[tuple[str, int], str]:
    """Return the rows of a pack by file and line."""
    with zipfile.ZipFile(pack) as archive:
        return {
            (name, number): line
            for name in archive.namelist()
            if name.endswith(".jsonl")
            for number, line in enumerate(archive.read(name).decode().splitlines(), 1)
        }


def test_lost_rows_come_back(ran: tuple[Path, str, Server]) -> None:
    """Exactly the two lost rows are asked again and put in their places; no other row changes."""
    folder, said, _ = ran
    again = (folder / "again.txt").read_text(encoding="utf-8").split()
    assert again == [f"cases/medbench_starter.yaml::{n}-1" for n in ("MedPrimary", "MedTreat")]
    before = rows_of(folder / "reports/first/medbench.zip")
    after = rows_of(folder / "fixed.zip")
    assert {key: after[key] for key in before} == before
    added = {name.rsplit("/", 1)[-1] for name, _ in after.keys() - before.keys()}
    assert added == {"MedPrimary.jsonl", "MedTreat.jsonl"}
    assert all(json.loads(after[key])["answer"] for key in after.keys() - before.keys())
    assert (folder / "left.jsonl").read_text(encoding="utf-8") == ""
    assert "2 of 2 rows have a new answer" in said


def test_faults_of_a_weak_model_stay(ran: tuple[Path, str, Server]) -> None:
    """Answers in a wrong form are told and left alone: nobody asks until an answer pleases."""
    _, said, _ = ran
    assert re.search(r"SMDoc\.jsonl:2: warning W6 .*cannot be read", said)
    assert said.count("20 errors") == 1, "only the sets that the starter suite does not have"


def test_the_script_s_variables(ran: tuple[Path, str, Server]) -> None:
    """1,620 rows of the script's folder are asked at API_URL with API_TOKEN, each once."""
    folder, said, server = ran
    assert len(server.bodies) == 1620
    assert {asked.headers["authorization"] for asked in server.requests} == {"Bearer sk-made-up"}
    assert {asked.path for asked in server.requests} == {"/v1/chat/completions"}
    assert server.bodies[0]["messages"][0]["content"] == "You are a helpful assistant."
    assert len(rows_of(folder / "reports/mine/medbench.zip")) == 1620
    assert said.rstrip().endswith("1 figures do not fit.")
    assert "0 errors," in said


def test_what_the_page_says_of_the_table(ran: tuple[Path, str, Server], project: Path) -> None:
    """The page's figures on the sixth row are those of the command."""
    _, said, _ = ran
    line = next(line for line in said.splitlines() if "its parts give" in line)
    assert "77.1, its parts give 73.66; it fits if 医疗安全和伦理 is read 86.5" in line
    assert "gives 73.66, not 77.1" in page_of(project)


@pytest.mark.parametrize("name", [*_medbench_lint.RULES, "contradiction", "text_layer", "repeat"])
def test_the_page_names_all_rules(project: Path, name: str) -> None:
    """Each rule of the audit is on the page."""
    assert f"`{name}`" in page_of(project)


def test_the_script_s_prefix_is_refused(project: Path, tmp_path: Path) -> None:
    """What the script once put before each question is an error before a call, as the page says."""
    lay_out(tmp_path, project)
    data = tmp_path / "cases" / "data" / "medbench" / "v4"
    data.mkdir(parents=True)
    text = json.dumps(EXAMPLE, ensure_ascii=False) + "\n"
    (data / "MedPrimary.jsonl").write_text(text, encoding="utf-8")
    with Server() as server:
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "cases/medbench_v4.yaml", "--model=m",
                f"--base-url={server.url}", "-p", "no:cacheprovider",
                "--set", "medbench_v4.system=注意：禁止输出json格式结果，直接输出文本",
            ],
            cwd=tmp_path, capture_output=True, encoding="utf-8", check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        assert server.bodies == []
    assert done.returncode != 0
    assert "MedPrimary.jsonl:1: error contradiction: JSON demanded and forbidden" in (
        done.stdout + done.stderr
    )
