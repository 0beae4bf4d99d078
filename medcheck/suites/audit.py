"""What is doubtful about a suite's data, found before anything is asked or paid."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import signature
from typing import Literal, Protocol

from medcheck import shelves
from medcheck.suites import Suite

PARAMS = (
    *("temperature", "top_p", "top_k", "min_p", "max_tokens", "max_completion_tokens", "seed"),
    *("stop", "presence_penalty", "frequency_penalty", "repetition_penalty", "logit_bias"),
    *("logprobs", "top_logprobs", "response_format", "reasoning_effort", "verbosity", "extra_body"),
    *("enable_thinking", "thinking", "thinking_budget", "chat_template_kwargs", "user", "metadata"),
)
"""Settings that endpoints know; others are sent too."""
TOPS = {"rubric": 1, "closed": 1, "short_answer": 1, "checklist": 5}
"""The highest score of graders whose scores end."""

Severity = Literal["error", "warning"]


class Doubt(Protocol):
    """What the `lint` of a reader or a grader yields: its text says where, what and what to do."""

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
    """Return what a suite's notes, its grader and the reader of its data doubt, in this order.

    A reader's `lint` that takes the keyword `system` is told what the suite says before each
    question.
    """
    told = tuple(Finding(severity="warning", text=f"warning: {note}") for note in suite.notes)
    wrong = (Finding(severity="warning", text=f"warning: {text}") for text in _of_settings(suite))
    return (*told, *wrong, *_of_gold(suite), *_of_data(suite))


def _of_settings(suite: Suite) -> Iterator[str]:
    """Yield what the file asks for and cannot have: slips of the pen that no schema can know."""
    for part, params in (("params", suite.params), ("judge_params", suite.judge_params)):
        for name in params:
            if name not in PARAMS and (close := get_close_matches(name, PARAMS, n=1, cutoff=0.8)):
                yield f'{part}: "{name}" is sent as it is. Did you mean "{close[0]}"?'
    prefixes = {tag.partition(":")[0] for tag in _tags(suite)}
    for name in suite.summary.get("by") or ():
        if name not in prefixes and (close := get_close_matches(name, prefixes, n=1, cutoff=0.75)):
            yield f'summary.by: no case has a tag "{name}:...". Did you mean "{close[0]}"?'
    top = TOPS.get(str(suite.grader["name"]), math.inf)
    for case in suite.cases:
        if case.pass_at is not None and case.pass_at > top:
            yield f"case {case.id}: pass_at {case.pass_at:g} is above {top:g}, the highest score."


def _tags(suite: Suite) -> Iterator[str]:
    for case in suite.cases:
        yield from case.tags
        for criterion in case.criteria:
            yield from criterion.tags


def _of_gold(suite: Suite) -> tuple[Finding, ...]:
    """Return the gold answers that the suite's grader can make nothing of."""
    lint = shelves.has("graders", str(suite.grader["name"]), "lint")
    doubts: Iterable[Doubt] = lint(suite.cases, suite.grader) if lint else ()
    return tuple(Finding(severity=d.severity, text=str(d)) for d in doubts)


def _of_data(suite: Suite) -> tuple[Finding, ...]:
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
