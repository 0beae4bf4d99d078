"""Formats of one or several option letters: `B`, `<B>`, `ACD`, `A,C,D`, `<A, C, D>`."""

from __future__ import annotations

import re

from medcheck.scoring._reading import Reading, fail, leaks, recoverable, strict
from medcheck.scoring.options import choice_of

_ANGLED = re.compile(r"<\s*([A-Z])\s*>")
_MARKED = re.compile(r"[*_`\s]*([A-Z])[.。*_`\s]*")
"""A letter in bold or code, or with a full stop."""
_BETWEEN = r"[\s,，、;；<>*`]*"
_SENTENCE = re.compile(
    r"(?:答案?|应选|选择|选项)(?:应?[是为]|选择?|选项|[：:\s*<（(])*([A-Z])(?![A-Za-z])"
)
_LIST = re.compile(r"[A-Z](?:\s*[,，、]\s*[A-Z])*")
_LISTED_SENTENCE = re.compile(
    r"(?:答案|答|应选|正确选项)(?:应?[是为]|[：:\s*<（(])*([A-Z](?:\s*[,，、]\s*[A-Z])*)(?![A-Za-z])"
)


def letter(question: str, answer: str) -> Reading:
    """Read one bare letter."""
    if re.fullmatch("[A-Z]", answer):
        return _known(question, strict(answer))
    if found := _ANGLED.fullmatch(answer):
        return _known(question, recoverable(found.group(1), "<> not asked"))
    if found := _MARKED.fullmatch(answer):
        return _known(question, recoverable(found.group(1), "bold, code or full stop"))
    return _known(question, _one_letter(answer))


def angle_letter(question: str, answer: str) -> Reading:
    """Read one letter in angle brackets."""
    if found := _ANGLED.fullmatch(answer):
        return _known(question, strict(found.group(1)))
    if found := _MARKED.fullmatch(answer):
        return _known(question, recoverable(found.group(1), "bare letter, <> missing"))
    return _known(question, _one_letter(answer))


def joined_letters(question: str, answer: str) -> Reading:
    """Read letters that run together."""
    if re.fullmatch("[A-Z]+", answer):
        return _known_list(question, strict(answer))
    return _known_list(question, _letters(answer, _BETWEEN))


def comma_letters(question: str, answer: str) -> Reading:
    """Read letters with commas between them."""
    if re.fullmatch(r"[A-Z](?: ?, ?[A-Z])*", answer):
        return _known_list(question, strict("".join(re.findall("[A-Z]", answer))))
    return _known_list(question, _letters(answer, _BETWEEN))


def angle_letters(question: str, answer: str) -> Reading:
    """Read letters with commas between them, in angle brackets."""
    if found := re.fullmatch(r"<([A-Z](?:, ?[A-Z])*)>", answer):
        return _known_list(question, strict("".join(re.findall("[A-Z]", found.group(1)))))
    inside = {
        "".join(re.findall("[A-Z]", found))
        for found in re.findall(rf"<\s*({_LIST.pattern})\s*>", answer)
    }
    if len(inside) == 1:
        return _known_list(question, recoverable(inside.pop(), "<...> inside text"))
    return _known_list(question, _letters(answer, r"[\s,，、;；*`]*"))


def _one_letter(answer: str) -> Reading:
    """Read the one letter that a longer answer names; two different ones are none."""
    for pattern, why in ((_ANGLED, "<X> inside other text"), (_SENTENCE, '"答案是X" sentence')):
        named = set(pattern.findall(answer))
        if len(named) == 1 and not leaks(answer):
            return recoverable(named.pop(), why)
    if (found := re.fullmatch(r"([A-Z])[.、．:：\s]+(\S.*)", answer)) and not leaks(answer):
        return recoverable(found.group(1), "letter + option text")
    return fail(
        "leaked reasoning, no unique choice" if leaks(answer) else "no unique option letter"
    )


def _letters(answer: str, between: str) -> Reading:
    if re.fullmatch(rf"{between}(?:[A-Z]{between})+", answer):
        return recoverable("".join(re.findall("[A-Z]", answer)), "separator/bracket differs")
    found = {"".join(re.findall("[A-Z]", text)) for text in _LISTED_SENTENCE.findall(answer)}
    if len(found) == 1 and not leaks(answer):
        return recoverable(found.pop(), '"答案是" sentence')
    return fail("no option list")


def _known(question: str, reading: Reading) -> Reading:
    """Refuse a letter that the question does not offer."""
    choice = choice_of(question)
    if reading.usable and choice is not None and reading.value not in choice.letters:
        return fail("letter not among options")
    return reading


def _known_list(question: str, reading: Reading) -> Reading:
    """Refuse letters that the question does not offer, and repeats; sort the others."""
    if not reading.usable:
        return reading
    choice = choice_of(question)
    if choice is not None and set(reading.value) - set(choice.letters):
        return fail("letter not among options")
    if len(set(reading.value)) != len(reading.value):
        return fail("letter named twice")
    value = "".join(sorted(reading.value))
    return Reading(state=reading.state, why=reading.why, value=value)
