"""What a format rule found in an answer, and the pieces that rules share; no rule is here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from string import ascii_letters
from typing import Any, Literal

State = Literal["strict", "recoverable", "fail", "null", "empty"]

_LEAK = re.compile(
    r"\s*(?:首先[，,]?\s*(?:我|这|任务|用户|问题|题目|角色|根据)|好的[，,]\s*用户|嗯[，,]"
    r"|We need to|Okay, |Let me |The user )"
)
_NEGATED = re.compile(
    r"(?:不(?:能|会|应该?|宜|可以?|要|该|建议|考虑|予|再|想|得|必|是|为|属于)?|非|排除(?:了|掉)?"
    r"|否定|无法|没有|未|勿|除了)(?:选择?|选项|答案|是|为)?[\s<>（(【\[:：“\"'*`]{0,8}$"
)
_WITHIN = 20
"""Characters before a value in which what denies it stands."""
_FENCE, _PAIR = "```", 2
_LONG = 1000
"""No answer of one or a few letters has so many characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How an answer keeps the format that was asked for, and what can be read from it."""

    state: State | None
    """`strict`: exactly as asked; `recoverable`: one unambiguous value can be read; `None`: free
    text, in which nothing is measured."""
    why: str | None = None
    """The reason for any state but `strict`, in a few words."""
    value: Any = None
    """The value that was read; `None`: none."""

    @property
    def usable(self) -> bool:
        """Whether a value was read."""
        return self.state in ("strict", "recoverable")


Rule = Callable[[str, str], Reading]
"""Question and stripped answer in, reading out."""


def strict(value: Any, why: str | None = None) -> Reading:
    """Return the reading of an answer that is exactly as asked."""
    return Reading(state="strict", why=why, value=value)


def recoverable(value: Any, why: str | None) -> Reading:
    """Return the reading of an answer whose one value can be found."""
    return Reading(state="recoverable", why=why, value=value)


def fail(why: str) -> Reading:
    """Return the reading of an answer from which no value can be read."""
    return Reading(state="fail", why=why)


def leaks(answer: str) -> bool:
    """Tell whether an answer to a closed question is thinking aloud rather than an answer.

    Source: medbench.md section 3, W2 (a plain `首先，` alone gives false alarms).
    """
    return _LEAK.match(answer) is not None or len(answer) > _LONG


def negated(before: str) -> bool:
    """Tell whether the text before a value denies it: `不是`, `不会选择`, `排除：`, ..."""
    return _NEGATED.search(before[-_WITHIN:]) is not None


def unfenced(text: str) -> str | None:
    """Return what stands in the only code fence if the text is nothing else; `None`: it is not."""
    whole = text.strip()
    if not whole.startswith(_FENCE) or not whole.endswith(_FENCE) or whole.count(_FENCE) != _PAIR:
        return None
    return whole[len(_FENCE) : -len(_FENCE)].lstrip(ascii_letters).strip()
