"""The user's own application as a model: what it may be, what it may return, what is refused."""

from __future__ import annotations

import asyncio
import threading

import pytest

from medcheck.errors import ProviderError
from medcheck.providers import Entry
from medcheck.providers._own import Provider
from medcheck.types import Completion, Message, Request, Usage

REQUEST = Request(messages=(Message(role="user", text="胸痛?"),))


def answer(target) -> Completion:
    provider = Provider(Entry(name="app:it"), {"KEY": "v"}, target)
    return asyncio.run(provider.ask(REQUEST))


class Plain:
    def ask(self, request):
        return f"got {request.messages[0].text}"


class Informed:
    def __init__(self, entry, environ):
        self.text = f"{entry.name} {environ['KEY']}"

    async def ask(self, request):
        return Completion(text=self.text)


async def function(messages):
    return messages[0]["content"]


class Late:
    def ask(self, request):
        return function([{"content": "later"}])


class Configurable:
    def __init__(self, index="index", k=3):
        self.text = f"{index} {k}"

    def ask(self, request):
        return self.text


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (Plain, "got 胸痛?"),
        (Plain(), "got 胸痛?"),
        (Informed, "app:it v"),
        (function, "胸痛?"),
        (lambda messages: messages[-1]["role"], "user"),
        (Late, "later"),
        (Configurable, "index 3"),
    ],
)
def test_what_an_application_may_be(target, text):
    """A class or object with ask, or a function of the messages, sync or async, can answer."""
    assert answer(target).text == text


def test_a_sync_application_does_not_block_the_loop():
    """Two calls of a sync application run at the same time."""
    both = threading.Barrier(2, timeout=10)

    def ask(_messages):
        both.wait()
        return "met"

    async def twice():
        provider = Provider(Entry(name="a:b"), {}, ask)
        return await asyncio.gather(provider.ask(REQUEST), provider.ask(REQUEST))

    assert [c.text for c in asyncio.run(twice())] == ["met", "met"]


def test_evidence_and_usage_are_kept():
    """Tool calls and passages come back as evidence, tokens as usage."""
    found = answer(
        lambda _: {
            "text": "t",
            "usage": {"input": 3, "output": 4, "other": 1},
            "evidence": [{"passage": "WHO 2023"}],
        }
    )
    assert found.evidence == ({"passage": "WHO 2023"},)
    assert found.usage == Usage(input=3, output=4)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (lambda _: 7, "returned int"),
        (lambda _: {"text": None}, "returned dict"),
        (lambda _: {"text": "a", "txet": 1}, '"txet"'),
        (lambda _: {"text": "a", "evidence": "a passage"}, "no list of mappings"),
        (lambda _: {"text": "a", "evidence": ["a passage"]}, "no list of mappings"),
        (lambda _: {"text": "a", "usage": [3]}, 'list as "usage"'),
        (lambda _: {"text": "a", "finish": "stopped"}, 'finish "stopped"'),
        (lambda _: {}["x"], "KeyError"),
        (5, "cannot be called"),
    ],
)
def test_what_is_no_answer_is_an_error(target, words):
    """An application that fails or returns no answer is an error, never an empty answer."""
    with pytest.raises(ProviderError, match=words):
        answer(target)


def test_an_application_is_closed():
    """What the application opened is closed with the run, whether closing is sync or async."""
    closed = []

    class App(Plain):
        async def close(self):
            closed.append("async")

    class Other(Plain):
        def close(self):
            closed.append("sync")

    for kind in (App, Other, Plain):
        asyncio.run(Provider(Entry(name="a:b"), {}, kind).close())
    assert closed == ["async", "sync"]
