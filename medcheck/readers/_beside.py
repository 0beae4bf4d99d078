"""What a cell of a GAPS workbook cannot hold: texts beside it, escapes, and texts that were cut.

Our own export's cells become the texts again that they stand for; see `writers._cells`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from medcheck.errors import DatasetError, located
from medcheck.lines import any_text, checked_object, numbered, parsed
from medcheck.readers._rubric_lint import Finding, Place

CELL_LIMIT = 32_767
"""Characters of a cell, at which Excel and the libraries for it cut without a word."""
JUDGED = "_judged_json"
"""Ending of the column that tells an answer that was judged."""
_PLACE = re.compile(r"see ([^/\\:]+\.cells\.jsonl), line ([1-9][0-9]{0,6})")
_CONTROL = re.compile(r"\\u00(0[0-8b-f]|1[0-9a-f]|5c)")


class Beside:
    """The texts of a workbook that no cell could hold, in files beside it or escaped."""

    def __init__(self, workbook: Path, columns: Iterable[str]) -> None:
        self._folder = workbook.parent
        self._files: dict[str, dict[int, bytes]] = {}
        judged = {name.removesuffix(JUDGED) for name in columns if name.endswith(JUDGED)}
        # Rubrics are JSON, which has these escapes itself.
        self._escaped = judged | {"question"} if judged else judged

    def restored(self, record: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
        """Return a row with the whole texts of the columns `names`.

        Raises:
            DatasetError: a file or line that a cell names is not there; the column is told.
        """
        found = dict(record)
        for name in names:
            if name in record:
                found[name] = self._text(name, record[name])
        return found

    def _text(self, column: str, cell: str) -> str:
        if place := _PLACE.fullmatch(cell):
            try:
                return self._line(place[1], int(place[2]))
            except DatasetError as error:
                raise DatasetError(f'column "{column}": {error}') from None
        if column in self._escaped:
            return _CONTROL.sub(lambda escape: chr(int(escape[1], 16)), cell)
        return cell

    def _line(self, name: str, number: int) -> str:
        path = self._folder / name
        if name not in self._files:
            hint = "Keep it beside its workbook: it holds the texts that are too long for a cell."
            self._files[name] = dict(numbered(path, hint=hint))
        with located(f"{path}:{number}"):
            if number not in self._files[name]:
                raise DatasetError("no such line.", hint="Use the file of this workbook's export.")
            record = checked_object(parsed(self._files[name][number]), ["text"], None, "the line")
            return any_text(record["text"], "text")


def fills_cell(text: str) -> bool:
    """Return whether a text is exactly as long as a cell can be."""
    return CELL_LIMIT in (len(text), len(text.encode("utf-16-le", "surrogatepass")) // 2)


def cut_off(place: Place, column: str) -> Finding:
    """Return the warning that an answer was probably cut off."""
    return Finding(
        severity="warning",
        rule="cut_off",
        message=f"the answer fills its cell ({CELL_LIMIT:,} characters): it was probably cut off.",
        row=place.row,
        column=column,
        case_id=place.case_id,
    )
