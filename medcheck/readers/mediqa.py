"""MEDIQA 2019, task 3: consumers' health questions with ranked and rated answers.

The reference is the answer of the best rank; the others, with their ranks and ratings (4 excellent,
3 correct but incomplete, 2 related, 1 incorrect), stay in the case's original record.

Source: medhelm.md section 1 (medi_qa) and abachaa/MEDIQA2019 at ae5d382 (Task3_README.txt).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medcheck.errors import DatasetError
from medcheck.lines import filled_text
from medcheck.readers import _medhelm, _medhelm_lint
from medcheck.readers._medhelm_lint import Doubt
from medcheck.types import Case, Origin

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

OPTIONS = _medhelm.NO_OPTIONS
TASK = _medhelm.Task(
    name="medi_qa",
    instructions="Answer the health question of a member of the public.",
    noun="Question",
)
RATED = {"1": "incorrect", "2": "related", "3": "incomplete", "4": "excellent"}
_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each question: `medi_qa-N`, for jurors.

    `labels["task"]`: `key` (QID), `rated` (what its makers think of the reference), `answers` (how
    many were ranked). Tag: `gold:excellent`, `gold:incomplete` and so on.

    Raises:
        DatasetError: not such a file, or a question cannot be used.
    """
    del options
    file = Path(path)
    return _medhelm.built(file, _root(file).findall("Question"), partial(_case, path=file))


def lint(cases: Iterable[Case], options: Mapping[str, Any] | None = None) -> tuple[Doubt, ...]:
    """Return what is doubtful about the cases."""
    del options
    return _medhelm_lint.findings(cases, _poor)


def _root(path: Path) -> Element:
    from xml.etree import ElementTree as ET

    found = _medhelm.content(path, hint="Run: medcheck fetch medhelm_mediqa")
    if _DECLARES.search(found):
        # Entities can unpack to gigabytes; the official file declares none.
        raise DatasetError("the XML declares a document type or entities.", where=str(path))
    try:
        return ET.fromstring(found)  # noqa: S314 - no entities, and the size is bounded
    except ET.ParseError as error:
        raise DatasetError(f"not XML: {error}.", where=str(path)) from None


def _case(number: int, question: Element, path: Path) -> Case:
    text = filled_text((question.findtext("QuestionText") or "").strip(), "QuestionText")
    answers = [_answer(found) for found in question.iter("Answer")]
    best = [answer for answer in answers if answer["ReferenceRank"] == "1"]
    if len(best) != 1:
        raise DatasetError(f"{len(best)} answers of rank 1, expected one.")
    key = question.get("QID", "")
    rated = RATED.get(best[0]["ReferenceScore"], "unrated")
    return _medhelm.case(
        TASK,
        number,
        TASK.prompt(text),
        origin=Origin(path=str(path), record={"QID": key, "question": text, "answers": answers}),
        references=(filled_text(best[0]["text"], "AnswerText"),),
        facts={"key": key, "rated": rated, "answers": len(answers)},
        tags=(f"gold:{rated}",),
        closed=False,
    )


def _answer(found: Element) -> dict[str, str]:
    given = {name: found.get(name, "") for name in ("AID", "ReferenceRank", "ReferenceScore")}
    text = (found.findtext("AnswerText") or "").strip()
    return {**given, "url": (found.findtext("AnswerURL") or "").strip(), "text": text}


def _poor(cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find references that their own makers did not rate excellent."""
    poor = [case for case in cases if _medhelm_lint.facts(case).get("rated") != "excellent"]
    text = "its makers did not rate the best answer excellent: a better one may look worse."
    yield from _medhelm_lint.doubt("warning", "poor_gold", text, poor)
