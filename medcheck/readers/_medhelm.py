"""What the readers of MedHELM's public sets have in common: raw files, prompts, cases.

Files may be plain or gzipped. A case's facts for the grader stand in `labels["task"]`; closed
tasks have one criterion, `answer`, and the gold text in `references`. Doubts are the business of
`_medhelm_lint`.

Source: medhelm.md sections 2 (assembly of prompts) and 3 (what metrics need).
"""

from __future__ import annotations

import csv
import gzip
import io
import string
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from medcheck.errors import DatasetError
from medcheck.lines import MAX_ERRORS, Record, filled_text, parsed, shown
from medcheck.scoring import taxonomy
from medcheck.types import Case, Criterion, Message, Origin

LETTERS = string.ascii_uppercase
MAX_BYTES = 1 << 29
"""Of an unpacked file: a small archive must not fill the memory."""
NO_CASES = "the file holds no cases."
NO_OPTIONS: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
ANSWER = Criterion(id="answer", text="The answer matches the reference.", points=1.0)
"""What closed tasks are scored by."""

Row = tuple[int, Record]
"""The line of a record (its position where a file has no lines), from 1, and the record."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """How a benchmark's questions are put."""

    name: str
    """The benchmark's id in the taxonomy."""
    instructions: str
    noun: str
    """What the input is called."""
    output: str = "Answer"

    def prompt(self, text: str, options: Mapping[str, str] | None = None) -> str:
        """Return a zero-shot prompt: instructions, input, lettered options, cue.

        Source: medhelm.md section 2 (stanford-crfm/helm common_adapter_specs.py); own words.
        """
        listed = "".join(f"\n{letter}. {option}" for letter, option in (options or {}).items())
        space = "" if text.startswith("\n") else " "
        return f"{self.instructions}\n\n{self.noun}:{space}{text}{listed}\n{self.output}:"


def case(
    task: Task,
    number: str | int,
    prompt: str,
    *,
    origin: Origin,
    references: Sequence[str],
    facts: Mapping[str, Any],
    tags: Iterable[str] = (),
    closed: bool = True,
) -> Case:
    """Return a case of a benchmark: its id is NAME-NUMBER, its path that of the taxonomy.

    Args:
        task: the benchmark.
        number: which of its cases.
        prompt: what the model is asked.
        origin: where it was read.
        references: gold answers.
        facts: what a metric needs to know, for `labels["task"]`.
        tags: beside `task:`, `category:` and `subcategory:`.
        closed: whether an answer is compared with the reference, not marked by jurors.
    """
    category, subcategory = path = taxonomy.benchmark(task.name).path
    own = (f"task:{task.name}", f"category:{category}", f"subcategory:{subcategory}")
    return Case(
        id=f"{task.name}-{number}",
        suite="",
        messages=(Message(role="user", text=prompt),),
        grader="",
        criteria=(ANSWER,) if closed else (),
        references=tuple(references),
        tags=(*own, *tags),
        category=path,
        labels={"task": {"name": task.name, **facts}},
        origin=origin,
    )


def built(path: Path, rows: Iterable[T], build: Callable[[int, T], Case | None]) -> Iterator[Case]:
    """Yield what `build` makes of each row and its number from 1; `None` leaves a row out.

    Raises:
        DatasetError: every wrong row, at most 50, and that there is none.
    """
    errors: list[str] = []
    number = found = 0
    for number, row in enumerate(rows, start=1):
        try:
            made = build(number, row)
        except DatasetError as error:
            line = row[0] if isinstance(row, tuple) and isinstance(row[0], int) else None
            error.where = error.where or (f"{path}:{line}" if line else f"{path}: row {number}")
            errors.append(str(error))
            if len(errors) == MAX_ERRORS:
                errors.append(f"{path}: stopped after {MAX_ERRORS} errors.")
                break
            continue
        if made is not None and not errors:
            found += 1
            yield made
    if errors:
        raise DatasetError("\n".join(errors))
    if not found:
        raise DatasetError(NO_CASES, where=str(path))


