"""Shuffled copies of choice questions: are they answered alike, and how to make them.

A group counts on the platform only if every copy is right, so the share of groups whose copies
point at one and the same option is an upper bound of its score.

Source: medbench.md section 1 (circular sets) and section 4, finding 4.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from medcheck.errors import DatasetError
from medcheck.scoring.options import Choice, choice_of
from medcheck.types import Case, Message

GROUP = "group:"
"""Prefix of the tag that says which copies belong together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One copy of a question and the letter that was read from its answer."""

    group: Hashable
    """`other.id`, or the id of the case that copies were made of."""
    question: str
    letter: str | None
    """`None`: no answer, or none that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """How alike the copies of each question were answered."""

    groups: int
    consistent: int
    """Groups whose copies all point at the same option."""
    repeats: int
    """Prompts that were asked more than once, word for word."""
    split: int
    """Of these, how many got different letters: noise of the model alone."""

    @property
    def bound(self) -> float | None:
        """The highest accuracy per group that is left; `None`: no groups."""
        return self.consistent / self.groups if self.groups else None

    @property
    def noise(self) -> float | None:
        """The share of repeated prompts that got different letters; `None`: none was repeated."""
        return self.split / self.repeats if self.repeats else None


def grouped(copies: Iterable[Copy]) -> dict[Hashable, tuple[Copy, ...]]:
    """Return the copies by group, in order of appearance."""
    found: dict[Hashable, list[Copy]] = defaultdict(list)
    for copy in copies:
        found[copy.group].append(copy)
    return {group: tuple(members) for group, members in found.items()}


def is_consistent(members: Sequence[Copy]) -> bool:
    """Tell whether all copies of a group point at the same option text.

    A copy without a letter points at nothing. Identical copies agree when their letters do.
    """
    if any(copy.letter is None for copy in members):
        return False
    return len({_chosen(copy) for copy in members}) == 1


def consistency(copies: Iterable[Copy]) -> Consistency:
    """Return how alike the groups of a set were answered."""
    by_group = grouped(copies)
    repeats = [letters for members in by_group.values() for letters in _repeated(members)]
    return Consistency(
        groups=len(by_group),
        consistent=sum(map(is_consistent, by_group.values())),
        repeats=len(repeats),
        split=sum(len(set(letters)) > 1 for letters in repeats),
    )


def credited(right: Iterable[tuple[Hashable, bool | None]]) -> dict[Hashable, bool | None]:
    """Return by group whether all its copies are right; `None`: a copy was not measured.

    One wrong copy is enough for False, whatever the others are.
    """
    by_group: dict[Hashable, list[bool | None]] = defaultdict(list)
    for group, verdict in right:
        by_group[group].append(verdict)
    return {
        group: False if False in found else None if None in found else True
        for group, found in by_group.items()
    }


def copies_of(case: Case, count: int, *, seed: int = 0) -> tuple[Case, ...]:
    """Return a choice case and `count` - 1 copies with their options in another order.

    The first is the case itself; orders do not repeat until all were used, and depend on the
    case's id and `seed` only. Letters stay in place, texts move; a single-letter reference moves
    along. Each copy is named `ID.cN` and tagged `group:ID`.

    Raises:
        DatasetError: the last message offers no lettered options.
    """
    message = case.messages[-1]
    choice = choice_of(message.text)
    if choice is None:
        hint = "Leave out circular, or write options as A. B. C. on lines of their own."
        raise DatasetError(f'case "{case.id}" offers no lettered options.', hint=hint)
    orders = _orders(len(choice.options), count, random.Random(f"{seed} {case.id}"))  # noqa: S311 - order only
    return tuple(_copy(case, choice, order, number) for number, order in enumerate(orders))


def _chosen(copy: Copy) -> str:
    """Return the text of the option that was chosen, or its letter where none is found."""
    choice = choice_of(copy.question)
    text = choice.text_of(copy.letter or "") if choice else None
    return f"letter {copy.letter}" if text is None else "".join(text.split())


def _repeated(members: Sequence[Copy]) -> list[list[str | None]]:
    by_prompt: dict[str, list[str | None]] = defaultdict(list)
    for copy in members:
        by_prompt[copy.question].append(copy.letter)
    return [letters for letters in by_prompt.values() if len(letters) > 1]


def _orders(size: int, count: int, chance: random.Random) -> list[tuple[int, ...]]:
    """Return `count` orders, the given one first; few options are used up before one repeats."""
    seen: list[tuple[int, ...]] = [tuple(range(size))]
    used = set(seen)
    possible = 1
    for factor in range(2, size + 1):
        possible *= factor
    while len(seen) < count:
        order = tuple(chance.sample(range(size), size))
        if order not in used or len(used) == possible:
            used.add(order)
            seen.append(order)
    return seen[:count]


def _copy(case: Case, choice: Choice, order: tuple[int, ...], number: int) -> Case:
    texts = [choice.options[old][1] for old in order]
    body = "".join(mark + text for mark, text in zip(choice.marks, texts, strict=True))
    message = replace(case.messages[-1], text=choice.head + body + choice.tail)
    moved = {choice.letters[old]: choice.letters[new] for new, old in enumerate(order)}
    messages: tuple[Message, ...] = (*case.messages[:-1], message)
    return replace(
        case,
        id=case.id if number == 0 else f"{case.id}.c{number}",
        messages=messages,
        references=tuple(_moved(reference, moved) for reference in case.references),
        tags=(*case.tags, f"{GROUP}{case.id}"),
        labels=_moved_labels(case, moved),
    )


def _moved(reference: str, moved: dict[str, str]) -> str:
    """Return a reference of letters only (`B`, `<A, C>`) with the letters where they moved to."""
    letters = [sign for sign in reference if sign.isalpha()]
    if not letters or any(sign not in moved for sign in letters):
        return reference
    new = iter(sorted(moved[sign] for sign in letters))
    return "".join(next(new) if sign.isalpha() else sign for sign in reference)


def _moved_labels(case: Case, moved: dict[str, str]) -> dict[str, object]:
    gold = case.labels.get("gold")
    return (
        {**case.labels, "gold": _moved(gold, moved)} if isinstance(gold, str) else {**case.labels}
    )
