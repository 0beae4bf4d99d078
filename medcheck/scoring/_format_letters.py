"""Formats of one or several option letters: `B`, `<B>`, `ACD`, `A,C,D`, `<A, C, D>`."""

from __future__ import annotations

import re

from medcheck.scoring._reading import Reading, fail, leaks, negated, recoverable, strict
from medcheck.scoring.options import choice_of

_ANGLED = re.compile(r"<\s*([A-Z])\s*>")
_MARKED = re.compile(r"[*_`\s]*([A-Z])[.。*_`\s]*")
"""A letter in bold or code, or with a full stop."""
_ALONE = re.compile(
    r"[\s*_`\"'“<(（\[【]*([A-Za-z])[\s*_`\"'”>)）\]】.。．、,，;；]*"
    r"|\{\s*\"[^\"]{1,20}\"\s*:\s*\"([A-Za-z])\"\s*\}"
)
"""A letter in brackets of any kind, in lower case, or the only value of an object."""
_BETWEEN = r"[\s,，、;；*`()（）\[\]【】.。]*"
_BETWEEN_ANGLED = r"[\s,，、;；<>*`()（）\[\]【】.。]*"
_SAID = r"(?:应?[是为]|选择?|选项|[：:\s*<（(【])*"
_SENTENCE = re.compile(rf"(?:答案?|应选|选择?|选项){_SAID}([A-Z])(?![A-Za-z0-9])")
_LETTERED = re.compile(r"([A-Z])[.、．:：\s]+(\S.*)")
"""A letter with the text of its option."""
_LIST = re.compile(r"[A-Z](?:\s*[,，、]\s*[A-Z])*")
_LISTED_SENTENCE = re.compile(
    rf"(?:答案?|应选|选择?|正确选项){_SAID}"
    r"([A-Z](?:[ \t]*(?:[,，、和与及]|以及)?[ \t]*[A-Z])*)(?![A-Za-z0-9])"
)
_LISTED_OBJECT = re.compile(
    r'\{\s*"[^"]{1,20}"\s*:\s*(?:"([A-Z][A-Z,，、 ]{0,60})"|\[([A-Z", ]{1,200})\])\s*\}'
)
_CLOSED = r"[\s>)）】”\"'*`]{0,8}"
_OR = re.compile(
    rf"{_CLOSED}(?:(?:或者?|还是|和|与|以?及)\s*[<（(【]?([A-Z])(?![A-Za-z0-9])"
    r"|[、,，/ ]\s*[<（(【]?([A-Z])(?![A-Za-z0-9.．\u4e00-\u9fff]))"
)
"""Another letter that goes with the one before."""
_DENIED = re.compile(
    rf"{_CLOSED}(?:选?项)?(?:是|为)?(?:错|不(?:正确|对|合适|恰当|符|成立)|有误|可?以?应?被?排除|除外)"
)
_GOES_ON = re.compile(r"(?![\u4e00-\u9fff])|[项选是为最更正因这而和与或及]|还是|以及")
"""What may follow a letter in a sentence; another word makes it part of a name (`B超`)."""
_OTHER = re.compile(r"(?<![A-Za-z0-9])[A-Z](?![A-Za-z0-9]|(?!选?项)[\u4e00-\u9fff])")
_WIDE = str.maketrans(
    "".join(chr(ord("Ａ") + place) for place in range(26)) + "＜＞〈〉《》",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ<><><>",
)
"""Letters and angles of full width, as they are meant."""


def letter(question: str, answer: str) -> Reading:
    """Read one bare letter."""
    if re.fullmatch("[A-Z]", answer):
        return _known(question, strict(answer))
    if found := _ANGLED.fullmatch(answer):
        return _known(question, recoverable(found.group(1), "<> not asked"))
    if found := _MARKED.fullmatch(answer):
        return _known(question, recoverable(found.group(1), "bold, code or full stop"))
    return _known(question, _one_letter(question, answer.translate(_WIDE)))


