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
from medcheck.scoring.gaps import IRRELEVANT, polarity_of, score_card
from medcheck.scoring.truncation import judge_summary, judged_items, judged_json
from medcheck.summary import Summary
from medcheck.types import Result, Run, Verdict
from medcheck.writers._cells import Value, workbook

QUESTION = ("index", "question", "分类", "rubrics")
ADDED = (
    "_judged_json", "_positive_items", "_negative_items", "_judge_summary", "_irrelevant_content",
    "_judged_json_scores",
)  # fmt: skip
"""Endings of the columns beside an answer's column."""


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
    taken: set[int] = set()
    rows = 0
    with workbook(path) as book:
        sheet = book.sheet("Sheet1", header)
        for _, group in itertools.groupby(run.results, key=lambda r: (r.suite, r.case_id)):
            results = [result for result in group if _has_levels(result)]
            if results:
                sheet.append([_index(results[0], taken), *_row(results, list(columns))])
                rows += 1
        if not rows:
            raise WriterError(
                "the run holds no question whose points have levels.", where=str(path),
                hint="Export a run of a GAPS suite.",
            )  # fmt: skip
    return path


def _index(result: Result, taken: set[int]) -> int | str:
    """Return the number in a case id; the id where it has none, or another suite has taken it."""
    number = re.fullmatch(r".*?-0*(\d+)", result.case_id)
    if not number or int(number[1]) in taken:
        return result.case_id
    taken.add(int(number[1]))
    return int(number[1])


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
        judged_json(items),
        judged_json(judged_items(v for v in rubric if polarity_of(v.criterion) == "positive")),
        judged_json(judged_items(v for v in rubric if polarity_of(v.criterion) == "negative")),
        judge_summary(items),
        _irrelevant(verdicts),
        json.dumps(score_card(verdicts), ensure_ascii=False),
    ]


def _irrelevant(verdicts: Iterable[Verdict]) -> str | None:
    """Return the column of irrelevant statements; `None`: they were not looked for.

    Source: irrelevant_content_grading.py (file shape); gaps.md section 3.
    """
    found = [v for v in verdicts if IRRELEVANT in v.criterion.tags]
    if not found:
        return None
    graded = [v for v in found if v.criterion.level is not None]
    contents = [{"content": v.criterion.text, "reasoning": ""} for v in graded]
    grades = [
        {
            "content": v.criterion.text,
            "final_level": v.criterion.level,
            "reasoning": max((b.explanation for b in v.ballots), key=len, default=""),
            "model_results": [
                {"model_id": b.judge, "level": b.label, "reasoning": b.explanation}
                for b in v.ballots
            ],
            "voting_strategy": v.how,
        }
        for v in graded
    ]
    return _dumped({"extracted_contents": contents, "final_grades": grades})


def _point(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "judge_results"}


def _rubric(result: Result) -> list[Verdict]:
    verdicts = result.score.verdicts if result.score else ()
    return [v for v in verdicts if IRRELEVANT not in v.criterion.tags]


def _has_levels(result: Result) -> bool:
    return any(v.criterion.level is not None for v in _rubric(result))


def _column(model: str, repeat: int) -> str:
    name = f"{model}_answer" if model in QUESTION else model
    return name if repeat == 1 else f"{name}_{repeat}"


def _dumped(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, indent=2)
