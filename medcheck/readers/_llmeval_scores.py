"""Score files of LLMEval-Med's own scripts: one to three of them as they are, one run a file.

How scores become rates is decided in `scoring.usability`.

Source: LLMEval-Med evaluate/Evaluate.py:118-135 (what is written), Aggregate.py:60-103 (what
counts).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medcheck.errors import DatasetError
from medcheck.lines import MAX_ERRORS, shown
from medcheck.readers.llmeval_med import Entry, entries
from medcheck.scoring.usability import Item

SCORE = "model_answer_score"
_MISSING = ("", "-1", -1)
"""An error of the API, and a reply without a score."""
_TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The scores of one model's answers."""

    items: tuple[Item, ...]
    """In the order of the first file that has them; one score for each file."""
    missing: int
    """Runs of items without a score: errors, unreadable replies, items that a file lacks."""
    out_of_range: int
    """Numbers beyond 0 to 5, which are missing too: `[12]` in a reply is a citation."""


def load_scores(paths: Sequence[str | Path], *, column: str = SCORE) -> Scores:
    """Return the scores in output files of the original, matched by category, group and round.

    Args:
        paths: one for each run.
        column: the field that holds the score.

    Raises:
        DatasetError: a file or an item cannot be used, an item stands twice in a file, or a file
            does not have the field; all that is wrong with the scores of a file at once.
    """
    first: dict[str, Entry] = {}
    runs: list[dict[str, float | None]] = []
    beyond = 0
    for path in paths:
        run, outside = _run(Path(path), first, column)
        runs.append(run)
        beyond += outside
    items = tuple(_item(entry, runs) for entry in first.values())
    missing = sum(score is None for item in items for score in item.scores)
    return Scores(items=items, missing=missing, out_of_range=beyond)


def _run(path: Path, first: dict[str, Entry], column: str) -> tuple[dict[str, float | None], int]:
    found: dict[str, float | None] = {}
    errors, outside, graded = [], 0, False
    for entry in entries(path):
        if entry.id in found:
            errors.append(f"{path}: {entry.where}: groupCode and round stand twice.")
            continue
        graded = graded or column in entry.item
        try:
            score = _score(entry.item.get(column), column)
        except DatasetError as error:
            errors.append(f"{path}: {entry.where}: {error}")
            continue
        outside += score is not None and not 0 <= score <= _TOP
        found[entry.id] = score if score is not None and 0 <= score <= _TOP else None
        first.setdefault(entry.id, entry)
    if not graded and not errors:
        errors.append(f"{path}: no item has a {column}.")
    if errors:
        raise DatasetError("\n".join(errors[:MAX_ERRORS]))
    return found, outside


def _score(value: object, column: str) -> float | None:
    """Return a score, a number or its digits as the original writes them; `None`: missing."""
    if value is None or (not isinstance(value, bool) and value in _MISSING):
        return None
    try:
        number = float(value) if type(value) in (int, float, str) else None  # type: ignore[arg-type]
    except ValueError:
        number = None
    # float() reads the text "nan", which is no score.
    if number is None or math.isnan(number):
        raise DatasetError(f"{column} is {shown(value)}, expected a number.")
    return number


def _item(entry: Entry, runs: Sequence[dict[str, float | None]]) -> Item:
    return Item(
        id=entry.id,
        category=entry.category,
        subcategory=str(entry.item.get("category2", "")),
        scores=tuple(run.get(entry.id) for run in runs),
        conversation=entry.conversation,
    )
