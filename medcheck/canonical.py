"""A request in the form its endpoint takes, and the name that the store knows it by."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from medcheck.providers import Entry, adapt
from medcheck.types import Message, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request in the form its endpoint takes."""

    request: Request
    canonical: str
    key: str
    notes: tuple[str, ...]
    """What of the suite's settings was mapped or dropped for this endpoint."""


def prepare(entry: Entry, request: Request, *, salt: str | None) -> Prepared:
    """Adapt a request to its endpoint and name it by the sha256 of its canonical form."""
    messages, params, notes = adapt(entry, request)
    adapted = replace(request, messages=messages, params=params)
    canonical = _canonical(entry, adapted, salt=salt)
    key = hashlib.sha256(canonical.encode()).hexdigest()
    return Prepared(request=adapted, canonical=canonical, key=key, notes=notes)


def _canonical(entry: Entry, request: Request, *, salt: str | None) -> str:
    """Return the JSON text that names a request: never a host, a port or a key."""
    content: dict[str, Any] = {
        "entry": entry.name,
        "provider": entry.provider,
        "model": entry.model,
        "role": request.role,
        "messages": [_plain(message) for message in request.messages],
        "params": dict(request.params),
        "repeat": request.repeat,
        "copy": request.copy,
        "attempt": request.attempt,
    }
    if salt is not None:
        content["fresh"] = salt
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _plain(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = {"role": message.role, "text": message.text}
    if message.images:
        # never the path: it differs from machine to machine
        plain["images"] = [{"sha256": i.sha256, "mime": i.mime} for i in message.images]
    return plain
