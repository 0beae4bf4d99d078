"""Deterministic checks on an answer's text, found by their name in YAML; no judge is asked here.

A check is one pure function of the answer and its argument. To add one: write the function, add it
to `CHECKS`, describe its argument in `schemas/suite.json`, and, where an argument can be wrong in a
way that the schema cannot see, a rule in `_RULES`. A check that an answer could hang goes through
`in_time`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from medcheck.errors import DatasetError, MedcheckError
from medcheck.lines import STRICT
from medcheck.scoring._bounded import in_time
from medcheck.types import Ballot, Criterion

_CJK = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+(?:['’.,/-][^\W{_CJK}]+)*")
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])(-?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?)"
)
_OPENS = re.compile(r"[ \t]*```[^`]*")
_CLOSES = re.compile(r"[ \t]*```[ \t]*")
# What makes a search go back and forth; other patterns take no longer than the answer is long.
_REPEATS = re.compile(r"[*+{]")
_SLOW_KEYS = frozenset({"pattern", "patternProperties", "uniqueItems"})


def contains(answer: str, wanted: str | list[str]) -> bool:
    """Tell whether the answer holds the text, or all texts of a list.

    Upper and lower case, full-width and half-width forms are the same.
    """
    text = _folded(answer)
    return all(_folded(part) in text for part in _listed(wanted))


def not_contains(answer: str, unwanted: str | list[str]) -> bool:
    """Tell whether the answer holds neither the text nor any text of a list (see `contains`)."""
    text = _folded(answer)
    return not any(_folded(part) in text for part in _listed(unwanted))


def equals(answer: str, wanted: str | list[str]) -> bool:
    """Tell whether the whole answer is the text, or one text of a list.

    Surrounding white space does not count, nor does what `contains` passes over.
    """
    text = _folded(answer).strip()
    return any(_folded(one).strip() == text for one in _listed(wanted))


def regex(answer: str, pattern: str) -> bool:
    """Tell whether Python's `re.search` finds the pattern; `(?i)` at its start ignores case.

    Raises:
        MedcheckError: it came to no end in time.
    """
    return (in_time if _REPEATS.search(pattern) else _plainly)("regex", answer, pattern)


def not_regex(answer: str, pattern: str) -> bool:
    """Tell whether Python's `re.search` does not find the pattern."""
    return not regex(answer, pattern)


def json_schema(answer: str, schema: Mapping[str, Any]) -> bool:
    """Tell whether the answer is JSON that satisfies a JSON Schema (draft 2020-12).

    JSON is the whole answer, or its only fenced block; duplicate keys, NaN and numbers beyond a
    finite float are not JSON.

    Raises:
        MedcheckError: it came to no end in time.
    """
    slow = any(key in _SLOW_KEYS for key in _keys(schema))
    return (in_time if slow else _plainly)("json_schema", answer, schema)


def max_words(answer: str, limit: int) -> bool:
    """Tell whether the answer has at most `limit` words (see `words`)."""
    return words(answer) <= limit


def min_words(answer: str, limit: int) -> bool:
    """Tell whether the answer has at least `limit` words (see `words`)."""
    return words(answer) >= limit


def numeric(answer: str, wanted: Mapping[str, Any]) -> bool:
    """Tell whether some number in the answer lies from `min` to `max`, both included.

    With `unit`, only a number directly followed by that unit counts: `mg` is not `mg/kg`. A comma
    separates thousands, digits inside a name (B12) are no number, `5-10` holds 5 and 10.
    """
    low = wanted.get("min", float("-inf"))
    high = wanted.get("max", float("inf"))
    return any(low <= number <= high for number in _numbers(answer, str(wanted.get("unit", ""))))


def _found(answer: str, pattern: str) -> bool:
    return re.search(pattern, answer) is not None


def _satisfied(answer: str, schema: Mapping[str, Any]) -> bool:
    fenced = _fenced(answer)
    text = fenced[0] if len(fenced) == 1 else answer
    try:
        return bool(_validator(schema).is_valid(json.loads(text, **STRICT)))
    except (DatasetError, ValueError, RecursionError):
        return False


def _plainly(name: str, answer: str, argument: Any) -> bool:
    return IN_TIME[name](answer, argument)


IN_TIME: Mapping[str, Callable[[str, Any], bool]] = {"regex": _found, "json_schema": _satisfied}
"""What runs in a process of its own where it could take long."""

CHECKS: Mapping[str, Callable[[str, Any], bool]] = {
    "contains": contains,
    "not_contains": not_contains,
    "equals": equals,
    "regex": regex,
    "not_regex": not_regex,
    "json_schema": json_schema,
    "max_words": max_words,
    "min_words": min_words,
    "numeric": numeric,
}


