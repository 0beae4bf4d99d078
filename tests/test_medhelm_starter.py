"""The two MedHELM starter suites, their gold and their recordings keep what they promise."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from medcheck.graders.short_answer import Grader
from medcheck.providers import create, load_registry
from medcheck.readers._medhelm_lint import findings
from medcheck.replies import Mark, parse_jury
from medcheck.scoring import taxonomy
from medcheck.scoring.juries import share, together
from medcheck.suites import Suite, load_suite
from medcheck.types import Case, Completion, Request, Score

PROJECT = Path(__file__).resolve().parents[1]
RECORDINGS = PROJECT / "medcheck" / "demo" / "medhelm_starter.jsonl"
CLOSED, OPEN = "medhelm_starter", "medhelm_starter_open"
MODELS = ("demo", "demo-weak")
JUDGES = ("demo-judge", "demo-judge-2", "demo-judge-3")
CRITERIA = ("accuracy", "completeness", "clarity")
HAN = re.compile("[一-鿿]")


@cache
def suite(name: str) -> Suite:
    return load_suite(PROJECT / "cases" / f"{name}.yaml")


def cases() -> list[Case]:
    return [case for name in (CLOSED, OPEN) for case in suite(name).cases]


@cache
def recordings() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the recordings by model and case."""
    lines = RECORDINGS.read_text(encoding="utf-8").splitlines()
    found = {(record["model"], record["case"]): record for record in map(json.loads, lines)}
    assert len(found) == len(lines)
    return found


def score(model: str, case: Case) -> Score:
    """Return what the grader makes of the recorded answer to a closed question."""
    given = Completion(text=recordings()[model, case.id]["answer"])
    return asyncio.run(Grader(case.options).grade(case, given, ()))


@cache
def marks(model: str, case: str) -> dict[str, dict[str, Mark]]:
    """Return what each juror says of an open answer, as the demo judges reply."""
    recorded = {"answer": recordings()[model, case]["answer"], "criterion": "jury"}
    request = Request(messages=(), role="judge", recorded=recorded)
    found = {}
    for name in JUDGES:
        judge = create(load_registry().find(name), {})
        text = asyncio.run(judge.ask(request)).text
        found[name] = parse_jury(text, criteria=CRITERIA, scale=(1, 5))
    return found


def panel(model: str, case: str) -> float:
    """Return the panel's score of an open answer, from 0 to 1."""
    said = marks(model, case).values()
    joined = [together([reply[name].score for reply in said], "mean") for name in CRITERIA]
    return mean(share(mark, (1, 5)) for mark in joined if mark is not None)


def test_all_subcategories():
    """Each of the 22 subcategories has an item, and every path is one of the taxonomy's, in ids."""
    found = taxonomy.coverage(case.category for case in cases())
    assert (found.touched, found.missing, found.vague, found.outside) == (22, (), 0, 0)
    assert len(cases()) >= 22
    assert all(taxonomy.placed(case.category) == case.category for case in cases())


def test_tags_follow_the_paths():
    """Tags repeat category and subcategory, so that summaries and selection can follow them."""
    for case in cases():
        category, subcategory = case.category
        assert {f"category:{category}", f"subcategory:{subcategory}"} <= set(case.tags), case.id
        assert sum(tag.startswith("task:") for tag in case.tags) == 1, case.id


def test_two_languages():
    """Both suites have Chinese items, and the language tag says what the prompt is written in."""
    for name in (CLOSED, OPEN):
        chinese = {case.id for case in suite(name).cases if HAN.search(case.messages[0].text)}
        assert len(chinese) >= 2
        assert chinese == {case.id for case in suite(name).cases if "lang:zh" in case.tags}


def test_the_lint_finds_nothing():
    """No prompt holds its reference, no gold is empty, no question stands twice."""
    assert findings(cases()) == ()


def test_options_are_those_of_the_prompt():
    """The options that answers are read by stand so in the prompt, and the gold is one of them."""
    chosen = [case for case in suite(CLOSED).cases if "options" in case.labels["task"]]
    assert len(chosen) >= 8
    for case in chosen:
        options = case.labels["task"]["options"]
        found = re.findall(r"^([A-Z])\. (.+)$", case.messages[0].text, re.MULTILINE)
        assert dict(found) == options, case.id
        assert case.references[0] in options
    letters = Counter(case.references[0] for case in chosen)
    assert max(letters.values()) / len(chosen) <= 0.5


