"""Medec: clinical texts that are right or hold one planted error, a numbered sentence a line.

The public test file has 925 rows, of which 328 are blank: the texts of its second collection are
only given out under an agreement. They are left out, as the original does.

Source: medhelm.md sections 3 and 7 (abachaa/MEDEC at 70268d2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import Record
from medcheck.readers import _medhelm, _medhelm_lint
from medcheck.readers._medhelm import Row, cell, one_of
from medcheck.readers._medhelm_lint import Doubt
from medcheck.types import Case, Origin

OPTIONS = _medhelm.NO_OPTIONS
CORRECT = "CORRECT"
"""The answer to a text without an error."""
TASK = _medhelm.Task(
    name="medec",
    instructions=(
        "Below is a clinical text, one sentence a line; each line begins with the number of its "
        "sentence. Either the text is right, or one of its sentences holds one medical error. "
        "Check every sentence as a physician would.\n"
        f"If all are right, answer with the one word {CORRECT}. Otherwise answer with the number "
        "of the wrong sentence, a space, and that sentence corrected. Write nothing else."
    ),
    noun="Clinical text",
)
_COLUMNS = (
    "Text ID", "Sentences", "Error Flag", "Error Type", "Error Sentence ID", "Error Sentence",
    "Corrected Sentence",
)  # fmt: skip
_SENTENCE = re.compile(r"(?m)^(\d+)[ \t]+(.*\S)")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each row with a text: `medec-N`, N counted over these rows.

    The reference is CORRECT, or the number of the wrong sentence, a space and its correction.
    `labels["task"]`: `flag` (0 or 1), `sentence_id` (`None` without an error), `sentence`,
    `corrected`, `class`. Tags: `flag:`, `error:` (its type), `source:`.

    Raises:
        DatasetError: every row that cannot be used.
    """
    del options
    file = Path(path)
    rows = _medhelm.csv_rows(file, needed=_COLUMNS)
    return _medhelm.built(file, rows, partial(_case, path=file))


def lint(cases: Iterable[Case], options: Mapping[str, Any] | None = None) -> tuple[Doubt, ...]:
    """Return what is doubtful about the cases."""
    del options
    return _medhelm_lint.findings(cases, _sentences)


def _case(number: int, row: Row, path: Path) -> Case:
    line, record = row
    flag = int(one_of(record["Error Flag"].strip(), ("0", "1"), "Error Flag"))
    text = "\n".join(cell(record, "Sentences").splitlines())
    kind = record["Error Type"].strip()
    key = cell(record, "Text ID")
    wanted = _wanted(record, text) if flag else {}
    reference = f"{wanted['sentence_id']} {wanted['corrected']}" if wanted else CORRECT
    tags = [f"flag:{flag}", f"source:{key.partition('-')[0]}"]
    return _medhelm.case(
        TASK,
        number,
        TASK.prompt(f"\n{text}"),
        origin=Origin(path=str(path), line=line, record=record),
        references=(reference,),
        facts={"key": key, "flag": flag, "class": flag, **(wanted or _NO_ERROR)},
        tags=[*tags, f"error:{kind}"] if wanted and kind else tags,
    )


_NO_ERROR: Mapping[str, Any] = {"sentence_id": None, "sentence": None, "corrected": None}


def _wanted(record: Record, text: str) -> dict[str, Any]:
    number = cell(record, "Error Sentence ID")
    sentences = dict(_SENTENCE.findall(text))
    if number not in sentences:
        raise DatasetError(f"Error Sentence ID is {number}, which is no sentence of the text.")
    return {
        "sentence_id": int(number),
        "sentence": cell(record, "Error Sentence"),
        "corrected": cell(record, "Corrected Sentence"),
    }


def _sentences(cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find errors whose sentence is not the one of that number, or that correct nothing."""
    wrong, same = [], []
    for case in cases:
        facts = _medhelm_lint.facts(case)
        if not facts.get("flag"):
            continue
        found = dict(_SENTENCE.findall(case.messages[0].text)).get(str(facts["sentence_id"]), "")
        if _squeezed(found) != _squeezed(facts["sentence"]):
            wrong.append(case)
        if _squeezed(facts["corrected"]) == _squeezed(facts["sentence"]):
            same.append(case)
    text = "the wrong sentence is not the one of its number: a right number may be another."
    yield from _medhelm_lint.doubt("warning", "sentence_elsewhere", text, wrong)
    text = "the correction is the wrong sentence itself."
    yield from _medhelm_lint.doubt("warning", "no_correction", text, same)


def _squeezed(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()
