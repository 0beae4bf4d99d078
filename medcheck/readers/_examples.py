"""What the HealthBench formats have in common: conversations and lists of criteria."""

from __future__ import annotations

from collections.abc import Collection

from medcheck.errors import DatasetError
from medcheck.lines import Record, any_text, checked_object, filled_list, shown, texts
from medcheck.types import Message

MAX_POINTS = 1e15
"""As many digits as a suite file takes; thousands of such criteria still add up."""
_ROLES = ("user", "assistant")
_TURN = ("role", "content")


def turns(
    found: object, where: str = "prompt", *, others: Collection[str] | None = ()
) -> tuple[Message, ...]:
    """Return a conversation that ends with the user.

    Raises:
        DatasetError: it is none; `others` are further fields of a turn that pass, `None`: any.
    """
    messages = []
    for position, turn in enumerate(filled_list(found, where)):
        place = f"{where}[{position}]"
        fields = checked_object(turn, _TURN, others, place)
        if fields["role"] not in _ROLES:
            role = shown(fields["role"])
            raise DatasetError(f"{place}.role is {role}, expected user or assistant.")
        text = any_text(fields["content"], f"{place}.content")
        messages.append(Message(role=fields["role"], text=text))
    if messages[-1].role != "user":
        raise DatasetError("the last message is not the user's.")
    return tuple(messages)


def items(
    found: object, where: str, *, text: str, others: Collection[str] | None = ()
) -> list[Record]:
    """Return a list of criteria with a text (under the name `text`) and points.

    Raises:
        DatasetError: an item is wrong, or none has positive points.
    """
    listed = filled_list(found, where)
    possible = 0.0
    for position, item in enumerate(listed):
        place = f"{where}[{position}]"
        fields = checked_object(item, (text, "points", *(others or ())), others, place)
        if not isinstance(fields[text], str) or not fields[text].strip():
            raise DatasetError(f"{place}.{text} is {shown(fields[text])}, not a text.")
        points = checked_points(fields["points"], f"{place}.points")
        possible += max(points, 0)
    if not possible:
        raise DatasetError("no criterion has positive points: there is nothing to earn.")
    return listed


def checked_points(found: object, where: str) -> float:
    """Return the points of a criterion.

    Raises:
        DatasetError: they are no number, or so large or small that sums and shares of them would
            be none.
    """
    if isinstance(found, bool) or not isinstance(found, int | float) or not found:
        raise DatasetError(f"{where} is {shown(found)}, not a number other than 0.")
    if not 1 / MAX_POINTS <= abs(found) <= MAX_POINTS:
        raise DatasetError(f"{where} is {shown(found)}, expected 1e-15 to 1e15 or their negatives.")
    return float(found)


def unique_tags(found: object, where: str) -> tuple[str, ...]:
    """Return a list of tags without repeats.

    Raises:
        DatasetError: it is none.
    """
    tags = texts(found, where)
    if len(set(tags)) != len(tags):
        twice = next(tag for tag in tags if tags.count(tag) > 1)
        raise DatasetError(f'{where}: tag "{twice}" stands twice.')
    return tags


def check_new(name: str, case_id: str, number: int, seen: dict[str, int]) -> None:
    """Remember the line of an id.

    Raises:
        DatasetError: the id stands already on an earlier line.
    """
    first = seen.setdefault(case_id, number)
    if first != number:
        raise DatasetError(f'{name} "{case_id}" stands already on line {first}.')
