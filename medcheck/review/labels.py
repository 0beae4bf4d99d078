"""What people wrote into workbooks, CSV and JSON lines, as it stands there, with its place.

Columns are known by many names, in any order, among any others. Which point a label is about, and
what its words mean there, is decided in `matching`.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medcheck import lines
from medcheck.errors import DatasetError
from medcheck.readers import _workbook
from medcheck.readers._human_ratings import COLUMNS as WHOLE
from medcheck.readers._human_ratings import TEXT

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "item": ("item", "item_id", "编号", "条目", "条目编号"),
    "suite": ("suite", "测试集"),
    "case": ("case", "case_id", "case id", "question_id", "用例", "病例", "题号"),
    "model": ("model", "model_name", "模型"),
    "repeat": ("repeat", "重复", "次数"),
    "criterion": ("criterion_id", "criterion", "point", "point_id", "标准", "要点"),
    "verdict": ("verdict", "label", "criteria_met", "met", "判定", "结论", "是否符合"),
    "score": ("score", "rating", "human_score", "评分", "得分", "分数", "打分"),
    "comment": ("comment", "comments", "note", "notes", "备注", "说明", "意见"),
    "rater": (
        "rater", "rater_id", "reviewer", "physician", "annotator", "expert", "评审人", "评审",
        "评分人", "医生", "专家",
    ),
}  # fmt: skip
"""What a column is for, and the names it may have."""
_KNOWN = {name: use for use, names in COLUMNS.items() for name in names}
_DELIMITERS = (",", ";", "\t")
_DIMENSIONS = (*TEXT, "safety")
_WHOLE = {name: use for use in ("usable", *_DIMENSIONS) for name in WHOLE[use]}
"""Columns that rate a whole answer without a score on the judge's scale."""
_USABLE = "Whole answers that are rated by usable or by dimensions are read with --usable."

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One rating; texts are as they were written, empty where nothing was."""

    where: str
    """File and row."""
    rater: str
    """The column, or else the file's name without its ending."""
    value: str
    item: str = ""
    suite: str = ""
    case: str = ""
    model: str = ""
    repeat: str = ""
    criterion: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """All ratings of some files."""

    labels: tuple[Label, ...]
    blank: int
    """Rows about a point whose rating is still empty."""


class Errors:
    """The errors of many rows, told together; those beyond `lines.MAX_ERRORS` are counted."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, where: str, error: DatasetError) -> None:
        """Keep an error with its place."""
        error.where = error.where or where
        self.found.append(str(error))

    def raise_any(self) -> None:
        """Raise what was found as one error.

        Raises:
            DatasetError: anything was found.
        """
        if not self.found:
            return
        shown = self.found[: lines.MAX_ERRORS]
        if len(self.found) > len(shown):
            shown.append(f"{len(self.found) - len(shown)} more errors.")
        raise DatasetError("\n".join(shown))


def read(paths: Sequence[Path]) -> Labels:
    """Return the ratings of all files, in their order.

    `.xlsx` is a workbook, of which the first sheet is read, `.csv` has a header, anything else is
    JSON lines, plain or gzipped.

    Raises:
        DatasetError: a file cannot be read, or rows are wrong; all of them are named.
    """
    labels: list[Label] = []
    blank = 0
    errors = Errors()
    for path in paths:
        rows = _READERS.get(path.suffix.lower(), _json_rows)(path)
        for number, row in rows:
            where = f"{path}:{number}"
            try:
                label = _label(row, where, path)
            except DatasetError as error:
                errors.add(where, error)
                continue
            if label.value:
                labels.append(label)
            else:
                blank += 1
    errors.raise_any()
    return Labels(labels=tuple(labels), blank=blank)


def normalized(text: str) -> str:
    """Return text for comparison: full-width forms as ASCII, no case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _label(row: Row, where: str, path: Path) -> Label:
    found = _by_use(row)
    if not found.get("item") and not found.get("case"):
        raise DatasetError(
            "neither an item nor a case is named.",
            hint="Fill in the column item, or case_id and criterion.",
        )
    verdict, score = found.pop("verdict", ""), found.pop("score", "")
    if verdict and score and normalized(verdict) != normalized(score):
        raise DatasetError(
            f'verdict "{_short(verdict)}" and score "{_short(score)}" in one row.',
            hint="Leave one of them empty.",
        )
    if not verdict and not score and _is_whole(name for name, text in row.items() if text.strip()):
        raise DatasetError("usable or dimensions, but no score.", hint=_USABLE)
    rater = found.pop("rater", "") or Path(path.name.removesuffix(".gz")).stem
    return Label(where=where, rater=rater, value=verdict or score, **found)


