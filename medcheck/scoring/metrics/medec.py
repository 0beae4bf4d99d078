"""Medec: whether a clinical text holds an error, in which sentence, and what would be right.

Facts: `flag` (0 or 1), `sentence_id`, `sentence`, `corrected`.

Source: medhelm.md section 3 and section 7, item 2 (stanford-crfm/helm metrics/medec_metrics.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from medcheck.scoring.gold import tokens
from medcheck.scoring.metrics._base import EMPTY, Gold, Measured, decided, plain, shown, unmeasured

CORRECT = "CORRECT"
NEITHER = "neither CORRECT nor the number of a sentence."

_MARK = re.compile(r"(?i:^|\n)(?i:(?:final\s+)?answer|答案|回答|答)\s*(?i:is\b|[:是为])\s*:?\s*")
_RIGHT = re.compile(
    r"(?i)[\"'“(\[]*(?:(?:the\s+)?(?:clinical\s+)?(?:text|note|answer)\s+is\s+)?(?:all\s+)?"
    r"(?:correct|没有错误|无错误|全部正确|正确)[\"'”)\]]*[.。!]*(?:\s+[-–—(].*)?"
)
_WRONG = re.compile(
    r"(?i)[\"'“(\[<#]*(?:sentence|line|no\.?|number|第)?\s*(?:id)?\s*[:#]?\s*(\d{1,4})\s*(?:句|行)?"
    r"[\"'”)\]>.:、-]*\s*(.*)"
)


Changes = Counter[tuple[str, str]]
"""How often each word was taken out (-) or put in (+)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an answer says of a text."""

    flag: int
    """1: it holds an error."""
    sentence_id: int | None = None
    correction: str = ""
    """All that stands behind the number; may have several lines."""


def read(answer: str) -> Found | None:
    """Return what an answer says; `None`: neither CORRECT nor the number of a sentence.

    Stops, quotes, "Answer:" and a word before the number do not count.
    """
    text = plain(answer)
    marked = [found.end() for found in _MARK.finditer(text)]
    lines = (text[marked[-1] :] if marked else text).splitlines()
    if not lines:
        return None
    if _RIGHT.fullmatch(lines[0]):
        return Found(flag=0)
    wrong = _WRONG.fullmatch(lines[0])
    if not wrong:
        return None
    rest = "\n".join([wrong[2], *lines[1:]])
    return Found(flag=1, sentence_id=int(wrong[1]), correction=rest.strip(" \n\"'“”"))


def medec_flag(answer: str, gold: Gold) -> Measured:
    """Compare whether there is an error; a refusal and an unreadable reply say nothing, so 0."""
    flag = gold.facts.get("flag")
    if flag not in (0, 1):
        return unmeasured("the case has no flag.")
    return _decided(answer, lambda found: found.flag == flag)


def medec_sentence(answer: str, gold: Gold) -> Measured:
    """Compare the number of the wrong sentence; of a right text, that it is called CORRECT."""
    flag, wanted = gold.facts.get("flag"), gold.facts.get("sentence_id")
    if flag not in (0, 1) or (flag and wanted is None):
        return unmeasured("the case has no flag, or no sentence.")
    return _decided(
        answer, lambda found: found.flag == flag and (not flag or found.sentence_id == wanted)
    )


def medec_correction(answer: str, gold: Gold) -> Measured:
    """Compare what the answer changes in the wrong sentence with what the reference changes: F1.

    Words, numbers and Chinese characters taken out and put in count, so that the wrong sentence
    given back is 0; another sentence is 0 too. A right change in other words earns less than 1. Of
    a right text, 1 for CORRECT.
    """
    flag, sentence = gold.facts.get("flag"), gold.facts.get("sentence")
    if flag == 0:
        return medec_flag(answer, gold)
    corrected = gold.facts.get("corrected")
    if flag != 1 or not isinstance(sentence, str) or not isinstance(corrected, str):
        return unmeasured("the case has no flag, or no correction.")
    wanted = _changes(sentence, corrected)
    if not wanted:
        return unmeasured("the reference corrects nothing.")
    if not answer.strip():
        return EMPTY
    found = read(answer)
    if found is None or found.sentence_id != gold.facts.get("sentence_id"):
        return Measured(
            value=0.0, why="not a correction of the wrong sentence.", given=_flag(found)
        )
    # Behind a correction of one line there may be remarks; some corrections have several lines.
    lines = found.correction.splitlines()
    kept = lines if len(corrected.splitlines()) > 1 else lines[:1]
    value = _f1(_changes(sentence, "\n".join(kept)), wanted) if kept else 0.0
    return Measured(value=value, why=f"read: {shown(found.correction)}.", given=_flag(found))


def medec_flag_official(answer: str, gold: Gold) -> Measured:
    """Compare as MedHELM does: all but the exact word CORRECT says "error", a refusal as well."""
    flag = gold.facts.get("flag")
    if flag not in (0, 1):
        return unmeasured("the case has no flag.")
    said = int(answer.strip() != CORRECT)
    return decided(said == flag, f"read: flag {said}.", str(said))


def medec_sentence_official(answer: str, gold: Gold) -> Measured:
    """Compare as MedHELM does, where no gold number is ever read: 0 on every text with an error."""
    flag = gold.facts.get("flag")
    if flag not in (0, 1):
        return unmeasured("the case has no flag.")
    said = int(answer.strip() != CORRECT)
    return decided(flag == 0 and said == 0, f"read: flag {said}.", str(said))


def _f1(given: Changes, wanted: Changes) -> float:
    return 2 * (given & wanted).total() / (given.total() + wanted.total())


def _decided(answer: str, right: Callable[[Found], bool]) -> Measured:
    if not answer.strip():
        return EMPTY
    found = read(answer)
    if found is None:
        return Measured(value=0.0, why=NEITHER)
    said = CORRECT if not found.flag else f"sentence {found.sentence_id}"
    return decided(bool(right(found)), f"read: {said}.", _flag(found))


def _flag(found: Found | None) -> str | None:
    return None if found is None else str(found.flag)


def _changes(before: str, after: str) -> Changes:
    old, new = Counter(tokens(before)), Counter(tokens(after))
    gone = {("-", token): count for token, count in (old - new).items()}
    come = {("+", token): count for token, count in (new - old).items()}
    return Counter({**gone, **come})
