"""A GAPS run as the original's output workbook, so that its tools can go on from there.

One row for each question, the columns that the original adds to an answer's column for each model.
An answer that was not measured leaves its columns blank: the original's scorer counts blank as 0.

Source: gaps.md sections 1, 2 (columns), 3 and 4 (MedicalAiBenchEval at 85e91cf).
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from medcheck.errors import WriterError
from medcheck.scoring.gaps import IRRELEVANT, PREFIX, polarity_of, score_card
from medcheck.scoring.truncation import judge_summary, judged_items, judged_json
from medcheck.summary import Summary
from medcheck.types import Result, Run, Verdict
from medcheck.writers._cells import Json, Value, workbook

QUESTION = ("index", "question", "分类", "rubrics")
ADDED = (
    "_judged_json", "_positive_items", "_negative_items", "_judge_summary", "_irrelevant_content",
    "_judged_json_scores",
)  # fmt: skip
"""Endings of the columns beside an answer's column."""
ID = "id"
"""A last column, only where `index` would be read as another case id."""
SEVERITY = "Medium"
"""What the original says of every irrelevant statement."""


def write(run: Run, summary: Summary, path: Path) -> Path:
    """Write the workbook; see the shelf's contract.

    Answers of one model are in the column of its name, those of repeat 2 in `NAME_2` and so on.

    Raises:
        WriterError: the run holds no answer to a question with levels, or the file cannot be
            written.
    """
    repeats = int(run.settings.get("repeats") or 1)
    columns = {
        (model, repeat): _column(model, repeat)
        for model in summary.models
        for repeat in range(1, repeats + 1)
    }
    header = [*QUESTION]
    for name in columns.values():
        header += [name, *(f"{name}{ending}" for ending in ADDED)]
    named = any(_has_levels(r) and not _is_told(r.case_id) for r in run.results)
    header += [ID] if named else []
    taken: set[int] = set()
    rows = 0
    with workbook(path) as book:
        sheet = book.sheet("Sheet1", header)
        for _, group in itertools.groupby(run.results, key=lambda r: (r.suite, r.case_id)):
            results = [result for result in group if _has_levels(result)]
            if results:
                own = [results[0].case_id] if named else []
                sheet.append([_index(results[0], taken), *_row(results, list(columns)), *own])
                rows += 1
        if not rows:
            raise WriterError(
                "the run holds no question whose points have levels.", where=str(path),
                hint="Export a run of a GAPS suite.",
            )  # fmt: skip
    return path


def _index(result: Result, taken: set[int]) -> int | str:
    """Return the number in a case id; the id where it has none, or another suite has taken it."""
    number = _number(result.case_id)
    if number is None or number in taken:
        return result.case_id
    taken.add(number)
    return number


def _number(case_id: str) -> int | None:
    found = re.fullmatch(r".*?-0*(\d+)", case_id)
    return int(found[1]) if found else None


def _is_told(case_id: str) -> bool:
    """Return whether the reader makes this case id of the index that stands for it."""
    number = _number(case_id)
    if number is None:
        return case_id.startswith(f"{PREFIX}-")
    return case_id == f"{PREFIX}-{number:03d}"


def _row(results: Sequence[Result], columns: Sequence[tuple[str, int]]) -> list[Value]:
    """Return a question's row but for its index."""
    first = results[0]
    rubric = max((_rubric(result) for result in results), key=len)
    turns = [message.text for message in first.messages if message.role == "user"]
    cells: list[Value] = [
        turns[-1] if turns else None,
        next(iter(first.category), None),
        _dumped([_point(item) for item in judged_items(rubric)]),
    ]
    by_column = {(result.model, result.repeat): result for result in results}
    for column in columns:
        cells += _answer(by_column.get(column))
    return cells


def _answer(result: Result | None) -> list[Value]:
    """Return an answer's cells: its own, then those of `ADDED`."""
    if result is None:
        return [None] * (1 + len(ADDED))
    text = result.completion.text if result.completion else None
    if not result.measured or result.score is None:
        return [text, None, None, None, f"not measured: {result.state}", None, None]
    verdicts = result.score.verdicts
    items = judged_items(verdicts)
    rubric = _rubric(result)
    return [
        text,
        Json(judged_json(items)),
        *(
            Json(judged_json(judged_items(v for v in rubric if polarity_of(v.criterion) == kind)))
            for kind in ("positive", "negative")
        ),
        judge_summary(items),
        _irrelevant(verdicts),
        Json(json.dumps(score_card(verdicts), ensure_ascii=False)),
    ]


def _irrelevant(verdicts: Iterable[Verdict]) -> str | None:
    """Return the column of irrelevant statements; `None`: they were not looked for.

    Source: irrelevant_content_grading.py (file shape); gaps.md section 3.
    """
    found = [v for v in verdicts if IRRELEVANT in v.criterion.tags]
    if not found:
        return None
    graded = [v for v in found if v.criterion.level is not None]
    quotes = [v.criterion.text for v in graded]
    reasons = _reasons(next((v for v in found if v.criterion.level is None), None), quotes)
    contents = [
        {"content": quote, "reasoning": reason}
        for quote, reason in zip(quotes, reasons, strict=True)
    ]
    grades = [
        {
            "content": v.criterion.text,
            "original_reasoning": reason,
            "final_level": v.criterion.level,
            "final_severity": SEVERITY,
            "reasoning": max((b.explanation for b in v.ballots), key=len, default=""),
            "model_results": [
                {"model_id": b.judge, "level": b.label, "reasoning": b.explanation}
                for b in v.ballots
            ],
            "voting_strategy": v.how,
        }
        for v, reason in zip(graded, reasons, strict=True)
    ]
    return _dumped({"extracted_contents": contents, "final_grades": grades})


def _reasons(search: Verdict | None, quotes: Sequence[str]) -> list[str]:
    """Return why each statement was picked out: the search's ballot says all of it, in order."""
    said = "\n".join(ballot.explanation for ballot in search.ballots) if search else ""
    marks = [f"{quote}: " for quote in quotes]
    starts, at = [], 0
    for mark in marks:
        start = said.find(mark, at)
        if start < 0:
            return [""] * len(quotes)
        at = start + len(mark)
        starts.append(start)
    ends = [*starts[1:], len(said)]
    return [
        said[start + len(mark) : end].strip()
        for start, mark, end in zip(starts, marks, ends, strict=True)
    ]


def _point(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "judge_results"}


def _rubric(result: Result) -> list[Verdict]:
    verdicts = result.score.verdicts if result.score else ()
    return [v for v in verdicts if IRRELEVANT not in v.criterion.tags]


def _has_levels(result: Result) -> bool:
    return any(v.criterion.level is not None for v in _rubric(result))


def _column(model: str, repeat: int) -> str:
    name = f"{model}_answer" if model in (*QUESTION, ID) else model
    return name if repeat == 1 else f"{name}_{repeat}"


def _dumped(found: object) -> Json:
    return Json(json.dumps(found, ensure_ascii=False, indent=2))
