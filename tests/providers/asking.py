"""What the tests of the OpenAI-compatible provider share: asking one question."""

import asyncio

import pytest
from servers import Server

from medcheck.errors import ProviderError
from medcheck.providers import Entry, create
from medcheck.types import Message, Request

QUESTION = Request(messages=(Message(role="user", text="胸痛半小时怎么办?"),))


def entry(server, **fields):
    """Return an entry for a local server."""
    return Entry(**{"name": "m", "model": "m-1", "base_url": server.url, **fields})


def ask(entry, request=QUESTION, environ=None):
    """Ask once and close."""

    async def once():
        provider = create(entry, environ or {})
        try:
            return await provider.ask(request)
        finally:
            await provider.close()

    return asyncio.run(once())


def failure(script, request=QUESTION, environ=None, **fields):
    """Return the error that asking a scripted server ends in."""
    with Server(script) as server, pytest.raises(ProviderError) as caught:
        ask(entry(server, **fields), request, environ)
    return caught.value