def checked(criterion: Criterion, answer: str) -> Ballot:
    """Return what a criterion's check finds; `judge_error`: it came to no end in time."""
    assert criterion.check is not None
    [(name, argument)] = criterion.check.items()
    try:
        met = CHECKS[name](answer, argument)
    except MedcheckError as error:
        return Ballot(judge="check", state="judge_error", value=None, label=name, error=str(error))
    return Ballot(judge="check", state="met" if met else "not_met", value=float(met), label=name)


def words(text: str) -> int:
    """Count the words of a text; Chinese characters and kana count one each."""
    return sum(1 for _ in _WORD.finditer(text))


def describe(name: str, argument: Any) -> str:
    """Return a check as the text of a criterion, such as `contains "112"`."""
    parts = argument if isinstance(argument, list) else [argument]
    shown = (json.dumps(part, ensure_ascii=False) for part in parts)
    return f"{name.replace('_', ' ')} {', '.join(shown)}"


def validate(name: str, argument: Any) -> str | None:
    """Return what is wrong with a check's argument, or `None`; found before anything is run."""
    if name not in CHECKS:
        return f'there is no check "{name}"'
    return _RULES[name](argument)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _listed(texts: str | list[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else texts


def _fenced(answer: str) -> list[str]:
    """Return what stands in the fenced blocks; a fence that is never closed is none."""
    found: list[str] = []
    inside: list[str] | None = None
    for line in answer.split("\n"):
        if inside is None:
            inside = [] if _OPENS.fullmatch(line) else None
        elif _CLOSES.fullmatch(line):
            found.append("\n".join(inside))
            inside = None
        else:
            inside.append(line)
    return found


def _keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        yield from schema
        schema = list(schema.values())
    if isinstance(schema, list):
        for value in schema:
            yield from _keys(value)


def _validator(schema: Mapping[str, Any]) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    # an empty registry: a reference is never fetched from the network
    return Draft202012Validator(dict(schema), registry=Registry())


def _numbers(answer: str, unit: str) -> Iterator[float]:
    text = unicodedata.normalize("NFKC", answer).replace("\u2212", "-")
    follows = re.compile(rf"\s*{re.escape(_folded(unit))}(?![A-Za-z0-9/])") if unit else None
    for found in _NUMBER.finditer(text):
        if follows is None or follows.match(text[found.end() : found.end() + 80].casefold()):
            yield float(found.group(1).replace(",", ""))


def _wrong_text(argument: Any) -> str | None:
    texts = argument if isinstance(argument, list) else [argument]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        return "expected a text or a list of texts, none of them empty"
    return None


def _wrong_regex(argument: Any) -> str | None:
    if not isinstance(argument, str) or not argument:
        return "expected a regular expression as text"
    try:
        re.compile(argument)
    except (re.error, OverflowError, RecursionError) as error:
        return f"not a regular expression: {error}"
    return None


def _wrong_count(argument: Any) -> str | None:
    if isinstance(argument, bool) or not isinstance(argument, int) or argument < 1:
        return "expected a whole number of words, at least 1"
    return None


def _wrong_range(argument: Any) -> str | None:
    if not isinstance(argument, Mapping) or not argument.keys() & {"min", "max"}:
        return "expected min, max or both"
    limits = [argument[key] for key in ("min", "max") if key in argument]
    if any(isinstance(limit, bool) or not isinstance(limit, int | float) for limit in limits):
        return "min and max must be numbers"
    if len(limits) == 2 and limits[0] > limits[1]:
        return f"min {limits[0]} is above max {limits[1]}"
    return None


def _wrong_schema(argument: Any) -> str | None:
    from jsonschema import Draft202012Validator, SchemaError

    if not isinstance(argument, Mapping):
        return "expected a JSON Schema"
    try:
        Draft202012Validator.check_schema(dict(argument))
        for reference in _references(argument):
            if not _resolves(reference, argument):
                return f'$ref "{reference}" does not lead to a place in this schema (#/...)'
        _validator(argument).is_valid({})
    except SchemaError as error:
        place = ".".join(str(part) for part in error.absolute_path) or "its top"
        found = json.dumps(error.instance, ensure_ascii=False)
        return f"not a JSON Schema (draft 2020-12): at {place} it has {found[:60]}"
    except RecursionError:
        return "the schema refers to itself without end"
    return None


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        yield from (schema[key] for key in ("$ref", "$dynamicRef") if key in schema)
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _resolves(reference: Any, schema: Any) -> bool:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        return False
    place = schema
    for part in reference.split("/")[1:]:
        key: Any = part.replace("~1", "/").replace("~0", "~")
        if isinstance(place, list) and key.isdigit():
            key = int(key)
        try:
            place = place[key]
        except (KeyError, IndexError, TypeError):
            return False
    return True


_RULES: Mapping[str, Callable[[Any], str | None]] = {
    "contains": _wrong_text,
    "not_contains": _wrong_text,
    "equals": _wrong_text,
    "regex": _wrong_regex,
    "not_regex": _wrong_regex,
    "json_schema": _wrong_schema,
    "max_words": _wrong_count,
    "min_words": _wrong_count,
    "numeric": _wrong_range,
}
