r"""The rules that a file of a pack must keep, E3 to E9; what merely looks odd is in `warnings`.

Lines end at "\n" only: an answer may hold other separators.

Source: medbench.md section 3.
"""

from __future__ import annotations

import bisect
import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import parsed
from medcheck.packs.findings import Finding, Layout, error, warning
from medcheck.packs.questions import Question, id_of, key_of

BOM = b"\xef\xbb\xbf"
_CONFLICT = re.compile(rb"(<{7}|>{7}|\|{7})( .*)?|={7}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a file that is no conflict marker."""

    line: int
    raw: bytes
    """Without its line end."""
    record: Mapping[str, Any] | None
    """`None`: the line is no JSON object."""
    place: int | None = None
    """Position in the question file; `None`: in no question file, or not known."""

    @property
    def question(self) -> str:
        """The question; empty where the row has none."""
        found = self.record.get("question") if self.record is not None else None
        return found if isinstance(found, str) else ""

    @property
    def id(self) -> str | None:
        """The row's `other.id`; `None`: it has none."""
        return id_of(self.record) if self.record is not None else None

    @property
    def answer(self) -> str | None:
        """The answer, if it is a text that says something."""
        found = self.record.get("answer") if self.record is not None else None
        return found if isinstance(found, str) and found.strip() else None


def read_rows(file: str, data: bytes) -> tuple[tuple[Row, ...], tuple[Finding, ...]]:
    """Return the rows of a file and what breaks E3, E4 and E5."""
    rows: list[Row] = []
    found: list[Finding] = []
    if data.startswith(BOM):
        found.append(warning("E3", file, "the file begins with a byte order mark", line=1))
    offset = 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines, start=1):
        raw = line.removesuffix(b"\r")
        text = raw.removeprefix(BOM) if number == 1 else raw
        start = offset + len(raw) - len(text)
        offset += len(line) + 1
        if not line and number == len(lines):
            continue
        if _CONFLICT.fullmatch(text):
            found.append(error("E5", file, "a conflict marker of git", line=number))
            continue
        record, wrong = _record(file, number, text, start=start)
        rows.append(Row(line=number, raw=raw, record=record))
        found += [wrong] if wrong else []
    return tuple(rows), tuple(found)


def _record(
    file: str, number: int, text: bytes, *, start: int
) -> tuple[Mapping[str, Any] | None, Finding | None]:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as wrong:
        at = f"byte {start + wrong.start} of the file (0x{text[wrong.start]:02x}) is not UTF-8"
        return None, error("E3", file, at, line=number)
    if not text.strip():
        return None, error("E4", file, "the line is blank", line=number)
    try:
        record = parsed(text)
    except DatasetError as wrong:
        return None, error("E4", file, wrong.message.rstrip("."), line=number)
    if not isinstance(record, dict):
        return None, error("E4", file, "the line is no JSON object", line=number)
    return record, None


def check_count(file: str, rows: Sequence[Row], expected: int) -> Iterator[Finding]:
    """Yield what breaks E6; its line is the first that is missing, or the first too many."""
    if len(rows) != expected:
        last = rows[min(expected, len(rows) - 1)].line if rows else 0
        line = last if len(rows) > expected else last + 1
        yield error("E6", file, f"{len(rows)} rows, expected {expected}", line=line)


def placed(rows: Sequence[Row], questions: Sequence[Question], layout: Layout) -> tuple[Row, ...]:
    """Return the rows with their places; equal questions are taken in the order they come in."""
    free: dict[str, deque[int]] = defaultdict(deque)
    for place, question in enumerate(questions):
        free[question.key].append(place)
    found = []
    for row in rows:
        waiting = free.get(key_of(row.record, layout)) if row.record is not None else None
        found.append(replace(row, place=waiting.popleft() if waiting else None))
    return tuple(found)


