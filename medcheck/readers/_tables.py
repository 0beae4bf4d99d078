"""Records of a table in any common form: CSV, TSV, JSON, JSON lines, xlsx, or a folder of texts.

What the columns mean is the business of who reads them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, located
from medcheck.lines import numbered, parsed, shown
from medcheck.readers import _medhelm, _workbook
from medcheck.readers._medhelm import Row

FILE, TEXT = "file", "text"
"""The columns of a folder of texts: the name without its ending, and what the file holds."""
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".xlsx", ".xlsm")
_LIST_KEYS = ("data", "rows", "examples", "questions")
"""Where a JSON object of one list may hold it."""


def rows(
    path: Path,
    *,
    needed: Sequence[str] = (),
    hint: str = "",
    sheet: str | None = None,
    records: str | None = None,
) -> Iterator[Row]:
    """Yield the line (or position) and the record of every row that is not empty.

    Args:
        path: a file, plain or gzipped, or a folder of .txt files.
        needed: columns that must be there.
        hint: what to do where there is no such file.
        sheet: of a workbook; `None`: the first.
        records: the field of a JSON object that holds the list; `None`: `data`, `rows`, `examples`
            or `questions`. A file of one JSON object a line may be named .json as well.

    Raises:
        DatasetError: no table, or a column is missing.
    """
    if path.is_dir():
        yield from _folder(path)
        return
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    kind = plain.suffix.lower()
    if kind in (".csv", ".tsv"):
        tab = "\t" if kind == ".tsv" else ","
        yield from _medhelm.csv_rows(path, needed=needed, hint=hint, delimiter=tab)
    elif kind in (".xlsx", ".xlsm"):
        yield from _workbook_rows(path, needed=needed, sheet=sheet, hint=hint)
    elif kind in (".json", ".jsonl"):
        whole = kind == ".json" and not _is_lines(path, hint, records)
        found = _listed(path, records) if whole else _lines(path, hint)
        yield from _checked(path, found, needed)
    else:
        known = ", ".join(SUFFIXES)
        raise DatasetError(f'"{kind}" is no table.', hint=f"Known: {known}.", where=str(path))


def _folder(path: Path) -> Iterator[Row]:
    files = sorted(file for file in path.glob("*.txt") if file.is_file())
    if not files:
        raise DatasetError("the folder holds no .txt files.", where=str(path))
    for number, file in enumerate(files, start=1):
        found = _medhelm.text(file).strip()
        if found:
            yield number, {FILE: file.stem, TEXT: found}


def _workbook_rows(
    path: Path, *, needed: Sequence[str], sheet: str | None, hint: str
) -> Iterator[Row]:
    if path.suffix == ".gz":
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / path.with_suffix("").name
            plain.write_bytes(_medhelm.content(path, hint=hint))
            yield from _sheet(plain, path, needed, sheet)
    elif not path.exists():
        raise DatasetError("no such file.", where=str(path), hint=hint)
    else:
        yield from _sheet(path, path, needed, sheet)


def _sheet(path: Path, shown_as: Path, needed: Sequence[str], sheet: str | None) -> Iterator[Row]:
    header = _workbook.columns(path, sheet=sheet, computed=True)
    _medhelm.check_columns(shown_as, header, needed)
    for number, record in _workbook.rows(path, sheet=sheet, computed=True):
        yield number, dict.fromkeys(header, "") | record


def _is_lines(path: Path, hint: str, records: str | None) -> bool:
    """Return whether a file holds one JSON object a line, whatever its name says."""
    heads = [line for _, line in islice(numbered(path, hint=hint), 2)]
    try:
        first = parsed(heads[0]) if heads else None
    except DatasetError:
        return False
    if not isinstance(first, dict):
        return False
    return len(heads) > 1 or (records is None and not any(map(_is_rows, first.values())))


def _is_rows(found: object) -> bool:
    return isinstance(found, list) and bool(found) and isinstance(found[0], dict)


def _list_key(found: dict[str, Any]) -> str | None:
    return next((name for name in _LIST_KEYS if isinstance(found.get(name), list)), None)


def _lines(path: Path, hint: str) -> Iterator[tuple[int, object]]:
    for number, line in numbered(path, hint=hint):
        with located(f"{path}:{number}"):
            yield number, parsed(line)


def _listed(path: Path, records: str | None) -> Iterator[tuple[int, object]]:
    found = _medhelm.json_file(path)
    if isinstance(found, dict):
        key = records or _list_key(found)
        if key is None or key not in found:
            hint = f"Name one of its fields as data.options.records: {', '.join(found)}."
            raise DatasetError("a JSON object without a list of rows.", hint=hint, where=str(path))
        found = found[key]
    if not isinstance(found, list):
        raise DatasetError(f"the rows are {shown(found)}, expected a list.", where=str(path))
    yield from enumerate(found, start=1)


def _checked(
    path: Path, found: Iterator[tuple[int, object]], needed: Sequence[str]
) -> Iterator[Row]:
    for number, record in found:
        where = f"{path}:{number}"
        if not isinstance(record, dict):
            raise DatasetError(f"row {shown(record)}, expected an object.", where=where)
        if missing := next((name for name in needed if name not in record), None):
            there = ", ".join(record)
            raise DatasetError(f'no field "{missing}".', hint=f"There are: {there}.", where=where)
        yield number, record
