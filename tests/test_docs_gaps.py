"""docs/from-medicalaibencheval.md: its commands run as printed, its tables are complete."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import Server

PAGE = "docs/from-medicalaibencheval.md"
POINTS = [
    {"id": 1, "claim": "Says to measure the blood pressure first", "level": "A1"},
    {"id": 2, "claim": "说明两个警示症状", "level": "A2", "type": "positive"},
    {"id": 3, "claim": "建议自行停用降压药", "level": "S4", "type": "negative"},
]
OPTIONS = (
    "input_file", "-o", "--output", "-m", "--max_rows", "-v", "--verbose", "--disable-met-nomet",
    "--disable-irrelevant", "--exclude-irrelevant-scoring", "--disable-data-analysis",
    "--analysis-config", "--judge-models", "--extract-model", "--grade-models",
    "--voting-strategy", "--question-col", "--rubric-col", "--answer-columns", "-c", "--config",
    "-f", "--file", "--charts", "--show-sample",
)  # fmt: skip
"""Of medical_evaluation_pipeline.py:660-770 and enhanced_analyzer.py; gaps.md sections 5 and 6."""
SETTINGS = (
    "point", "vote.strategy", "vote.min_valid", "vote.timeout", "sampler.rate", "meta.threshold",
    "files.input_file", "output_file", "pipeline.disable_met_nomet",
    "disable_irrelevant_extraction", "exclude_irrelevant_scoring", "disable_data_analysis",
    "analysis_config_file", "models.judge_models", "extract_model", "grade_models",
    "voting_strategy", "columns.question_col", "rubric_col", "answer_columns",
    "processing.batch_size", "concurrent_models", "concurrent_items",
    "request_control.base_delay", "batch_delay", "item_delay", "retry.max_retries",
    "retry_multiplier", "rate_limit_wait", "api_key_env", "api_base_env", "model", "temperature",
    "max_tokens", "extra_body", "reasoning_effort", "request_timeout",
)  # fmt: skip
"""Of config.yaml and config_model.yaml."""
COLUMNS = (
    "index", "question", "rubrics", "final_merged_json", "分类", "category", "gpt_5_answer",
    "specialty", "difficulty", "source", "id", "claim", "level", "type", "desc", "C",
    "C_judged_json", "C_positive_items", "C_negative_items", "C_judge_summary",
    "C_irrelevant_content", "C_judged_json_scores",
)  # fmt: skip


def page_of(project: Path) -> str:
    return (project / PAGE).read_text(encoding="utf-8")


def blocks(project: Path, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", page_of(project), flags=re.DOTALL)


def commands(project: Path) -> list[str]:
    return [line for block in blocks(project, "console") for line in block.splitlines() if line]


def originals(project: Path) -> str:
    """Return the first cells of all tables: what they say about the original."""
    rows = [line.split("|") for line in page_of(project).splitlines() if line.startswith("|")]
    return "\n".join(cells[1] for cells in rows)


def workbook(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra xlsx is not installed")
    book = openpyxl.Workbook()
    book.active.append(list(header))
    for row in rows:
        book.active.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    saved(book, path)


def saved(book: Any, path: Path) -> None:
    """Save a workbook; openpyxl names no encoding for drafts of which it needs the name only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EncodingWarning)
        book.save(path)
    book.close()


def lay_out(folder: Path, project: Path) -> None:
    """Write what a user of the original has, and the suite file that the page shows."""
    data = folder / "cases" / "data"
    rubric = json.dumps(POINTS, ensure_ascii=False)
    header = ("index", "question", "分类", "rubrics", "gpt_5_answer", "gemini_2_5_pro_answer")
    rows = [
        (n, f"问题 {n}: 血压 180/110?", f"G{n}", rubric, f"先测量血压 {n}", f"=停药 {n}")
        for n in range(1, 5)
    ]
    workbook(data / "my_answers.xlsx", header, rows)
    workbook(data / "gaps" / "GAPS-NSCLC-preview.xlsx", header[:4], [row[:4] for row in rows])
    header = ("Clinical Question", "Scoring Criteria", "Response1", "Notes")
    workbook(data / "other.xlsx", header, [(row[1], row[3], row[4], None) for row in rows])
    [suite] = blocks(project, "yaml")
    (folder / "cases" / "mine.yaml").write_text(suite, encoding="utf-8")
    shipped = (project / "cases" / "gaps.yaml").read_text(encoding="utf-8")
    unpinned = re.sub(r"^ +sha256: .*\n", "", shipped, flags=re.MULTILINE)
    (folder / "cases" / "gaps.yaml").write_text(unpinned, encoding="utf-8")
    entry = "{api_key_env: KEY, api_base_env: BASE, model: %s, temperature: 0, max_tokens: 32678}"
    registry = "".join(f"  m{n}: {entry % f'model-{n}'}\n" for n in range(1, 6))
    (folder / "config_model.yaml").write_text(f"models:\n{registry}", encoding="utf-8")
    shutil.copy(project / "pytest.ini", folder)


