"""docs/from-helm.md: its blocks run as printed, offline, and its tables are complete."""

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

from medcheck.scoring.metrics import METRICS

PAGE = "docs/from-helm.md"
FENCED = re.compile(r"^(?:`(\S+)`:\n\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A block, after the name of the file that it is, if it is one."""
LOCAL = "http://127.0.0.1:8000/v1"
RUN = (
    "--cache-instances", "--cache-instances-only", "--conf-paths", "--disable-cache", "--dry-run",
    "--enable-huggingface-models", "--enable-local-huggingface-models", "--exit-on-error",
    "--groups-to-run", "--local-path", "--log-config", "--max-eval-instances", "--models-to-run",
    "--mongo-uri", "--num-threads", "--num-train-trials", "--output-path", "--plugins",
    "--priority", "--run-entries", "--run-specs", "--runner-class-name", "--skip-completed-runs",
    "--skip-instances", "--suite",
)  # fmt: skip
SUMMARIZE = (
    "--allow-unknown-models", "--auto-generate-schema", "--debug", "--local-path", "--log-config",
    "--output-path", "--release", "--schema-path", "--schema-validation",
    "--skip-completed-run-display-json", "--suite", "--suites", "--summarizer-class-name",
)  # fmt: skip
"""Of helm-run and helm-summarize at 63754d0."""
HELM_METRICS = (
    "exact_match", "quasi_exact_match", "medcalc_bench_accuracy", "medec_error_flag_accuracy",
    "medec_error_sentence_accuracy", "ehr_sql_execution_accuracy", "ehr_sql_query_validity",
    "ehr_sql_precision_answerable", "ehr_sql_recall_answerable", "mimiciv_billing_code_f1",
    "rouge_1", "rouge_2", "rouge_l", "bleu_1", "bleu_4", "BERTScore-P",
)  # fmt: skip
"""Of schema_medhelm.yaml, as far as a benchmark of MedHELM reports them."""


def page(project: Path) -> str:
    return (project / PAGE).read_text(encoding="utf-8")


def section(project: Path, title: str) -> str:
    """Return a section of the page."""
    return page(project).partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def answer(body: Any) -> str:
    """Answer as a model, or mark as a juror; the second finding is explained less well."""
    said = "\n".join(message["content"] for message in body["messages"])
    if body["model"] != "my-judge":
        return "Your sugar is a little high." if "glucose" in said else "It is 98."
    score = 5 if "a little high" in said else 3
    found: dict[str, Any] = {
        name: {"score": score, "explanation": "so"} for name in ("accuracy", "clarity")
    }
    found["verdict_id"] = re.findall(r"verdict_id: (\S+)", said)[-1]
    return json.dumps(found)


def run(folder: Path, words: list[str], line: str) -> str:
    """Run a command in a folder as a reader would; return what it printed."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("MEDCHECK_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, encoding="utf-8",
        env={**kept, "PYTHONUTF8": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def said(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Write the page's files, run its commands in their order; return folder and what each said."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "cases").mkdir()
    for path in (project / "cases").glob("medhelm_starter*"):
        shutil.copy(path, folder / "cases")
    shutil.copy(project / "pytest.ini", folder)
    found: dict[str, str] = {}
    with Server(answer) as server:
        for name, kind, text in FENCED.findall(page(project)):
            if kind == "bash":
                for line in text.splitlines():
                    words = shlex.split(line.replace(LOCAL, server.url))
                    found[line] = run(folder, ["-m", *words], line)
            elif kind == "python":
                found["python"] = run(folder, ["-c", text], text)
            else:
                assert name, f"no file name: {text[:60]}"
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    return folder, found


def results(folder: Path, name: str) -> list[dict[str, Any]]:
    text = (folder / "reports" / name / "results.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def one(found: dict[str, str], part: str) -> str:
    """Return what the first command said that has this part."""
    return next(text for line, text in found.items() if part in line)


def test_the_starter_touches_the_whole_taxonomy(said):
    """The two suites of the first command stand in all 22 subcategories."""
    folder, _ = said
    lines = results(folder, "starter")
    assert {line["state"] for line in lines} == {"scored"}
    assert len({tuple(line["category"]) for line in lines}) == 22


def test_a_category_is_chosen(said):
    """`--tag category:` takes the cases of that category and no others."""
    folder, _ = said
    chosen = {line["category"][0] for line in results(folder, "notes")}
    assert chosen == {"clinical_note_generation"}


def test_the_original_metric_gives_less(said):
    """Answers in a sentence are read here, and wrong under `official`."""
    folder, _ = said
    ours = {
        line["case_id"]: line["score"]
        for line in results(folder, "starter")
        if line["model"] == "demo-weak"
    }
    theirs = {line["case_id"]: line["score"] for line in results(folder, "as-helm")}
    assert all(theirs[name] <= ours[name] for name in theirs)
    assert sum(theirs.values()) < sum(ours[name] for name in theirs)
    assert all("metric:exact_match_official" in r["facets"] for r in results(folder, "as-helm"))


def test_a_benchmark_of_helm_runs(said):
    """HELM's files become a suite with their criteria; marks are shares of the scale."""
    folder, found = said
    assert "The jury's prompt is medcheck's own" in found["python"]
    lines = results(folder, "triage")
    assert [line["score"] for line in lines] == [1.0, 0.5]
    assert [set(line["facets"]) >= {"jury:accuracy", "jury:clarity"} for line in lines] == [
        True
    ] * 2
    assert "2 cases" in one(found, "medcheck check cases/triage.yaml")


def test_the_leaderboard_of_the_page(said):
    """Win rates, categories, published rows and the upper bound are printed, the page written."""
    folder, found = said
    assert re.search(r"1 +demo +1\.000", one(found, "medcheck leaderboard starter"))
    assert "medhelm_starter: " in one(found, "--by category")
    assert "published, not re-run" in one(found, "--published")
    assert "upper bound" in one(found, "--cost official").lower()
    assert (folder / "board.html").stat().st_size > 1000


@pytest.mark.parametrize("option", RUN)
def test_each_option_of_helm_run_is_told(project, option):
    """Each option of helm-run stands in its table."""
    assert f"`{option}`" in section(project, "helm-run")


@pytest.mark.parametrize("option", SUMMARIZE)
def test_each_option_of_helm_summarize_is_told(project, option):
    """Each option of helm-summarize stands in its table."""
    assert f"`{option}`" in section(project, "helm-summarize, helm-server")


def test_metrics_are_told_and_exist(project):
    """Each metric of MedHELM has its row, and what the row names here is a metric."""
    table = section(project, "Metrics")
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    theirs = "".join(row[0] for row in rows)
    for name in HELM_METRICS:
        assert f"`{name}`" in theirs, name
    ours = [name for row in rows for name in re.findall(r"`(\w+)`", row[1])]
    assert set(ours) - set(METRICS) == {"jury"}


def test_every_command_is_a_block_that_ran(said):
    """The page has commands of each kind: an empty page would pass the rest."""
    _, found = said
    assert {line.split()[0] for line in found} == {"pytest", "medcheck", "python"}
    assert len(found) >= 12
