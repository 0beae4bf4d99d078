"""Any OpenAI-compatible server through Chat Completions: one call and its reply; no retry.

What a reply or an error of such a server means stands in `_wire.py` and `_failures.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import time
import weakref
from collections.abc import AsyncIterator, Mapping
from typing import Any

from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    AsyncOpenAI,
    AsyncStream,
    DefaultAioHttpClient,
    DefaultAsyncHttpxClient,
    Omit,
)
from openai import Timeout as HttpTimeout

from medcheck.providers import _failures as failures
from medcheck.providers import _wire as wire
from medcheck.providers._adapt import adapt
from medcheck.providers._entry import Entry
from medcheck.providers._resolve import OPENAI_URL, key_of
from medcheck.types import Completion, Request

_CONNECT_SECONDS = 15.0
# Servers without keys still expect some bearer token; this is the one vLLM's documents use.
_NO_KEY = "EMPTY"


def _transport_errors() -> tuple[type[Exception], ...]:
    """Return what the HTTP libraries beneath the openai package may let through unchanged."""
    found: list[type[Exception]] = [OSError, APIConnectionError]
    for module, name in (
        ("httpx2", "HTTPError"),
        ("httpx", "HTTPError"),
        ("aiohttp", "ClientError"),
    ):
        try:
            found.append(getattr(importlib.import_module(module), name))
        except ImportError:
            continue
    return tuple(found)


_TRANSPORT_ERRORS = _transport_errors()


def _without_custom_headers() -> Any:
    """Return what keeps the headers in OPENAI_CUSTOM_HEADERS, one a line, from being sent."""
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
    return {
        name.strip(): Omit() for name, colon, _ in (line.partition(":") for line in lines) if colon
    }


async def _bound(response: Any) -> None:
    """Let a reply, of whatever status, be read up to `MAX_REPLY` bytes, counted as unpacked."""
    unbound = response.aiter_bytes

    async def bounded(*given: Any, **named: Any) -> AsyncIterator[bytes]:
        size = 0
        async with contextlib.aclosing(unbound(*given, **named)) as pieces:
            async for piece in pieces:
                size += len(piece)
                if size > failures.MAX_REPLY:
                    raise failures.ReplyTooLargeError
                yield piece

    # Reading whole, reading events and reading an error's body all pass through this method.
    response.aiter_bytes = bounded


class Provider:
    """Asks the endpoint of one entry; usable from several event loops, each with its own client."""

    def __init__(self, entry: Entry, environ: Mapping[str, str]) -> None:
        self.entry = entry
        self._key = key_of(entry, environ)
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncOpenAI] = (
            weakref.WeakKeyDictionary()
        )

    async def ask(self, request: Request) -> Completion:
        """Make one call.

        Raises:
            ProviderError: no usable reply; its flags say whether to try again.
        """
        body = await self._body(request)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.entry.timeout.total):
                reply = await (self._streamed(body) if self.entry.stream else self._whole(body))
        except TimeoutError as error:
            raise failures.timed_out(self.entry) from error
        except APIStatusError as error:
            response = error.response
            raise failures.refused(
                self.entry, response.status_code, response.headers, error.body, self._key
            ) from None
        except _TRANSPORT_ERRORS as error:
            raise failures.disconnected(self.entry, error) from None
        except APIError as error:
            raise failures.reported(self.entry, error.body, self._key) from None
        except ValueError:
            raise failures.unreadable(self.entry, "its body is not JSON") from None
        except RecursionError:
            raise failures.unusable(self.entry, "its JSON is nested too deeply") from None
        return wire.completion(self.entry, reply, self._key, seconds=time.perf_counter() - started)

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def __repr__(self) -> str:
        return f"Provider({self.entry.name!r} at {self.entry.host!r})"

    async def _body(self, request: Request) -> dict[str, Any]:
        messages, params, _ = adapt(self.entry, request)
        extra = params.pop("extra_body", {})
        if any(message.images for message in messages):
            parts = await asyncio.to_thread(wire.messages, messages)
        else:
            parts = wire.messages(messages)
        return {"model": self.entry.model, "messages": parts, **params, **extra}

    async def _whole(self, body: Mapping[str, Any]) -> Any:
        # Casting to a plain object skips the package's response classes: less work for each
        # reply, and fields they do not know arrive unharmed.
        reply = await self._client().post("/chat/completions", cast_to=object, body=body)
        return json.loads(reply) if isinstance(reply, str) else reply

    async def _streamed(self, body: Mapping[str, Any]) -> Any:
        stream = await self._client().post(
            "/chat/completions",
            cast_to=object,
            body={"stream_options": {"include_usage": True}, **body, "stream": True},
            stream=True,
            stream_cls=AsyncStream[object],
        )
        parts = wire.Stream()
        try:
            async for chunk in stream:
                parts.add(chunk)
        finally:
            await stream.close()
        return parts.reply()

    def _client(self) -> AsyncOpenAI:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = self._new_client()
        return client

    def _new_client(self) -> AsyncOpenAI:
        timeouts = HttpTimeout(
            # Without streaming a server is silent until it is done, so only the total counts.
            self.entry.timeout.idle if self.entry.stream else self.entry.timeout.total,
            connect=min(_CONNECT_SECONDS, self.entry.timeout.total),
        )
        hooks = {"response": [_bound]}
        try:
            http = DefaultAioHttpClient(timeout=timeouts, follow_redirects=False, event_hooks=hooks)
        except RuntimeError:
            http = DefaultAsyncHttpxClient(
                timeout=timeouts, follow_redirects=False, event_hooks=hooks
            )
        client = AsyncOpenAI(
            api_key=self._key.reveal() or _NO_KEY,
            base_url=self.entry.base_url or OPENAI_URL,
            default_query=dict(self.entry.query) or None,
            default_headers=None if self._is_openai_account else _without_custom_headers(),
            timeout=timeouts,
            max_retries=0,
            http_client=http,
        )
        if not self._is_openai_account:
            # The package reads them from the environment for whatever server it is pointed at.
            client.organization = client.project = None
        return client

    @property
    def _is_openai_account(self) -> bool:
        return self.entry.api_key_env == "OPENAI_API_KEY" and not self.entry.key_stands_in_for
