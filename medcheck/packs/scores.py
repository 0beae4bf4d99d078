"""Read a table of platform scores, JSON or CSV; what follows from them is in `scoring.platform`."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, nearest
from medcheck.lines import checked_object, filled_text, parsed, shown
from medcheck.scoring.medbench_sets import sets_of
from medcheck.scoring.platform import OVERALL, ScoreRow, dimensions_of

MODEL = "model"
HIGHEST = 100.0


def read_scores(path: str, track: str) -> tuple[ScoreRow, ...]:
    """Return the rows of a table.

    CSV: a column `model`, and columns named `overall` or as a dimension or a set; an empty cell is
    no score. JSON: a list of `{model, overall, dimensions, datasets}`, all but `model` optional;
    `PATH#NAME` (or `PATH#NAME.NAME`) takes a list within an object.

    Raises:
        DatasetError: the file cannot be read, a name or a score in it is wrong, or a model has two
            rows.
        SettingsError: unknown track.
    """
    name, _, inner = path.partition("#")
    file = Path(name)
    try:
        data = file.read_bytes()
    except OSError as wrong:
        raise DatasetError(f"cannot be read: {wrong.strerror}.", where=name) from None
    dimensions = dimensions_of(track)
    sets = {info.platform for info in sets_of(track)}
    if file.suffix.lower() == ".csv":
        rows = _of_csv(name, data, dimensions, sets)
    else:
        rows = _of_json(path, data, inner, (dimensions, sets))
    twice = [model for model, count in Counter(row.model for row in rows).items() if count > 1]
    if twice:
        raise DatasetError(
            f'the model "{twice[0]}" has two rows.', where=path,
            hint="Keep one, or tell them apart by name.",
        )  # fmt: skip
    return rows


def _of_csv(
    where: str, data: bytes, dimensions: Collection[str], sets: Collection[str]
) -> tuple[ScoreRow, ...]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise DatasetError(f"byte {wrong.start + 1} is not UTF-8.", where=where) from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = [column or "" for column in reader.fieldnames or ()]
    if MODEL not in columns:
        raise DatasetError(f'no column "{MODEL}".', where=f"{where}:1")
    for column in columns:
        if column not in (MODEL, OVERALL, *dimensions, *sets):
            hint = nearest(column, [OVERALL, *dimensions, *sets])
            raise DatasetError(f'unknown column "{column}".', where=f"{where}:1", hint=hint)
    return tuple(
        _csv_row(cells, f"{where}:{reader.line_num}", dimensions, sets) for cells in reader
    )


def _csv_row(
    cells: Mapping[str, Any], where: str, dimensions: Collection[str], sets: Collection[str]
) -> ScoreRow:
    if None in cells or None in cells.values():
        raise DatasetError("the row has not as many cells as the header.", where=where)
    found = {
        name: _score(_number(cell, where), f"{where}: {name}")
        for name, cell in cells.items()
        if name != MODEL and cell.strip()
    }
    return ScoreRow(
        model=filled_text(cells[MODEL].strip(), f"{where}: {MODEL}"),
        overall=found.get(OVERALL),
        dimensions={name: score for name, score in found.items() if name in dimensions},
        sets={name: score for name, score in found.items() if name in sets},
    )


def _of_json(
    where: str, data: bytes, inner: str, names: tuple[Collection[str], Collection[str]]
) -> tuple[ScoreRow, ...]:
    try:
        found = parsed(data.removeprefix(b"\xef\xbb\xbf"))
    except DatasetError as wrong:
        wrong.where = where
        raise
    for name in inner.split(".") if inner else ():
        found = checked_object(found, (name,), None, where)[name]
    if not isinstance(found, list):
        hint = f"Name the list in it: {where}#NAME" if isinstance(found, dict) else ""
        raise DatasetError(f"{shown(found)} is no list of models.", where=where, hint=hint)
    return tuple(_json_row(row, f"{where}[{number}]", *names) for number, row in enumerate(found))


def _json_row(
    found: object, where: str, dimensions: Collection[str], sets: Collection[str]
) -> ScoreRow:
    row = checked_object(found, (MODEL,), (OVERALL, "dimensions", "datasets"), where)
    overall = row.get(OVERALL)
    return ScoreRow(
        model=filled_text(row[MODEL], f"{where}.{MODEL}"),
        overall=None if overall is None else _score(overall, f"{where}.{OVERALL}"),
        dimensions=_scores(row.get("dimensions"), f"{where}.dimensions", dimensions),
        sets=_scores(row.get("datasets"), f"{where}.datasets", sets),
    )


def _scores(found: object, where: str, known: Collection[str]) -> Mapping[str, float]:
    given = checked_object({} if found is None else found, (), known, where)
    return {
        name: _score(score, f"{where}.{name}") for name, score in given.items() if score is not None
    }


def _number(cell: str, where: str) -> object:
    try:
        return float(cell)
    except ValueError:
        raise DatasetError(f"{shown(cell)} is not a number.", where=where) from None


def _score(found: object, where: str) -> float:
    good = isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)
    if not good or not 0 <= float(str(found)) <= HIGHEST:
        raise DatasetError(f"{where} is {shown(found)}, expected a score from 0 to 100.")
    return float(str(found))
