"""The shelf of model providers: contract and registry; nothing of caching or retrying.

A provider is one file here (`openai`, `replay`, `echo`) with a class `Provider` that makes one
call: no retry, no cache, no rate limit. Which provider serves a name stands in `models.yaml`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol, cast

from medcheck import shelves
from medcheck.providers._adapt import adapt
from medcheck.providers._entry import Entry, Limits, Price, Secret, Timeout, cost_usd
from medcheck.providers._failures import NoConnectionError
from medcheck.providers._registry import Registry, load_registry
from medcheck.providers._resolve import host_note, key_of, resolve
from medcheck.types import Completion, Request

__all__ = [
    "Entry",
    "Limits",
    "NoConnectionError",
    "Price",
    "Provider",
    "Registry",
    "Secret",
    "Timeout",
    "adapt",
    "cost_usd",
    "create",
    "host_note",
    "key_of",
    "load_registry",
    "own_provider",
    "resolve",
]


class Provider(Protocol):
    """What a module on this shelf offers under the name `Provider`."""

    def __init__(self, entry: Entry, environ: Mapping[str, str]) -> None: ...

    async def ask(self, request: Request) -> Completion:
        """Make one call.

        Raises:
            ProviderError: no usable reply; its flags say whether to try again.
        """
        ...


def create(entry: Entry, environ: Mapping[str, str] | None = None) -> Provider:
    """Build the provider of an entry; keys are looked up in `environ` (default: the process's)."""
    if ":" in entry.provider:
        target = shelves.find("providers", entry.provider, "Provider")
        return own_provider(entry, environ or {}, target)
    build = shelves.find("providers", entry.provider, "Provider")
    return cast("Provider", build(entry, os.environ if environ is None else environ))


def own_provider(entry: Entry, environ: Mapping[str, str], target: object) -> Provider:
    """Return the provider that asks an object of the user's own."""
    from medcheck.providers._own import Provider as Own

    return Own(entry, environ, target)
