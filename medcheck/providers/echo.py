"""A model that answers with what it was asked last: for trying suites that need no judge."""

from __future__ import annotations

from collections.abc import Mapping

from medcheck.providers._entry import Entry
from medcheck.types import Completion, Request, Usage


class Provider:
    """Answers each request with the text of its last user message, free of charge."""

    def __init__(self, entry: Entry, environ: Mapping[str, str]) -> None:  # noqa: ARG002 - the shelf's contract
        self.entry = entry

    async def ask(self, request: Request) -> Completion:
        """Return the last user text, or an empty text where there is none."""
        texts = [message.text for message in request.messages if message.role == "user"]
        return Completion(text=texts[-1] if texts else "", usage=Usage(), cost_usd=0.0)
