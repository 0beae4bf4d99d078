"""What the audit finds in MedBench's real question files: known faults, and nothing else."""

from __future__ import annotations

import shutil

import pytest

from medcheck.readers.medbench import lint, read

SEED_SYSTEM = "You are a helpful assistant."
PREFIX = "注意：禁止输出json格式结果，直接输出文本"
"""What the published script once put before every question."""
FOLDERS = {"old": "old/full", "v4": "v4_llm", "agent": "agent"}
KNOWN = {
    ("v4", "MedPrimary", "json_template"): 30,
    ("v4", "MedReportQC", "dict_and_list"): 30,
    ("v4", "MedRxCheck_SQ", "other_mark"): 30,
    ("v4", "MedRxCheck_MSQ", "glued_options"): 1,
    ("v4", "MedExam", "repeat"): 12,
    ("v4", "MedEthics", "repeat"): 11,
    ("v4", "MedSafety", "repeat"): 14,
    ("v4", "MedRxCheck_SCQ", "repeat"): 16,
    ("agent", "MedReflect", "repeat"): 4,
}
"""Rows by track, set and rule."""
FORBIDDEN = {
    "MedCare": 8, "MedDiffer": 30, "MedInsureCalc": 30, "MedPrimary": 30, "MedReportQC": 30,
    "MedTreat": 30, "SMDoc": 30,
}  # fmt: skip
"""Rows that demand JSON, by set."""


def doubts(data, track, system):
    return lint(read(data / "medbench" / FOLDERS[track], {"track": track}), system=system)


@pytest.mark.parametrize("track", FOLDERS)
def test_official_prompts_may_be_asked(shared_data, track):
    """The official prompts behind the seed's system text give the known warnings and no error."""
    found = doubts(shared_data, track, SEED_SYSTEM)
    assert [doubt for doubt in found if doubt.severity == "error"] == []
    counts = {(track, d.file.split(".")[0], d.rule): len(d.lines) for d in found}
    assert counts == {key: rows for key, rows in KNOWN.items() if key[0] == track}


def test_the_seed_s_prefix_is_an_error(shared_data):
    """The ban on JSON that spoiled two models' answers is an error on all rows that demand it."""
    found = [d for d in doubts(shared_data, "v4", PREFIX) if d.severity == "error"]
    assert {d.file.removesuffix(".jsonl"): len(d.lines) for d in found} == FORBIDDEN
    assert {d.rule for d in found} == {"contradiction"}


def test_real_pictures(shared_data):
    """MedDetect's examples use labels outside its list; its pictures and MedClass's differ."""
    found = [
        (doubt.rule, len(doubt.lines))
        for name in ("MedDetect", "MedClass")
        for doubt in lint(read(shared_data / "medbench/vlm" / f"{name}.jsonl", {"track": "vlm"}))
    ]
    assert found == [("strange_examples", 10)]


def test_a_void_follow_up_set(shared_data, tmp_path):
    """A set whose pictures are all one, as the real MedSeqIm is, is refused with a reason."""
    given = shared_data / "medbench" / "vlm"
    one = given / "synthetic" / "follow1.png"
    cases = (given / "MedSeqIm_questions.jsonl").read_text(encoding="utf-8")
    (tmp_path / "MedSeqIm.jsonl").write_text(cases, encoding="utf-8")
    for case in _paths(cases):
        (tmp_path / case).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(one, tmp_path / case)
    found = lint(read(tmp_path, {"track": "vlm"}))
    assert [(d.severity, d.rule, len(d.lines)) for d in found if d.rule == "same_picture"] == [
        ("error", "same_picture", 30),
        ("warning", "same_picture", 30),
    ]
    assert "60 files are one and the same picture" in str(found[-1])


def _paths(text):
    import json

    return {name for line in text.splitlines() for name in json.loads(line)["img_path"]}