def angle_letter(question: str, answer: str) -> Reading:
    """Read one letter in angle brackets."""
    if found := _ANGLED.fullmatch(answer):
        return _known(question, strict(found.group(1)))
    if found := _MARKED.fullmatch(answer):
        return _known(question, recoverable(found.group(1), "bare letter, <> missing"))
    return _known(question, _one_letter(question, answer.translate(_WIDE)))


def joined_letters(question: str, answer: str) -> Reading:
    """Read letters that run together."""
    if re.fullmatch("[A-Z]+", answer):
        return _known_list(question, strict(answer))
    return _known_list(question, _letters(question, answer, _BETWEEN_ANGLED))


def comma_letters(question: str, answer: str) -> Reading:
    """Read letters with commas between them."""
    if re.fullmatch(r"[A-Z](?: ?, ?[A-Z])*", answer):
        return _known_list(question, strict("".join(re.findall("[A-Z]", answer))))
    return _known_list(question, _letters(question, answer, _BETWEEN_ANGLED))


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
    return _known_list(question, _letters(question, answer, _BETWEEN))


def _one_letter(question: str, answer: str) -> Reading:
    """Read the one letter that a longer answer names; two different ones are none."""
    if found := _ALONE.fullmatch(answer):
        return recoverable((found.group(1) or found.group(2)).upper(), "other bracket or case")
    if leaks(answer):
        return fail("leaked reasoning, no unique choice")
    for pattern, why in ((_ANGLED, "<X> inside other text"), (_SENTENCE, '"答案是X" sentence')):
        named = _named(question, answer, pattern)
        if len(named) == 1:
            return recoverable(named.pop(), why)
    if (found := _LETTERED.fullmatch(answer)) and _is_option(question, *found.groups()):
        return recoverable(found.group(1), "letter + option text")
    return fail("no unique option letter")


def _named(question: str, answer: str, pattern: re.Pattern[str]) -> set[str]:
    """Return the letters that an answer names and does not deny, with those that go with them."""
    named: set[str] = set()
    for found in pattern.finditer(answer):
        if _meant(question, answer, found):
            named.update(found.group(1), *_joined(answer, found.end()))
    return named


def _meant(question: str, answer: str, found: re.Match[str]) -> bool:
    """Tell whether a letter is the answer: not denied, and no part of a name such as `B超`."""
    after = answer[found.end() :]
    if negated(answer[: found.start()]) or _DENIED.match(after):
        return False
    return bool(_GOES_ON.match(after)) or after.startswith(_text_of(question, found.group(1)))


def _joined(answer: str, end: int) -> set[str]:
    found = _OR.match(answer, end)
    return {sign for sign in found.groups() if sign} if found else set()


def _is_option(question: str, sign: str, text: str) -> bool:
    """Tell whether the text behind a letter is its option's, or at least names no other letter."""
    if text.startswith(_text_of(question, sign)):
        return True
    return not _DENIED.match(text) and set(_OTHER.findall(text)) <= {sign}


def _text_of(question: str, sign: str) -> str:
    """Return the text of an option; where it is not known, a text that nothing begins with."""
    choice = choice_of(question)
    return (choice and choice.text_of(sign)) or "\0"


def _letters(question: str, answer: str, between: str) -> Reading:
    answer = answer.translate(_WIDE)
    if re.fullmatch(rf"{between}(?:[A-Z]{between})+", answer):
        return recoverable("".join(re.findall("[A-Z]", answer)), "separator/bracket differs")
    if found := _LISTED_OBJECT.fullmatch(answer):
        return recoverable("".join(re.findall("[A-Z]", found[1] or found[2])), "letters in JSON")
    if leaks(answer):
        return fail("no option list")
    named = _named_lists(question, answer)
    return (
        recoverable(named.pop(), '"答案是" sentence') if len(named) == 1 else fail("no option list")
    )


def _named_lists(question: str, answer: str) -> set[str]:
    """Return the lists of letters that an answer names; `A或C` are two."""
    named: set[str] = set()
    for found in _LISTED_SENTENCE.finditer(answer):
        if _meant(question, answer, found):
            named.add("".join(re.findall("[A-Z]", found.group(1))))
            named |= _joined(answer, found.end())
    return named


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
