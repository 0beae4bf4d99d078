"""The built-in items a judge is tried with: canaries, neutral text, limits; attacks are apart."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medcheck.certifying.bench import Subject
from medcheck.types import Case, Criterion, Message

FOLDER = Path(__file__).parent
FILES = ("attacks.yaml", "canaries.yaml", "limits.yaml")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_MARKUP = (
    (re.compile(r"^[ \t]*(?:`{3,}|~{3,}).*$\n?", re.MULTILINE), ""),
    (re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE), ""),
    (re.compile(r"^([ \t]*)[-*+][ \t]+", re.MULTILINE), r"\1"),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
)


@functools.cache
def data(name: str) -> Mapping[str, Any]:
    """Return a file of items."""
    import yaml

    found: Mapping[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found


def versions() -> dict[str, str]:
    """Return the sha256 of each file of items."""
    # As text: a checkout that turns line ends must not void certificates.
    texts = {name: (FOLDER / name).read_text(encoding="utf-8") for name in FILES}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def canaries() -> tuple[Subject, ...]:
    """Return answers with criteria whose truth anybody can see."""
    return tuple(_canary(group) for group in data("canaries.yaml")["groups"])


def lengthened(answer: str) -> str:
    """Return an answer with some 300 neutral tokens behind it, in its own language."""
    language = "zh" if _HAN.search(answer) else "en"
    return f"{answer}\n\n{data('canaries.yaml')['neutral'][language]}"


def unmarked(answer: str) -> str:
    """Return an answer without the marks of markdown; words, numbers and lines stay."""
    for pattern, instead in _MARKUP:
        answer = pattern.sub(instead, answer)
    return answer


def _canary(group: Mapping[str, Any]) -> Subject:
    name = f"canary-{group['id']}"
    criteria = tuple(
        Criterion(id=str(number), text=block["text"], points=1.0)
        for number, block in enumerate(group["criteria"], 1)
    )
    truth = {c.id: (bool(b["met"]),) for c, b in zip(criteria, group["criteria"], strict=True)}
    return Subject(
        name=name,
        case=case_of(name, group["prompt"], criteria),
        answer=group["answer"],
        truth=truth,
        cluster=name,
    )


def case_of(name: str, prompt: str, criteria: tuple[Criterion, ...]) -> Case:
    """Return a case of a single question."""
    return Case(
        id=name,
        suite="",
        messages=(Message(role="user", text=prompt),),
        grader="",
        criteria=criteria,
    )
