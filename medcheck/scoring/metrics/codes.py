"""Sets of diagnosis codes (ICD-10) in a text, and their precision, recall and F1.

Source: medhelm.md section 3 (stanford-crfm/helm metrics/mimiciv_billing_code_metrics.py).
"""

from __future__ import annotations

import re

from medcheck.scoring.metrics._base import EMPTY, Gold, Measured, plain, unmeasured

_CODE = re.compile(r"(?<![A-Za-z0-9.])([A-Z]\d[0-9AB])(?:\.?([0-9A-Z]{1,4}))?(?![A-Za-z0-9])")
_OFFICIAL = re.compile(r"\b[A-Z]\d{1,3}(?:\.\d{1,4})?\.?\b")


def codes_of(text: str) -> frozenset[str]:
    """Return the ICD-10 codes of a text, without their dots: `S72.001A` and `S72001A` are one."""
    return frozenset("".join(parts) for parts in _CODE.findall(plain(text)))


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
    wanted = {code for text in gold.references for code in _cut(text)}
    return _f1(_cut(answer), wanted)


def _shared(answer: str, gold: Gold) -> tuple[Measured, Measured, Measured]:
    wanted = frozenset().union(*map(codes_of, gold.references))
    if not wanted:
        none = unmeasured("the reference holds no code.")
        return none, none, none
    if not answer.strip():
        return EMPTY, EMPTY, EMPTY
    given = codes_of(answer)
    hits = len(given & wanted)
    why = f"{hits} of {len(wanted)} codes, {len(given) - hits} others."
    shares = (hits / len(given) if given else 0.0, hits / len(wanted))
    parts = (Measured(value=share, why=why) for share in shares)
    return _f1(set(given), set(wanted)), *parts  # type: ignore[return-value]  # two parts


def _cut(text: str) -> set[str]:
    return {code.rstrip(".") for code in _OFFICIAL.findall(text.replace("**", ""))}


def _f1(given: set[str], wanted: set[str]) -> Measured:
    hits = len(given & wanted)
    value = 2 * hits / (len(given) + len(wanted)) if hits else 0.0
    why = f"{hits} of {len(wanted)} codes, {len(given) - hits} others."
    return Measured(value=value, why=why)
