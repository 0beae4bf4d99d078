"""Excel workbooks as rows of text; what a row must hold is the business of who reads it."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medcheck.errors import DatasetError, located, nearest
from medcheck.lines import shown

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

MAX_BYTES = 500_000_000
MAX_RATIO = 100
"""Unpacked to packed. Source: trust.md section 4 (zip bombs)."""


def rows(
    path: Path, *, sheet: str | None = None, computed: bool = False
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of each row below the header and its cells that are not empty, by column.

    A number is its shortest text (1, not 1.0), a boolean `true` or `false`.

    Args:
        path: an .xlsx file.
        sheet: its name; `None`: the first.
        computed: a formula is the result that is stored with it. Else it is the text that stands in
            the cell: the answers of models may begin with "=".

    Raises:
        DatasetError: no such file or sheet, no workbook, no usable header, a formula without a
            result, or openpyxl is missing.
    """
    with contextlib.closing(_values(path, sheet, computed=computed)) as cells:
        header = _header(next(cells, ()), path)
        for number, values in enumerate(cells, start=2):
            pairs = zip(header, values, strict=False)
            found = {name: _text(value) for name, value in pairs if name}
            if any(found.values()):
                yield number, {name: text for name, text in found.items() if text}


def columns(path: Path, *, sheet: str | None = None, computed: bool = False) -> tuple[str, ...]:
    """Return the names in the header; see `rows`."""
    with contextlib.closing(_values(path, sheet, computed=computed)) as cells:
        return tuple(name for name in _header(next(cells, ()), path) if name)


def _values(
    path: Path, sheet: str | None, *, computed: bool
) -> Generator[Sequence[object], None, None]:
    """Yield the values of every row, the header's included."""
    _check_archive(path)
    with contextlib.ExitStack() as stack:
        written = _opened(path)
        stack.callback(written.close)
        lines = stack.enter_context(contextlib.closing(_cells(written, sheet, path)))
        if not computed:
            yield from ([cell.value for cell in line] for line in lines)
            return
        stored = _opened(path, results=True)
        stack.callback(stored.close)
        others = stack.enter_context(contextlib.closing(_cells(stored, sheet, path)))
        for number, (formulas, results) in enumerate(zip(lines, others, strict=True), start=1):
            found = zip(formulas, results, strict=True)
            with located(f"{path}:{number}"):
                yield [_result(formula, result) for formula, result in found]


def _result(formula: Any, result: Any) -> object:
    """Return a cell's value, of a formula its result; an empty text is one, no value is none."""
    if formula.data_type != "f":
        return formula.value
    error = result.data_type == "e"
    if error or (result.value is None and result.data_type != "str"):
        gives = f"gives {result.value}" if error else "has no result"
        raise DatasetError(
            f"the formula {shown(str(_written(formula.value)))} {gives}.",
            hint="Correct it, and save the workbook in a spreadsheet program; or make it a text.",
        )
    return result.value


def _written(value: object) -> object:
    """Return what stands in a cell: of a formula over several cells its text."""
    return getattr(value, "text", value)


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


def _opened(path: Path, *, results: bool = False) -> Workbook:
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise DatasetError(
            "an .xlsx workbook needs the package openpyxl.",
            hint="Run: pip install 'medcheck[xlsx]'",
            where=str(path),
        ) from None
    try:
        return openpyxl.load_workbook(path, read_only=True, data_only=results)
    except (OSError, KeyError, ValueError, TypeError, SyntaxError) as error:
        # openpyxl lets what its XML parser says through; ParseError is a SyntaxError.
        reason = f"{type(error).__name__}: {error}"
        raise DatasetError(f"not an .xlsx workbook ({reason}).", where=str(path)) from None


def _cells(
    workbook: Workbook, name: str | None, path: Path
) -> Generator[Sequence[Any], None, None]:
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
    yield from sheet.iter_rows()


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
    return str(value).lower() if isinstance(value, bool) else str(_written(value))
