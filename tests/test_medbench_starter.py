"""The MedBench starter suites, their pictures, their gold and their recordings keep their word."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from medcheck.graders.closed import Grader
from medcheck.providers import create, load_registry
from medcheck.readers._medbench_heads import mime_of, size_of
from medcheck.readers._medbench_pictures import Limits, take
from medcheck.scoring.circular import Copy, consistency
from medcheck.scoring.formats import RULES, Reading, read_answer
from medcheck.scoring.medbench_sets import set_of
from medcheck.scoring.options import choice_of
from medcheck.scoring.selfchecks import CHECKS
from medcheck.suites import Suite, load_suite
from medcheck.types import Case, Completion, Request, Score

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / "cases" / "medbench_starter"
RECORDINGS = PROJECT / "medcheck" / "demo" / "medbench_starter.jsonl"
PLAIN = ("medbench_starter", "medbench_starter_agent", "medbench_starter_old")
DEMO = (*PLAIN, "medbench_starter_vlm")
MODELS = ("demo", "demo-weak")
FIELDS = {
    "v4_llm": ["question", "answer", "other"],
    "agent": ["question", "answer", "other"],
    "old": ["question", "options", "answer", "other"],
    "vlm": ["question", "answer", "img_path", "other"],
    "pdf": ["question", "answer", "img_path", "other"],
}


@cache
def suite(name: str) -> Suite:
    return load_suite(PROJECT / "cases" / f"{name}.yaml")


@cache
def recordings() -> tuple[dict[str, Any], ...]:
    return tuple(map(json.loads, RECORDINGS.read_text(encoding="utf-8").splitlines()))


def cases() -> list[Case]:
    """Return the cases that need no extra package."""
    return [case for name in DEMO for case in suite(name).cases]


def tagged(case: Case, prefix: str) -> str | None:
    return next((t.removeprefix(prefix) for t in case.tags if t.startswith(prefix)), None)


def answer(model: str, case: Case) -> str:
    replay = create(load_registry().find(model), {})
    return asyncio.run(replay.ask(Request(messages=case.messages))).text


def score(model: str, case: Case) -> Score:
    given = Completion(text=answer(model, case))
    return asyncio.run(Grader(case.options).grade(case, given, ()))


def value(model: str, case: Case) -> float:
    found = score(model, case).value
    assert found is not None, case.id
    return found


def reading(model: str, case: Case) -> Reading:
    rule = tagged(case, "format:") or ""
    return read_answer(rule, case.messages[-1].text, answer(model, case))


def groups() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = defaultdict(list)
    for case in suite("medbench_starter").cases:
        if group := tagged(case, "group:"):
            found[group].append(case)
    return found


def rows() -> list[tuple[str, str, dict[str, Any]]]:
    """Return folder, set and record of all rows, those of the PDF too."""
    return [
        (path.relative_to(FOLDER).parts[0], path.stem.removesuffix("_test"), json.loads(line))
        for path in sorted(FOLDER.rglob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def test_enough_items_with_gold():
    """At least 24 Chinese items have gold, beside those that the format or the tools decide."""
    found = rows()
    assert len(found) >= 50
    assert sum(bool(record["answer"]) for _, _, record in found) >= 24
    assert all(re.search("[一-鿿]", record["question"]) for _, _, record in found)


def test_every_closed_format_and_check_occurs():
    """Each format rule and each self-check has an item."""
    tracks = {"v4_llm": "v4", "pdf": "vlm"}
    infos = [set_of(tracks.get(folder, folder), name) for folder, name, _ in rows()]
    assert {info.format for info in infos if info.closed} == set(RULES)
    assert {info.check for info in infos if info.check} == set(CHECKS)


def test_rows_have_the_fields_of_their_track():
    """Rows look like MedBench's own: its fields in its order, one object a line, LF."""
    for folder, name, record in rows():
        assert list(record) == FIELDS[folder], name
        assert "source" in record["other"]
    for path in FOLDER.rglob("*.jsonl"):
        data = path.read_bytes()
        assert data.endswith(b"}\n"), path
        assert b"\r" not in data, path


def test_shuffled_copies():
    """At least two groups of five: same options in five orders, gold always the same option."""
    found = groups()
    assert len(found) >= 2
    for group, members in found.items():
        assert len(members) == 5, group
        choices = [choice_of(case.messages[-1].text) for case in members]
        orders = {tuple(text for _, text in choice.options) for choice in choices if choice}
        assert len(orders) == 5, group
        assert len({frozenset(order) for order in orders}) == 1, group
        gold = [re.sub("[<>]", "", case.references[0]) for case in members]
        right = {c.text_of(letter) for c, letter in zip(choices, gold, strict=True) if c}
        assert len(right) == 1, group
        assert len(set(gold)) >= 4, group  # a model that always says one letter fails


def test_gold_keeps_its_own_format():
    """Each gold answer is strictly as its question asks, adds up, and stands in the record."""
    for case in cases():
        if not case.references:
            continue
        rule, gold, question = (
            tagged(case, "format:") or "",
            case.references[0],
            case.messages[-1].text,
        )
        read = read_answer(rule, question, gold)
        assert read.state == "strict", case.id
        given = asyncio.run(Grader(case.options).grade(case, Completion(text=gold), ()))
        assert given.value == 1.0, case.id
        for name in ("arithmetic", "grounding"):
            if f"check:{name}" in given.facets:
                assert CHECKS[name](question, gold, read.value) == (), case.id


