r"""Workbooks that a reader cannot be hurt by: every text is text, nothing is cut, equal bytes.

A cell is never a formula, a control character is its escape (`\u0007`), and a text that Excel
cannot hold goes to a file beside the workbook. Which sheets and columns there are is the writers'
business.

Source: trust.md section 4 (xlsx).
"""

from __future__ import annotations

import json
import re
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medcheck.errors import WriterError
from medcheck.writers._files import replaced

if TYPE_CHECKING:
    from openpyxl import Workbook

CELL_LIMIT = 32_767
"""Characters of a cell as Excel counts them, in UTF-16."""
MAX_ROWS = 1_048_576
"""Rows of a sheet, the header included."""

Value = str | float | int | bool | None

_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold, and the carriage return, which its readers turn into a line feed."""
_ESCAPE = re.compile(r"\\(?=u00(?:0[0-8b-f]|1[0-9a-f]|5c))")
"""The backslash of a text that looks like one of our escapes."""
_PLACE = re.compile(r"see [^/\\:]+\.cells\.jsonl, line [1-9][0-9]*")
"""A text that would be taken for the place of another one."""
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""Beginnings that Excel would take for more than text once the cell is edited."""
_MOMENT = (1980, 1, 1, 0, 0, 0)
_DATE = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")


class Json(str):
    r"""A text that is JSON: its own `\u0007` is an escape already, and is read as one."""

    __slots__ = ()


def escaped(text: str) -> str:
    r"""Return text that a cell can hold: a control character becomes `\u` and four digits.

    In a text that is not `Json` the backslash of what only looks so becomes `\u005c`, so that
    whoever replaces the escapes has the text again.
    """
    if not isinstance(text, Json):
        text = _ESCAPE.sub(r"\\u005c", text)
    return _UNFIT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Book:
    """A workbook being written, row by row; no more than a row is held in memory."""

    def __init__(self, workbook: Workbook, beside: str) -> None:
        self._workbook = workbook
        self._beside = beside
        self._sheets: dict[str, tuple[Any, int]] = {}
        self._parts: dict[str, int] = {}
        self.long: list[dict[str, Any]] = []
        """The texts that no cell can hold, with their places."""

    def sheet(self, name: str, header: Sequence[str]) -> Sheet:
        """Return a new sheet that begins with a header."""
        return Sheet(self, name, header)

    def page(self, name: str, header: Sequence[str], *, widths: Sequence[float] = ()) -> Any:
        """Return a page that begins with a header; a second of a name is called `name 2`.

        `widths` are those of its columns, in characters.
        """
        from openpyxl.utils import get_column_letter

        part = self._parts[name] = self._parts.get(name, 0) + 1
        page = self._workbook.create_sheet(name if part == 1 else f"{name} {part}")
        page.freeze_panes = "A2"
        for at, width in enumerate(widths, start=1):
            page.column_dimensions[get_column_letter(at)].width = width
        with _quiet():
            page.append([self.cell(page, text, (1, at)) for at, text in enumerate(header, start=1)])
        return page

    def cell(self, page: Any, value: Value, place: tuple[int, int]) -> Any:
        """Return a cell with a value at a row and column, both from 1."""
        from openpyxl.cell import WriteOnlyCell

        if not isinstance(value, str) or not value:
            value = None if value == "" else value
            return WriteOnlyCell(page, value=value)
        text = escaped(value)
        if _units(text) > CELL_LIMIT or _PLACE.fullmatch(text):
            text = self._put_beside(page, value, place)
        cell = WriteOnlyCell(page, value=text)
        # openpyxl takes "=..." for a formula and "#N/A" for an error.
        cell.data_type = "s"
        if text.startswith((*_RISKY, "#")):
            cell.quotePrefix = True
        return cell

    def _put_beside(self, page: Any, text: str, place: tuple[int, int]) -> str:
        from openpyxl.utils import get_column_letter

        row, column = place
        name = f"{get_column_letter(column)}{row}"
        self.long.append({"sheet": page.title, "cell": name, "text": text})
        return f"see {self._beside}, line {len(self.long)}"


class Sheet:
    """One table; goes on in a further page where the first is full."""

    def __init__(self, book: Book, name: str, header: Sequence[str]) -> None:
        self._book = book
        self._name = name
        self._header = tuple(header)
        self._turn()

    def append(self, values: Sequence[Value]) -> None:
        """Add a row."""
        if self._rows == MAX_ROWS:
            self._turn()
        self._rows += 1
        cells = [
            self._book.cell(self._page, value, (self._rows, column))
            for column, value in enumerate(values, start=1)
        ]
        self._page.append(cells)

    def _turn(self) -> None:
        self._page, self._rows = self._book.page(self._name, self._header), 1


def beside(path: Path) -> Path:
    """Return where the texts of a workbook go that no cell can hold, as JSON lines."""
    return path.with_name(f"{path.stem}.cells.jsonl")


@contextmanager
def workbook(path: Path) -> Iterator[Book]:
    """Open a workbook that takes the place of `path` once it is complete.

    Raises:
        WriterError: the file cannot be written, or openpyxl is missing.
    """
    book = _new()
    opened = Book(book, beside(path).name)
    try:
        yield opened
    except BaseException:
        _discard(book)
        raise
    with tempfile.TemporaryFile() as draft:
        _save(book, draft, path)
        if opened.long:
            _write_beside(path, opened.long)
        with replaced(path) as file:
            _settle(draft, file.buffer)
        if not opened.long:
            # The file of an earlier workbook of this name does not belong to this one.
            beside(path).unlink(missing_ok=True)


def _new() -> Workbook:
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise WriterError(
            "a workbook needs the package openpyxl.", hint="Run: pip install 'medcheck[xlsx]'"
        ) from None
    return openpyxl.Workbook(write_only=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let openpyxl create its drafts, of which it needs the name only, without an encoding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EncodingWarning)
        yield


def _save(book: Workbook, draft: Any, path: Path) -> None:
    try:
        with _quiet():
            book.save(draft)
    except OSError as error:
        raise WriterError(
            f"cannot write the workbook: {error.strerror or error}.",
            hint="Free some space in the folder for temporary files.",
            where=str(path),
        ) from error
    finally:
        book.close()


def _discard(book: Workbook) -> None:
    """Close an unfinished workbook: only saving removes the drafts that its sheets hold."""
    if book.worksheets:
        with tempfile.TemporaryFile() as nowhere, suppress(OSError), _quiet():
            book.save(nowhere)
    book.close()


def _write_beside(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with replaced(beside(path)) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _settle(draft: Any, target: Any) -> None:
    """Copy a workbook without the time of writing, so that equal content gives equal bytes."""
    with (
        zipfile.ZipFile(draft) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as settled,
    ):
        for entry in source.infolist():
            info = zipfile.ZipInfo(entry.filename, date_time=_MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            with source.open(entry) as file, settled.open(info, "w") as copy:
                if entry.filename == "docProps/core.xml":
                    copy.write(_DATE.sub(rb"\g<1>1980-01-01T00:00:00Z\2", file.read()))
                else:
                    while piece := file.read(1 << 20):
                        copy.write(piece)


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)
