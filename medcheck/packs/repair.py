r"""The little that may be done to a pack: keys, think blocks, line ends, and answers asked again.

An answer's text is otherwise left as it is, and so is every line that is no JSON object; each
change is logged.

Source: medbench.md section 3, `--fix`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, SettingsError
from medcheck.packs.archive import line_of, row_of, write_pack
from medcheck.packs.checking import Checked, SetCheck
from medcheck.packs.findings import Layout
from medcheck.packs.rules import BOM, Row, settled
from medcheck.packs.warnings import THINK

Answers = Mapping[tuple[str, int], str]
"""By set and line of its question file."""

_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that was done, or could not be."""

    file: str
    line: int | None
    """`None`: the whole file."""
    what: str


def repair(
    checked: Checked, out: Path, answers: Answers | None = None
) -> tuple[Path, tuple[Change, ...]]:
    """Write a repaired copy of a pack; return it and what was changed, in the file's order.

    Args:
        checked: as `check_pack` returns it, with the questions where there are `answers`.
        out: the zip to write; the pack's own path may be named.
        answers: to rows that were asked again. A set that gets one takes the question file's
            order: rows that repeat no question, or repeat one twice, are left out.

    Raises:
        SettingsError: the pack is not safe to rewrite, or an answer has no place.
        WriterError: the file cannot be written.
    """
    if checked.pack.unsafe:
        hint = "Make the zip again from its files."
        raise SettingsError(
            "a pack that breaks E1 is not rewritten.", where=checked.pack.path, hint=hint
        )
    by_set = _by_set(checked, answers or {})
    changes: list[Change] = []
    files: list[tuple[str, list[bytes]]] = []
    for each in checked.sets:
        name = f"{each.info.stem}.jsonl"
        new = by_set.get(each.info.name, {})
        if each.rows is None and not new:
            continue
        work = _merged(each, checked.layout, new) if new else _kept(checked, each, name)
        lines = []
        for line, change in work:
            lines += [line] if line else []
            changes += [change] if change else []
        files.append((name, lines))
    files += _others(checked)
    folder = checked.layout.folder
    path = write_pack(out, folder, sorted(files, key=lambda file: file[0].casefold()))
    return path, tuple(changes)


def log_of(changes: Iterable[Change]) -> Iterator[str]:
    """Yield the log: a line of JSON for each change."""
    for change in changes:
        yield json.dumps(asdict(change), ensure_ascii=False)


def without_thinking(answer: str) -> str | None:
    """Return an answer without its think blocks; `None`: nothing would be left, or one is open.

    What stands before a `</think>` that nothing opened is thinking too.
    """
    kept: list[str] = []
    start, opened = 0, False
    for tag in THINK.finditer(answer):
        if "/" not in tag[0]:
            kept += [] if opened else [answer[start : tag.start()]]
            opened = True
            continue
        if not opened:
            kept.clear()
        opened = False
        space = _SPACE.match(answer, tag.end())
        start = space.end() if space else tag.end()
    rest = "".join([*kept, answer[start:]])
    return rest if rest.strip() and not opened else None


Step = tuple[bytes | None, Change | None]
"""A line to write and a change to log; either may be missing."""


def _kept(checked: Checked, each: SetCheck, name: str) -> Iterator[Step]:
    """Yield all lines of a file that stays as it is, conflict markers and broken ones included."""
    rows = {row.line: row for row in each.rows or ()}
    lines = checked.pack.files[name]().split(b"\n")
    if each.ends not in ("LF", ""):
        yield None, Change(file=each.file, line=None, what=f"line ends {each.ends} to LF")
    if lines[-1]:
        yield None, Change(file=each.file, line=len(lines), what="line end added to the last line")
    for number, line in enumerate(lines, start=1):
        if not line and number == len(lines):
            return
        row = rows.get(number)
        if row is None or row.record is None:
            yield line.removesuffix(b"\r") + b"\n", None
            continue
        yield from _row(each, row, checked.layout)


def _row(each: SetCheck, row: Row, layout: Layout) -> Iterator[Step]:
    """Yield a row, repaired where it needs it."""
    assert row.record is not None
    record, done = _repaired(each, row, layout)
    for what in done:
        yield None, Change(file=each.file, line=row.line, what=what)
    mark = BOM if row.raw.startswith(BOM) else b""
    changed = list(record.items()) != list(row.record.items())
    yield (mark + line_of(record) if changed else row.raw + b"\n"), None


def _repaired(each: SetCheck, row: Row, layout: Layout) -> tuple[Mapping[str, Any], list[str]]:
    record, done = dict(row.record or {}), []
    if "options" in record and "options" not in layout.keys:
        del record["options"]
        done.append('key "options" removed')
    if "options" in layout.optional and "options" not in record and row.place is not None:
        assert each.questions is not None
        record["options"] = each.questions[row.place].record.get("options")
        done.append('key "options" added')
    answer = record.get("answer")
    if isinstance(answer, str) and THINK.search(answer):
        rest = without_thinking(answer)
        record["answer"] = answer if rest is None else rest
        done.append(
            "think block stays: nothing else is there" if rest is None else "think block removed"
        )
    order = [key for key in layout.keys if key in record]
    ordered = {key: record[key] for key in [*order, *(key for key in record if key not in order)]}
    if list(ordered) != list(record):
        done.append(f"keys in the order {', '.join(ordered)}")
    return ordered, done


def _merged(each: SetCheck, layout: Layout, answers: Mapping[int, str]) -> Iterator[Step]:
    """Yield a set's rows in the question file's order, with the answers that came later."""
    there = settled(each.rows or (), layout)
    rows = {row.place: row for row in there if row.place is not None}
    for left in there:
        if left.place is None:
            what = "row left out: it repeats no question, or one twice"
            yield None, Change(file=each.file, line=left.line, what=what)
    for place, question in enumerate(each.questions or ()):
        row = rows.get(place)
        if question.line in answers:
            what = "answer asked again" if row else "missing row added"
            change = Change(file=each.file, line=question.line, what=what)
            yield row_of(question.record, answers[question.line], layout), change
        elif row is not None:
            yield from _row(each, row, layout)


def _by_set(checked: Checked, answers: Answers) -> Mapping[str, Mapping[int, str]]:
    places = {each.info.name: each for each in checked.sets}
    found: dict[str, dict[int, str]] = {}
    for (name, line), answer in answers.items():
        questions = places[name].questions if name in places else None
        if questions is None or line not in {question.line for question in questions}:
            raise SettingsError(
                f'the answer to "{name}-{line}" has no place in the question files.',
                hint="Name their folder with --questions.",
            )
        found.setdefault(name, {})[line] = answer
    return found


def _others(checked: Checked) -> list[tuple[str, list[bytes]]]:
    known = checked.layout.files()
    others: list[tuple[str, list[bytes]]] = []
    for name, read in checked.pack.files.items():
        if name not in known:
            try:
                others.append((name, [read()]))
            except DatasetError as wrong:
                raise SettingsError(wrong.message, where=wrong.where) from wrong
    return others
