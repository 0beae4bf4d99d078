"""Readers, format rules and self-checks give the recorded figures of real MedBench answers."""

from __future__ import annotations

import csv
import functools
import gzip
import json
from collections import Counter

import pytest

from medcheck.errors import DatasetError
from medcheck.readers.medbench import read
from medcheck.scoring.circular import Copy, consistency
from medcheck.scoring.formats import read_answer
from medcheck.scoring.gold import compared
from medcheck.scoring.medbench_sets import set_of, sets, sets_of
from medcheck.scoring.selfchecks import CHECKS, arithmetic, grounding

FOLDERS = {"old": "old/full", "v4": "v4_llm", "agent": "agent"}
MODELS = ("o3", "gpt-5.2", "baichuan-m2", "baichuan-m3", "antangelmed-fp8")
NAMES = {
    "AntAngelMed-FP8": "antangelmed-fp8",
    "Baichuan-M2": "baichuan-m2",
    "Baichuan-M3": "baichuan-m3",
    "qwen-based (medbench-env)": "qwen-env-20251215",
    "claude-opus-4.6 (platform 95.1)": "claude-opus-4.6-20260224",
    "gpt-4.1 (platform 85.0)": "gpt-4.1-20251216",
}
QUOTED = "reasoning that never ends; the letter is the worked example's, the text decides otherwise"
FOURTH = "the field is called 4字试验: its digit is no bullet, and the answer has it"
LISTED = "one list of events stands in the text, and nothing else does"
WIDE = "the letter, or its brackets, are of full width; nothing else is said"
HEADS = "reasoning that never ends; the headings are quoted from the task, no part follows them"
DIFFERENCES = {
    ("v4", "antangelmed-fp8", "MedExam", 16): ("recoverable", "fail", QUOTED),
    ("v4", "antangelmed-fp8", "MedExam", 101): ("recoverable", "fail", QUOTED),
    ("v4", "antangelmed-fp8", "MedExam", 103): ("recoverable", "fail", QUOTED),
    ("v4", "antangelmed-fp8", "MedExam", 140): ("recoverable", "fail", QUOTED),
    ("v4", "antangelmed-fp8", "CMB-Clin-extended", 4): ("recoverable", "fail", HEADS),
    ("v4", "antangelmed-fp8", "CMB-Clin-extended", 13): ("recoverable", "fail", HEADS),
    ("v4", "antangelmed-fp8", "SMDoc", 28): ("fail", "strict", FOURTH),
    ("v4", "baichuan-m2", "SMDoc", 28): ("fail", "strict", FOURTH),
    ("v4", "o3", "SMDoc", 28): ("fail", "strict", FOURTH),
    ("v4", "qwen-env-20251215", "SMDoc", 28): ("fail", "strict", FOURTH),
    ("old", "deepseek-r1-32b", "CHIP-CDEE", 3): ("fail", "recoverable", LISTED),
    ("old", "deepseek-r1-32b", "CHIP-CDEE", 28): ("fail", "recoverable", LISTED),
    ("old", "deepseek-r1-32b", "CHIP-CDEE", 53): ("fail", "recoverable", LISTED),
    ("old", "deepseek-r1-70b", "CHIP-CDEE", 2): (
        "strict", "recoverable", "a list was asked for, one event stands alone",
    ),
    ("old", "baichuan-m1", "Med-Exam", 261): ("fail", "recoverable", WIDE),
    ("old", "o1-mini", "Med-Exam", 90): ("fail", "recoverable", WIDE),
    ("old", "baichuan-m1", "CHIP-CTC", 84): (
        "recoverable", "fail", "the answer repeats the labels of the examples",
    ),
}  # fmt: skip
"""Where our state is another: theirs, ours, and why ours is right."""


@pytest.fixture(scope="module")
def data(shared_data):
    """Return the folder of MedBench data."""
    return shared_data / "medbench"


