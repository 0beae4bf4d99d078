"""What is doubtful about a suite's data, found before anything is asked or paid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from inspect import signature
from typing import Literal, Protocol

from medcheck import shelves
from medcheck.suites import Suite

Severity = Literal["error", "warning"]


class Doubt(Protocol):
    """What a reader's `lint` yields: its text says where, what and what to do."""

    @property
    def severity(self) -> Severity:
        """`error`: must not run; `warning`: may not mean what it says."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One doubt about a suite."""

    severity: Severity
    text: str
    """With the data file's name."""


def audit(suite: Suite) -> tuple[Finding, ...]:
    """Return what the reader of a suite's data doubts about it, in the file's order.

    A `lint` that takes the keyword `system` is told what the suite says before each question.
    """
    name = suite.data.get("format")
    if name is None or not suite.cases:
        return ()
    lint = shelves.has("readers", str(name), "lint")
    if lint is None:
        return ()
    more = {"system": suite.system} if "system" in signature(lint).parameters else {}
    doubts: Iterable[Doubt] = lint(suite.cases, suite.data.get("options", {}), **more)
    path = suite.data.get("path", "")
    return tuple(Finding(severity=d.severity, text=f"{path}: {d}") for d in doubts)
