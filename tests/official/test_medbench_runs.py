"""Whole MedBench runs: recorded answers through real HTTP, packs back and forth, pictures."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from servers import Server, replaying
from test_medbench_packs import ABSENT

from medcheck.answers import load_answers
from medcheck.errors import DatasetError
from medcheck.readers._medbench_pictures import names_in
from medcheck.scoring.medbench_sets import sets_of

RECORDED = "e2e/medbench-v4-o3/answers.jsonl.gz"
ANSWERED = [info.name for info in sets_of("v4") if info.name not in ABSENT["v4"]]
NOT_RECORDED = {("MedAnalysis", 19), ("MedPHM", 24), ("MedRecordGen", 29)}
"""Rows that o3 left null. A fourth, MedSafety 138, repeats the prompt of MedSafety 136 word for
word; the replay server has an answer to that prompt, so the row comes out answered."""
INCOMPLETE = 12
"""Exit status of a run in which something was not measured."""
CONSISTENT = {"MedEthics": "10/30", "MedExam": "25/30", "MedSafety": "17/30"}


def command(place, *words, status=0):
    """Run a command in a folder and return what it printed."""
    environ = {**os.environ, "PYTHONIOENCODING": "utf-8", "MODEL_API_KEY": "k"}
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)], cwd=place, capture_output=True,
        encoding="utf-8", env=environ, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def laid_out(place, project, questions, track, *, sets=None):
    """Put a shipped suite and question files where a user would; return the suite's path."""
    data = place / "cases" / "data" / "medbench"
    data.mkdir(parents=True, exist_ok=True)
    shutil.copytree(questions, data / track, copy_function=shutil.copyfile)
    (data / track).chmod(0o755)
    text = (project / "cases" / f"medbench_{track}.yaml").read_text(encoding="utf-8")
    if sets:
        chosen = f"{{track: {track}, sets: [{', '.join(sets)}]}}"
        text = text.replace(f"{{track: {track}}}", chosen)
    (place / "cases" / f"medbench_{track}.yaml").write_text(text, encoding="utf-8")
    (place / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return f"cases/medbench_{track}.yaml"


def rows_of(pack, name):
    """Return the rows of a set in a pack."""
    with zipfile.ZipFile(pack) as archive:
        entry = next(e for e in archive.namelist() if e.endswith(f"/{name}.jsonl"))
        return [json.loads(line) for line in archive.read(entry).split(b"\n") if line]


@pytest.fixture(scope="module")
def o3(tmp_path_factory, project, shared_data, shared_tools):
    """Run o3's recorded answers with -n 8 and export them; return folder, output and stats."""
    place = tmp_path_factory.mktemp("o3")
    suite = laid_out(place, project, shared_data / "medbench" / "v4_llm", "v4", sets=ANSWERED)
    with replaying(shared_tools, shared_data / RECORDED) as url:
        said = command(
            place, "pytest", "-q", "-n", "8", suite, "--model=o3", f"--base-url={url}",
            "--run=o3", "-p", "no:cacheprovider", status=INCOMPLETE,
        )  # fmt: skip
        with urllib.request.urlopen(f"{url}/stats") as reply:
            stats = json.load(reply)
    command(place, "medcheck", "export", "o3", "--to", "medbench")
    return place, said, stats


def test_every_row_is_asked_on_its_own(o3, shared_data):
    """1,260 rows are 1,260 requests: 20 prompts come again, none is served from another's reply."""
    _, said, stats = o3
    texts = [
        json.loads(line)["question"]
        for name in ANSWERED
        for line in (shared_data / "medbench/v4_llm" / f"{name}.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    ]
    again = len(texts) - len(set(texts))
    assert (len(texts), again) == (1260, 20)
    assert stats == {"answers": 1257, "verdicts": 0, "unmatched": 3, "repeated": again}
    assert "1,260 requests sent, 0 replies reused" in said
    assert "1257 passed, 3 errors" in said


def test_answers_are_those_recorded(o3, shared_data):
    """Each row has an answer that was recorded for its prompt; repeated prompts have all theirs."""
    place, *_ = o3
    recorded: dict[str, list[str]] = {}
    with gzip.open(
        shared_data / "e2e/medbench-v4-o3/answers.jsonl.gz", "rt", encoding="utf-8"
    ) as f:
        for line in f:
            row = json.loads(line)
            recorded.setdefault(row["prompt"], []).append(row["answer"])
    given: dict[str, list[str]] = {}
    for name in ANSWERED:
        for row in rows_of(place / "reports/o3/medbench.zip", name):
            if row["answer"] is not None:
                given.setdefault(row["question"], []).append(row["answer"])
    assert given.keys() == recorded.keys()
    more = {prompt for prompt in given if Counter(given[prompt]) != Counter(recorded[prompt])}
    [safety] = more
    asked = rows_of(place / "reports/o3/medbench.zip", "MedSafety")
    assert safety == asked[135]["question"] == asked[137]["question"]
    assert len(given[safety]) == len(recorded[safety]) + 1


def test_validate_names_what_is_missing(o3, tmp_path):
    """`validate` names exactly the 8 absent sets, and `rerun` those and the 3 null rows."""
    place, *_ = o3
    said = command(
        place, "medcheck", "validate", "reports/o3/medbench.zip", "--questions",
        "cases/data/medbench/v4", "--rerun", tmp_path / "again.jsonl", status=1,
    )  # fmt: skip
    errors = re.findall(r"MedBench_LLM/(\S+)\.jsonl: error (\w+):", said)
    assert {name for name, _ in errors} == set(ABSENT["v4"])
    assert [rule for _, rule in errors] == ["E2"] * 8
    assert "30 of 38 sets" in said
    lines = [json.loads(line) for line in (tmp_path / "again.jsonl").read_bytes().splitlines()]
    again = {(row["set"], row["line"]) for row in lines if row["set"] not in ABSENT["v4"]}
    assert again == NOT_RECORDED
    table = {line.split()[0]: line.split() for line in said.splitlines() if line.strip()}
    assert {name: table[name][6] for name in CONSISTENT} == CONSISTENT
    causes = (place / "reports/o3/medbench.zip.missing.jsonl").read_text(encoding="utf-8")
    assert causes.count("no recorded answer") == len(NOT_RECORDED)


def test_a_pack_stands_in_for_the_model(o3):
    """`answers:PACK` asks nobody, and its export is the pack to the byte, null rows included."""
    place, *_ = o3
    pack = place / "reports" / "o3" / "medbench.zip"
    said = command(
        place, "pytest", "-q", "-n", "4", "cases/medbench_v4.yaml", f"--model=answers:{pack}",
        "--run=back", "-p", "no:cacheprovider", status=INCOMPLETE,
    )  # fmt: skip
    assert "this run: 0 requests sent" in said
    assert "1257 passed, 3 errors" in said
    command(place, "medcheck", "export", "back", "--to", "medbench")
    assert (place / "reports/back/medbench.zip").read_bytes() == pack.read_bytes()


def test_the_uploaded_pack_of_baichuan(tmp_path, project, shared_data):
    """A pack as it was uploaded runs without a model; its export has the same rows."""
    pack = shared_data / "medbench/submissions/v4_llm_baichuan-m3_MedBench_LLM.partial.zip"
    with zipfile.ZipFile(pack) as archive:
        names = [Path(name).stem for name in archive.namelist() if name.endswith(".jsonl")]
    suite = laid_out(tmp_path, project, shared_data / "medbench/v4_llm", "v4", sets=names)
    blank = sum(not (row["answer"] or "").strip() for n in names for row in rows_of(pack, n))
    said = command(
        tmp_path, "pytest", "-q", "-n", "4", suite, f"--model=answers:{pack}", "--run=m3",
        "-p", "no:cacheprovider", status=INCOMPLETE if blank else 0,
    )  # fmt: skip
    assert "this run: 0 requests sent" in said
    command(tmp_path, "medcheck", "export", "m3", "--to", "medbench")
    for name in names:
        assert rows_of(tmp_path / "reports/m3/medbench.zip", name) == rows_of(pack, name)


def test_pictures_arrive_as_parts(tmp_path, project, shared_data):
    """Text comes first, then each picture in the row's order, unchanged; PDF pages as PNG."""
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    given = shared_data / "medbench" / "vlm"
    questions = tmp_path / "questions"
    questions.mkdir()
    shutil.copytree(given / "synthetic", questions / "synthetic", copy_function=shutil.copyfile)
    rows = (given / "synthetic_multi.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [json.loads(rows[number]) for number in (0, 2, 3, 4)]
    pdf = json.loads((given / "MedOCR_synthetic.jsonl").read_text(encoding="utf-8").splitlines()[0])
    for name, some in (("MedGen", kept), ("MedOCR", [pdf])):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in some)
        (questions / f"{name}.jsonl").write_text(text, encoding="utf-8")
    suite = laid_out(tmp_path, project, questions, "vlm")
    with Server("影像描述：无") as server:
        command(
            tmp_path, "pytest", "-q", "-n", "2", suite, "--model=gpt-vision",
            f"--base-url={server.url}", "-p", "no:cacheprovider", "--run=v",
        )  # fmt: skip
        asked = [body["messages"][-1]["content"] for body in server.bodies]
    assert len(asked) == 5
    for row in kept:
        [parts] = [parts for parts in asked if _sent(parts) == _files(questions, row)]
        assert parts[0]["text"].startswith(row["question"])
        assert [part["type"] for part in parts] == ["text"] + ["image_url"] * (len(parts) - 1)
    [parts] = [parts for parts in asked if parts[0]["text"] == pdf["question"]]
    [(kind, digest)] = _sent(parts)
    assert kind == "image/png"
    assert digest != hashlib.sha256((questions / pdf["img_path"]).read_bytes()).hexdigest()


def _sent(parts):
    """Return type and sha256 of each picture of a message, in order."""
    found = []
    for part in parts[1:]:
        head, data = part["image_url"]["url"].split(",", 1)
        digest = hashlib.sha256(base64.b64decode(data)).hexdigest()
        found.append((head.removeprefix("data:").removesuffix(";base64"), digest))
    return found


def _files(folder, row):
    """Return type and sha256 of a row's pictures as they lie on disk."""
    names = names_in(row["img_path"])
    return [("image/png", hashlib.sha256((folder / n).read_bytes()).hexdigest()) for n in names]


def test_a_damaged_pack_stands_in_for_nobody(shared_data):
    """The pack with lost, repeated and cut rows is refused with its faults, not half used."""
    pack = shared_data / "medbench/submissions/old_deepseek-r1-70b_MedBench.partial.zip"
    with pytest.raises(DatasetError, match=r"CMeEE_test\.jsonl:91: error E3"):
        load_answers(str(pack))
