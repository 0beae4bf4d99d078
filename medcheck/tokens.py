"""How many tokens a call will about have; what it really had comes from the endpoint."""

from __future__ import annotations

from collections.abc import Iterable

from medcheck.types import Message

IMAGE_TOKENS = 1000


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has: four Latin characters or one CJK character each."""
    plain = len(text.encode("ascii", "ignore"))
    return round(plain / 4 + (len(text) - plain) * 0.9)


def estimate_messages(messages: Iterable[Message]) -> int:
    """Return about how many input tokens a conversation has."""
    return sum(
        estimate_tokens(message.text) + 4 + IMAGE_TOKENS * len(message.images)
        for message in messages
    )