def lines(path):
    """Return the objects of a file, plain or gzipped."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in text.split(b"\n") if line.strip()]


@functools.cache
def questions(data, track, name):
    """Return the question texts of a set."""
    stem = f"{name}_all" if (track, name) == ("vlm", "MedClass") else name
    file = {
        "old": f"old/full/{name}_test.jsonl.gz",
        "v4": f"v4_llm/{name}.jsonl",
        "agent": f"agent/{name}.jsonl",
        "vlm": f"vlm/{stem}_questions.jsonl",
    }[track]
    return [row["question"] for row in lines(data / file)]


def inventory(data):
    """Return the rows of the inventory."""
    with (data / "INVENTORY.csv").open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def answered(data):
    """Yield track, model, row and our reading of every recorded answer that has a question."""
    for file in sorted(data.glob("answers/*/*.jsonl.gz")):
        track, model = file.parent.name, file.name.removesuffix(".jsonl.gz")
        for row in lines(file):
            if row["item"] is not None:
                asked = questions(data, track, row["dataset"])[row["item"]]
                rule = set_of(track, row["dataset"]).format
                yield track, model, row, read_answer(rule, asked, row["answer"])


def test_inventory(data):
    """All 82 sets have the inventory's rows, groups, tasks, dimensions and sources."""
    theirs = {
        (row["track"], row["dataset"]): (
            int(row["items"]), int(row["question_groups"]), row["task_type"],
            None if row["track"] == "vlm" else row["dimension"], row["source_tag"],
        )
        for row in inventory(data)
    }  # fmt: skip
    ours = {
        (info.track, info.name): (info.rows, info.groups, info.task, info.dimension, info.source)
        for info in sets()
    }
    assert ours == theirs
    assert len(ours) == 82


@pytest.mark.parametrize("track", FOLDERS)
def test_rows_are_read(data, track):
    """Each question file becomes as many cases and groups as the inventory says."""
    rows, groups = Counter(), {}
    for case in read(data / FOLDERS[track], {"track": track}):
        name = case.labels["medbench"]["set"]
        rows[name] += 1
        groups.setdefault(name, set()).update(t for t in case.tags if t.startswith("group:"))
    for info in sets_of(track):
        assert rows[info.name] == info.rows
        if info.circular:
            assert len(groups[info.name]) == info.groups


def test_vision_rows(data):
    """The question files of the vision track have the inventory's rows."""
    assert {info.name: len(questions(data, "vlm", info.name)) for info in sets_of("vlm")} == {
        info.name: info.rows for info in sets_of("vlm")
    }


@pytest.mark.parametrize("name", ["MedDetect", "MedClass"])
def test_real_pictures_arrive(data, name):
    """Rows with real pictures become cases that carry them, unchanged."""
    cases = list(read(data / f"vlm/{name}.jsonl", {"track": "vlm"}))
    assert len(cases) == 10
    assert {len(case.messages[0].images) for case in cases} == {1}


def test_only_the_visible_box_of_a_pdf(data, tmp_path):
    """PDFs with a crop box and a font that is not embedded are drawn, or refused with the font."""
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    file = data / "vlm/MedOCR_synthetic.jsonl"
    options = {"track": "vlm", "set": "MedOCR", "cache": str(tmp_path)}
    refused = None
    try:
        shown = [len(case.messages[0].images) for case in read(file, options)]
    except DatasetError as error:
        refused, shown = str(error), [1, 1]
    assert refused is None or "STSong-Light (not embedded) cannot be drawn" in refused
    assert shown == [1, 1]


def test_format_states(data):
    """Every recorded answer has the recorded state and reason, but for listed differences."""
    found, n = {}, 0
    for track, model, row, reading in answered(data):
        n += 1
        state = reading.state or "n/a"
        if state != row["format"]:
            key = (track, model, row["dataset"], row["line"])
            found[key] = (row["format"], state)
        elif row.get("why") is not None:
            assert reading.why == row["why"], (track, model, row["dataset"], row["line"])
    assert found == {key: (theirs, ours) for key, (theirs, ours, _) in DIFFERENCES.items()}
    assert n == 18282


