"""HealthBench Professional: tasks of clinicians with criteria of their own, one a line.

Both layouts are read: OpenAI's file, where the turns stand under `conversation.messages`, and the
copy on Hugging Face, where `conversation` is the list. Fields that are not used may be there.

Source: openai/healthbench-professional (record layout); arXiv 2604.27470.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import Record, any_text, checked_object, each, filled_text
from medcheck.readers._examples import check_new, items, turns
from medcheck.types import Case, Criterion, Message, Origin

PROTOCOL = "official"
OPTIONS: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
ANSWER = "physician_response"

_FIELDS = ("id", "conversation", "rubric_items")
_TAGGED = ("use_case", "type", "difficulty", "specialty")
_APART = re.compile(r"[\W_]+")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield the cases of a HealthBench Professional file in file order.

    `use_case`, `type`, `difficulty` and `specialty` become tags (see `tag`); the physician's answer
    stands in `answers["physician_response"]`. Criteria carry no tags.

    Raises:
        DatasetError: every malformed line, at most 50; after the first one no case is yielded.
    """
    del options
    builder, found = _Builder(path=str(path)), 0
    for case in each(Path(path), builder.case, hint="Run: medcheck fetch healthbench_professional"):
        found += 1
        yield case
    if not found:
        raise DatasetError("no example.", where=str(path))


def tag(name: str, value: str) -> str:
    """Return `NAME:value`: lower case, all but letters and digits of any script become single `_`.

    `tag("specialty", "Obstetrics & Gynecology")` is `specialty:obstetrics_gynecology`.
    """
    return f"{name}:{_APART.sub('_', value.lower()).strip('_')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    path: str
    seen: dict[str, int] = field(default_factory=dict)
    """The line of each id."""

    def case(self, number: int, found: object) -> Case:
        record = checked_object(found, _FIELDS, None, "the line")
        case_id = filled_text(record["id"], "id")
        messages = _conversation(record["conversation"])
        listed = items(record["rubric_items"], "rubric_items", text="criterion_text", others=None)
        check_new("id", case_id, number, self.seen)
        return Case(
            id=case_id,
            suite="",
            messages=messages,
            grader="",
            criteria=tuple(
                Criterion(
                    id=str(position), text=item["criterion_text"], points=float(item["points"])
                )
                for position, item in enumerate(listed, start=1)
            ),
            tags=_tags(record),
            answers=_answers(record),
            origin=Origin(path=self.path, line=number),
        )


def _conversation(found: object) -> tuple[Message, ...]:
    if isinstance(found, list):
        return turns(found, "conversation", others=None)
    messages = checked_object(found, ("messages",), None, "conversation")["messages"]
    return turns(messages, "conversation.messages", others=None)


def _tags(record: Record) -> tuple[str, ...]:
    """Return a tag for each of the four fields that is given."""
    given = [(name, record.get(name)) for name in _TAGGED]
    return tuple(tag(name, filled_text(v, name)) for name, v in given if v is not None)


def _answers(record: Record) -> Mapping[str, tuple[str, ...]]:
    answer = record.get(ANSWER)
    return {} if answer is None else {ANSWER: (any_text(answer, ANSWER),)}
