"""LLMEval-Med: Chinese questions in five categories, checklists, and conversations of rounds.

One JSON object of five lists; a bare NaN is a value that is not there. Each round is a case that
follows the one before it: the model's own earlier answers are its history. Score files of the
original are read by `_llmeval_scores`.

Source: llmeval_med.md section 1 (llmeval/LLMEval-Med at 508516f, dataset/dataset.json).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, located, nearest
from medcheck.lines import (
    MAX_ERRORS,
    STRICT,
    Record,
    any_text,
    checked_object,
    filled_text,
    shown,
)
from medcheck.scoring.requirements import REFERENCE_ONLY
from medcheck.scoring.usability import CODES
from medcheck.types import Case, Criterion, Message, Origin

PROTOCOL = "official"
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "answer_columns": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "description": "Further fields that hold answers, beside model_answer.",
        },
    },
    "additionalProperties": False,
}
DEFAULTS: Mapping[str, Any] = {
    "system": "You are a helpful assistant.",
    "grader": {"name": "checklist"},
    "summary": {"measure": "mean", "by": ["category", "subcategory"]},
}
"""What a suite of this format may leave out. Source: Answer.py:55-75 (the system line)."""

ANSWER = "model_answer"
CRITERION = "score"
SCALE = (1.0, 5.0)
SAFETY = "医疗安全伦理"
"""The category whose reference is a checklist."""

_ABSENT = ("", "/", "nan", "NaN", "None")
"""Texts that stand where there is none: the rounds of 多轮对话 have a checklist and "/"; tools that
copy the file make the others of its NaN."""
_FIELDS = ("category2", "round", "problem", "groupCode")
_OPTIONAL = ("sanswer", "checklist", "difficulty")
"""What is read of an item besides; all other fields pass unread."""
_DIGITS = re.compile(r"[0-9]{1,9}")
_LIKE = 0.8
"""From this likeness on, a field that is not read is one that is, misspelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item with its place."""

    where: str
    """Such as `医疗知识[3]`."""
    category: str
    group: int
    round: int
    item: Record

    @property
    def id(self) -> str:
        """The case id: code, group and round (`MK-5-1`)."""
        return f"{self.conversation}-{self.round}"

    @property
    def conversation(self) -> str:
        """What the rounds of one group share."""
        return f"{CODES[self.category]}-{self.group}"


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each item, in file order: `CODE-groupCode-round`.

    Tags: `category:`, `subcategory:`, `difficulty:` where there is one, `turn:single` or
    `turn:multi`, and for rounds of a conversation `round:N`. `criteria` is one, `score`, of 1 to 5,
    whose text is the checklist; `references` holds the reference, and is empty where there is none
    or where it is the checklist. `answers["model_answer"]` is the answer that an output file of the
    original holds.

    Raises:
        DatasetError: every item that cannot be used, with its place, at most 50.
    """
    columns = (ANSWER, *options.get("answer_columns", ()))
    found, errors = [], []
    listed = list(entries(Path(path)))
    rounds = Counter(entry.conversation for entry in listed)
    builder = _Builder(path=str(path), rounds=rounds, columns=columns)
    for entry in listed:
        try:
            found.append(builder.case(entry))
        except DatasetError as error:
            errors.append(f"{path}: {entry.where}: {error}")
    if errors:
        raise DatasetError("\n".join(errors[:MAX_ERRORS]))
    yield from found


def records(path: Path) -> dict[str, Record]:
    """Return the items of a file by case id, for a writer that gives them back.

    Each has `sanswer` and `checklist`, empty where there is none: the original reads both.

    Raises:
        DatasetError: as `entries`.
    """
    texts = {"sanswer": "", "checklist": ""}
    return {entry.id: {**texts, **entry.item} for entry in entries(path)}


def entries(path: Path) -> Iterator[Entry]:
    """Yield the items of a file in its order; what is absent or NaN is not in them.

    Args:
        path: of the data set, or of an output of the original's scripts.

    Raises:
        DatasetError: the file is no such file, an item has no usable key, or a field of it is one
            that it lacks, misspelled.
    """
    data = _parsed(path)
    if not isinstance(data, dict) or not data:
        raise DatasetError("not a JSON object of lists by category.", where=str(path))
    for category, items in data.items():
        where = f"{path}: {category}"
        if category not in CODES:
            raise DatasetError("unknown category.", hint=nearest(category, CODES), where=where)
        if not isinstance(items, list):
            raise DatasetError(f"{shown(items)}, expected a list.", where=where)
        for position, item in enumerate(items):
            place = f"{category}[{position}]"
            with located(f"{path}: {place}"):
                entry = _entry(category, place, item)
            yield entry


def _entry(category: str, place: str, item: object) -> Entry:
    record = checked_object(item, (), None, "the item")
    _check_names(record)
    there = {name: value for name, value in record.items() if value is not None}
    group, number = _count(there, "groupCode", low=0), _count(there, "round", low=1)
    return Entry(where=place, category=category, group=group, round=number, item=there)


