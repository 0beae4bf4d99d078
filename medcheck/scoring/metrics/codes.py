"""Sets of diagnosis codes (ICD-10) in a text, and their precision, recall and F1.

Source: medhelm.md section 3 (stanford-crfm/helm metrics/mimiciv_billing_code_metrics.py).
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from medcheck.scoring.metrics._base import EMPTY, Gold, Measured, plain, unmeasured

_CODE = re.compile(
    r"(?<![A-Za-z0-9.])(?:([A-Za-z]\d[0-9ABab])\.(\d[0-9A-Za-z]{0,3})"
    r"|([A-Z]\d[0-9AB])(?:\.?([0-9A-Z]{1,4}))?)(?![A-Za-z0-9])"
)
"""In small letters with a dot only: `b12` and `t10` are no codes in prose."""
_ONLY = re.compile(r"(?i)[(\[]?[A-Z]\d[0-9AB](?:\.\d[0-9A-Z]{0,3}|[0-9A-Z]{1,4})?[)\].]?")
_OFFICIAL = re.compile(r"\b[A-Z]\d{1,3}(?:\.\d{1,4})?\.?\b")


def codes_of(text: str) -> frozenset[str]:
    """Return the ICD-10 codes of a text, without their dots: `S72.001A` and `S72001A` are one.

    In small letters those with a dot count, and all where the text holds nothing but codes.
    """
    folded = plain(text)
    listed = all(map(_ONLY.fullmatch, re.split(r"[\s,;、]+", folded.strip(" \n,;、"))))
    found = _CODE.findall(folded.upper() if listed else folded)
    return frozenset("".join(parts).upper() for parts in found)


def code_f1(answer: str, gold: Gold) -> Measured:
    """Return F1 of the codes of the answer and of the references, as sets."""
    return _shared(answer, gold)[0]


def code_precision(answer: str, gold: Gold) -> Measured:
    """Return the share of the answer's codes that the references hold; no codes: 0."""
    return _shared(answer, gold)[1]


def code_recall(answer: str, gold: Gold) -> Measured:
    """Return the share of the references' codes that the answer holds."""
    return _shared(answer, gold)[2]


def code_f1_official(answer: str, gold: Gold) -> Measured:
    """Return F1 of codes as MedHELM cuts them: `S72.001A` becomes `S72`, dots count."""
    return _f1(*_cut_both(answer, gold))


def code_precision_official(answer: str, gold: Gold) -> Measured:
    """Return the precision of codes as MedHELM cuts them; no codes in the answer: 0."""
    given, wanted = _cut_both(answer, gold)
    return _share(given, wanted, of=given)


def code_recall_official(answer: str, gold: Gold) -> Measured:
    """Return the recall of codes as MedHELM cuts them; no codes in the references: 0."""
    given, wanted = _cut_both(answer, gold)
    return _share(given, wanted, of=wanted)


def _shared(answer: str, gold: Gold) -> tuple[Measured, Measured, Measured]:
    wanted = frozenset().union(*map(codes_of, gold.references))
    if not wanted:
        none = unmeasured("the reference holds no code.")
        return none, none, none
    if not answer.strip():
        return EMPTY, EMPTY, EMPTY
    given = codes_of(answer)
    shares = (_share(given, wanted, of=part) for part in (given, wanted))
    return _f1(given, wanted), *shares  # type: ignore[return-value]  # two shares


def _cut_both(answer: str, gold: Gold) -> tuple[AbstractSet[str], AbstractSet[str]]:
    return _cut(answer), {code for text in gold.references for code in _cut(text)}


def _cut(text: str) -> set[str]:
    return {code.rstrip(".") for code in _OFFICIAL.findall(text.replace("**", ""))}


def _f1(given: AbstractSet[str], wanted: AbstractSet[str]) -> Measured:
    hits = len(given & wanted)
    value = 2 * hits / (len(given) + len(wanted)) if hits else 0.0
    return Measured(value=value, why=_why(given, wanted))


def _share(given: AbstractSet[str], wanted: AbstractSet[str], *, of: AbstractSet[str]) -> Measured:
    value = len(given & wanted) / len(of) if of else 0.0
    return Measured(value=value, why=_why(given, wanted))


def _why(given: AbstractSet[str], wanted: AbstractSet[str]) -> str:
    hits = len(given & wanted)
    return f"{hits} of {len(wanted)} codes, {len(given) - hits} others."
