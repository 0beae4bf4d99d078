"""Copies of one choice question, its options in several orders: which agree, which are right.

A group counts on the platform only if every copy is right, so the share of groups whose copies
point at one and the same option is an upper bound of its score. A group of which a copy is absent
or was not measured is in no share: it is counted beside them. How copies are made is in
`shuffling`.

Source: medbench.md section 1 (circular sets) and section 4, finding 4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from medcheck.scoring.options import choice_of

_T = TypeVar("_T")

GROUP = "group:"
"""Prefix of the tag that says which copies belong together."""
LABEL = "circular"
"""Under it a case's labels hold `copies` (how many its question has) and, of copies that were made
here, `copy` (which one, 0: as written) and `keyed` (whether there is gold)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One copy of a question and the letter that was read from its answer."""

    group: Hashable
    """`other.id`, or the id of the case that copies were made of."""
    question: str
    letter: str | None
    """Or several letters; `None`: none that can be read."""
    measured: bool = True
    """False: there is no answer that could be read."""
    of: int | None = None
    """How many copies the question has; `None`: as many as are here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """How alike the copies of each question were answered."""

    groups: int
    """Those of which every copy is here and was measured."""
    consistent: int
    """Groups whose copies all point at the same option."""
    repeats: int
    """Prompts that were asked more than once, word for word."""
    split: int
    """Of these, how many got different letters: noise of the model alone."""
    undecided: int = 0
    """Groups that lack a copy, or the answer to one."""

    @property
    def bound(self) -> float | None:
        """The highest accuracy per group that is left; `None`: no groups."""
        return self.consistent / self.groups if self.groups else None

    @property
    def noise(self) -> float | None:
        """The share of repeated prompts that got different letters; `None`: none was repeated."""
        return self.split / self.repeats if self.repeats else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Whether one copy of a question was answered right."""

    group: Hashable
    right: bool | None
    """`None`: not measured."""
    number: int | None = None
    """Which copy it is, 0: as written; `None`: no order is the original one."""
    of: int | None = None
    """How many copies the question has; `None`: as many as are here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What is left of a model's right answers when every copy must be right."""

    groups: int
    """Those of which every copy is here and was measured; the only ones that are counted."""
    right: int
    """Groups with every copy right."""
    undecided: int
    """Groups that lack a copy, or the answer to one."""
    plain: float | None
    """Share of right answers to the questions as written; where no order is the original one, to
    all copies."""

    @property
    def accuracy(self) -> float | None:
        """Share of groups with every copy right; `None`: no groups."""
        return self.right / self.groups if self.groups else None

    @property
    def drop(self) -> float | None:
        """What single answers promised and groups did not keep; `None`: no groups."""
        return None if self.accuracy is None or self.plain is None else self.plain - self.accuracy


def grouped(copies: Iterable[Copy]) -> dict[Hashable, tuple[Copy, ...]]:
    """Return the copies by group, in order of appearance."""
    return _by_group(copies, lambda copy: copy.group)


def is_consistent(members: Sequence[Copy]) -> bool:
    """Tell whether all copies of a group point at the same option texts.

    A copy without a letter points at nothing. Identical copies agree when their letters do.
    """
    if any(copy.letter is None for copy in members):
        return False
    return len({_chosen(copy) for copy in members}) == 1


def consistency(copies: Iterable[Copy]) -> Consistency:
    """Return how alike the groups of a set were answered."""
    by_group = grouped(copies)
    whole = [
        found for found in by_group.values() if all(c.measured for c in found) and _whole(found)
    ]
    repeats = [letters for members in by_group.values() for letters in _repeated(members)]
    return Consistency(
        groups=len(whole),
        consistent=sum(map(is_consistent, whole)),
        repeats=len(repeats),
        split=sum(len(set(letters)) > 1 for letters in repeats),
        undecided=len(by_group) - len(whole),
    )


def credit(marks: Iterable[Mark]) -> Credit:
    """Return how many groups have every copy right, and what plain answers would have promised.

    A group that lacks a copy or the answer to one is left out even if another copy is wrong: only
    right groups would be lost otherwise.
    """
    by_group = _by_group(marks, lambda mark: mark.group)
    whole = [
        found
        for found in by_group.values()
        if all(mark.right is not None for mark in found) and _whole(found)
    ]
    plain = [bool(mark.right) for found in whole for mark in _as_written(found)]
    return Credit(
        groups=len(whole),
        right=sum(all(mark.right for mark in found) for found in whole),
        undecided=len(by_group) - len(whole),
        plain=sum(plain) / len(plain) if plain else None,
    )


def size_of(labels: Mapping[str, Any]) -> int | None:
    """Return how many copies a case's question has by its labels; `None`: they do not say."""
    return _told(labels, "copies")


def number_of(labels: Mapping[str, Any]) -> int | None:
    """Return which copy a case is by its labels; `None`: they do not say."""
    return _told(labels, "copy")


def is_keyed(labels: Mapping[str, Any]) -> bool:
    """Tell whether copies have gold; false only where the labels say so."""
    found = labels.get(LABEL)
    return not isinstance(found, Mapping) or found.get("keyed") is not False


def _told(labels: Mapping[str, Any], name: str) -> int | None:
    found = labels.get(LABEL)
    value = found.get(name) if isinstance(found, Mapping) else None
    return value if isinstance(value, int) else None


def _by_group(
    members: Iterable[_T], group: Callable[[_T], Hashable]
) -> dict[Hashable, tuple[_T, ...]]:
    found: dict[Hashable, list[_T]] = defaultdict(list)
    for member in members:
        found[group(member)].append(member)
    return {name: tuple(several) for name, several in found.items()}


def _whole(members: Sequence[Copy] | Sequence[Mark]) -> bool:
    return all(member.of is None or len(members) >= member.of for member in members)


def _as_written(members: Sequence[Mark]) -> Sequence[Mark]:
    return [mark for mark in members if mark.number == 0] or members


def _chosen(copy: Copy) -> Hashable:
    """Return the texts of the options that were chosen, or the letters where none are found."""
    choice = choice_of(copy.question)
    texts = [choice.text_of(letter) if choice else None for letter in copy.letter or ""]
    if None in texts:
        return copy.letter
    return frozenset("".join(text.split()) for text in texts if text is not None)


def _repeated(members: Sequence[Copy]) -> list[list[str | None]]:
    by_prompt: dict[str, list[str | None]] = defaultdict(list)
    for copy in members:
        if copy.measured:
            by_prompt[copy.question].append(copy.letter)
    return [letters for letters in by_prompt.values() if len(letters) > 1]
