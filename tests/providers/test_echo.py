"""The model that repeats the question."""

import asyncio

from medcheck.providers import create, load_registry
from medcheck.types import Message, Request


def test_echo():
    """The answer is the last user text, free of charge."""
    echo = create(load_registry().find("echo"), {})
    messages = (
        Message(role="system", text="s"),
        Message(role="user", text="first"),
        Message(role="user", text="second"),
        Message(role="assistant", text="a"),
    )
    completion = asyncio.run(echo.ask(Request(messages=messages)))
    assert (completion.text, completion.cost_usd, completion.finish) == ("second", 0.0, "stop")
    assert asyncio.run(echo.ask(Request(messages=()))).text == ""
