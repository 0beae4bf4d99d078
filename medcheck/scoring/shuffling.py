"""Copies of a choice question with its options in another order, for `circular: K`.

What the answers to the copies say is counted in `circular`.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import factorial
from typing import Any

from medcheck.errors import DatasetError
from medcheck.scoring.circular import GROUP, LABEL
from medcheck.scoring.keys import letters_by_text, letters_of
from medcheck.scoring.options import Choice, choice_of
from medcheck.types import Case

_BY_GOLD = ("closed", "short_answer")
"""Graders that compare with gold and leave criteria without a check aside."""
_FEWEST = 2
"""Options that can change places."""
_AND = r"(?:和|与|及|或|以及|、|,|/|\+|&|and|or)"
_ALL_BEFORE = re.compile(
    r"以上[^\d,。]{0,3}?(?:都|均|全|皆|各|任|所有|不|非|无|没有|是|对|项|选项|答案|情况|因素|措施)|上述"
    r"|\bof the (?:above|preceding|foregoing)\b|\ball (?:the )?above\b"
    r"|\b(?:all|none|any) of (?:these|them)\b",
    re.IGNORECASE,
)
"""What a closing option says of all others; elsewhere than at the end it would change meaning."""
_BY_PLACE = re.compile(
    r"前[面两二三四]|后[面两二三四](?:项|者|个)"
    r"|\b(?:first|last|former|latter) (?:two|three|option|choice)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    """Where the options of one copy went."""

    order: tuple[int, ...]
    """By new place: the old one."""
    letters: Mapping[str, str]
    """By old letter: the new one."""


def unshuffled(case: Case) -> str | None:
    """Return why a case's options cannot change places; `None`: they can.

    A closing option about all others (`以上都是`, `none of the above`) stays at the end; one that
    names others by letter or place (`A和B`, `both A and B`, `前两项`) keeps the case as it is.
    """
    if any(tag.startswith(GROUP) for tag in case.tags):
        return "stands in shuffled copies already"
    choice = choice_of(case.messages[-1].text)
    if choice is None:
        return "offers no lettered options"
    for place, (letter, text) in enumerate(choice.options):
        plain = unicodedata.normalize("NFKC", text)
        if _BY_PLACE.search(plain) or _names_letters(plain, choice.letters):
            return f"option {letter} names other options"
        if _ALL_BEFORE.search(plain) and place < len(choice.options) - _pinned(choice):
            return f"option {letter} speaks of those above it"
    if len(choice.options) - _pinned(choice) < _FEWEST:
        return "has fewer than two options that can change places"
    return None


def copies_of(case: Case, count: int, *, seed: int = 0) -> tuple[Case, ...]:
    """Return a choice case and `count` - 1 copies with their options in another order.

    The first is the question as written; orders do not repeat until all were used, and depend on
    the case's id and `seed` only. Letters stay in place, texts move; gold and the options in
    `labels["task"]` move along. Each copy is named `ID.cN` and tagged `group:ID`; answers that
    came with the case stay with the first.

    Raises:
        DatasetError: the case cannot be shuffled, or its gold cannot move along.
    """
    if why := unshuffled(case):
        hint = "Leave out circular, or write options as A. B. C. on lines of their own."
        raise DatasetError(f'case "{case.id}" {why}.', hint=hint)
    choice = choice_of(case.messages[-1].text)
    assert choice is not None
    _check(case, choice)
    chance = random.Random(f"{seed} {case.id}")  # noqa: S311 - order only
    free = len(choice.options) - _pinned(choice)
    orders = _orders(free, count, chance)
    rest = tuple(range(free, len(choice.options)))
    return tuple(
        _copy(case, choice, (*order, *rest), number, count) for number, order in enumerate(orders)
    )


def _check(case: Case, choice: Choice) -> None:
    """Refuse what would stay at its letter while the texts move."""
    hint = "Give gold as letters or as an option's text, or leave out circular."
    if any(c.check for c in case.criteria) or (case.criteria and case.grader not in _BY_GOLD):
        problem = f'case "{case.id}" has criteria or checks, which do not move with the options.'
        raise DatasetError(problem, hint=hint)
    for gold in _gold(case):
        if letters_of(gold, choice) is None:
            problem = f'case "{case.id}": gold "{gold[:40]}" is no letter or text of its options.'
            raise DatasetError(problem, hint=hint)


def _gold(case: Case) -> tuple[str, ...]:
    given = case.labels.get("gold")
    if isinstance(given, str) and given.strip():
        return (given,)
    return tuple(text for text in case.references if text.strip())


def _pinned(choice: Choice) -> int:
    """Return how many closing options speak of all others."""
    found = 0
    for _, text in reversed(choice.options):
        if not _ALL_BEFORE.search(unicodedata.normalize("NFKC", text)):
            break
        found += 1
    return found


def _names_letters(text: str, letters: str) -> bool:
    one = f"(?<![A-Za-z])[{letters}](?![A-Za-z])"
    patterns = (
        rf"{one}\s*{_AND}\s*{one}",
        rf"(?i:选项|答案|options?|answers?|choices?)\s*{one}",
        rf"{one}\s*(?:选?项|对|错|正确|错误)",
        rf"(?i:仅|只有|除|非|both|only|except|neither)\s*{one}\s*(?:$|[都均外以、,和])",
    )
    return any(re.search(pattern, text) for pattern in patterns) or bool(
        re.fullmatch(f"[{letters}]{{2,}}", text)
    )


def _orders(size: int, count: int, chance: random.Random) -> list[tuple[int, ...]]:
    """Return `count` orders, the given one first; few options are used up before one repeats."""
    seen: list[tuple[int, ...]] = [tuple(range(size))]
    used = set(seen)
    while len(seen) < count:
        order = tuple(chance.sample(range(size), size))
        if order not in used or len(used) == factorial(size):
            used.add(order)
            seen.append(order)
    return seen[:count]


def _copy(case: Case, choice: Choice, order: tuple[int, ...], number: int, count: int) -> Case:
    texts = [choice.options[old][1] for old in order]
    body = "".join(mark + text for mark, text in zip(choice.marks, texts, strict=True))
    message = replace(case.messages[-1], text=choice.head + body + choice.tail)
    letters = {choice.letters[old]: choice.letters[new] for new, old in enumerate(order)}
    moves = _Moves(order=order, letters=letters)
    keyed = bool(_gold(case))
    labels = _moved_labels(case, choice, moves)
    return replace(
        case,
        id=case.id if number == 0 else f"{case.id}.c{number}",
        messages=(*case.messages[:-1], message),
        references=tuple(_moved(text, choice, moves) for text in case.references),
        tags=(*case.tags, f"{GROUP}{case.id}"),
        labels={**labels, LABEL: {"copies": count, "copy": number, "keyed": keyed}},
        answers=case.answers if number == 0 else {},
    )


def _moved(gold: str, choice: Choice, moves: _Moves) -> str:
    """Return gold with its letters where they moved to; an option's text stays as it is."""
    letters = letters_of(gold, choice)
    if letters is None or letters_by_text(gold, choice):
        return gold
    new = sorted(moves.letters[letter] for letter in letters)
    signs = [sign for sign in gold if sign.isalpha()]
    if signs != [sign for sign in signs if sign in choice.letters] or len(signs) != len(letters):
        return ",".join(new)
    moved = iter(new)
    return "".join(next(moved) if sign.isalpha() else sign for sign in gold)


def _moved_labels(case: Case, choice: Choice, moves: _Moves) -> dict[str, Any]:
    labels = dict(case.labels)
    gold = labels.get("gold")
    if isinstance(gold, str):
        labels["gold"] = _moved(gold, choice, moves)
    task = labels.get("task")
    options = task.get("options") if isinstance(task, Mapping) else None
    if isinstance(options, Mapping) and "".join(map(str, options)) == choice.letters:
        texts = [*options.values()]
        moved = dict(zip(options, (texts[old] for old in moves.order), strict=True))
        labels["task"] = {**(task or {}), "options": moved}
    return labels
