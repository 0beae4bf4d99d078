"""One model of the registry, its price and its key; no files, no choosing among names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from medcheck.types import Usage

Kind = Literal["general", "medical"]


class Secret:
    """A key that never shows itself: `repr`, `str` and formatting give `***`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> str:
        raise TypeError("a key is never written anywhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout:
    """How long one call may take."""

    idle: float = 120.0
    """Seconds without a byte of a streamed reply; without streaming only `total` counts."""
    total: float = 120.0
    """Seconds for the whole call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the endpoint allows us; `None`: no limit of its own."""

    concurrency: int | None = None
    """Requests in flight."""
    rpm: int | None = None
    """Requests a minute."""
    tpm: int | None = None
    """Tokens a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens."""

    input: float
    output: float
    cached_input: float | None = None
    """`None`: cached tokens cost as much as others."""
    date: str | None = None
    """When the price was read, ISO 8601."""
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One name that can follow `--model` or `--judge`."""

    name: str
    provider: str = "openai"
    model: str = ""
    """The endpoint's own name for it."""
    base_url: str | None = None
    """Without user, password, query or `/chat/completions`."""
    base_url_env: str | None = None
    """The variable that takes the place of `base_url` where it is set."""
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with each call; may hold secrets, so it is never printed."""
    api_key_env: str | None = None
    """`None`: the endpoint takes no key."""
    key_stands_in_for: str | None = None
    """The variable that `api_key_env` replaces, because that one is not set."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Sent with each call, in place of a suite's settings of the same name."""
    accepts: Mapping[str, Any] = field(default_factory=dict)
    """What the endpoint takes, see `adapt`."""
    system: str | None = None
    timeout: Timeout = Timeout()
    stream: bool = False
    open_weights: bool | None = None
    """`None`: not known."""
    kind: Kind = "general"
    limits: Limits = Limits()
    price: Price | None = None
    judge: str | None = None
    """The judge that comes with this model where no other is named."""
    panels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By suite: the judges that come with this model there, in place of `judge`."""
    reasoning: bool = False
    family: str | None = None
    """Who made it; a judge of the answer's own family is flagged."""
    retires: str | None = None
    """The day its maker switches it off, ISO 8601, where announced."""

    @property
    def host(self) -> str:
        """Host and port of the endpoint: all of its address that is ever printed."""
        parts = urlsplit(self.base_url or "")
        host = parts.hostname or ""
        return f"{host}:{parts.port}" if parts.port else host


def cost_usd(usage: Usage, price: Price | None) -> float | None:
    """Return what a reply cost, or `None` where tokens or price are unknown."""
    if price is None or usage.input is None or usage.output is None:
        return None
    cached = min(usage.cached_input or 0, usage.input)
    cached_price = price.input if price.cached_input is None else price.cached_input
    paid = (
        (usage.input - cached) * price.input + cached * cached_price + usage.output * price.output
    )
    return paid / 1_000_000
