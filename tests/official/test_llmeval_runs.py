"""All 667 questions of LLMEval-Med in one run: conversations in order, killed and continued."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from servers import Reply, Server

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

ITEMS, FOLLOWING, REPEATS = 667, 96, 3
CONCURRENCY = 32
USAGE = {"prompt_tokens": 100, "completion_tokens": 20}


def script(lost=""):
    """Return a server script: every answer names its own question, every score is a rule's."""

    def reply(body):
        said = body["messages"][-1]["content"]
        if body["model"] == "checklist":
            score = 1 + sum(said.encode()) % 5
            return Reply(text=json.dumps({"explanation": "so", "score": score}), usage=USAGE)
        if lost and said == lost:
            return Reply(status=400, body={"error": {"message": "no"}})
        return Reply(text=f"回答 {len(body['messages'])}: {said[:20]}", usage=USAGE)

    return reply


@pytest.fixture
def place(tmp_path, shared_data):
    """A folder with the shipped suite and the published file."""
    shipped = Path(__file__).resolve().parents[2] / "cases" / "llmeval_med.yaml"
    data = tmp_path / "cases" / "data" / "llmeval_med"
    data.mkdir(parents=True)
    shutil.copy(shipped, tmp_path / "cases")
    packed = shared_data / "llmeval_med" / "llmeval_med.json.gz"
    (data / "dataset.json").write_bytes(gzip.decompress(packed.read_bytes()))
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return tmp_path


def start(place, url, *options, run="r"):
    command = [
        sys.executable, "-m", "pytest", "-q", "-n", "0", "cases/llmeval_med.yaml", "--model=m",
        "--judge=checklist", f"--base-url={url}", f"--judge-base-url={url}", f"--run={run}",
        f"--concurrency={CONCURRENCY}", "-p", "no:cacheprovider", *options,
    ]  # fmt: skip
    return subprocess.Popen(
        command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"}, start_new_session=True,
    )  # fmt: skip


def results(place, run="r"):
    lines = (place / "reports" / run / "results.jsonl").read_text(encoding="utf-8").split("\n")
    return {line["case_id"]: line for line in map(json.loads, filter(None, lines))}


def rows(place, run="r"):
    text = (place / "reports" / run / "summary.json").read_text(encoding="utf-8")
    return {row["group"]: row for row in json.loads(text)["rows"]}


def test_a_killed_run_asks_nothing_twice(place):
    """667 answers and 2,001 scores; after kill -9 only what was in flight is asked again."""
    with Server(script()) as server:
        process = start(place, server.url)
        ends = time.monotonic() + 60
        while len(server.requests) < 900 and time.monotonic() < ends:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        before = len(server.requests)
        output, _ = (again := start(place, server.url)).communicate()
        assert again.returncode == 0, output[-3000:]
        total = len(server.requests)
        bodies = list(server.bodies)
    needed = ITEMS * (1 + REPEATS)
    assert before >= 900
    assert needed <= total <= needed + CONCURRENCY
    found = results(place)
    assert Counter(line["state"] for line in found.values()) == {"scored": ITEMS}
    asked = [body for body in bodies if body["model"] == "m"]
    later = {json.dumps(b["messages"]) for b in asked if len(b["messages"]) > 2}
    assert len(later) == FOLLOWING
    texts = [{message["content"] for message in body["messages"]} for body in asked]
    for name in found:
        code, group, number = name.rsplit("-", 2)
        if int(number) > 1:
            earlier = found[f"{code}-{group}-{int(number) - 1}"]["completion"]["text"]
            assert any(earlier in said for said in texts)
    measured = rows(place)
    assert measured["op"]["n"] == ITEMS * REPEATS
    assert measured["overall"]["ungraded"] == 0


def test_rounds_after_a_lost_one_are_not_run(place):
    """A round without an answer stops its conversation: nobody is asked, the cause is told."""
    text = (place / "cases" / "data" / "llmeval_med" / "dataset.json").read_text(encoding="utf-8")
    items = json.loads(text, parse_constant=lambda _: None)["医疗知识"]
    group = next(item["groupCode"] for item in items if item["round"] == 3)
    first = next(i for i in items if i["groupCode"] == group and i["round"] == 1)
    names = [f"MK-{group}-{i['round']}" for i in items if i["groupCode"] == group]
    with Server(script(lost=first["problem"])) as server:
        output, _ = (done := start(place, server.url, "-k", f"MK-{group}-")).communicate()
        asked = [body for body in server.bodies if body["model"] == "m"]
    assert done.returncode == 12, output[-2000:]
    assert len(asked) == 1
    found = results(place)
    assert [found[name]["state"] for name in names] == ["model_error"] + ["not_run"] * (
        len(names) - 1
    )
    assert names[0] in found[names[1]]["error"]
    assert rows(place)["overall"]["ungraded"] == len(names)
