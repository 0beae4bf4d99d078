"""What a gold answer of a choice or a closed set says, however its author wrote the letters.

Answers are read strictly by `formats`; gold comes from people and may be `b`, `(B)` or an option's
text. Gold is compared in `gold`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from medcheck.scoring.formats import read_answer
from medcheck.scoring.options import Choice, choice_of

_ONE = ("letter", "angle_letter")
_SEVERAL = ("joined_letters", "comma_letters", "angle_letters")
_OPEN, _CLOSE = r"[\s<(\[{【《\"'*`]*", r"[\s>)\]}】》\"'*`.。]*"
_LEAD = (
    r"(?:(?:正确)?(?:答案|选项|选择|选|答)\s*(?:应?[是为选])?\s*[:]?|(?:the )?answer(?: is)?\s*:?)?"
)
_LETTERS = re.compile(rf"{_OPEN}{_LEAD}{_OPEN}([A-Z](?:[\s,、;/&+]*[A-Z])*){_CLOSE}", re.IGNORECASE)
"""Letters and signs around and between them, nothing else."""
_NAMED = re.compile(
    rf"{_OPEN}([A-Z])(?:{_CLOSE}[.、:)]|[\s>)\]】]+)\s*(\S.*)", re.IGNORECASE | re.DOTALL
)
"""A letter and the text of its option."""


def read_key(rule: str, question: str, gold: str) -> Any:
    """Return the value of a gold answer as its format's rule gives it; `None`: it has none.

    Letters may be in lower case, full width or brackets, stand before their option's text, or be
    replaced by it.
    """
    value = read_answer(rule, question, gold).value
    if value is not None or rule not in (*_ONE, *_SEVERAL):
        return value
    letters = letters_of(gold, choice_of(question))
    if letters is None or (rule in _ONE and len(letters) != 1):
        return None
    return letters


def letters_of(gold: str, choice: Choice | None) -> str | None:
    """Return the letters that a gold answer names, sorted; `None`: none, or none of the options.

    Args:
        gold: as its author wrote it.
        choice: the question's options; `None`: they are not known, and any letter is one.
    """
    text = unicodedata.normalize("NFKC", gold).strip()
    if choice is not None and (found := letters_by_text(text, choice)):
        return found
    letters = _alone(text) or _before_its_text(text, choice)
    if letters is None or len(set(letters)) != len(letters):
        return None
    if choice is not None and set(letters) - set(choice.letters):
        return None
    return "".join(sorted(letters))


def letters_by_text(text: str, choice: Choice) -> str | None:
    """Return the letter of the one option that has this text; `None`: none, or several.

    A bare letter is never a text.
    """
    wanted = _folded(text)
    if wanted.upper() in list(choice.letters):
        return None
    found = [letter for letter, option in choice.options if _folded(option) == wanted]
    return found[0] if len(found) == 1 and wanted else None


def _alone(text: str) -> str | None:
    found = _LETTERS.fullmatch(text)
    return None if found is None else "".join(filter(str.isalpha, found.group(1))).upper()


def _before_its_text(text: str, choice: Choice | None) -> str | None:
    found = _NAMED.fullmatch(text)
    if found is None or choice is None:
        return None
    letter = found.group(1).upper()
    option = choice.text_of(letter)
    return letter if option is not None and _folded(option) == _folded(found.group(2)) else None


def _folded(text: str) -> str:
    """Return a text to compare: width, case, spaces and a closing stop do not count."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(plain.split()).rstrip(".。;")
