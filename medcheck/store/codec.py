"""Results as JSON-able dicts and back, exactly; no database and no file here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from medcheck.errors import StoreError
from medcheck.types import (
    Ballot,
    Completion,
    Criterion,
    Image,
    Message,
    Result,
    Score,
    Usage,
    Verdict,
)

R = TypeVar("R")

_TIMED: Mapping[type, frozenset[str]] = {
    Result: frozenset({"seconds"}),
    Completion: frozenset({"seconds", "cached"}),
}
_NOUNS = (Ballot, Completion, Criterion, Image, Message, Result, Score, Usage, Verdict)
_FIELDS: Mapping[type, tuple[str, ...]] = {
    noun: tuple(f.name for f in fields(noun) if f.name not in _TIMED.get(noun, ()))
    for noun in _NOUNS
}


def encode(result: Result) -> dict[str, Any]:
    """Return the result as plain JSON data.

    Wall times and the cached flag stand apart under `timing`: all else is the same for two runs
    over the same replies.
    """
    packed: dict[str, Any] = _packed(result)
    packed["timing"] = {"seconds": result.seconds}
    if result.completion is not None:
        packed["timing"]["completion_seconds"] = result.completion.seconds
        packed["timing"]["cached"] = result.completion.cached
    return packed


def decode(data: Mapping[str, Any]) -> Result:
    """Return the result that `encode` was given.

    Inside free-form values (checks, evidence) tuples come back as lists.

    Raises:
        StoreError: the data has other fields than this version knows.
    """
    try:
        return _result(data)
    except (AttributeError, KeyError, TypeError) as error:
        raise StoreError(
            f"a stored result cannot be read ({error}).",
            hint="It was written by another version of medcheck: use that one, or run again.",
        ) from error


def dumps(value: object) -> str:
    """Return JSON that any database's UTF-8 text column takes, half surrogates and NUL included.

    Raises:
        StoreError: a number is not finite, or a value has no JSON form.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise StoreError(f"a value cannot be stored: {error}.") from error
    return storable(text)


def storable(text: str) -> str:
    """Return text without code points that UTF-8 text columns refuse; JSON keeps its meaning.

    A half surrogate becomes its six-character escape, which in JSON is the same character.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode(errors="backslashreplace").decode()
    return text.replace("\0", "\\u0000") if "\0" in text else text


def _packed(value: Any) -> Any:
    kind = type(value)
    if kind in (str, float, int, bool, type(None)):
        return value
    names = _FIELDS.get(kind)
    if names is not None:
        return {name: _packed(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {key: _packed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_packed(item) for item in value]
    return value


def _result(data: Mapping[str, Any]) -> Result:
    timing = data["timing"]
    values = {key: value for key, value in data.items() if key != "timing"}
    values["completion"] = _optional(lambda c: _completion(c, timing), data["completion"])
    values["score"] = _optional(_score, data["score"])
    values["tags"] = tuple(data["tags"])
    values["category"] = tuple(data["category"])
    values["messages"] = tuple(map(_message, data["messages"]))
    return Result(**values, seconds=timing["seconds"])


def _completion(data: Mapping[str, Any], timing: Mapping[str, Any]) -> Completion:
    values = {**data, "usage": Usage(**data["usage"]), "evidence": tuple(data["evidence"])}
    return Completion(**values, seconds=timing["completion_seconds"], cached=timing["cached"])


def _score(data: Mapping[str, Any]) -> Score:
    return Score(**{**data, "verdicts": tuple(map(_verdict, data["verdicts"]))})


def _verdict(data: Mapping[str, Any]) -> Verdict:
    ballots = tuple(map(_ballot, data["ballots"]))
    return Verdict(**{**data, "criterion": _criterion(data["criterion"]), "ballots": ballots})


def _ballot(data: Mapping[str, Any]) -> Ballot:
    return Ballot(**{**data, "usage": Usage(**data["usage"])})


def _criterion(data: Mapping[str, Any]) -> Criterion:
    low, high = data["scale"]
    return Criterion(**{**data, "scale": (low, high), "tags": tuple(data["tags"])})


def _message(data: Mapping[str, Any]) -> Message:
    return Message(**{**data, "images": tuple(Image(**image) for image in data["images"])})


def _optional(build: Callable[[Any], R], value: Any) -> R | None:
    return None if value is None else build(value)
