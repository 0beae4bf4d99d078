"""Medbullets: questions in the style of the US licensing exam, steps 2 and 3, five options.

Source: medhelm.md section 9 (HanjieChen/ChallengeClinicalQA at ef3c9da, medbullets_op5.csv).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.readers import _medhelm, _medhelm_lint
from medcheck.readers._medhelm import Row, cell, lettered, one_of
from medcheck.types import Case, Origin

lint = _medhelm_lint.lint
OPTIONS = _medhelm.NO_OPTIONS
TASK = _medhelm.Task(
    name="medbullets",
    instructions=(
        "Answer the examination question about the patient below. Give the letter of one option "
        "and nothing else."
    ),
    noun="Clinical scenario",
)
_CHOICES = ("opa", "opb", "opc", "opd", "ope")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each row: `medbullets-N`; with four options where the file has no fifth.

    `labels["task"]`: `options` by letter, `key` (the question's address).

    Raises:
        DatasetError: every row that cannot be used.
    """
    del options
    file = Path(path)
    rows = _medhelm.csv_rows(
        file,
        needed=("question", *_CHOICES[:4], "answer_idx", "answer"),
        hint="Run: medcheck fetch medhelm_medbullets",
    )
    return _medhelm.built(file, rows, partial(_case, path=file))


def _case(number: int, row: Row, path: Path) -> Case:
    line, record = row
    options = lettered(record[name] for name in _CHOICES if name in record)
    right = one_of(record["answer_idx"].strip(), tuple(options), "answer_idx")
    if record["answer"].strip() != options[right]:
        raise DatasetError(f"answer is not the text of option {right}.")
    facts = {"options": options}
    if key := record.get("link", "").strip():
        facts["key"] = key
    return _medhelm.case(
        TASK,
        number,
        TASK.prompt(cell(record, "question"), options),
        origin=Origin(path=str(path), line=line, record=record),
        references=(right,),
        facts=facts,
    )
