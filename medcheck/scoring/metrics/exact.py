"""Exact and quasi-exact match: of the answer that a reply gives, and of the raw reply.

Source: medhelm.md section 3 (stanford-crfm/helm evaluate_reference_metrics.py:67, 513) and section
7, item 9.
"""

from __future__ import annotations

import re
import string
import unicodedata

from medcheck.scoring.metrics._base import EMPTY, Gold, Measured, decided, plain, shown, unmeasured
from medcheck.scoring.metrics.extraction import (
    POLAR,
    letter_of,
    polar_of,
    short_of,
    shorter_of,
    stripped,
)

_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_ASCII = str.maketrans("", "", string.punctuation)
NO_GOLD = "there is no reference."
NO_OPTION = "no single option can be read."
NO_ANSWER = "no answer can be read."


def exact_match(answer: str, gold: Gold) -> Measured:
    """Compare the answer that a reply gives with the references; case and width do not count.

    Of a choice question (`options`, or a reference of one capital letter) that is a letter.
    """
    if not any(map(str.strip, gold.references)):
        return unmeasured(NO_GOLD)
    if not answer.strip():
        return EMPTY
    options = {str(k): str(v) for k, v in (gold.facts.get("options") or {}).items()}
    if options or re.fullmatch(r"[A-Z]", gold.reference.strip()):
        return _choice(answer, gold, options)
    found = _short(answer, gold)
    right = found is not None and found.casefold() in _folded(gold)
    return decided(right, _read(found), _class(found, gold))


def exact_match_official(answer: str, gold: Gold) -> Measured:
    """Compare the raw reply, stripped, with the references: "The answer is B" is wrong for B.

    Case counts, nothing is extracted.
    """
    if not gold.references:
        return unmeasured(NO_GOLD)
    text = answer.strip()
    right = bool(text) and any(text == reference.strip() for reference in gold.references)
    options = gold.facts.get("options") or {}
    return decided(right, _read(text), _named(text, gold) if text in options else text or None)


def quasi_exact_match(answer: str, gold: Gold) -> Measured:
    """Compare without case, punctuation of any script, and the articles a, an, the.

    A reference that is nothing else ("A", "%") is compared with as much of that as leaves a text.
    """
    if not any(map(str.strip, gold.references)):
        return unmeasured(NO_GOLD)
    if not answer.strip():
        return EMPTY
    right = any(_quasi_same(answer, reference) for reference in gold.references)
    return decided(right, _read(_quasi_text(answer) or answer.strip()))


def quasi_exact_match_official(answer: str, gold: Gold) -> Measured:
    """Compare without case, ASCII punctuation and articles: `肺炎。` is not `肺炎`.

    Where nothing is left of a reference, any reply of which nothing is left is right.
    """
    if not any(map(str.strip, gold.references)):
        return unmeasured(NO_GOLD)
    if not answer.strip():
        return EMPTY
    text = _quasi_ascii(answer)
    right = text in map(_quasi_ascii, gold.references)
    return decided(right, _read(text or answer.strip()))


def _quasi_same(answer: str, reference: str) -> bool:
    folds = (_quasi_text, _signless, lambda text: plain(text).casefold(), str.strip)
    fold = next((fold for fold in folds if fold(reference)), None)
    return fold is not None and fold(answer) == fold(reference)


def _quasi_text(text: str) -> str:
    return " ".join(_ARTICLE.sub(" ", _signless(text)).split())


def _signless(text: str) -> str:
    folded = plain(text).casefold()
    kept = "".join(sign for sign in folded if not unicodedata.category(sign).startswith("P"))
    return " ".join(kept.split())


def _quasi_ascii(text: str) -> str:
    return " ".join(_ARTICLE.sub(" ", text.lower().translate(_ASCII)).split())


def _choice(answer: str, gold: Gold, options: dict[str, str]) -> Measured:
    letter = letter_of(answer, options)
    if letter is None:
        return Measured(value=0.0, why=NO_OPTION)
    right = letter in [reference.strip() for reference in gold.references]
    return decided(right, _read(letter), _named(letter, gold))


def _short(answer: str, gold: Gold) -> str | None:
    """Return the few words of an answer as they stand, or as much of them as is the answer."""
    found, known = short_of(answer), _folded(gold)
    if found is None or found.casefold() in known:
        return found
    word = polar_of(answer) if known & POLAR else None
    return word or shorter_of(answer)


def _named(letter: str, gold: Gold) -> str:
    """Return a letter's class: the option's text where classes are named so."""
    options = gold.facts.get("options") or {}
    text = str(options.get(letter, letter))
    classes = [str(option) for option in options.values()]
    return text if gold.wanted in classes and gold.wanted not in options else letter


def _class(found: str | None, gold: Gold) -> str | None:
    """Return an answer as its class: spelled as the reference where it is the same."""
    if found is None:
        return None
    same = [
        text for text in gold.references if stripped(plain(text)).casefold() == found.casefold()
    ]
    return (gold.wanted if same else found) or found


def _folded(gold: Gold) -> set[str]:
    return {stripped(plain(reference)).casefold() for reference in gold.references}


def _read(found: str | None) -> str:
    return f"read: {shown(found)}." if found else NO_ANSWER
