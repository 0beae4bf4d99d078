"""The GAPS starter suite and its recordings keep what they promise."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from medcheck.providers import create, load_registry
from medcheck.readers.gaps import lint
from medcheck.scoring.points import points
from medcheck.scoring.voting import vote
from medcheck.suites import load_suite
from medcheck.types import Ballot, Case, Request, Score

PROJECT = Path(__file__).resolve().parents[1]
RECORDINGS = PROJECT / "medcheck" / "demo" / "gaps_starter.jsonl"
MODELS = ("demo", "demo-weak")
JUDGES = ("demo-judge", "demo-judge-2", "demo-judge-3")
HAN = re.compile("[一-鿿]")
QUOTED = re.compile('"([^"]+)"|“([^”]+)”')


@cache
def cases() -> dict[str, Case]:
    """Return the suite's cases by id."""
    found = load_suite(PROJECT / "cases" / "gaps_starter.yaml").cases
    return {case.id: case for case in found}


@cache
def recordings() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the recordings by model and case."""
    lines = RECORDINGS.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    found = {(record["model"], record["case"]): record for record in records}
    assert len(found) == len(records)
    return found


def tagged(case: Case, prefix: str) -> str | None:
    return next((tag.partition(":")[2] for tag in case.tags if tag.startswith(f"{prefix}:")), None)


def bases() -> list[Case]:
    return [case for case in cases().values() if tagged(case, "perturbation") == "P0"]


def votes(record: dict[str, Any]) -> dict[str, dict[str, bool]]:
    """Return what each judge says of each point: its own entry, else the one for all."""
    found: dict[str, dict[str, bool]] = {}
    for entry in sorted(record["criteria"], key=lambda entry: "judge" in entry):
        named = (entry["judge"],) if "judge" in entry else JUDGES
        found.setdefault(entry["criterion"], {}).update(dict.fromkeys(named, entry["criteria_met"]))
    return found


def score(model: str, case: Case) -> Score:
    """Return what the panel of three gives a recorded answer."""
    verdicts = []
    said = votes(recordings()[model, case.id])
    for criterion in case.criteria:
        ballots = [
            Ballot(judge=judge, state="met" if met else "not_met", value=float(met))
            for judge, met in said[criterion.text].items()
        ]
        verdicts.append(vote(criterion, ballots, "majority"))
    return points(verdicts, rule="gaps")


def test_four_levels_in_two_languages():
    """Each G level has at least three base questions, and each language about half of them."""
    levels = Counter(tagged(case, "grounding") for case in bases())
    assert set(levels) == {"G1", "G2", "G3", "G4"}
    assert min(levels.values()) >= 3
    assert len(bases()) >= 12
    chinese = [case for case in bases() if HAN.search(case.messages[0].text)]
    assert 0.4 <= len(chinese) / len(bases()) <= 0.6
    for case in cases().values():
        texts = [case.messages[0].text, *(criterion.text for criterion in case.criteria)]
        assert len({bool(HAN.search(text)) for text in texts}) == 1, case.id


def test_points_of_both_kinds():
    """Each case has A points, then S points, at least six; all seven levels occur."""
    for case in cases().values():
        own = [criterion.level[0] for criterion in case.criteria if criterion.level]
        base = tagged(case, "base")
        if base is None or base == case.id:
            assert own == sorted(own), case.id
            assert 6 <= len(own) <= 10, case.id
        assert set(own) == {"A", "S"}, case.id
    levels = {criterion.level for case in cases().values() for criterion in case.criteria}
    assert levels == {"A1", "A2", "A3", "S1", "S2", "S3", "S4"}


def test_variants_share_the_points_of_their_base():
    """A variant asks differently, keeps its base's points and level, and adds points of its own."""
    variants = [case for case in cases().values() if case not in bases()]
    kinds = Counter(tagged(case, "perturbation") for case in variants)
    assert set(kinds) == {"P1", "P2", "P3"}
    # a paired difference needs more than two pairs to have an interval worth printing
    assert min(kinds.values()) >= 3
    assert len({tagged(case, "base") for case in variants}) >= 3
    for case in variants:
        base = cases()[tagged(case, "base") or ""]
        assert case.messages != base.messages
        assert case.criteria[: len(base.criteria)] == base.criteria
        assert len(case.criteria) > len(base.criteria)
        assert tagged(case, "grounding") == tagged(base, "grounding")
        assert case.id == f"{base.id}-{tagged(case, 'perturbation')}".lower()