def content(path: Path, *, hint: str = "") -> bytes:
    """Return a file's bytes; gzipped ones are unpacked.

    Raises:
        DatasetError: it cannot be read, or unpacks to more than 512 MiB.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            found = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise DatasetError("no such file.", where=str(path), hint=hint) from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DatasetError(f"cannot read the file: {reason}.", where=str(path)) from None
    if len(found) > MAX_BYTES:
        raise DatasetError(f"more than {MAX_BYTES:,} bytes.", where=str(path))
    return found


def text(path: Path, *, hint: str = "") -> str:
    """Return a UTF-8 file's text, without a byte-order mark.

    Raises:
        DatasetError: it cannot be read or is not UTF-8.
    """
    try:
        return content(path, hint=hint).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"byte {error.start + 1} is not UTF-8.", where=str(path)) from None


def json_file(path: Path, *, hint: str = "") -> Any:
    """Return the strict JSON of a file.

    Raises:
        DatasetError: it cannot be read, or is no JSON; a key that stands twice is named.
    """
    found = content(path, hint=hint)
    try:
        return parsed(found)
    except DatasetError as error:
        raise DatasetError(error.message, where=str(path)) from None


def csv_rows(
    path: Path, *, needed: Sequence[str], hint: str = "", delimiter: str = ","
) -> Iterator[Row]:
    """Yield the lines and records of a table with a header; rows without any value are left out.

    Raises:
        DatasetError: no usable header, a column is missing, or a row has more cells than columns.
    """
    listed = _cells(path, text(path, hint=hint), delimiter)
    header = [name.strip() for name in listed[0][1]] if listed else []
    check_columns(path, header, needed)
    for line, cells in listed[1:]:
        if len(cells) > len(header):
            problem = f"{len(cells)} cells, but {len(header)} columns."
            raise DatasetError(problem, hint="Quote cells.", where=f"{path}:{line}")
        if any(cell.strip() for cell in cells):
            padded = [*cells, *[""] * (len(header) - len(cells))]
            yield line, dict(zip(header, padded, strict=True))


def _cells(path: Path, content: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the rows of a table, each with the line that it begins on."""
    # Records of patients can be longer than what the module takes by default.
    before = csv.field_size_limit(MAX_BYTES)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    found, line = [], 1
    try:
        for cells in reader:
            found.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DatasetError(f"not a table: {error}.", where=f"{path}:{reader.line_num}") from None
    finally:
        csv.field_size_limit(before)
    return found


def check_columns(path: Path, header: Sequence[str], needed: Sequence[str]) -> None:
    """Raise unless the columns of a table have names, each its own, and the needed ones are there.

    Raises:
        DatasetError: they have not, or are not.
    """
    where = f"{path}:1"
    if not any(header):
        raise DatasetError("the first row names no column.", where=where)
    if twice := next((name for name in header if name and header.count(name) > 1), None):
        raise DatasetError(f'column "{twice}" stands twice.', where=where)
    if missing := next((name for name in needed if name not in header), None):
        there = ", ".join(name for name in header if name)
        raise DatasetError(f'no column "{missing}".', hint=f"There are: {there}.", where=where)


def member(folder: Path, *names: str) -> Path | None:
    """Return the first of these files that a folder holds, plain or gzipped; `None`: none."""
    for name in names:
        for candidate in (folder / name, folder / f"{name}.gz"):
            if candidate.is_file():
                return candidate
    return None


def cell(record: Record, name: str) -> str:
    """Return a field's text, stripped.

    Raises:
        DatasetError: there is none.
    """
    return filled_text(str(record.get(name) or "").strip(), name)


def lettered(texts: Iterable[str]) -> dict[str, str]:
    """Return options by letter.

    Raises:
        DatasetError: fewer than two, more than 26, or one without a text.
    """
    listed = [option.strip() for option in texts]
    if not 1 < len(listed) <= len(LETTERS):
        raise DatasetError(f"{len(listed)} answer options, expected 2 to {len(LETTERS)}.")
    if "" in listed:
        raise DatasetError(f"answer option {LETTERS[listed.index('')]} has no text.")
    return dict(zip(LETTERS, listed, strict=False))


def one_of(found: object, known: Sequence[str], name: str) -> str:
    """Return a text that is one of `known`.

    Raises:
        DatasetError: it is not.
    """
    if found not in known:
        raise DatasetError(f"{name} is {shown(found)}, expected one of {', '.join(known)}.")
    return str(found)
