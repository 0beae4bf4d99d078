"""The Chat Completions format: messages out, replies in; no connection, no clock."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.providers import _failures as failures
from medcheck.providers._entry import Entry, Secret
from medcheck.types import Completion, Finish, Image, Message, Usage

_FINISHES: Mapping[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    # Zhipu's word for it.
    "sensitive": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
# The server gave up halfway (DeepSeek, vLLM, Zhipu, OpenRouter): no answer, and worth another try.
_BROKEN_OFF = frozenset({"insufficient_system_resource", "abort", "network_error", "error"})

_MOST_TOKENS = 1_000_000_000
"""A server that counts more for one call cannot count."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def messages(given: Iterable[Message]) -> list[dict[str, Any]]:
    """Return messages as Chat Completions takes them; images follow their text, in order.

    Raises:
        DatasetError: an image file cannot be read.
    """
    return [{"role": message.role, "content": _content(message)} for message in given]


def _content(message: Message) -> str | list[dict[str, Any]]:
    # Half a surrogate pair has no UTF-8: an endpoint could not read the request.
    text = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", message.text)
    if not message.images:
        return text
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    parts += (
        {"type": "image_url", "image_url": {"url": _data_url(image)}} for image in message.images
    )
    return parts


def _data_url(image: Image) -> str:
    try:
        data = Path(image.path).read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{image.path}: the image cannot be read: {error.strerror}.",
            hint="Put the file back, or leave the case out.",
        ) from None
    return f"data:{image.mime};base64,{base64.b64encode(data).decode('ascii')}"


def completion(entry: Entry, reply: Any, key: Secret, *, seconds: float) -> Completion:
    """Return the completion in a server's reply, whatever further fields it holds.

    Raises:
        ProviderError: an error in the place of a reply or beside it, or no choices in it.
    """
    if isinstance(reply, Mapping) and reply.get("error"):
        raise failures.reported(entry, reply["error"], key)
    choice = _first_choice(reply)
    if choice is None:
        raise failures.unreadable(entry, "it holds no choices")
    message: Mapping[str, Any] = choice["message"]
    reason = choice.get("finish_reason")
    if reason is not None and not isinstance(reason, str):
        raise failures.unusable(entry, "its finish_reason is not a text")
    if reason in _BROKEN_OFF:
        raise failures.unreadable(entry, f"the server broke it off ({reason})")
    refusal = _text(message.get("refusal"))
    return Completion(
        text=_text(message.get("content")) or refusal,
        reasoning=_text(message.get("reasoning_content") or message.get("reasoning")) or None,
        finish="refusal" if refusal else _FINISHES.get(str(reason), "unknown"),
        usage=_usage(reply.get("usage")),
        seconds=seconds,
    )


def _first_choice(reply: Any) -> Mapping[str, Any] | None:
    choices = reply.get("choices") if isinstance(reply, Mapping) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, Mapping) or not isinstance(first.get("message"), Mapping):
        return None
    return first


def _text(value: Any) -> str:
    """Return a text, also where it comes as a list of parts; anything else is no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = (part.get("text") for part in value if isinstance(part, Mapping))
        return "".join(part for part in parts if isinstance(part, str))
    return ""


def _usage(given: Any) -> Usage:
    if not isinstance(given, Mapping):
        return Usage()
    # DeepSeek and Moonshot count cached tokens beside the others, not in their details.
    cached = (
        _count(given.get("prompt_tokens_details"), "cached_tokens"),
        _count(given, "prompt_cache_hit_tokens"),
        _count(given, "cached_tokens"),
    )
    return Usage(
        input=_count(given, "prompt_tokens"),
        cached_input=next((count for count in cached if count is not None), None),
        output=_count(given, "completion_tokens"),
        reasoning=_count(given.get("completion_tokens_details"), "reasoning_tokens"),
    )


def _count(given: Any, key: str) -> int | None:
    value = given.get(key) if isinstance(given, Mapping) else None
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None


class Stream:
    """Puts the pieces of a streamed reply together; used for one reply."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._finish: Any = None
        self._usage: Any = None
        self._error: Any = None
        self._started = False

    def add(self, chunk: Any) -> None:
        """Take the next piece, of whatever shape."""
        if isinstance(chunk, str):
            chunk = json.loads(chunk)
        if not isinstance(chunk, Mapping):
            return
        self._error = chunk.get("error") or self._error
        self._usage = chunk.get("usage") or self._usage
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        # Some servers number the choices; only the first is ours.
        if not isinstance(choice, Mapping) or choice.get("index", 0) != 0:
            return
        self._started = True
        self._finish = choice.get("finish_reason") or self._finish
        self._usage = choice.get("usage") or self._usage
        delta = choice.get("delta") or choice.get("message")
        for field in ("content", "reasoning_content", "reasoning", "refusal"):
            text = _text(delta.get(field)) if isinstance(delta, Mapping) else ""
            if text:
                self._texts.setdefault(field, []).append(text)

    def reply(self) -> dict[str, Any]:
        """Return what a server without streaming would have sent.

        A stream that ends without a finish reason was cut off, so it has no choices.
        """
        if self._error is not None:
            return {"error": self._error}
        if not self._started or self._finish is None:
            return {"usage": self._usage}
        message = {field: "".join(texts) for field, texts in self._texts.items()}
        return {
            "choices": [{"message": message, "finish_reason": self._finish}],
            "usage": self._usage,
        }
