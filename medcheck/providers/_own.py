"""The user's own application as a model: a class or function, sync or async, made a provider.

What it may return: a `Completion`, a text, or a mapping with `text` and optionally `reasoning`,
`finish`, `usage` and `evidence` (tool calls and retrieved passages, as a list of mappings).
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, cast, get_args

from medcheck.errors import ProviderError, nearest
from medcheck.providers._entry import Entry
from medcheck.types import Completion, Finish, Request, Usage

ALLOWED = ("text", "reasoning", "finish", "usage", "evidence")


class Provider:
    """Asks the application behind `target`; a sync one runs in a thread, so others go on."""

    def __init__(self, entry: Entry, environ: Mapping[str, str], target: Any) -> None:
        self.entry = entry
        if inspect.isclass(target):
            target = _instance(target, entry, environ)
        self._target = target
        self._ask: Callable[..., Any] = getattr(target, "ask", target)
        if not callable(self._ask):
            raise ProviderError(
                f'model "{entry.name}": it has no method "ask" and cannot be called.',
                hint="Give it `ask(request)`, or make it a function of the messages.",
            )
        self._takes_request = hasattr(target, "ask")

    async def ask(self, request: Request) -> Completion:
        """Return the application's answer.

        Raises:
            ProviderError: the application failed, or returned something that is no answer.
        """
        given: Any = request if self._takes_request else plain_messages(request)
        started = time.perf_counter()
        try:
            if inspect.iscoroutinefunction(self._ask):
                found = await self._ask(given)
            else:
                found = await asyncio.to_thread(self._ask, given)
                found = await found if inspect.isawaitable(found) else found
        except ProviderError:
            raise
        except Exception as error:
            raise ProviderError(
                f'model "{self.entry.name}" failed: {type(error).__name__}: {str(error)[:200]}',
                hint="Correct the application, and run the same command again.",
            ) from error
        completion = self._completion(found)
        return replace(completion, seconds=time.perf_counter() - started)

    async def close(self) -> None:
        """Close the application, if it can be closed."""
        close = getattr(self._target, "close", None)
        if callable(close):
            found = close()
            if inspect.isawaitable(found):
                await found

    def _completion(self, found: Any) -> Completion:
        if isinstance(found, Completion):
            return found
        if isinstance(found, str):
            return Completion(text=found)
        if not isinstance(found, Mapping) or not isinstance(found.get("text"), str):
            raise self._unusable(f"returned {type(found).__name__}")
        unknown = [name for name in found if name not in ALLOWED]
        if unknown:
            raise self._unusable(f'returned "{unknown[0]}". {nearest(str(unknown[0]), ALLOWED)}')
        known = {field.name for field in fields(Usage)}
        usage = {
            n: count for n, count in self._part(found, "usage", Mapping, {}).items() if n in known
        }
        evidence = self._part(found, "evidence", Sequence, ())
        if isinstance(evidence, str) or not all(isinstance(item, Mapping) for item in evidence):
            raise self._unusable("returned evidence that is no list of mappings")
        return Completion(
            text=found["text"],
            reasoning=found.get("reasoning"),
            finish=self._finish(found),
            usage=Usage(**usage),
            evidence=tuple(evidence),
        )

    def _part(self, found: Mapping[str, Any], name: str, kind: type, empty: Any) -> Any:
        part = found.get(name) or empty
        if not isinstance(part, kind):
            raise self._unusable(f'returned {type(part).__name__} as "{name}"')
        return part

    def _finish(self, found: Mapping[str, Any]) -> Finish:
        finish = found.get("finish", "stop")
        if finish not in get_args(Finish):
            raise self._unusable(
                f'returned finish "{finish}". {nearest(str(finish), get_args(Finish))}'
            )
        return cast("Finish", finish)

    def _unusable(self, what: str) -> ProviderError:
        return ProviderError(
            f'model "{self.entry.name}" {what}.',
            hint='Return a text, a Completion, or a mapping with "text".',
        )


def plain_messages(request: Request) -> list[dict[str, str]]:
    """Return the conversation as most applications know it."""
    return [{"role": message.role, "content": message.text} for message in request.messages]


def _instance(kind: type, entry: Entry, environ: Mapping[str, str]) -> Any:
    """Return an instance: of a class that takes entry and environment, or takes nothing."""
    try:
        given = inspect.signature(kind).parameters.values()
    except ValueError:
        return kind()
    needed = [
        p for p in given if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    return kind(entry, environ) if needed else kind()
