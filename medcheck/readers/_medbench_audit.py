"""Doubts about MedBench's questions, before a call is paid: demands, templates, pictures, repeats.

What a single question's text contradicts is told in `_medbench_lint`; what a PDF's text layer
holds is noted while its pages are drawn.

Source: medbench.md sections 4 (finding 3) and 5.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from medcheck.readers import _medbench_lint
from medcheck.types import Case

FOLLOW_UPS = ("MedSeqIm",)
"""Sets whose items show one patient at several times: no picture may come twice."""
_LETTERS = ("letter", "letters")
"""How the names of forms end that are letters of options."""
_SHOWN_RANGES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One doubt about rows of a question file."""

    severity: Literal["error", "warning"]
    """`error`: the question must not be asked so; `warning`: it may not mean what it says."""
    rule: str
    file: str
    """Name of the question file."""
    lines: tuple[int, ...]
    """1-based, ascending."""
    message: str

    def __str__(self) -> str:
        many = f" ({len(self.lines)})" if len(self.lines) > 1 else ""
        place = f"{self.file}:{_ranges(self.lines)}"
        return f"{place}: {self.severity} {self.rule}: {self.message}{many}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    name: str
    sha256: str


def findings(cases: Iterable[Case], *, system: str | None = None) -> tuple[Finding, ...]:
    """Return the doubts about cases that the reader gave, file by file; equal ones are one.

    Args:
        cases: with their `origin`.
        system: what is said before each question; `None`: nothing.
    """
    files: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.origin is not None and isinstance(case.origin.record, Mapping):
            files[_file_of(case)].append(case)
    found: list[Finding] = []
    for file, own in files.items():
        found += _joined(file, own, system)
        found += _repeats(file, own)
        found += _across(file, own)
    return tuple(found)


def _joined(file: str, cases: Sequence[Case], system: str | None) -> Iterator[Finding]:
    """Yield the doubts about single items; those that differ in nothing but the line as one."""
    lines: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for case in cases:
        for told in _of_item(case, system):
            lines[told].append(_line(case))
    for (severity, rule, message), numbers in lines.items():
        yield Finding(
            severity="error" if severity == "error" else "warning",
            rule=rule,
            file=file,
            lines=tuple(numbers),
            message=message,
        )


def _of_item(case: Case, system: str | None) -> Iterator[tuple[str, str, str]]:
    question = _question(case)
    if told := _contradiction(case, question, system or ""):
        yield "error", "contradiction", told
    letters = _form(case).endswith(_LETTERS)
    for rule, check in _medbench_lint.RULES.items():
        if (letters or rule != "glued_options") and (told := check(question)):
            yield "warning", rule, f"the prompt {told}"
    yield from _twice(case)
    for told in _row(case).get("doubts", ()):
        yield "warning", "text_layer", told


def _contradiction(case: Case, question: str, system: str) -> str | None:
    """Tell that the form asked for is forbidden, or another is demanded by the system text."""
    form = _form(case)
    if form in _medbench_lint.JSON_FORMATS or _medbench_lint.demand_of_json(question):
        if ban := _medbench_lint.ban_of_json(system):
            return f'JSON demanded and forbidden: the system text says "{ban}"; change it'
        if ban := _medbench_lint.ban_of_json(question):
            return f'JSON demanded and forbidden: the prompt says "{ban}"; take it out'
        return _letters_demanded(system, "JSON")
    if form in _medbench_lint.MIXED_FORMATS:
        return None
    if demand := _medbench_lint.demand_of_json(system):
        return f'the system text demands JSON ("{demand}") where the form is {form}; change it'
    return None if form.endswith(_LETTERS) else _letters_demanded(system, form)


def _letters_demanded(system: str, form: str) -> str | None:
    demand = _medbench_lint.demand_of_letters(system)
    if demand is None:
        return None
    return f'the system text demands letters ("{demand}") where the form is {form}; change it'


def _twice(case: Case) -> Iterator[tuple[str, str, str]]:
    """Yield which pictures of an item are one and the same."""
    by_bytes: dict[str, list[str]] = defaultdict(list)
    for picture in _pictures(case):
        by_bytes[picture.sha256].append(picture.name)
    wrong = "error" if _row(case).get("set") in FOLLOW_UPS else "warning"
    for names in by_bytes.values():
        if len(set(names)) > 1:
            told = "shows one and the same picture under several names; leave it out"
            yield "error", "same_picture", f"the item {told}"
        elif len(names) > 1:
            yield wrong, "same_picture", "the item lists one picture more than once"


def _across(file: str, cases: Sequence[Case]) -> Iterator[Finding]:
    """Yield the pictures that items of a file show under different names.

    A name that comes again is no doubt: several questions may be about one picture.
    """
    names: dict[str, set[str]] = defaultdict(set)
    lines: dict[str, dict[int, None]] = defaultdict(dict)
    for case in cases:
        for picture in _pictures(case):
            names[picture.sha256].add(picture.name)
            lines[picture.sha256][_line(case)] = None
    for sha256, own in names.items():
        numbers = tuple(lines[sha256])
        if len(own) > 1 and len(numbers) > 1:
            told = f"{len(own)} files are one and the same picture (sha256 {sha256[:12]}...)"
            yield Finding(
                severity="warning", rule="same_picture", file=file, lines=numbers, message=told
            )


def _repeats(file: str, cases: Sequence[Case]) -> Iterator[Finding]:
    """Yield how many prompts of a file come more than once."""
    lines: dict[Hashable, list[int]] = defaultdict(list)
    for case in cases:
        asked = tuple((m.role, m.text, *(i.sha256 for i in m.images)) for m in case.messages)
        lines[asked].append(_line(case))
    again = [numbers for numbers in lines.values() if len(numbers) > 1]
    if again:
        rows = tuple(sorted(number for numbers in again for number in numbers))
        prompts = "1 prompt comes" if len(again) == 1 else f"{len(again)} prompts come"
        told = f"{prompts} more than once, word for word; each row is asked on its own"
        yield Finding(severity="warning", rule="repeat", file=file, lines=rows, message=told)


def _pictures(case: Case) -> tuple[_Picture, ...]:
    """Return an item's pictures, a PDF as one, with the names that its row gives them."""
    return tuple(
        _Picture(name=posixpath.normpath(name.replace("\\", "/")), sha256=sha256)
        for name, sha256 in _row(case).get("files", ())
    )


def _form(case: Case) -> str:
    return next((t.removeprefix("format:") for t in case.tags if t.startswith("format:")), "text")


def _question(case: Case) -> str:
    return str(_record(case).get("question", ""))


def _record(case: Case) -> Mapping[str, Any]:
    record = case.origin.record if case.origin else None
    return record if isinstance(record, Mapping) else {}


def _row(case: Case) -> Mapping[str, Any]:
    row = case.labels.get("medbench")
    return row if isinstance(row, Mapping) else {}


def _line(case: Case) -> int:
    return (case.origin.line if case.origin else None) or 0


def _file_of(case: Case) -> str:
    path = case.origin.path if case.origin else ""
    return PurePath(path.rsplit("!", 1)[-1]).name


def _ranges(numbers: Sequence[int]) -> str:
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    texts = [str(low) if low == high else f"{low}-{high}" for low, high in found]
    return ",".join(texts[:_SHOWN_RANGES] + (["..."] if len(texts) > _SHOWN_RANGES else []))