def test_two_small_pictures():
    """The two drawings are small PNGs within the limits; each is used, alone and together."""
    files = sorted((FOLDER / "vlm" / "images").iterdir())
    assert len(files) == 2
    for file in files:
        data = file.read_bytes()
        assert mime_of(data) == "image/png"
        assert len(data) < 20_000
        assert max(size_of(data, "image/png") or (9999,)) <= Limits().max_side
    used = [tuple(i.path for i in c.messages[0].images) for c in suite(DEMO[-1]).cases]
    assert {len(paths) for paths in used} == {1, 2}
    assert {Path(path).name for paths in used for path in paths} == {f.name for f in files}


def test_the_pdf_is_two_pictures(tmp_path):
    """The PDF is small, holds no text or font, and its two pages are drawn with ink."""
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    path = FOLDER / "pdf" / "reports" / "report.pdf"
    data = path.read_bytes()
    assert len(data) < 60_000
    assert b"/Font" not in data
    taken = take(path, "reports/report.pdf", Limits(cache=tmp_path))
    assert len({image.sha256 for image in taken.images}) == 2
    assert all(Path(image.path).stat().st_size > 5_000 for image in taken.images)


def test_the_demo_needs_no_extras(monkeypatch):
    """The suites beside pytest.ini are read and graded without Pillow, pypdfium2 and rapidfuzz."""
    for name in ("PIL", "pypdfium2", "rapidfuzz"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in DEMO:
        for case in load_suite(PROJECT / "cases" / f"{name}.yaml").cases:
            value("demo", case)


def test_every_case_is_recorded_once():
    """Both models have an answer to each case, and to nothing else; the PDF's whatever drew it."""
    known = {(model, case.id, case.messages[0].text) for model in MODELS for case in cases()}
    found = [(r["model"], r["case"], r["prompt"][0]["content"]) for r in recordings()]
    assert len(set(found)) == len(found)
    assert {each for each in found if each[1] != "MedOCR-1"} == known
    assert sorted(model for model, case, _ in found if case == "MedOCR-1") == list(MODELS)
    for model in MODELS:
        for case in cases():
            answer(model, case)


def test_the_pdf_suite_is_recorded():
    """The suite of the PDF loads by its own file, and both models have an answer on record."""
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    [case] = load_suite(FOLDER / "medbench_starter_pdf.yaml").cases
    assert len(case.messages[0].images) == 2
    assert value("demo", case) == 1.0
    assert value("demo-weak", case) < 1.0
    for model in MODELS:
        assert create(load_registry().find(model), {}).has_recording(case.messages)


@pytest.mark.parametrize("name", DEMO)
def test_the_weak_model_is_weaker(name):
    """In every suite demo-weak earns clearly less than demo, and keeps formats less often."""
    means = {model: mean(value(model, case) for case in suite(name).cases) for model in MODELS}
    assert means["demo"] >= 0.9
    assert 0.1 <= means["demo-weak"] <= 0.6
    closed = [case for case in suite(name).cases if tagged(case, "format:") != "text"]
    strict = {m: sum(reading(m, case).state == "strict" for case in closed) for m in MODELS}
    assert strict["demo"] > strict["demo-weak"]


def test_demo_is_inconsistent_in_one_group():
    """Copies are answered alike by demo in all groups but one, by demo-weak in none."""
    found = {}
    for model in MODELS:
        copies = [
            Copy(group=g, question=c.messages[-1].text, letter=reading(model, c).value)
            for g, members in groups().items()
            for c in members
        ]
        found[model] = consistency(copies)
    assert found["demo"].consistent == found["demo"].groups - 1
    assert found["demo-weak"].consistent == 0


def test_weak_answers_show_each_fault():
    """demo-weak fences JSON, writes around answers, breaks formats, and errs in SQL and tools."""
    answers = {case.id: answer("demo-weak", case) for case in cases()}
    assert any("```json" in text for text in answers.values())
    whys = {reading("demo-weak", case).why for case in cases()}
    assert {"code fence", "JSON inside other text", "no unique option letter"} <= whys
    told = [
        ballot.explanation
        for case in suite("medbench_starter_agent").cases
        for verdict in score("demo-weak", case).verdicts
        for ballot in verdict.ballots
    ]
    for part in ("no such column", "there is no tool", "there is no Agent7", "expected int"):
        assert any(part in text for text in told), part


@pytest.mark.parametrize("track", ["old", "v4", "vlm", "agent"])
def test_official_suites(tmp_path, track):
    """An official suite says what to fetch, sends the published system text, and asks no judge."""
    shutil.copy(PROJECT / "cases" / f"medbench_{track}.yaml", tmp_path)
    found = load_suite(tmp_path / f"medbench_{track}.yaml")
    assert found.missing == f"data/medbench/{track} is not here. Run: medcheck fetch medbench"
    assert found.system == "You are a helpful assistant."
    assert found.grader["name"] == "closed"
    assert found.data["options"] == {"track": track}
