"""The answer in a reply: a letter, or the few words that a closed question asks for.

One reply says one thing: where it names two different answers and no last word, nothing is read.
What is right is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from medcheck.scoring.metrics._base import plain
from medcheck.scoring.metrics._picked import picked

_BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_COMMAND = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s*\{([^{}]*)\}")
_LEAD = (
    r"(?:(?i:\b(?:answer|(?:correct|best|right|final|most\s+(?:appropriate|likely))\s+(?:choice|option)))"
    r"(?i:\s+(?:is|would\s+be|should\s+be))?(?i:\s+(?:option|choice|letter))?\s*[:=]?"
    r"|(?:答案|结论|(?:正确|最佳)的?选项)\s*(?:应该|应当|应)?(?:选择|选|是|为)?\s*[:=]?\s*(?:选项)?"
    r"|(?<![不可])选择?\s*[:=]?\s*(?:选项)?)"
)
_LETTER = (
    r"[(\[<{]?([A-Z])[)\]>}]?+(?![A-Za-z0-9'’-])(?!(?<=A)\s+[a-z])"
    r"(?!\s*(?:[,/&、]|or\b|and\b|或|和|与|及)\s*[(\[<]?[A-Z](?![A-Za-z]))"
    r"(?!\s*(?:is\b|是)?\s*(?:not\b|incorrect|wrong|不对|不正确|错))"
)
"""One letter, and not an article, one of several, or one that is called wrong."""
_NAMED = re.compile(_LEAD + r"\s*" + _LETTER)
_VERDICT = re.compile(
    r"(?i:\b(?:option|choice)\s+)([A-Z])(?i:\s+is\s+(?:the\s+)?(?:correct|right|best)\b)"
    r"|(?:选项)\s*([A-Z])\s*(?:是)?(?:正确|最佳|最合适)"
)
_BECAUSE = re.compile(_LEAD + r"\s*([A-Z])(?=\s+(?:because|since|as|for|due|given)\b)")
_BARE = re.compile(r"[(\[<{]?([A-Za-z])[)\]>}]?[.:,;。、]?")
_ITEM = re.compile(r"[(\[]?([A-Z])[)\].:、.]\s*(\S.*)")
_TAIL = re.compile(
    r"(?:(?i:\b(?:final\s+|correct\s+)?answer(?:\s+is|\s*[:=])|\banswer\s+is)|(?:最终)?答案\s*(?:[是为]|[:=]))"
    r"\s*[:=]?\s*(\S[^\n]*)"
)
_WRAP = " \t\n\"'“”‘’「」()[]<>{}.,;:!。、,;:$"
_SHORT = 40
_REMARK = re.compile(r"(?<=\S)\s*[(（](?!\s*(?i:or|and|not|if|或|不)\b)[^()（）]*[)）][\s.。]*$")
"""What stands in brackets behind an answer, unless it takes it back."""
_YES_NO = "yes|no|maybe|true|false"
_LEADING = re.compile(
    rf"(?i)[\"'“‘(]*({_YES_NO})[\"'”’)]*"
    r"(?:\s*[,;:!]\s*|\s*[–—]\s*|\s+-\s+|\s*\.(?:\s*\n|\s+(?=(?-i:[A-Z])))|\s*\n"
    r"|\s+(?=(?:because|since|as|due)\b))"
    rf"(?!(?:but\s+|or\s+|and\s+|perhaps\s+|rather\s+)*(?:{_YES_NO})\b)(?=\S)"
)
"""Such a word before its reasons; "No evidence", "No. 5" and "yes, but no" are none."""
POLAR = frozenset(_YES_NO.split("|"))
"""Answers that are often followed by their reasons in one sentence."""


def boxed(reply: str) -> str | None:
    r"""Return what stands in the last `\boxed{}`; `None`: there is none."""
    found = _BOXED.findall(reply)
    return _COMMAND.sub(r"\1", found[-1]).strip() if found else None


def letter_of(reply: str, options: Mapping[str, str]) -> str | None:
    r"""Return the letter that a reply chooses; `None`: none, or several.

    Read are: a letter alone; `\boxed{B}`; "The answer is B", "答案是B", "应选 B", "option B is
    correct"; "B. its text"; and the text of an option in the place of its letter. Where none of
    these is there: "I would choose B", "therefore B is the best answer", "not A but B", and where
    the options are yes, no and maybe, such a word before its reasons.

    Args:
        reply: as the model gave it, free of reasoning.
        options: text by letter; empty: every letter from A to Z may be meant.

    Source: medhelm.md section 7, item 9 (the original extracts nothing).
    """
    text = plain(reply)
    if not text:
        return None
    # The last two read replies of which nothing else could be read.
    readers = (_alone, _in_box, _stated, _item, _last_line, _leading, _picked)
    for read in readers:
        found = read(text, options)
        if found:
            return found[0] if len(found) == 1 else None
    return None


def short_of(reply: str) -> str | None:
    """Return the few words that a reply gives as its answer; `None`: it says nothing.

    What stands in a box or behind "the answer is" or `答案`; the whole reply where it is one line,
    its first line where that is short, else its last.
    """
    found = _segment(plain(reply))
    return None if found is None else stripped(found)


def shorter_of(reply: str) -> str | None:
    """Return `short_of` without a remark in brackets behind it: `1 (hallucinated)` is 1."""
    found = _segment(plain(reply))
    return None if found is None else stripped(_REMARK.sub("", found.strip()))


def polar_of(reply: str) -> str | None:
    """Return yes, no, maybe, true or false where a reply gives it, with reasons behind or not."""
    text = plain(reply)
    marked = _marked(text)
    parts = [_segment(text) or "", text] if marked is None else [marked]
    found = {word for part in parts if (word := _polar(part))}
    return found.pop() if len(found) == 1 else None


def _polar(text: str) -> str | None:
    word = stripped(_REMARK.sub("", text.strip())).casefold()
    leading = _LEADING.match(text)
    return word if word in POLAR else leading[1].casefold() if leading else None


def _segment(text: str) -> str | None:
    marked = _marked(text)
    if marked is not None or not text:
        return marked
    lines = text.splitlines()
    return lines[0] if len(lines) == 1 or len(lines[0]) <= _SHORT else lines[-1]


def _marked(text: str) -> str | None:
    """Return what a text itself calls its answer."""
    inside = boxed(text)
    found = _TAIL.findall(text) if inside is None else ()
    return str(found[-1]) if found else inside


def stripped(text: str) -> str:
    """Return a text without the quotes, brackets and stops around it."""
    return text.strip(_WRAP)


def _alone(text: str, options: Mapping[str, str]) -> Sequence[str]:
    found = _BARE.fullmatch(text)
    return _known([found[1].upper()], options) if found else _texts(text, options)


def _in_box(text: str, options: Mapping[str, str]) -> Sequence[str]:
    inside = boxed(text)
    if inside is None:
        return ()
    found = _BARE.fullmatch(inside)
    if found:
        return _known([found[1].upper()], options)
    item = _ITEM.fullmatch(inside)
    return _known([item[1]], options) if item else _texts(inside, options)


def _stated(text: str, options: Mapping[str, str]) -> Sequence[str]:
    """Return the letters of all sentences that name the answer; the last line has the last word."""
    found = _statements(text, options)
    if len(found) > 1:
        last = _statements(text.splitlines()[-1], options)
        return last if len(last) == 1 else found
    if found:
        return found
    tails = [_texts(tail, options) for tail in _TAIL.findall(text)]
    return tuple(dict.fromkeys(letter for tail in tails for letter in tail))


def _statements(text: str, options: Mapping[str, str]) -> Sequence[str]:
    letters = [*_NAMED.findall(text), *_BECAUSE.findall(text)]
    letters += [one or other for one, other in _VERDICT.findall(text)]
    return _known(letters, options)


def _item(text: str, options: Mapping[str, str]) -> Sequence[str]:
    """Return the letters of lines such as `B. Metformin`; a wrong text takes its letter away."""
    items = [found for line in text.splitlines() if (found := _ITEM.fullmatch(line))]
    letters = [found[1] for found in items if _fits(found[1], found[2], options)]
    return _known(letters, options)


def _last_line(text: str, options: Mapping[str, str]) -> Sequence[str]:
    lines = text.splitlines()
    ends = [found[1] for line in (lines[0], lines[-1]) if (found := _BARE.fullmatch(line))]
    return _known([letter for letter in ends if letter.isupper()], options)


def _leading(text: str, options: Mapping[str, str]) -> Sequence[str]:
    """Return the option that is the first word, where all options are such words."""
    found = _LEADING.match(text)
    polar = bool(options) and all(_folded(option) in POLAR for option in options.values())
    return _texts(found[1], options) if found and polar else ()


def _picked(text: str, options: Mapping[str, str]) -> Sequence[str]:
    return _known(picked(text), options)


def _fits(letter: str, text: str, options: Mapping[str, str]) -> bool:
    """Return whether the text behind a letter may be that option's."""
    others = _texts(text, options)
    return not others or letter in others


def _texts(text: str, options: Mapping[str, str]) -> Sequence[str]:
    """Return the letters of the options whose text this is."""
    wanted = _folded(text)
    return [letter for letter, option in options.items() if _folded(option) == wanted]


def _folded(text: str) -> str:
    return stripped(plain(text)).casefold()


def _known(letters: Sequence[str], options: Mapping[str, str]) -> Sequence[str]:
    return tuple(dict.fromkeys(found for found in letters if not options or found in options))
