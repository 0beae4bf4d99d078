"""What `medcheck models` says: each model's endpoint, key and price, and whether it answers.

A key is looked up to tell whether it is there; it is neither returned nor printed. Nothing is
stored, and no case is asked.
"""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from medcheck.errors import MedcheckError, SettingsError
from medcheck.providers import Entry, Registry, Timeout, create, host_note, key_of, resolve
from medcheck.types import Completion, Message, Request

HEAD = ("name", "endpoint", "key", "kind", "open weights", "retires", "USD per M tokens in/out")
RECORDED = "replay"
QUESTION = "Reply with the word OK."
MOST_TOKENS = 16
PING_TIMEOUT = Timeout(idle=30.0, total=60.0)
AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One model as the table shows it."""

    name: str
    entry: Entry | None
    """`None`: it has no endpoint here, see `problem`."""
    key: str
    """`present`, `missing` or `not needed`."""
    problem: str | None = None
    """Why it cannot be asked as things are."""
    note: str | None = None
    """Who gets a key that was meant for another endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinged:
    """How a model took one small question."""

    name: str
    ok: bool
    seconds: float
    wrong: str = ""
    """What is wrong, and what to do."""

    @property
    def line(self) -> str:
        """Return it as a line for people."""
        if self.ok:
            return f"{self.name}: ok, {self.seconds:.1f} s"
        return f"{self.name}: NOT OK, {self.seconds:.1f} s: {self.wrong}"


def listed(
    names: Iterable[str],
    *,
    registry: Registry,
    environ: Mapping[str, str],
    base_url: str | None = None,
) -> tuple[Listed, ...]:
    """Return the named models, or all of the registry where none is named.

    Raises:
        SettingsError: a named model is not known.
    """
    chosen = list(dict.fromkeys(names))
    if chosen:
        entries = [
            resolve(name, registry=registry, environ=environ, base_url=base_url) for name in chosen
        ]
        return tuple(_listed(entry, environ) for entry in entries)
    return tuple(_known(name, registry, environ) for name in registry.entries)


def table(models: Sequence[Listed]) -> list[str]:
    """Return the models as the lines of a table, the head first."""
    rows = [HEAD, *map(_row, models)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def ping(models: Sequence[Listed], environ: Mapping[str, str]) -> tuple[Pinged, ...]:
    """Ask each model one small question, several at once, and return how it went, in order."""

    async def ask_all() -> tuple[Pinged, ...]:
        slots = asyncio.Semaphore(AT_ONCE)
        return tuple(await asyncio.gather(*(_ping(each, environ, slots) for each in models)))

    return asyncio.run(ask_all())


def _known(name: str, registry: Registry, environ: Mapping[str, str]) -> Listed:
    try:
        return _listed(resolve(name, registry=registry, environ=environ), environ)
    except SettingsError as error:
        return Listed(name=name, entry=None, key="unknown", problem=str(error))


def _listed(entry: Entry, environ: Mapping[str, str]) -> Listed:
    try:
        has_key = bool(key_of(entry, environ))
    except SettingsError as error:
        return Listed(name=entry.name, entry=entry, key="missing", problem=str(error))
    return Listed(
        name=entry.name,
        entry=entry,
        key="present" if has_key else "not needed",
        note=host_note(entry, environ),
    )


def _row(model: Listed) -> tuple[str, ...]:
    entry = model.entry
    if entry is None:
        return model.name, "not set", model.key, "", "", "", ""
    variable = f" ({entry.api_key_env})" if entry.api_key_env and model.key != "not needed" else ""
    weights = {True: "yes", False: "no", None: "unknown"}[entry.open_weights]
    if entry.price is not None:
        price = f"{entry.price.input:g} / {entry.price.output:g}"
    else:
        price = "unknown" if entry.host else "none"
    place = entry.host or entry.provider
    return (
        model.name, place, model.key + variable, entry.kind, weights, entry.retires or "", price
    )  # fmt: skip


async def _ping(model: Listed, environ: Mapping[str, str], slots: asyncio.Semaphore) -> Pinged:
    if model.entry is None or model.problem:
        return Pinged(name=model.name, ok=False, seconds=0.0, wrong=model.problem or "")
    entry = model.entry
    if entry.provider == RECORDED:
        return Pinged(name=model.name, ok=True, seconds=0.0)  # it answers its own cases only
    async with slots:
        started = time.perf_counter()
        wrong = ""
        try:
            # The reasoning of some models takes long, but a ping must end.
            reply = await _reply(replace(entry, timeout=PING_TIMEOUT), environ)
            wrong = "" if reply.text.strip() or reply.finish == "length" else "an empty reply."
        except MedcheckError as error:
            wrong = str(error)
        seconds = time.perf_counter() - started
    return Pinged(name=model.name, ok=not wrong, seconds=seconds, wrong=wrong)


async def _reply(entry: Entry, environ: Mapping[str, str]) -> Completion:
    provider = create(entry, environ)
    question = Message(role="user", text=QUESTION)
    try:
        return await provider.ask(Request(messages=(question,), params={"max_tokens": MOST_TOKENS}))
    finally:
        close = getattr(provider, "close", None)
        if close is not None:
            await close()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
