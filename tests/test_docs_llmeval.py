"""docs/from-llmeval-med.md: its commands run as printed, offline, and its tables are complete."""

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
import yaml

from medcheck.readers.llmeval_med import records

PAGE = "docs/from-llmeval-med.md"
SETTINGS = (
    "model_name", "CUDA_VISIBLE_DEVICES", "inputs_dir", "outputs_dir", "max_new_tokens=2048",
    "do_sample=True", "model_answer", "base_url", "api_key", 'model="gpt-4o"', "Question",
    "Response", "Sanswer", "checklist", "model_answer_score", "model_answer_judgement", "files",
    "--threshold", "--out", "USABILITY_THRESHOLD", "SCORE_FIELD", "mtg_score_from_human_eval",
)  # fmt: skip
"""Of Answer.py, Evaluate.py and Aggregate.py."""
FIELDS = (
    "category1", "category2", "scene", "round", "problem", "groupCode", "sanswer", "difficulty",
    "checklist",
)  # fmt: skip
FAULTS = ("conversation", '"nan"', '"[1]"', "swallowed", "temperature", "file names", '"Sanswer"',
          "script and paper", "contestant")  # fmt: skip
"""Of specs section 8, in its order."""


def page(project: Path) -> str:
    return (project / PAGE).read_text(encoding="utf-8")


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", text, flags=re.DOTALL)


def lay_out(folder: Path, project: Path) -> None:
    """Write what a reader has: the suites, the examples, and answers of the original's script."""
    (folder / "cases").mkdir()
    for name in ("llmeval_starter.yaml", "llmeval_starter.json", "llmeval_med.yaml"):
        shutil.copy(project / "cases" / name, folder / "cases")
    shutil.copytree(project / "docs" / "examples", folder / "docs" / "examples")
    shutil.copy(project / "pytest.ini", folder)
    recorded = (project / "medcheck/demo/llmeval_starter.jsonl").read_text(encoding="utf-8")
    records = [json.loads(line) for line in recorded.split("\n") if line]
    answers = {r["case"]: r["answer"] for r in records if r["model"] == "demo"}
    data = json.loads((project / "cases/llmeval_starter.json").read_text(encoding="utf-8"))
    codes = {"医疗知识": "MK", "医疗推理": "MR", "医疗语言理解": "MLU", "医疗安全伦理": "MSE",
             "医疗文本生成": "MTG"}  # fmt: skip
    for key, items in data.items():
        for item in items:
            name = f"{codes[key]}-{item['groupCode']}-{item['round']}"
            item["model_answer"] = answers[name]
    text = json.dumps(data, ensure_ascii=False)
    # Where the page says that a reader copies it.
    (folder / "cases" / "my_output.json").write_text(text, encoding="utf-8")


def started(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the page as its reader would."""
    program, *given = shlex.split(line)
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("MEDCHECK_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", program, *given], cwd=folder, capture_output=True,
        encoding="utf-8", env={**kept, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def said(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Run all offline commands of the page in their order; return the folder and what each said."""
    folder = tmp_path_factory.mktemp("page")
    lay_out(folder, project)
    found = {}
    for line in (line for block in blocks(page(project), "console") for line in block.splitlines()):
        done = started(line, folder)
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        found[line] = done.stdout
    return folder, found


def one(found: dict[str, str], beginning: str) -> str:
    """Return what the first command said that begins so."""
    return next(text for line, text in found.items() if line.startswith(beginning))


def test_the_rules_give_what_the_page_says(said):
    """Script and paper count the same scores differently, and each names its rule."""
    _, found = said
    script, paper = (
        next(text for line, text in found.items() if f"--score-rule {rule}" in line)
        for rule in ("mean_then_threshold", "per_run_pooled")
    )
    assert "rule: mean_then_threshold, OP micro" in script
    assert "rule: per_run_pooled, OP macro" in paper
    assert (
        re.search(r"^OP: (.*)", script, re.MULTILINE)[1]
        != re.search(r"^OP: (.*)", paper, re.MULTILINE)[1]
    )


def test_existing_answers_score_as_the_model_did(said):
    """Answers from a file of the original get the scores of the run that gave them."""
    folder, _ = said
    scores = []
    for name in ("starter", "existing"):
        text = (folder / "reports" / name / "results.jsonl").read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.split("\n") if line]
        scores.append({r["case_id"]: r["score"] for r in rows if r["model"] != "demo-weak"})
    assert scores[0] == scores[1]
    assert None not in scores[0].values()


