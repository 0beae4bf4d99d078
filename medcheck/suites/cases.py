"""Valid data of a suite file become frozen cases; nothing is checked here but attached images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, located
from medcheck.scoring import checks
from medcheck.suites.files import inside, sha256_of
from medcheck.suites.schema import Source
from medcheck.types import Case, Criterion, Image, Message, Origin

_MIMES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What the cases of a suite have in common."""

    suite: str
    folder: Path
    grader: str
    options: Mapping[str, Any]
    """The grader block."""
    defaults: Mapping[str, Any] = field(default_factory=dict)


def inline_cases(source: Source, common: Common) -> list[Case]:
    """Return the cases written in one file.

    Raises:
        DatasetError: an attached image is missing or not allowed.
    """
    blocks = source.data.get("cases", ())
    return [_case(block, source, common, index=i) for i, block in enumerate(blocks)]


def numbered(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Return the cases with `copy` set: which occurrence of the same messages each one is."""
    seen: Counter[tuple[Message, ...]] = Counter()
    found = []
    for case in cases:
        copy = seen[case.messages]
        seen[case.messages] += 1
        found.append(replace(case, copy=copy) if copy != case.copy else case)
    return tuple(found)


def listed(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return a text as a tuple of one, a list as a tuple, `None` as an empty tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def joined_tags(*groups: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of all groups in order, each once."""
    return tuple(dict.fromkeys(tag for group in groups for tag in group))


def _case(block: Mapping[str, Any], source: Source, common: Common, *, index: int) -> Case:
    line, column = source.lines.value(("cases", index))
    given = {**common.defaults, **block}
    with located(f"{source.lines.shown}:{line}:{column}"):
        messages = _messages(block, common)
    return Case(
        id=block["id"],
        suite=common.suite,
        messages=messages,
        grader=common.grader,
        options=common.options,
        criteria=_criteria(block),
        references=listed(block.get("references")),
        tags=joined_tags(listed(block.get("tags")), listed(common.defaults.get("tags"))),
        category=listed(given.get("category")),
        follows=block.get("follows"),
        labels=block.get("labels", {}),
        pass_at=given.get("pass_at"),
        origin=Origin(path=Path(source.lines.shown).name, line=line),
    )


def _messages(block: Mapping[str, Any], common: Common) -> tuple[Message, ...]:
    turns = block.get("messages") or [{"role": "user", "content": block["prompt"]}]
    messages = tuple(
        Message(
            role=turn["role"],
            text=turn["content"],
            images=tuple(_image(name, common.folder) for name in turn.get("images", ())),
        )
        for turn in turns
    )
    system = common.defaults.get("system")
    if system is None or messages[0].role == "system":
        return messages
    return (Message(role="system", text=system), *messages)


def _image(name: str, folder: Path) -> Image:
    path = inside(folder, name)
    if not path.exists():
        raise DatasetError(f'image "{name}" is not there.', hint="Add the file or remove its name.")
    mime = _MIMES.get(path.suffix.lower())
    if mime is None:
        known = " ".join(_MIMES)
        raise DatasetError(f'image "{name}" is of no known kind.', hint=f"Known: {known}.")
    return Image(path=str(path), sha256=sha256_of(path), mime=mime)


def _criteria(block: Mapping[str, Any]) -> tuple[Criterion, ...]:
    judged = [_criterion(item, number=i) for i, item in enumerate(block.get("criteria", ()), 1)]
    first = len(judged) + 1
    checked = [_checked(item, number=i) for i, item in enumerate(block.get("checks", ()), first)]
    return (*judged, *checked)


def _criterion(item: Mapping[str, Any], *, number: int) -> Criterion:
    low, high = item.get("scale", (0.0, 1.0))
    return Criterion(
        id=item.get("id", str(number)),
        text=item["text"],
        points=float(item["points"]),
        level=item.get("level"),
        zero_tolerance=item.get("zero_tolerance", False),
        scale=(float(low), float(high)),
        tags=listed(item.get("tags")),
        source=item.get("source"),
    )


def _checked(item: Mapping[str, Any], *, number: int) -> Criterion:
    name = next(key for key in item if key in checks.CHECKS)
    return Criterion(
        id=item.get("id", str(number)),
        text=item.get("text") or checks.describe(name, item[name]),
        points=float(item.get("points", 1)),
        zero_tolerance=item.get("zero_tolerance", False),
        tags=listed(item.get("tags")),
        check={name: item[name]},
        source=item.get("source"),
    )
