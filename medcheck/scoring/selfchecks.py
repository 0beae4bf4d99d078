"""Checks of an answer against its own question that need no gold: sums, and words of the record.

What tools, tables and agents an answer names is checked in `toolchecks`.

Source: medbench.md section 4 (local checks without gold).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from medcheck.scoring import toolchecks
from medcheck.scoring._format_objects import fields_of
from medcheck.scoring.toolchecks import Finding

__all__ = ["CHECKS", "Finding", "Grounding", "arithmetic", "grounding"]

_CENT = 0.05
"""Amounts are written with one or two decimals; a larger difference is an error."""
_NOT_QUOTED = {"", "未知", "有", "无", "是", "否"}
_RECORD = re.compile(r"门诊病历[:：]\s*\n(.*?)\n\s*需要提取的实体字段", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding:
    """Which extracted values stand in the record."""

    checked: int
    """Values that can be looked for: not 未知, 有, 无, 是, 否."""
    missing: tuple[str, ...]
    """Fields whose value does not occur in the record, word for word."""

    @property
    def share(self) -> float | None:
        """The share found; `None`: nothing to look for."""
        return 1 - len(self.missing) / self.checked if self.checked else None


def arithmetic(amounts: Mapping[str, float]) -> tuple[Finding, ...]:
    """Return which sums of a bill do not add up.

    What the patient pays is the total less what the insurance pays: a difference is an error. The
    parts should add up to the total, but policies count them in more than one way: a warning.
    """
    paid = amounts["总费用"] - amounts["医保报销金额"]
    parts = math.fsum(
        amounts[name] for name in ("纳入报销范围金额", "乙类项目自负金额", "完全自费金额")
    )
    checks: tuple[tuple[Literal["error", "warning"], str, float, float], ...] = (
        (
            "error",
            "个人支付总金额 is not 总费用 less 医保报销金额",
            amounts["个人支付总金额"],
            paid,
        ),
        ("warning", "总费用 is not the sum of its parts", amounts["总费用"], parts),
    )
    return tuple(
        Finding(severity=severity, rule="arithmetic", message=f"{text}: {given:g}, not {right:g}.")
        for severity, text, given, right in checks
        if abs(given - right) > _CENT
    )


def grounding(question: str, fields: Mapping[str, Any]) -> Grounding:
    """Return which extracted values occur in the record of the question, word for word."""
    found = _RECORD.search(question)
    record = _folded(found.group(1) if found else question)
    named = fields_of(question) or tuple(fields)
    values = {name: _text(fields[name]) for name in named if name in fields}
    looked = {name: value for name, value in values.items() if value not in _NOT_QUOTED}
    missing = tuple(name for name, value in looked.items() if _folded(value) not in record)
    return Grounding(checked=len(looked), missing=missing)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _folded(text: str) -> str:
    """Return text without white space and closing marks; full and half width are the same."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).rstrip("。.;；,，")


def _arithmetic(_question: str, _answer: str, value: Any) -> tuple[Finding, ...]:
    return arithmetic(value) if isinstance(value, Mapping) else ()


def _grounding(question: str, _answer: str, value: Any) -> tuple[Finding, ...]:
    if not isinstance(value, Mapping):
        return ()
    return tuple(
        Finding(severity="warning", rule="grounding", message=f"{name} is not in the record.")
        for name in grounding(question, value).missing
    )


def _tool(check: Callable[[str, str], tuple[Finding, ...]]) -> Check:
    return lambda question, answer, _value: check(question, answer)


Check = Callable[[str, str, Any], tuple[Finding, ...]]
"""Question, answer and the value that its format rule read; findings out."""

CHECKS: Mapping[str, Check] = {
    "arithmetic": _arithmetic,
    "grounding": _grounding,
    "api_call": _tool(toolchecks.api_call),
    "api_steps": _tool(toolchecks.api_steps),
    "api_names": _tool(toolchecks.api_names),
    "agent_ids": _tool(toolchecks.agent_ids),
    "sql": _tool(toolchecks.sql),
}
"""The self-checks by the name that `medbench_sets.yaml` gives them."""
