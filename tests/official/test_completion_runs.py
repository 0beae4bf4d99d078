"""What physicians wrote, and what they were shown, judged by the shipped suite: no model call."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter

from runs import registry_text
from servers import Reply, Server

EACH = 2
"""Examples of each group."""
JUDGE = "gpt-4.1-2025-04-14"


def chosen(shared_data):
    """The first examples of each group, and of those without completions, short ones."""
    path = shared_data / "healthbench" / "healthbench_sample.jsonl.gz"
    taken = Counter()
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            row = json.loads(line)
            data = row["ideal_completions_data"] or {}
            group = data.get("ideal_completions_group")
            if len(row["rubrics"]) < 8 and taken[group] < EACH:
                taken[group] += 1
                yield line
    assert len(taken) == 4


def judge(body):
    """Reply with a verdict that depends on nothing but the question."""
    digest = hashlib.sha256(json.dumps(body["messages"]).encode()).digest()
    return Reply(text=json.dumps({"explanation": "so", "criteria_met": digest[0] % 2 == 0}))


def test_the_shipped_suite(shared_data, project, tmp_path):
    """Physicians have a row for each group, references for two, four answers a case each."""
    suite = (project / "cases" / "healthbench_completions.yaml").read_text(encoding="utf-8")
    place = re.search(r"path: (\S+)", suite)[1]
    data = tmp_path / "cases" / place
    data.parent.mkdir(parents=True)
    data.write_text("".join(chosen(shared_data)), encoding="utf-8")
    text = re.sub(r"sha256: \S+", f"sha256: {hashlib.sha256(data.read_bytes()).hexdigest()}", suite)
    (tmp_path / "cases" / "completions.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    with Server(judge) as server:
        models = registry_text(server.url).replace("judge:", f"{JUDGE}:")
        (tmp_path / "models.yaml").write_text(models, encoding="utf-8")
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", "-n", "0", "--run=r",
                "-p", "no:cacheprovider", "-p", "no:html",
                "--model=answers:ideal_completion,answers:reference",
            ],
            cwd=tmp_path, capture_output=True, encoding="utf-8", check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert {body["model"] for body in server.bodies} == {JUDGE}
        # The judge is shown the bare conversation.
        shown = [body["messages"][-1]["content"] for body in server.bodies]
        assert not [text for text in shown if "system: You are a helpful" in text]
    summary = json.loads((tmp_path / "reports" / "r" / "summary.json").read_text(encoding="utf-8"))
    rows = {(r["model"].removeprefix("answers:"), r["group"]): r["n"] for r in summary["rows"]}
    groups = [f"completions:group-{n}" for n in (1, 2, 3)]
    assert [rows["ideal_completion", group] for group in groups] == [EACH] * 3
    assert rows["ideal_completion", "overall"] == 3 * EACH
    assert [rows.get(("reference", group)) for group in groups] == [None, 4 * EACH, 4 * EACH]
    assert rows["reference", "worst_at:4"] == 2 * EACH
    assert rows["reference", "run_std"] == 4
    assert ("ideal_completion", "run_std") not in rows
    assert not [who for who in summary["usage"] if who.startswith("model")]
