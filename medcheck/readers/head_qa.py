"""HEAD-QA: Spanish exams of the health professions, in English; six subjects, 2013 to 2017.

MedHELM asks the test papers (2016 and 2017) without the questions that need a picture:
`where: {subset: test, tags: "modality:text"}`.

Source: medhelm.md sections 2 and 9; medhelm data README (all 30 papers, 2,742 test questions).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import checked_object, filled_list, filled_text, shown
from medcheck.readers import _medhelm, _medhelm_lint
from medcheck.readers._medhelm import lettered
from medcheck.types import Case, Origin

lint = _medhelm_lint.lint
SPLITS: Mapping[str, str] = {
    "2013": "train", "2014": "train", "2015": "validation", "2016": "test", "2017": "test",
}  # fmt: skip
"""By year of the paper."""
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {"subset": {"enum": ["train", "validation", "test"]}},
    "additionalProperties": False,
}
TASK = _medhelm.Task(
    name="head_qa",
    instructions=(
        "Answer the question of an examination for health professionals. Give the letter of one "
        "option and nothing else."
    ),
    noun="Question",
)
_HINT = "Run: medcheck fetch medhelm_head_qa"

Row = tuple[str, Mapping[str, Any], object]
"""Name of the paper, the paper, and one of its questions."""


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each question, in file order: `head_qa-N`, N its position in the file.

    Tags: `subject:`, `year:`, `split:`, `modality:text` or `modality:picture`. `labels["task"]`:
    `options` by letter, `key` (paper and number), `picture` (the file that is not here, or `None`).

    Raises:
        DatasetError: every question that cannot be used.
    """
    file = Path(path)
    data = _medhelm.json_file(file, hint=_HINT)
    exams = checked_object(data, ("exams",), None, str(file))["exams"]
    if not isinstance(exams, dict) or not exams:
        raise DatasetError(f"exams is {shown(exams)}, expected an object.", where=str(file))
    only = options.get("subset")

    def build(number: int, row: Row) -> Case | None:
        split = SPLITS.get(str(row[1].get("year")), "other")
        return None if only and split != only else _case(number, row, file, split=split)

    return _medhelm.built(file, _rows(exams), build)


def _rows(exams: Mapping[str, Any]) -> Iterator[Row]:
    for name, exam in exams.items():
        paper = checked_object(exam, ("category", "year", "data"), None, name)
        for question in filled_list(paper["data"], f"{name}: data"):
            yield name, paper, question


def _case(number: int, row: Row, path: Path, *, split: str) -> Case:
    name, paper, question = row
    record = checked_object(question, ("qid", "qtext", "ra", "answers"), None, "the question")
    key = f"{name}-{record['qid']}"
    options, right = _options(record["answers"], str(record["ra"]))
    picture = record.get("image") or None
    return _medhelm.case(
        TASK,
        number,
        TASK.prompt(filled_text(record["qtext"], "qtext").strip(), options),
        origin=Origin(path=str(path), record=record),
        references=(right,),
        facts={"key": key, "options": options, "picture": picture},
        tags=(
            f"subject:{paper['category']}",
            f"year:{paper['year']}",
            f"split:{split}",
            f"modality:{'picture' if picture else 'text'}",
        ),
    )


def _options(found: object, right: str) -> tuple[dict[str, str], str]:
    """Return the options by letter, and the letter of the right one."""
    answers = [
        checked_object(answer, ("aid", "atext"), None, "an answer")
        for answer in filled_list(found, "answers")
    ]
    options = lettered(filled_text(answer["atext"], "atext") for answer in answers)
    ids = [str(answer["aid"]) for answer in answers]
    if ids.count(right) != 1:
        raise DatasetError(f"ra is {right}, which is no answer of {', '.join(ids)}.")
    return options, _medhelm.LETTERS[ids.index(right)]