def test_three_jurors_on_three_criteria():
    """Open tasks are marked by a panel of three on accuracy, completeness and clarity."""
    grader = suite(OPEN).grader
    assert (grader["name"], tuple(grader["criteria"])) == ("jury", CRITERIA)
    assert len(set(suite(OPEN).judges)) == 3
    assert all(case.references for case in suite(OPEN).cases)
    for model in MODELS:
        assert tuple(load_registry().find(model).panels[OPEN]) == JUDGES


@pytest.mark.parametrize("model", MODELS)
def test_every_case_is_recorded(model):
    """Both models have an answer of their own to every case, found by its prompt."""
    assert {case for name, case in recordings() if name == model} == {c.id for c in cases()}
    replay = create(load_registry().find(model), {})
    for case in cases():
        record = recordings()[model, case.id]
        answer = asyncio.run(replay.ask(Request(messages=case.messages))).text
        assert answer == record["answer"]
        assert bool(record.get("criteria")) == (case in suite(OPEN).cases), case.id


def test_closed_answers_are_measured():
    """Each closed answer has a score by both metrics; the good model misses one, the weak most."""
    values = {}
    for model in MODELS:
        found = [score(model, case) for case in suite(CLOSED).cases]
        assert all(len(each.facets) == 2 for each in found)
        values[model] = [each.value for each in found]
    assert None not in [value for listed in values.values() for value in listed]
    assert len(values["demo"]) - sum(values["demo"]) == 1
    assert 4 <= sum(values["demo-weak"]) <= 6


def test_the_original_would_not_read_prose():
    """What the weak model wraps in prose is wrong under the original's rule, right or not."""
    found = [score("demo-weak", case).facets for case in suite(CLOSED).cases]
    assert sum(facets["metric:exact_match"] for facets in found) > 0
    assert sum(facets["metric:exact_match_official"] for facets in found) == 0


def test_the_weak_model_reads_worse_in_every_open_task():
    """The panel marks the weak model's answer far lower in each task."""
    for case in suite(OPEN).cases:
        assert panel("demo", case.id) - panel("demo-weak", case.id) > 0.3, case.id
    assert mean(panel("demo", case.id) for case in suite(OPEN).cases) > 0.9
    assert mean(panel("demo-weak", case.id) for case in suite(OPEN).cases) < 0.4


def test_the_jurors_differ_now_and_then():
    """Panels differ on some answers, each juror dissents at times, by a single mark at most."""
    split = [
        record for record in recordings().values() if len({*map(str, replies(record).values())}) > 1
    ]
    total = len(MODELS) * len(suite(OPEN).cases)
    assert 0.2 <= len(split) / total <= 0.6
    own = [e["judge"] for r in recordings().values() for e in r.get("criteria", ()) if "judge" in e]
    assert set(own) == set(JUDGES)
    assert len(own) == len(split)
    for record in split:
        for name in CRITERIA:
            given = [reply[name].score for reply in replies(record).values()]
            assert max(given) - min(given) <= 1, record["case"]


def test_no_reply_is_borrowed():
    """Explanations differ between the models: none was written for another answer."""
    texts = {model: Counter[str]() for model in MODELS}
    for (model, _), record in recordings().items():
        for entry in record.get("criteria", ()):
            texts[model].update(mark["explanation"] for mark in entry["reply"].values())
    assert not texts["demo"].keys() & texts["demo-weak"].keys()
    assert all(text.strip() for counted in texts.values() for text in counted)


def test_the_language_of_answers():
    """Answers and explanations are written in the language of their question."""
    for case in cases():
        for model in MODELS:
            record = recordings()[model, case.id]
            marked = [m for e in record.get("criteria", ()) for m in e["reply"].values()]
            texts = [record["answer"], *(mark["explanation"] for mark in marked)]
            written = [bool(HAN.search(text)) for text in texts if len(text) > len("Answer: C")]
            assert set(written) <= {"lang:zh" in case.tags}, case.id


def replies(record: dict[str, Any]) -> dict[str, dict[str, Mark]]:
    """Return the three jurors' replies on a recorded answer; none for a closed one."""
    return marks(record["model"], record["case"]) if "criteria" in record else {}