def test_compliance_counts(data):
    """Counts by model and set are those of the compliance table, but for the same differences."""
    ours = Counter()
    for track, model, row, reading in answered(data):
        if reading.state is not None:
            ours[track, model, row["dataset"], reading.state] += 1
    for (track, model, name, _), (theirs, state, _) in DIFFERENCES.items():
        ours[track, model, name, state] -= 1
        ours[track, model, name, theirs] += 1
    with (data / "FORMAT_COMPLIANCE.csv").open(encoding="utf-8-sig") as file:
        table = [row for row in csv.DictReader(file) if row["model"] != "anonymous"]
    compared_rows = 0
    for row in table:
        model = NAMES.get(row["model"], row["model"])
        states = ["null", "empty"]
        if row["format_checked"] == "yes":
            states += ["strict", "recoverable", "fail"]
        for state in states:
            compared_rows += 1
            given = ours[row["track"], model, row["dataset"], state]
            assert given == int(row[state]), (row["track"], model, row["dataset"], state)
    assert len(table) == 294
    assert compared_rows == 990


def copies(data, model, name):
    """Yield the answered copies of a circular set."""
    asked = questions(data, "v4", name)
    for row in lines(data / f"answers/v4/{model}.jsonl.gz"):
        if row["dataset"] == name:
            reading = read_answer(set_of("v4", name).format, asked[row["item"]], row["answer"])
            yield Copy(group=row["id"], question=asked[row["item"]], letter=reading.value)


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("MedExam", (25, 25, 23, 21, 20)),
        ("MedSafety", (17, 10, 15, 15, 15)),
        ("MedEthics", (10, 13, 19, 13, 20)),
    ],
)
def test_consistent_groups(data, name, groups):
    """Groups of 30 whose copies agree are those recorded, and bound the platform's scores."""
    found = [consistency(copies(data, model, name)) for model in MODELS]
    assert tuple(each.consistent for each in found) == groups
    assert {each.groups for each in found} == {30}


def test_bills_add_up(data):
    """What patients pay is the rest of the bill as often as recorded; so are sums of parts."""
    expected = {
        "o3": (30, 30, 28),
        "baichuan-m2": (24, 25, 23),
        "baichuan-m3": (25, 25, 23),
        "antangelmed-fp8": (17, 18, 14),
        "qwen-env-20251215": (29, 29, 10),
    }
    found = {}
    for track, model, row, reading in answered(data):
        if (track, row["dataset"]) == ("v4", "MedInsureCalc") and reading.usable:
            wrong = {finding.severity for finding in arithmetic(reading.value)}
            right, n, parts = found.get(model, (0, 0, 0))
            found[model] = (right + ("error" not in wrong), n + 1, parts + ("warning" not in wrong))
    assert {model: found[model] for model in expected} == expected


def test_values_stand_in_records(data):
    """Extracted values stand in the record as often as recorded.

    One value of Baichuan-M2 (有压痛) stands in the name of its field only: 364 rather than 365.
    """
    found = Counter()
    for track, model, row, reading in answered(data):
        if (track, row["dataset"]) == ("v4", "SMDoc") and reading.usable:
            each = grounding(questions(data, "v4", "SMDoc")[row["item"]], reading.value)
            found[model, "n"] += each.checked
            found[model, "there"] += each.checked - len(each.missing)
    models = ("o3", "baichuan-m2", "baichuan-m3", "antangelmed-fp8")
    assert [(found[m, "there"], found[m, "n"]) for m in models] == [
        (336, 385), (364, 380), (108, 112), (341, 356),
    ]  # fmt: skip


def test_agent_checks_raise_few_alarms(data):
    """The strong agents name only tools and agents that exist, and give nearly all arguments."""
    findings = Counter()
    for track, model, row, _ in answered(data):
        check = set_of(track, row["dataset"]).check
        if track == "agent" and check is not None:
            asked = questions(data, track, row["dataset"])[row["item"]]
            found = CHECKS[check](asked, row["answer"], None)
            findings[model, row["dataset"]] += any(f.severity == "error" for f in found)
    assert +findings == {("gpt-4.1-20251216", "MedRetAPI"): 2}


def test_gold_samples_are_read(data):
    """The platform's own sample answers of the old track are read by our rules, and agree."""
    states = {}
    for info in sets_of("old"):
        [row] = lines(data / f"old/samples/{info.name}.jsonl")
        reading = read_answer(info.format, row["question"], row["answer"])
        states[info.name] = reading.state
        if info.closed and reading.value and info.format != "record_headings":
            assert compared(info.format, reading.value, reading.value) == 1.0
    # the sample of DDx-advanced has a full stop behind its brackets
    odd = {name for name, state in states.items() if state not in ("strict", None)}
    assert odd == {"DDx-advanced"}
