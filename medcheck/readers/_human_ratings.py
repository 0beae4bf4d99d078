"""Ratings that people gave answers: .xlsx, .csv or JSON lines, one rating a row.

What they say of a judge is computed in `stats.human`.

Source: llmeval_med.md sections 4 (the human scale of generated texts) and 5.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, nearest
from medcheck.lines import MAX_ERRORS, each, shown
from medcheck.readers import _workbook
from medcheck.scoring.usability import USABLE_AT, mtg_level, mtg_usable
from medcheck.stats.human import Rating

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "case_id": ("case_id", "id", "case", "题号", "编号"),
    "rater": ("rater", "annotator", "expert", "评审", "评审人", "专家"),
    "usable": ("usable", "可用", "是否可用"),
    "score": ("score", "human_score", "评分", "得分"),
    "model": ("model", "模型"),
    "repeat": ("repeat", "轮次"),
    "instruction": ("instruction_following", "instruction", "指令遵循"),
    "correctness": ("correctness", "正确性"),
    "effectiveness": ("effectiveness", "role_consistency", "有效性"),
    "readability": ("readability", "可读性"),
    "safety": ("safety", "安全性"),
}
"""What a column holds, and the names that it may have."""
TEXT = ("instruction", "correctness", "effectiveness", "readability")
"""The dimensions of generated texts, 0 to 5; `safety`, 0 or 1, stands beside them."""
_YES = ("true", "yes", "y", "1", "是", "可用")
_NO = ("false", "no", "n", "0", "否", "不可用")
_NAMES = {name: column for column, names in COLUMNS.items() for name in names}
_TOP = 5
_MOST = 1000
"""Answers to one case."""

Record = Mapping[str, Any]
_Key = tuple[str, str | None, int, str]


def load_ratings(path: str | Path, *, usable_at: float = USABLE_AT) -> tuple[Rating, ...]:
    """Return the ratings in a file, in its order; other columns than those of `COLUMNS` pass.

    Every row needs a case, and a score, a usable or the five dimensions of generated texts. A score
    of 1 to 5 without a usable is usable from `usable_at`; the dimensions give the level 0 to 7 and
    the veto of safety. Without a rater the file's name stands for one person.

    Raises:
        DatasetError: every row that cannot be used, at most 50; one that stands twice (same case,
            model, repeat and rater) included.
    """
    file, errors = Path(path), []
    found: dict[_Key, Rating] = {}
    for number, record in _rows(file):
        try:
            _add(found, _rating(record, usable_at, file, number))
        except DatasetError as error:
            errors.append(f"{file}:{number}: {error}")
            if len(errors) == MAX_ERRORS:
                break
    if errors:
        raise DatasetError("\n".join(errors))
    if not found:
        raise DatasetError("no rating.", where=str(file))
    return tuple(found.values())


def load_all(paths: Iterable[str | Path], *, usable_at: float = USABLE_AT) -> tuple[Rating, ...]:
    """Return the ratings in several files, in their order; see `load_ratings`.

    Raises:
        DatasetError: as there, or a person rated an answer in two rows, of which one may be about
            every model's answers.
    """
    found = tuple(each for path in paths for each in load_ratings(path, usable_at=usable_at))
    earlier: dict[tuple[str, int, str], list[Rating]] = defaultdict(list)
    errors = []
    for rating in found:
        own = earlier[rating.case_id, rating.repeat, rating.rater]
        meant = {rating.model, None}
        same = (each for each in own if rating.model is None or each.model in meant)
        if (first := next(same, None)) is not None:
            errors.append(f"{rating.where}: {_twice(rating, first)}")
        own.append(rating)
    if errors:
        raise DatasetError("\n".join(errors[:MAX_ERRORS]))
    return found


def _add(found: dict[_Key, Rating], rating: Rating) -> None:
    key = (rating.case_id, rating.model, rating.repeat, rating.rater)
    if key in found:
        raise _twice(rating, found[key])
    found[key] = rating


def _twice(rating: Rating, first: Rating) -> DatasetError:
    return DatasetError(
        f'"{rating.rater}" rated "{rating.case_id}" already, at {first.where}.',
        hint="Delete one row, or tell two people apart in the column rater.",
    )


def _rows(path: Path) -> Iterator[tuple[int, Record]]:
    kind = path.suffix.lower()
    if kind in (".xlsx", ".xlsm"):
        yield from ((number, _named(row)) for number, row in _workbook.rows(path))
    elif kind == ".csv":
        yield from _csv_rows(path)
    else:
        hint = "Name a file of ratings: .xlsx, .csv or .jsonl."
        yield from each(path, lambda number, found: (number, _json_record(found)), hint=hint)


def _csv_rows(path: Path) -> Iterator[tuple[int, Record]]:
    try:
        # Excel writes its UTF-8 with a mark at the start.
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        hint = 'Save it as "CSV UTF-8".'
        raise DatasetError(f"cannot read the file: {reason}.", hint=hint, where=f"{path}") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        for cells in reader:
            if len(cells) > len(header):
                raise DatasetError(
                    f"{len(cells)} cells for {len(header)} columns.",
                    where=f"{path}:{reader.line_num}",
                )
            row = {name: cell for name, cell in zip(header, cells, strict=False) if cell.strip()}
            if row:
                yield reader.line_num, _named(row)
    except csv.Error as error:
        raise DatasetError(f"not CSV: {error}.", where=f"{path}:{reader.line_num}") from None


def _json_record(found: object) -> Record:
    if not isinstance(found, dict):
        raise DatasetError(f"the line is {shown(found)}, expected an object.")
    return _named({name: value for name, value in found.items() if value is not None})


def _named(row: Mapping[str, Any]) -> Record:
    found: dict[str, Any] = {}
    for name, value in row.items():
        column = _NAMES.get(name.strip().lower())
        if column in found:
            raise DatasetError(f'column "{name}": another column holds the {column} already.')
        if column is not None:
            found[column] = value.strip() if isinstance(value, str) else value
    return found


def _rating(record: Record, usable_at: float, path: Path, number: int) -> Rating:
    if not str(record.get("case_id", "")):
        known = ", ".join(COLUMNS["case_id"])
        raise DatasetError("no case.", hint=f"Its column may be named {known}.")
    given = _yes(record["usable"]) if "usable" in record else None
    score, level, usable = _judged(record, given=given, usable_at=usable_at)
    return Rating(
        case_id=str(record["case_id"]),
        rater=str(record.get("rater") or Path(path.name.removesuffix(".gz")).stem),
        usable=usable,
        score=score,
        level=level,
        model=str(record["model"]) if "model" in record else None,
        repeat=int(_whole(record.get("repeat", 1), "repeat", low=1, high=_MOST)),
        where=f"{path}:{number}",
    )


def _judged(
    record: Record, *, given: bool | None, usable_at: float
) -> tuple[float | None, int | None, bool | None]:
    """Return the score, the level of a generated text, and whether the answer is usable."""
    parts = [name for name in (*TEXT, "safety") if name in record]
    score = _number(record["score"], "score", low=1, high=_TOP) if "score" in record else None
    if not parts:
        if score is None and given is None:
            raise DatasetError("neither a score nor a usable.")
        return score, None, given if score is None or given is not None else score >= usable_at
    if missing := [name for name in (*TEXT, "safety") if name not in parts]:
        raise DatasetError(f"{', '.join(parts)}, but no {missing[0]}.")
    a, b, c, d, safety = (int(_whole(record[name], name)) for name in (*TEXT, "safety"))
    usable = mtg_usable(a, b, c, d, safety=safety)
    if given not in (None, usable):
        raise DatasetError(f"usable is {given}, but the dimensions say {usable}.")
    return score, mtg_level(a, b, c, d), usable


def _yes(value: object) -> bool:
    text = str(value).lower()
    if text in (*_YES, *_NO):
        return text in _YES
    raise DatasetError(f'usable is "{shown(value)}".', hint=nearest(text, (*_YES, *_NO)))


def _whole(value: object, name: str, *, low: float = 0, high: float = _TOP) -> float:
    number = _number(value, name, low=low, high=high)
    if not number.is_integer():
        raise DatasetError(f"{name} is {shown(value)}, not a whole number.")
    return number


def _number(value: object, name: str, *, low: float, high: float) -> float:
    try:
        number = float(value) if type(value) in (int, float, str) else None  # type: ignore[arg-type]
    except ValueError:
        number = None
    # "nan" and "inf" are numbers to float(), and fail this comparison.
    if number is None or not low <= number <= high:
        raise DatasetError(f"{name} is {shown(value)}, expected a number of {low:g} to {high:g}.")
    return number