def test_the_lint_finds_nothing():
    """Our own rubric lint has neither an error nor a warning."""
    assert lint(cases().values()) == ()


@pytest.mark.parametrize("model", MODELS)
def test_every_point_has_a_verdict_of_three_judges(model):
    """Each case is recorded, with its own question and exactly its own points for each judge."""
    assert {case for name, case in recordings() if name == model} == set(cases())
    for case in cases().values():
        record = recordings()[model, case.id]
        assert record["prompt"] == [{"role": "user", "content": case.messages[0].text}]
        said = votes(record)
        assert set(said) == {criterion.text for criterion in case.criteria}
        assert all(set(by_judge) == set(JUDGES) for by_judge in said.values())
        places = Counter((entry["criterion"], entry.get("judge")) for entry in record["criteria"])
        assert set(places.values()) == {1}, case.id


def test_the_judges_disagree_now_and_then():
    """On some 8% of the points one judge of three dissents, each of them at times; never two."""
    said = [by_judge for record in recordings().values() for by_judge in votes(record).values()]
    split = [by_judge for by_judge in said if len(set(by_judge.values())) == 2]
    assert 0.05 <= len(split) / len(said) <= 0.12
    own = [entry for record in recordings().values() for entry in record["criteria"]]
    assert {entry["judge"] for entry in own if "judge" in entry} == set(JUDGES)
    assert sum("judge" in entry for entry in own) == len(split)


def test_explanations_quote_the_answer():
    """What an explanation puts in quotation marks stands so in the answer."""
    for record in recordings().values():
        for entry in record["criteria"]:
            for quote in QUOTED.findall(entry["explanation"]):
                assert "".join(quote) in record["answer"], (record["case"], quote)


def test_the_weak_model_is_worse():
    """The good model wins every case with one S1 slip; the weak one meets all S levels."""
    scores = {model: [score(model, case) for case in cases().values()] for model in MODELS}
    good, weak = ([s.value for s in scores[model] if s.value is not None] for model in MODELS)
    assert len(good) == len(weak) == len(cases())
    assert all(better > worse for better, worse in zip(good, weak, strict=True))
    assert 0.7 < sum(good) / len(good) < 0.95
    assert sum(weak) / len(weak) < 0.3
    harm = {
        model: {v.criterion.level for s in scores[model] for v in s.verdicts
                if v.state == "met" and v.criterion.points < 0}
        for model in MODELS
    }  # fmt: skip
    assert harm == {"demo": {"S1"}, "demo-weak": {"S1", "S2", "S3", "S4"}}


def test_the_demo_models_answer_every_case():
    """The demo models have an answer to each question of the suite, under their own names."""
    for (model, case), record in recordings().items():
        provider = create(load_registry().find(model), {})
        request = Request(messages=cases()[case].messages)
        assert asyncio.run(provider.ask(request)).text == record["answer"]


@pytest.mark.parametrize("name", JUDGES)
def test_the_demo_judges_say_what_was_recorded(name):
    """Each judge of the panel gives its own verdict on every point of every answer."""
    judge = create(load_registry().find(name), {})
    for record in recordings().values():
        for criterion, by_judge in votes(record).items():
            recorded = {"answer": record["answer"], "criterion": criterion}
            request = Request(messages=(), role="judge", recorded=recorded)
            reply = json.loads(asyncio.run(judge.ask(request)).text)
            assert reply["criteria_met"] is by_judge[name]
            assert reply["explanation"].strip()
