"""What metrics share: the gold they are given, and what they make of an answer. No metric is here.

`None` is "not measured", with the cause; a wrong or an unreadable answer is 0.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """What is known of the right answer to one question."""

    references: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """`labels["task"]` of the case: options by letter, limits, class and so on."""

    @property
    def reference(self) -> str:
        """The first reference; empty: there is none."""
        return self.references[0] if self.references else ""

    @property
    def wanted(self) -> str | None:
        """The class of the right answer: the fact `class`, else the first reference."""
        found = self.facts.get("class")
        return str(found) if found is not None else self.reference.strip() or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a metric makes of one answer."""

    value: float | None
    """0 to 1; `None`: not measured."""
    why: str = ""
    """What was read from the answer, or the cause; one line."""
    given: str | None = None
    """The class that the answer chose, named as `Gold.wanted` is; `None`: none can be read."""


Metric = Callable[[str, Gold], Measured]
"""The answer, free of reasoning, and the gold in; what comes of it out."""

EMPTY = Measured(value=0.0, why="the answer is empty.")
_SHOWN = 80


def unmeasured(cause: str) -> Measured:
    """Return that nothing was measured, and why."""
    return Measured(value=None, why=cause)


def decided(right: bool, why: str = "", given: str | None = None) -> Measured:  # noqa: FBT001 - it is the value
    """Return 1 for a right answer and 0 for a wrong one."""
    return Measured(value=float(right), why=why, given=given)


def plain(text: str) -> str:
    """Return a text without markup, in one width, with single spaces; lines stay lines."""
    folded = unicodedata.normalize("NFKC", text).replace("\u2212", "-")
    lines = (" ".join(re.sub(r"[*`]+|(?<!\w)_+|_+(?!\w)", "", line).split())
             for line in folded.splitlines())  # fmt: skip
    return "\n".join(line for line in lines if line)


def shown(value: object) -> str:
    """Return a value as a short quotation."""
    text = " ".join(str(value).split())
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[: _SHOWN - 1]}…"'
