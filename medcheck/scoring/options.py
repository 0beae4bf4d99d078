"""The lettered options of a choice question, read from its text; which is right stays unknown.

Used to check letters, to compare shuffled copies and to make them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_TASK = re.compile(r"##\s*(?:题目|问题|患者信息|题干)|题目[:：]|患者信息[:：]")
"""Where the last question begins, behind worked examples."""
_LINE = re.compile(r"(?m)^[ \t]*[（(]?([A-Z])[)）]?(?:[ \t]*[.、．:： ][ \t]*(?=\S)|(?=[《“]))")
_MARKED = re.compile(r"([A-Z])[.、．][ \t]*")
_FEWEST = 2
_MOST_MARKS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A question's text taken apart at its options."""

    head: str
    """All that stands before the first option."""
    options: tuple[tuple[str, str], ...]
    """Letter and text, in the order of the letters; texts are stripped."""
    marks: tuple[str, ...]
    """What stands between the texts, letters included: `A. `, then newline and `B. `."""
    tail: str
    """White space and a closing such as `答:` after the last option."""

    @property
    def letters(self) -> str:
        """The letters, joined."""
        return "".join(letter for letter, _ in self.options)

    def text_of(self, letter: str) -> str | None:
        """Return the text of an option; `None`: no such letter."""
        return dict(self.options).get(letter)


def choice_of(question: str) -> Choice | None:
    """Return a choice question's parts; `None`: it has no row of options from A on.

    Options stand a line each, or run together (`A.one B.two`, even without spaces).
    """
    start = 0
    for found in _TASK.finditer(question):
        start = found.end()
    for pattern in (_LINE, _MARKED):
        if chain := _chain(question, pattern, start):
            return _parts(question, chain)
    return None


def _chain(question: str, pattern: re.Pattern[str], start: int) -> list[re.Match[str]]:
    """Return the last row of marks that begins with A and counts on without a gap."""
    marks = list(pattern.finditer(question, start))[-_MOST_MARKS:]
    best: list[re.Match[str]] = []
    for position, mark in enumerate(marks):
        if mark.group(1) != "A":
            continue
        row = [mark]
        for later in marks[position + 1 :]:
            if ord(later.group(1)) == ord(row[-1].group(1)) + 1:
                row.append(later)
        if len(row) >= max(_FEWEST, len(best)):
            best = row
    return best


def _parts(question: str, chain: list[re.Match[str]]) -> Choice:
    bounds = [(mark.end(), after.start()) for mark, after in pairwise(chain)]
    last = _end(question, chain[-1].end())
    bounds.append((chain[-1].end(), last))
    texts = [question[begin:end] for begin, end in bounds]
    gaps = [text[len(text.rstrip()) :] for text in texts]
    marks = [question[mark.start() : mark.end()] for mark in chain]
    return Choice(
        head=question[: chain[0].start()],
        options=tuple((m.group(1), t.strip()) for m, t in zip(chain, texts, strict=True)),
        marks=(marks[0], *(gap + mark for gap, mark in zip(gaps, marks[1:], strict=False))),
        tail=gaps[-1] + question[last:],
    )


def _end(question: str, begin: int) -> int:
    """Return where the last option ends: at its line's end, or before a closing `答`."""
    found = re.compile(r"\n|答(?:案)?[:：]").search(question, begin)
    return found.start() if found else len(question)
