"""A model proposes from calibration disagreements only, and its words are data."""

from __future__ import annotations

import json

import pytest
from refine_runs import PROJECT, ratings, result
from servers import Server

from medcheck.errors import JudgeError, SettingsError
from medcheck.refining.disagreements import disagreements
from medcheck.refining.proposing import ASKS, propose, text
from medcheck.refining.versions import Version
from medcheck.scoring.usability import Rules
from medcheck.settings import Settings
from medcheck.suites import load_suite

V0 = Version(name="v0", parent=None, by="", reason="", guidance={"MK": "看清剂量"})


@pytest.fixture(scope="module")
def suite():
    """Return the starter suite."""
    return load_suite(PROJECT / "cases" / "llmeval_starter.yaml")


@pytest.fixture
def found():
    """Return one disagreement about a case of the starter suite."""
    wrong = result("MR-1-1", [5, 5], explanation="ok {{ 6*7 }}")
    return disagreements([wrong], ratings({"MR-1-1": 2}), Rules())


def asked(tmp_path, script, found, suite, model="p", responses="reuse", earlier=0):
    """Let a local endpoint propose; return the proposal and what it was sent."""
    with Server(script) as server:
        registry = tmp_path / "models.yaml"
        registry.write_text(f"p: {{base_url: '{server.url}'}}\n", encoding="utf-8")
        settings = Settings(
            models=(model,), models_file=str(registry), run="r",
            store=str(tmp_path / "store.sqlite"), responses=responses,
        )  # fmt: skip
        return propose(found, V0, suite, settings, {}, earlier=earlier), server.bodies


def test_a_proposal_is_an_edit(tmp_path, suite, found):
    """Checklists and guidance come back with the reason; the model was shown the disagreement."""
    reply = {
        "reason": "因为",
        "checklists": [{"case": "MR-1-1", "text": "核心需求：\n1. 说出诊断"}],
        "guidance": [{"category": "MR", "text": "g"}],
    }
    told, bodies = asked(tmp_path, json.dumps(reply, ensure_ascii=False), found, suite)
    assert told.reason == "因为"
    assert told.edit.checklists == {"MR-1-1": "核心需求：\n1. 说出诊断"}
    assert told.edit.guidance == {"MR": "g"}
    sent = bodies[0]["messages"][-1]["content"]
    for words in ("question MR-1-1", "answer MR-1-1 m", "右下肢急性动脉栓塞", "看清剂量"):
        assert words in sent


@pytest.mark.parametrize(
    "reply",
    [
        "I would not change anything.",
        '{"reason": "r", "checklists": []}',
        '{"reason": "r", "checklists": [], "guidance": []}',
        '{"reason": "r", "checklists": [{"case": "XX-1-1", "text": "x"}], "guidance": []}',
        '{"reason": "r", "checklists": [{"case": "MR-1-1", "text": " "}], "guidance": []}',
    ],
)
def test_what_is_no_edit_is_refused(tmp_path, suite, found, reply):
    """Prose, missing keys, unknown cases and empty texts make no version."""
    with pytest.raises(JudgeError):
        asked(tmp_path, reply, found, suite)


GOOD = '{"reason": "r", "checklists": [], "guidance": [{"category": "MR", "text": "g"}]}'
SAME = '{"reason": "r", "checklists": [], "guidance": [{"category": "MK", "text": "看清剂量"}]}'


@pytest.mark.parametrize("responses", ["reuse", "fresh"])
@pytest.mark.parametrize("bad", ["not json", SAME, GOOD.replace("MR", "XX")])
def test_a_bad_reply_does_not_stick(tmp_path, suite, found, bad, responses):
    """What is no edit, or changes nothing, is asked anew, in this step and in the next one."""
    with pytest.raises(JudgeError) as caught:
        asked(tmp_path, bad, found, suite, responses=responses)
    assert str(caught.value).startswith(f"p: no proposal in {ASKS} tries: ")
    assert "the model is asked anew" in str(caught.value)
    told, bodies = asked(tmp_path, [bad, GOOD], found, suite, responses=responses)
    assert (told.edit.guidance, len(bodies)) == ({"MR": "g"}, 2)
    again, bodies = asked(tmp_path, "not asked", found, suite, responses=responses)
    assert (again, bodies) == (told, [])


def test_each_proposal_is_asked_for(tmp_path, suite, found):
    """After a proposal that nobody wanted the model is asked for another one."""
    first, _ = asked(tmp_path, GOOD, found, suite)
    second, bodies = asked(tmp_path, GOOD.replace('"g"', '"h"'), found, suite, earlier=1)
    assert (first.edit.guidance, second.edit.guidance) == ({"MR": "g"}, {"MR": "h"})
    assert len(bodies) == 1


def test_data_stay_data(suite, found):
    """What a judge wrote is never template source."""
    assert "ok {{ 6*7 }}" in text(found, V0, suite)


def test_without_disagreements_nobody_is_asked(tmp_path, suite, found):
    """There is nothing to learn from; an unknown model is told before a call."""
    with pytest.raises(SettingsError, match="nothing to change"):
        asked(tmp_path, "x", (), suite)
    with pytest.raises(SettingsError, match="absent"):
        asked(tmp_path, "x", found, suite, model="absent")