def _is_whole(names: Iterable[str]) -> bool:
    """Return whether columns rate whole answers in another way than by a score."""
    uses = {_WHOLE.get(normalized(name)) for name in names}
    return "usable" in uses or uses.issuperset(_DIMENSIONS)


def _by_use(row: Row) -> dict[str, str]:
    """Return the texts of a row by their use; an id of a criterion goes before its text."""
    texts = {normalized(name): text.strip() for name, text in row.items()}
    found: dict[str, str] = {}
    for use, names in COLUMNS.items():
        filled = {name: texts[name] for name in names if texts.get(name)}
        if len(set(filled.values())) > 1 and use != "criterion":
            told = " and ".join(f'{name} "{_short(text)}"' for name, text in filled.items())
            raise DatasetError(f"{told} in one row.", hint="Leave one of them empty.")
        if filled:
            found[use] = next(iter(filled.values()))
    return found


def _check(header: Sequence[str], path: Path) -> None:
    """Refuse a table that can hold no rating.

    Raises:
        DatasetError: a column is missing, or stands twice.
    """
    names = [normalized(name) for name in header if name.strip()]
    uses = {_KNOWN.get(name) for name in names}
    twice = next((name for name in names if name in _KNOWN and names.count(name) > 1), None)
    where = f"{path}:1"
    if twice:
        raise DatasetError(f'column "{twice}" stands twice.', where=where)
    listed = ", ".join(names) or "none"
    if not uses & {"item", "case"}:
        hint = f"Found: {listed}. Expected: item, or case_id (and criterion, model)."
        raise DatasetError("no column names the point.", hint=hint, where=where)
    if not uses & {"verdict", "score"}:
        whole = f" {_USABLE}" if _is_whole(names) else ""
        hint = f"Found: {listed}. Expected: verdict, or score.{whole}"
        raise DatasetError("no column holds the rating.", hint=hint, where=where)


def _sheet_rows(path: Path) -> Iterator[tuple[int, Row]]:
    _check(_workbook.columns(path), path)
    yield from _workbook.rows(path)


def _table_rows(path: Path) -> Iterator[tuple[int, Row]]:
    text = _text(path)
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(table, [])
        _check(header, path)
        for number, cells in enumerate(table, start=2):
            if any(cell.strip() for cell in cells):
                yield number, _zipped(header, cells, f"{path}:{number}")
    except csv.Error as error:
        raise DatasetError(f"not CSV: {error}.", where=f"{path}:{table.line_num}") from None


def _zipped(header: Sequence[str], cells: Sequence[str], where: str) -> Row:
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        raise DatasetError(f"{len(cells)} cells under {len(header)} columns.", where=where)
    # Our own CSV guards texts that a spreadsheet would take for a formula by an apostrophe.
    return {
        name: cell.removeprefix("'")
        for name, cell in zip(header, cells, strict=False)
        if name.strip()
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DatasetError("no such file.", where=str(path)) from None
    except UnicodeDecodeError as error:
        hint = 'Save it as "CSV UTF-8".'
        raise DatasetError(
            f"byte {error.start + 1} is not UTF-8.", hint=hint, where=str(path)
        ) from None
    except OSError as error:
        raise DatasetError(f"cannot read the file: {error.strerror}.", where=str(path)) from None


def _json_rows(path: Path) -> Iterator[tuple[int, Row]]:
    def build(number: int, found: object) -> tuple[int, Row]:
        record = lines.checked_object(found, (), None, "the line")
        row = {name: _plain(value, name) for name, value in record.items()}
        _check(tuple(row), path)
        return number, row

    yield from lines.each(path, build)


def _plain(value: object, name: str) -> str:
    """Return a JSON value as a cell has it; other columns than ours may hold anything."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, dict)) and normalized(name) in _KNOWN:
        shown = lines.shown(value)
        raise DatasetError(f'field "{name}" is {shown}, expected a text or a number.')
    return str(value)


def _short(text: str) -> str:
    return text if len(text) <= lines.MAX_SHOWN else f"{text[: lines.MAX_SHOWN - 3]}..."


_READERS: Mapping[str, Callable[[Path], Iterator[tuple[int, Row]]]] = {
    ".xlsx": _sheet_rows,
    ".csv": _table_rows,
    ".tsv": _table_rows,
}
