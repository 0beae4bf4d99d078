"""Recorded answers and verdicts."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from medcheck.errors import ProviderError, SettingsError
from medcheck.providers import Entry, create, load_registry
from medcheck.types import Image, Message, Request

PROMPT = [
    {"role": "user", "content": "头痛三天\u2028怎么办?"},
    {"role": "assistant", "content": "有发热吗?"},
    {"role": "user", "content": "有"},
]
RECORD = {
    "model": "demo",
    "case": "c-1",
    "prompt": PROMPT,
    "answer": "请尽快就医。",
    "criteria": [
        {"criterion": "Sends the patient to a doctor", "criteria_met": True, "explanation": "就医"},
        {"criterion": "Recommends aspirin", "criteria_met": False, "explanation": "no drug"},
    ],
}
MESSAGES = tuple(Message(role=turn["role"], text=turn["content"]) for turn in PROMPT)


@pytest.fixture
def folder(tmp_path):
    text = json.dumps(RECORD, ensure_ascii=False) + "\n\n"
    (tmp_path / "one.jsonl").write_text(text, encoding="utf-8")
    return tmp_path


def provider(folder, model="demo"):
    return create(
        Entry(name=model, model=model, provider="replay", params={"path": str(folder)}), {}
    )


def verdict(folder, **recorded):
    request = Request(messages=(), role="judge", recorded=recorded)
    return asyncio.run(provider(folder, "judge").ask(request))


def test_answer_is_found_by_conversation(folder):
    """An answer is found whatever system text goes before the conversation, and costs nothing."""
    demo = provider(folder)
    asked = (Message(role="system", text="anything"), *MESSAGES)
    completion = asyncio.run(demo.ask(Request(messages=asked, params={"temperature": 0.5})))
    assert completion.text == "请尽快就医。"
    assert completion.cost_usd == 0.0
    assert completion.usage.input is None
    assert demo.has_recording(asked)


def pictures(*names):
    return tuple(Image(path="p.png", sha256=name, mime="image/png") for name in names)


def test_pictures_are_part_of_the_conversation(tmp_path):
    """An answer is found with its own pictures in their order only; `*` stands for any picture."""
    records = [
        {**RECORD, "prompt": [{"role": "user", "content": "图?", "images": ["a1", "b2"]}]},
        {**RECORD, "prompt": [{"role": "user", "content": "页?", "images": ["*", "*"]}]},
    ]
    text = "".join(json.dumps(record) + "\n" for record in records)
    (tmp_path / "one.jsonl").write_text(text, encoding="utf-8")
    demo = provider(tmp_path)

    def known(text, *names):
        return demo.has_recording((Message(role="user", text=text, images=pictures(*names)),))

    assert known("图?", "a1", "b2")
    assert not known("图?", "b2", "a1")
    assert not known("图?")
    assert known("页?", "c3", "d4")
    assert not known("页?", "c3")
    assert not known("页?")
    asked = (Message(role="user", text="页?", images=pictures("c3", "d4")),)
    assert asyncio.run(demo.ask(Request(messages=asked))).text == RECORD["answer"]


def test_no_recording(folder):
    """A conversation or model without recording is an error that no retry can mend."""
    other = (*MESSAGES, Message(role="user", text="more"))
    assert not provider(folder).has_recording(other)
    assert not provider(folder, "demo-weak").has_recording(MESSAGES)
    with pytest.raises(ProviderError, match="no recording for this prompt") as caught:
        asyncio.run(provider(folder).ask(Request(messages=other)))
    assert not caught.value.retryable
    assert not caught.value.stop_run


def test_turns_cannot_be_mixed_up(folder):
    """The same words in other roles or other turns are another conversation."""
    joined = Message(role="user", text="\n".join(message.text for message in MESSAGES))
    swapped = tuple(Message(role="user", text=message.text) for message in MESSAGES)
    assert not provider(folder).has_recording((joined,))
    assert not provider(folder).has_recording(swapped)


@pytest.mark.parametrize(
    ("criterion", "met"), [("Sends the patient to a doctor", True), ("Recommends aspirin", False)]
)
def test_verdict_is_found_by_answer_and_criterion(folder, criterion, met):
    """A recorded verdict is the JSON reply of a judge."""
    reply = json.loads(verdict(folder, answer="请尽快就医。", criterion=criterion).text)
    assert reply["criteria_met"] is met
    assert set(reply) == {"explanation", "criteria_met"}


def test_verdict_echoes_its_id(folder):
    """Where the protocol asks for it, the verdict echoes its id."""
    criterion = RECORD["criteria"][0]["criterion"]
    reply = verdict(
        folder, answer="请尽快就医。", criterion=criterion, verdict_id="0123456789abcdef"
    )
    assert json.loads(reply.text)["verdict_id"] == "0123456789abcdef"


@pytest.mark.parametrize(
    "asked", [{}, {"answer": "请尽快就医。", "criterion": "?"}, {"answer": "x"}]
)
def test_unknown_verdict(folder, asked):
    """A verdict that was not recorded is an error, never a guess."""
    with pytest.raises(ProviderError, match="no recording"):
        verdict(folder, **asked)


def test_broken_recording_is_named(tmp_path):
    """A line that is no recording is reported with file and line."""
    (tmp_path / "bad.jsonl").write_text('\n{"model": "demo"}\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"bad\.jsonl:\d: not a recording"):
        provider(tmp_path).has_recording(MESSAGES)


def test_missing_folder(tmp_path):
    """A path that is not there is named."""
    with pytest.raises(SettingsError, match="gone: cannot be read"):
        provider(tmp_path / "gone").has_recording(MESSAGES)


def _has_its_own(record, given):
    return any(
        other["criterion"] == given["criterion"] and other.get("judge") == "demo-judge"
        for other in record["criteria"]
    )


def test_demo_recordings_are_whole():
    """Every recorded demo answer is served, and its verdicts with it."""
    from medcheck.providers.replay import DEMO

    registry = load_registry()
    lines = [
        line
        for path in sorted(DEMO.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").split("\n")
        if line.strip()
    ]
    assert lines
    for record in map(json.loads, lines):
        asked = tuple(
            Message(
                role=turn["role"], text=turn["content"], images=pictures(*turn.get("images", ()))
            )
            for turn in record["prompt"]
        )
        model = create(registry.find(record["model"]), {})
        assert asyncio.run(model.ask(Request(messages=asked))).text == record["answer"]
        for given in record.get("criteria", ()):
            recorded = {"answer": record["answer"], "criterion": given["criterion"]}
            request = Request(messages=(), role="judge", recorded=recorded)
            if "judge" not in given and _has_its_own(record, given):
                continue
            judge = create(registry.find(given.get("judge", "demo-judge")), {})
            reply = json.loads(asyncio.run(judge.ask(request)).text)
            expected = given.get("reply") or (given.get("replies") or [given])[0]
            assert reply == {key: expected[key] for key in reply}


def test_demo_is_light():
    """The demo runs without the openai package, numpy or YAML."""
    code = (
        "import sys; from medcheck.providers import Entry, create; "
        "p = create(Entry(name='demo', model='demo', provider='replay'), {}); p.has_recording(()); "
        "print([m for m in ('openai', 'numpy', 'yaml', 'aiohttp') if m in sys.modules])"
    )
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=root
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_judges_of_a_panel_may_differ(tmp_path):
    """A judge has its own verdict where one was recorded under its name, else everybody's."""
    entries = [
        {"criterion": "c", "criteria_met": True, "explanation": "all"},
        {"criterion": "c", "criteria_met": False, "explanation": "mine", "judge": "strict-judge"},
    ]
    text = json.dumps({**RECORD, "criteria": entries})
    (tmp_path / "one.jsonl").write_text(text, encoding="utf-8")
    asked = Request(
        messages=(), role="judge", recorded={"answer": RECORD["answer"], "criterion": "c"}
    )
    said = {
        name: json.loads(asyncio.run(provider(tmp_path, name).ask(asked)).text)["explanation"]
        for name in ("strict-judge", "another")
    }
    assert said == {"strict-judge": "mine", "another": "all"}


def test_whole_replies_come_back_by_turn(tmp_path):
    """A recorded reply of any shape is given back, the next one each time; the id is added."""
    entries = [
        {"criterion": "score", "replies": [{"score": 4}, {"score": 5}]},
        {"criterion": "jury", "reply": {"accuracy": {"score": 3}}},
    ]
    text = json.dumps({**RECORD, "criteria": entries})
    (tmp_path / "one.jsonl").write_text(text, encoding="utf-8")

    def said(criterion, turn):
        recorded = {
            "answer": RECORD["answer"], "criterion": criterion, "turn": turn, "verdict_id": "f00d",
        }  # fmt: skip
        asked = Request(messages=(), role="judge", recorded=recorded)
        return json.loads(asyncio.run(provider(tmp_path, "judge").ask(asked)).text)

    scores = [said("score", turn) for turn in (0, 1, 2)]
    assert scores == [{"score": n, "verdict_id": "f00d"} for n in (4, 5, 4)]
    assert said("jury", None) == {"accuracy": {"score": 3}, "verdict_id": "f00d"}