def test_an_export_comes_back(project, said):
    """With the data set an export has every field of it, for the scripts and for us."""
    folder, _ = said
    known = records(project / "cases" / "llmeval_starter.json")
    back = records(folder / "scores-demo-1-run1.json")
    assert back.keys() == known.keys()
    for name, item in known.items():
        assert item.items() <= back[name].items(), name
        assert back[name]["model_answer"], name


def test_agreement_has_every_figure(said):
    """All measures that the page names stand in the tables, with the warning."""
    _, found = said
    each = one(found, "medcheck agree starter docs/examples/llmeval_ratings.csv")
    for name in ("agreement", "kappa", "AC1", "alpha", "MCC", "precision", "recall",
                 "weighted kappa", "ICC(2,1)"):  # fmt: skip
        assert name in each, name
    assert "category:医疗文本生成" in each
    assert "says little" in each
    together = next(text for line, text in found.items() if line.endswith("--usable"))
    assert "6 not rated or tied" in together


def test_the_loop_does_what_the_page_says(said):
    """The edit of the page raises the validation kappa; the block is a grader block."""
    folder, found = said
    assert "MTG-2-1" not in one(found, "medcheck refine show")
    assert "v1 holds now." in one(found, "medcheck refine run")
    log = one(found, "medcheck refine log")
    first, last = re.findall(r"validation kappa ([\d.]+)", log)
    assert float(last) > float(first)
    block = yaml.safe_load((folder / "block.yaml").read_text(encoding="utf-8"))
    assert block["grader"]["name"] == "checklist"
    assert (folder / "cases/refine/llmeval_starter/v1.yaml").is_file()


def test_the_benchmarks_own_commands_run(project, said):
    """What needs the published data runs on the starter's in its place; the fetch has a source."""
    folder, _ = said
    fetch, *runs = [line for block in blocks(page(project), "bash") for line in block.splitlines()]
    sources = yaml.safe_load((project / "medcheck/sources.yaml").read_text(encoding="utf-8"))
    assert fetch.split()[-1] in sources
    suite = folder / "cases" / "llmeval_med.yaml"
    pinned = suite.read_text(encoding="utf-8")
    suite.write_text(re.sub(r"^ +sha256: .*\n", "", pinned, flags=re.MULTILINE), encoding="utf-8")
    place = folder / "cases" / "data" / "llmeval_med"
    place.mkdir(parents=True)
    shutil.copy(folder / "cases" / "llmeval_starter.json", place / "dataset.json")
    assert len(runs) == 2
    for line in runs:
        done = started(line.replace("=NAME", "=demo"), folder)
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    assert "18 passed" in done.stdout


@pytest.mark.parametrize("name", [*SETTINGS, *FIELDS])
def test_nothing_of_the_original_is_left_out(project, name):
    """Every setting and field of the three scripts stands on the page."""
    assert f"`{name}" in page(project), name


def test_every_fault_is_named(project):
    """The table of differences has a row for each known fault of the scripts."""
    text = page(project)
    start = text.index("| in the original | here |")
    rows = text[start:].split("\n\n")[0].splitlines()[2:]
    assert len(rows) == len(FAULTS)
    for row, words in zip(rows, FAULTS, strict=True):
        assert words in row.split("|")[1], row


def test_the_figures_of_table_2_are_arithmetic(project):
    """Rates, fractions and OP on the page agree with each other."""
    text = page(project)
    for percent, part, whole in ((84.16, 356, 423), (69.64, 445, 639), (63.40, 194, 306)):
        assert f"{percent:.2f} %" in text
        assert f"{part} of {whole}" in text
        assert round(100 * part / whole, 2) == percent
