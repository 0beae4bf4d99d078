"""Excel workbooks as rows of text; what a row must hold is the business of who reads it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medcheck.errors import DatasetError, nearest

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

MAX_BYTES = 500_000_000
MAX_RATIO = 100
"""Unpacked to packed. Source: trust.md section 4 (zip bombs)."""


def rows(path: Path, *, sheet: str | None = None) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of each row below the header and its cells that are not empty, by column.

    A number is its shortest text (1, not 1.0), and a formula the text that stands in the cell: the
    answers of models may begin with "=".

    Args:
        path: an .xlsx file.
        sheet: its name; `None`: the first.

    Raises:
        DatasetError: no such file or sheet, no workbook, no usable header, or openpyxl is missing.
    """
    _check_archive(path)
    workbook = _opened(path)
    try:
        cells = _cells(workbook, sheet, path)
        header = _header(next(cells, ()), path)
        for number, values in enumerate(cells, start=2):
            pairs = zip(header, values, strict=False)
            found = {name: _text(value) for name, value in pairs if name}
            if any(found.values()):
                yield number, {name: text for name, text in found.items() if text}
    finally:
        workbook.close()


def columns(path: Path, *, sheet: str | None = None) -> tuple[str, ...]:
    """Return the names in the header; see `rows`."""
    _check_archive(path)
    workbook = _opened(path)
    try:
        cells = _cells(workbook, sheet, path)
        return tuple(name for name in _header(next(cells, ()), path) if name)
    finally:
        workbook.close()


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except FileNotFoundError:
        raise DatasetError("no such file.", where=str(path)) from None
    except (OSError, zipfile.BadZipFile) as error:
        raise DatasetError(f"not an .xlsx workbook: {error}.", where=str(path)) from None
    size = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if size > MAX_BYTES or size > MAX_RATIO * max(packed, 1):
        raise DatasetError(
            f"the workbook unpacks to {size:,} bytes from {packed:,}.",
            hint=f"At most {MAX_BYTES:,} bytes and {MAX_RATIO} times the packed size are read.",
            where=str(path),
        )


def _opened(path: Path) -> Workbook:
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise DatasetError(
            "an .xlsx workbook needs the package openpyxl.",
            hint="Run: pip install 'medcheck[xlsx]'",
            where=str(path),
        ) from None
    try:
        return openpyxl.load_workbook(path, read_only=True)
    except (OSError, KeyError, ValueError, TypeError, SyntaxError) as error:
        # openpyxl lets what its XML parser says through; ParseError is a SyntaxError.
        reason = f"{type(error).__name__}: {error}"
        raise DatasetError(f"not an .xlsx workbook ({reason}).", where=str(path)) from None


def _cells(workbook: Workbook, name: str | None, path: Path) -> Iterator[Sequence[object]]:
    sheet: Any
    if name is None:
        sheet = workbook.worksheets[0]
    elif name in workbook.sheetnames:
        sheet = workbook[name]
    else:
        hint = nearest(name, workbook.sheetnames)
        raise DatasetError(f'no sheet "{name}".', hint=hint, where=str(path))
    # Other programs write a wrong extent, and rows beyond it would be lost in silence.
    sheet.reset_dimensions()
    yield from sheet.iter_rows(values_only=True)


def _header(values: Sequence[object], path: Path) -> list[str]:
    names = [_text(value).strip() for value in values]
    filled = [name for name in names if name]
    if not filled:
        raise DatasetError("the first row names no column.", where=f"{path}:1")
    if len(set(filled)) != len(filled):
        twice = next(name for name in filled if filled.count(name) > 1)
        raise DatasetError(f'column "{twice}" stands twice.', where=f"{path}:1")
    return names


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