def settled(rows: Sequence[Row], layout: Layout) -> tuple[Row, ...]:
    """Return `placed` rows, an answered duplicate in the place of a row without an answer.

    What a file gives a set is looked for here; which of its lines are wrong, in the rows as they
    were placed.
    """
    spare: dict[str, deque[int]] = defaultdict(deque)
    for number, row in enumerate(rows):
        if row.record is not None and row.place is None and row.answer is not None:
            spare[key_of(row.record, layout)].append(number)
    found = list(rows)
    for number, row in enumerate(rows):
        if row.record is None or row.place is None or row.answer is not None:
            continue
        if waiting := spare.get(key_of(row.record, layout)):
            other = waiting.popleft()
            found[number] = replace(row, place=None)
            found[other] = replace(rows[other], place=row.place)
    return tuple(found)


def check_places(
    file: str, rows: Sequence[Row], questions: Sequence[Question], layout: Layout
) -> Iterator[Finding]:
    """Yield what breaks E7, for rows that are `placed`."""
    keys = {question.key for question in questions}
    texts = {question.record["question"] for question in questions}
    in_order = _rising([row.place for row in rows if row.place is not None])
    for row in rows:
        if row.record is None:
            continue
        name = row.id
        if row.place is None and key_of(row.record, layout) in keys:
            yield error("E7", file, "duplicate: the row was there before", line=row.line, id=name)
        elif row.place is None:
            known = row.record.get("question") in texts
            other = " or ".join(key for key in layout.same if key != "question")
            what = f"{other} differs from the question file" if known else "no such question"
            yield error("E7", file, f"unknown row: {what}", line=row.line, id=name)
        elif row.place not in in_order:
            what = f"reordered: the row belongs on line {row.place + 1}"
            yield error("E7", file, what, line=row.line, id=name)


def check_missing(
    file: str, rows: Sequence[Row], questions: Sequence[Question]
) -> Iterator[Finding]:
    """Yield the questions that no row repeats, which breaks E7, for rows that are `placed`."""
    taken = {row.place for row in rows}
    for place, question in enumerate(questions):
        if place not in taken:
            what = "missing: the question file's row is not there"
            yield error("E7", file, what, line=question.line, id=question.id)


def _rising(places: Sequence[int]) -> set[int]:
    """Return the longest rising part: rows outside it are out of order, not those around them."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for place in places:
        at = bisect.bisect_left(tails, place)
        before[place] = tails[at - 1] if at else None
        tails[at : at + 1] = [place]
    kept: set[int] = set()
    last: int | None = tails[-1] if tails else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return kept


def check_answers(file: str, rows: Sequence[Row]) -> Iterator[Finding]:
    """Yield what breaks E8 and E8n."""
    for row in rows:
        if row.record is None:
            continue
        value, name = row.record.get("answer"), row.id
        if "answer" not in row.record:
            yield error("E8", file, 'the key "answer" is missing', line=row.line, id=name)
        elif value is None:
            yield warning("E8n", file, "the answer is null", line=row.line, id=name)
        elif not isinstance(value, str):
            kind = type(value).__name__
            yield error("E8", file, f"the answer is no text but {kind}", line=row.line, id=name)
        elif not value.strip():
            yield warning("E8n", file, "the answer is blank", line=row.line, id=name)


def check_any_answer(file: str, rows: Sequence[Row]) -> Iterator[Finding]:
    """Yield an error, as E8, if no row of a set has an answer.

    Source: the platform took packs with nulls, and gave a dimension with a set of nulls 0
    (medbench.md sections 3 and 4).
    """
    if rows and not any(row.answer for row in rows):
        text = f"none of the {len(rows)} rows has an answer"
        yield error("E8", file, text, line=rows[0].line)


def check_keys(file: str, rows: Sequence[Row], layout: Layout) -> Iterator[Finding]:
    """Yield what breaks E9; a missing answer is E8's."""
    needed = [key for key in layout.keys if key not in (*layout.optional, "answer")]
    for row in rows:
        if row.record is None:
            continue
        name = row.id
        for key in needed:
            if key not in row.record:
                yield error("E9", file, f'the key "{key}" is missing', line=row.line, id=name)
        for key in row.record:
            if key not in layout.keys:
                yield error("E9", file, f'unknown key "{key}"', line=row.line, id=name)


def twice(rows: Sequence[Row]) -> Mapping[str, int]:
    """Return how often each answer of a file is given."""
    return Counter(row.answer for row in rows if row.answer)