def reply(body: Any) -> str:
    """Answer, judge, look for irrelevant content or grade it: whatever is asked."""
    text = "\n".join(message["content"] for message in body["messages"])
    verdict_id = re.search(r"^verdict_id: (\w+)", text, flags=re.MULTILINE)
    more = {"verdict_id": verdict_id[1]} if verdict_id else {}
    if "# POINTS" in text:
        items = [{"id": str(n), "explanation": "-", "criteria_met": False, "evidence": ""}
                 for n in (1, 2, 3)]  # fmt: skip
        return json.dumps({"verdicts": items, **more})
    if "criteria_met" in text:
        met = hashlib.sha256(text.encode()).digest()[0] % 4 > 0
        found: dict[str, Any] = {"explanation": "说明", "criteria_met": met}
    elif "`items`" in text:
        found = {"items": [{"content": "先测量血压", "reasoning": "-"}]}
    elif "`level`" in text:
        found = {"reasoning": "-", "level": "S2"}
    else:
        return "先测量血压"
    return f"```json\n{json.dumps({**found, **more}, ensure_ascii=False)}\n```"


def run(line: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the page as its reader would."""
    program, *given = shlex.split(line)
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("MEDCHECK_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", program, *given],
        cwd=folder,
        env={**kept, "KEY": "sk-made-up", "PYTHONIOENCODING": "utf-8", **environ},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def fill_in(queue: Path) -> None:
    """Rate all points of a review queue, as a physician would between two commands."""
    openpyxl = pytest.importorskip("openpyxl", reason="the extra xlsx is not installed")
    book = openpyxl.load_workbook(queue)
    header, *rows = book.worksheets[0].iter_rows()
    at = [cell.value for cell in header].index("verdict")
    for row in rows:
        row[at].value = "met"
    saved(book, queue)


def summary(folder: Path, name: str) -> dict[tuple[str, str], Any]:
    text = (folder / "reports" / name / "summary.json").read_text(encoding="utf-8")
    return {(row["model"], row["group"]): row for row in json.loads(text)["rows"]}


@pytest.fixture(scope="module")
def done(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, dict[str, int]]]:
    """Run all commands of the page; yield their folder and the requests that each run sent."""
    folder = tmp_path_factory.mktemp("original")
    lay_out(folder, project)
    sent = {}
    with Server(reply) as server:
        for line in commands(project):
            before = len(server.bodies)
            if line.startswith("medcheck agree"):
                fill_in(folder / "queue.xlsx")
            ended = run(line, folder, BASE=server.url)
            assert ended.returncode == 0, f"{line}\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}"
            assert "skipped" not in ended.stdout, line
            if name := re.search(r"--(?:run|as) (\S+)", line):
                sent[name[1]] = len(server.bodies) - before
        yield folder, sent


def test_every_command_of_the_page_runs(done: tuple[Path, dict[str, int]]) -> None:
    """Each command ends well, with a score where it judges and the file where it writes one."""
    folder, sent = done
    rows = {name: summary(folder, name) for name in sent}
    assert len(sent) == 11
    for name, found in rows.items():
        assert all(row["value"] is not None for row in found.values()), name
    assert {model for model, _ in rows["mine"]} == {"gpt_5_answer", "gemini_2_5_pro_answer"}
    assert rows["few"]["gpt_5_answer", "overall"]["n"] == 2
    assert rows["one-judge"]["gpt_5_answer", "overall"]["value"] > 0
    assert rows["nsclc"]["m2", "overall"]["n"] == 4
    assert (folder / "both.html").is_file()
    assert (folder / "reports" / "mine" / "gaps.xlsx").is_file()


def test_what_the_page_says_is_reused(done: tuple[Path, dict[str, int]]) -> None:
    """Weights and the cut ask nobody again, and an exported workbook is the same input again."""
    folder, sent = done
    assert [sent[name] for name in ("few", "weights", "truncated", "again")] == [0, 0, 0, 0]
    assert sent["mine"] == 2 * 4 * 3 * 3
    first, again = (summary(folder, name)["gpt_5_answer", "overall"] for name in ("mine", "again"))
    assert first["value"] == again["value"]


def test_irrelevant_content_costs_points(done: tuple[Path, dict[str, int]]) -> None:
    """With the step on, each statement found costs its level; the page's facet says how much."""
    folder, _ = done
    lines = (folder / "reports" / "irrelevant" / "results.jsonl").read_text(encoding="utf-8")
    facets = [json.loads(line)["facets"]["irrelevant:penalty"] for line in lines.splitlines()]
    assert facets == [2 / 8] * 4


@pytest.mark.parametrize("name", [*OPTIONS, *SETTINGS, *COLUMNS])
def test_nothing_of_the_original_is_left_out(project: Path, name: str) -> None:
    """Every option, setting and column of the original stands in the first column of a table."""
    pattern = rf"`{re.escape(name)}[`: ]"
    assert re.search(pattern, originals(project)), name