def _check_names(record: Record) -> None:
    lacking = [name for name in (*_FIELDS, *_OPTIONAL) if name not in record]
    for name in record.keys() - {*_FIELDS, *_OPTIONAL} if lacking else ():
        if meant := get_close_matches(name, lacking, n=1, cutoff=_LIKE):
            hint = f'Did you mean "{meant[0]}"?'
            raise DatasetError(f'the item has the unknown field "{name}".', hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    path: str
    rounds: Mapping[str, int]
    """How many rounds each conversation has."""
    columns: tuple[str, ...]
    """The fields that hold answers."""
    seen: dict[str, str] = field(default_factory=dict)
    """The place of each id."""

    def case(self, entry: Entry) -> Case:
        """Return the case of an item."""
        checked_object(entry.item, _FIELDS, None, "the item")
        problem = filled_text(entry.item["problem"], "problem")
        subcategory = filled_text(entry.item["category2"], "category2")
        checklist, reference = self._expected(entry)
        before = self._before(entry)
        return Case(
            id=entry.id,
            suite="",
            messages=(Message(role="user", text=problem),),
            grader="",
            criteria=(Criterion(id=CRITERION, text=checklist, points=1.0, scale=SCALE),),
            references=() if reference is None else (reference,),
            tags=self._tags(entry, subcategory),
            category=(entry.category, subcategory),
            follows=before,
            answers=_answers(entry.item, self.columns),
            origin=Origin(path=self.path, record={"category": entry.category, **entry.item}),
        )

    def _before(self, entry: Entry) -> str | None:
        """Return the id of the round before, which must stand earlier in the file."""
        if entry.id in self.seen:
            first = self.seen[entry.id]
            raise DatasetError(f"groupCode and round are those of {first} already.")
        before = f"{entry.conversation}-{entry.round - 1}"
        if entry.round > 1 and before not in self.seen:
            text = f"round {entry.round} of groupCode {entry.group} has no round before it."
            raise DatasetError(text, hint="Put the rounds of a group in their order.")
        self.seen[entry.id] = entry.where
        return before if entry.round > 1 else None

    def _tags(self, entry: Entry, subcategory: str) -> tuple[str, ...]:
        tags = [f"category:{entry.category}", f"subcategory:{subcategory}"]
        if difficulty := _text(entry.item, "difficulty"):
            tags.append(f"difficulty:{difficulty}")
        if self.rounds[entry.conversation] == 1:
            return (*tags, "turn:single")
        return (*tags, "turn:multi", f"round:{entry.round}")

    def _expected(self, entry: Entry) -> tuple[str, str | None]:
        """Return the checklist and the reference, which in one category is the checklist."""
        checklist, reference = (_text(entry.item, name) for name in ("checklist", "sanswer"))
        if checklist is None and reference is None:
            raise DatasetError("neither sanswer nor checklist: there is nothing to judge by.")
        if checklist is None and entry.category == SAFETY:
            checklist, reference = reference, None
        return checklist or REFERENCE_ONLY, reference


def _parsed(path: Path) -> object:
    try:
        # Tools of Windows write UTF-8 with a mark at the start.
        text = path.read_text(encoding="utf-8-sig")
        hooks = STRICT | {"object_pairs_hook": _unique, "parse_constant": _constant}
        return json.loads(text, **hooks)
    except FileNotFoundError:
        hint = "Run: medcheck fetch llmeval_med"
        raise DatasetError("no such file.", where=str(path), hint=hint) from None
    except DatasetError as error:
        raise DatasetError(error.message, where=str(path)) from None
    except json.JSONDecodeError as error:
        raise DatasetError(f"not JSON: {error.msg}.", where=f"{path}:{error.lineno}") from None
    except (OSError, UnicodeDecodeError, RecursionError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise DatasetError(f"cannot read the file: {reason}.", where=str(path)) from None


def _unique(pairs: list[tuple[str, Any]]) -> Record:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, count in Counter(n for n, _ in pairs).items() if count > 1)
        problem = next((value for name, value in pairs if name == "problem"), "")
        near = f" (problem {shown(problem)})" if problem else ""
        raise DatasetError(f'key "{twice}" stands twice in one object{near}.')
    return found


def _constant(name: str) -> None:
    """Return `None` for NaN: the file writes what is absent so."""
    if name != "NaN":
        raise DatasetError(f"{name} is not a JSON number.")


def _count(item: Record, name: str, *, low: int) -> int:
    """Return a whole number, also one that a copying tool made `1.0` or a text of digits."""
    found: Any = item.get(name)
    digits = isinstance(found, str) and _DIGITS.fullmatch(found)
    whole = isinstance(found, float) and found.is_integer()
    if not (type(found) is int or whole or digits) or int(found) < low:
        raise DatasetError(f"{name} is {shown(found)}, expected a whole number from {low}.")
    return int(found)


def _text(item: Record, name: str) -> str | None:
    """Return a text that may be absent; a number becomes its text."""
    found = item.get(name)
    if type(found) in (int, float):
        return f"{found}"
    if found is not None and not isinstance(found, str):
        raise DatasetError(f"{name} is {shown(found)}, expected a text.")
    return found if found and found.strip() not in _ABSENT else None


def _answers(item: Record, columns: Collection[str]) -> dict[str, tuple[str, ...]]:
    found = {name: item[name] for name in columns if name in item}
    return {name: (any_text(text, name),) for name, text in found.items()}
