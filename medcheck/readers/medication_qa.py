"""MedicationQA: what consumers ask about drugs, with answers from trusted pages.

For 13 of the 690 questions the answer is that there is none ("No answers", "Unanswerable", "n/a").
The original leaves out one of these, which its table reader takes for a missing value; here all are
read, and the tag `gold:none` marks them.

Source: medhelm.md section 9 (abachaa/Medication_QA_MedInfo2019 at 8756adc).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from medcheck.readers import _medhelm, _medhelm_lint, _tables
from medcheck.readers._medhelm import Row, cell
from medcheck.types import Case, Origin

lint = _medhelm_lint.lint
OPTIONS = _medhelm.NO_OPTIONS
TASK = _medhelm.Task(
    name="medication_qa",
    instructions="Answer the question of a member of the public about a medicine.",
    noun="Question",
)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each row: `medication_qa-N`, for jurors.

    Tags: `kind:` (what is asked about) and `gold:answer` or `gold:none`.

    Raises:
        DatasetError: every row that cannot be used, or openpyxl is missing.
    """
    del options
    file = Path(path)
    hint = "Run: medcheck fetch medhelm_medication_qa"
    rows = _tables.rows(file, needed=("Question", "Question Type", "Answer"), hint=hint)
    return _medhelm.built(file, rows, partial(_case, path=file))


def _case(number: int, row: Row, path: Path) -> Case:
    line, record = row
    gold = cell(record, "Answer")
    kind = cell(record, "Question Type").lower()
    told = "none" if _medhelm_lint.says_nothing(gold) else "answer"
    return _medhelm.case(
        TASK,
        number,
        TASK.prompt(cell(record, "Question")),
        origin=Origin(path=str(path), line=line, record=record),
        references=(gold,),
        facts={"drug": str(record.get("Focus (Drug)", "")), "kind": kind},
        tags=(f"kind:{kind}", f"gold:{told}"),
        closed=False,
    )
