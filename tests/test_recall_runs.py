"""Macro-recall through a whole run: a judge finds key points, and what it loses is no zero."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from servers import Server

from medcheck.engine.setup import prepare
from medcheck.settings import Settings
from medcheck.suites import load_suite

SUITE = """\
suite: recall
grader: {name: closed, format: text, measure: macro_recall, judges: j}
summary: {measure: mean, by: macro_recall}
cases:
  - {id: cold, prompt: "感冒怎么办?", labels: {gold: [多休息, 多饮水, 发热时就医, 不滥用抗生素]}}
  - {id: cough, prompt: "咳嗽怎么办?", references: [戒烟, 就医]}
  - {id: pain, prompt: "头痛怎么办?", references: [测血压, 谜]}
"""
ANSWERS = {
    "感冒怎么办?": "请多休息、多饮水。", "咳嗽怎么办?": "请戒烟并就医。", "头痛怎么办?": "测血压。",
}  # fmt: skip


def script(body: Any) -> str:
    """Answer as the model, or judge word for word; one point is never decided."""
    text = "\n".join(message["content"] for message in body["messages"])
    asked = re.search(r"# KEY POINT\n(.*)", text)
    if asked is None:
        return ANSWERS[text]
    point = json.loads(asked[1])
    answer = json.loads(body["messages"][0]["content"].split("\n", 1)[1])
    bound = re.search(r"verdict_id: (\S+)\s*$", text)
    reply = {"explanation": "", "criteria_met": point in answer, "verdict_id": bound and bound[1]}
    return "I cannot say." if point == "谜" else json.dumps(reply)


def test_macro_recall_of_a_run(tmp_path: Path) -> None:
    """The figure is the mean of the answers' shares; the undecided answer is not measured."""
    (tmp_path / "recall.yaml").write_text(SUITE, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    with Server(script) as server:
        command = [sys.executable, "-m", "pytest", "-q", "recall.yaml", "--model=m", "--run=r"]
        command += [f"--base-url={server.url}", f"--judge-base-url={server.url}"]
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider"],
            cwd=tmp_path, capture_output=True, encoding="utf-8", check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        asked = len(server.requests)
    summary = json.loads((tmp_path / "reports/r/summary.json").read_text(encoding="utf-8"))
    [row] = [row for row in summary["rows"] if row["group"] == "macro_recall"]
    assert (row["raw"], row["n"]) == (0.75, 2)
    assert "pain: not measured (judge_error)" in done.stdout
    assert asked == 3 + 4 + 2 + 1 + 4, "answers, points, and four tries for the lost one"


def test_without_a_judge_there_is_no_run(tmp_path: Path) -> None:
    """The measure without a judge is refused before the first call."""
    file = tmp_path / "recall.yaml"
    file.write_text(SUITE.replace(", judges: j", ""), encoding="utf-8")
    settings = Settings(models=("m",), base_url="http://127.0.0.1:9/v1")
    [said] = prepare([load_suite(file)], settings, {}).problems
    assert 'suite "recall" needs a judge' in said
    assert "grader.judges" in said
