"""One wire for all prompts of a benchmark (medcheck.graders._asked)."""

from __future__ import annotations

import asyncio
import json

import pytest
from judging import Judge

from medcheck.errors import JudgeError, ProviderError, SettingsError
from medcheck.graders._asked import Task, ask_for, builder, versions
from medcheck.scoring.voting import UNUSABLE

TASK = Task(
    prompt="gaps/positive",
    answer="先\u200b做 CT",
    values={"question": "怎么办\u202e?", "claim": "应做 CT"},
    criterion="应做 CT",
    copy="2",
)


def asked(mind, parse=lambda text, _: text.upper()):
    """Return what came of asking one judge under the official protocol."""
    judge = Judge(mind)
    return asyncio.run(ask_for(judge, builder(TASK, "official", judge), parse)), judge


def test_what_a_reply_means_is_returned():
    """The parsed reply comes back with who was asked and at what price."""
    found, judge = asked(lambda _: "fine")
    assert found.found == "FINE"
    assert (found.ballot.judge, found.ballot.asks, found.ballot.cost_usd) == ("j", 1, 0.5)
    assert found.ballot.key == judge.key(judge.requests[0])


def refuse(_text, _verdict_id):
    """Refuse every reply."""
    raise JudgeError("no use")


def test_unusable_replies_and_failed_calls_are_told_apart():
    """A judge that replied in vain is labelled so; one that could not be reached is not."""
    found, judge = asked(lambda _: "babble", refuse)
    assert (found.found, found.ballot.state, found.ballot.label) == (None, "judge_error", UNUSABLE)
    assert [request.attempt for request in judge.requests] == [0, 1, 2, 3]
    down, _ = asked(lambda _: ProviderError("HTTP 503"))
    assert (down.found, down.ballot.state, down.ballot.label) == (None, "judge_error", None)
    later = lambda request: ProviderError("HTTP 503") if request.attempt else "babble"  # noqa: E731
    assert asked(later, refuse)[0].ballot.label is None


def test_a_falsy_reply_is_a_reply():
    """An empty list is what the judge found, not a failure."""
    found, _ = asked(lambda _: "none", lambda *_: ())
    assert found.found == ()
    assert found.ballot.state == "met"


def test_official_shows_the_answer_as_it_is():
    """The official request holds the original text and what recorded judges need."""
    request = builder(TASK, "official", Judge(None))(1)
    [message] = request.messages
    assert TASK.answer in message.text
    assert (request.copy, request.attempt, request.role) == ("2", 1, "judge")
    assert request.recorded == {
        "answer": TASK.answer, "criterion": "应做 CT", "verdict_id": None,
    }  # fmt: skip


def test_strict_shows_no_invisible_characters():
    """The strict request strips what only a machine reads, from answer and values alike."""
    request = builder(TASK, "strict", Judge(None))(0)
    data, task = request.messages
    assert json.loads(data.text.split("\n")[-1]) == TASK.seen == "先做 CT"
    assert '"怎么办?"' in task.text
    assert request.recorded["answer"] == TASK.answer


def test_the_verdict_id_depends_on_all_that_is_asked():
    """Another attempt and another answer have another id; the same request has the same."""
    build = builder(TASK, "strict", Judge(None))
    other = Task(prompt=TASK.prompt, answer="不做 CT", values=TASK.values)
    ids = [build(0), build(0), build(1), builder(other, "strict", Judge(None))(0)]
    first, same, *others = (request.recorded["verdict_id"] for request in ids)
    assert first == same
    assert len({first, *others}) == 3


def test_versions():
    """The strict protocol adds the prompt that carries the answer; an unknown name is an error."""
    assert list(versions(("gaps/batch",), "official")) == ["prompt gaps/batch"]
    assert list(versions(("gaps/batch",), "strict")) == [
        "prompt gaps/batch_strict", "prompt gaps/answer_strict",
    ]  # fmt: skip
    with pytest.raises(SettingsError):
        versions(("gaps/batches",), "official")
