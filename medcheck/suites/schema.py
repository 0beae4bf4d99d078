"""The shape of suite files: every violation of `schemas/suite.json` becomes a line for people.

What a schema cannot say (ids that repeat, sums of points) stands in `rules`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from medcheck.errors import SuiteError, nearest
from medcheck.suites.yaml_lines import Lines, Problem, Where

SCHEMA = Path(__file__).parents[1] / "schemas" / "suite.json"
MAX_PROBLEMS = 1000
"""Reported of one kind and file; a file with more is no slip of the pen."""

_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a block of fields",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of a suite: its data and where they stand."""

    data: Any
    lines: Lines
    options: Mapping[Where, str] = field(default_factory=dict)
    """Paths that the command line set, with the option's text."""

    def problem(
        self, path: Where, message: str, *, hint: str = "", at_key: bool = False
    ) -> Problem:
        """Return an error at a value, or at its key; names the option where one set the value."""
        text = f"{dotted(path)}: {message}" if path else message
        for start, option in self.options.items():
            made = bool(path) and start[: len(path)] == path and not self.lines.has(path)
            if path[: len(start)] == start or made:
                return Problem(0, 0, SuiteError(text, hint=hint, where=option))
        line, column = self.lines.key(path) if at_key else self.lines.value(path)
        where = f"{self.lines.shown}:{line}:{column}"
        return Problem(line, column, SuiteError(text, hint=hint, where=where))

    def line(self, path: Where) -> int:
        """Return the line on which a value begins."""
        return self.lines.value(path).line


def check(source: Source, *, part: str = "") -> list[Problem]:
    """Return all violations of the schema, or of its definition `part` (such as `fragment`)."""
    return list(_problems(source, _validator(part).iter_errors(source.data), ()))


def fits(part: str, value: Any) -> bool:
    """Tell whether a value satisfies the schema's definition `part`."""
    return bool(_validator(part).is_valid(value))


def check_options(
    source: Source, path: Where, options: Any, *, schema: Mapping[str, Any]
) -> list[Problem]:
    """Return all violations of a shelf module's own `OPTIONS` by the block at `path`."""
    from jsonschema import Draft202012Validator

    return list(_problems(source, Draft202012Validator(schema).iter_errors(options), path))


def dotted(path: Where) -> str:
    """Return a path as messages write it: `cases[3].criteria[0].points`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def shown(value: Any) -> str:
    """Return a found value as messages show it, cut to one short line."""
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, dict):
        return "a block of fields"
    if isinstance(value, str):
        cut = value if len(value) <= 60 else value[:57] + "..."
        return f"the text {json.dumps(cut, ensure_ascii=False)}"
    if value is None:
        return "nothing"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"the number {value}" if is_number else json.dumps(value)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the nearest known name as a question, or all known names."""
    return nearest(name, known).partition(" Known: ")[0]


@cache
def schema() -> dict[str, Any]:
    """Return `schemas/suite.json`."""
    found: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found


@cache
def _validator(part: str) -> Any:
    from jsonschema import Draft202012Validator

    definitions = schema()["$defs"]
    # with its references filled in the schema is checked in two thirds of the time
    return Draft202012Validator(_inlined(definitions[part] if part else schema(), definitions))


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(value, definitions) for key, value in node.items() if key != "$defs"}


def _problems(source: Source, errors: Iterable[Any], base: Where) -> Iterator[Problem]:
    told: set[tuple[Where, str]] = set()
    for error in islice(errors, MAX_PROBLEMS):
        path = (*base, *error.absolute_path)
        for key, message, hint in _told(error):
            place = (*path, key) if key is not None else path
            if (place, message) not in told:
                told.add((place, message))
                yield source.problem(place, message, hint=hint, at_key=message == _UNKNOWN)


_Told = Iterator[tuple[str | None, str, str]]
_UNKNOWN = "unknown field."


def _told(error: Any) -> _Told:
    explain = _EXPLAIN.get(error.validator)
    if explain is None:
        yield None, f"{error.message}.", ""
    else:
        yield from explain(error.validator_value, error.instance, error.schema)


def _additional(_: Any, found: dict[str, Any], schema: Mapping[str, Any]) -> _Told:
    known = schema.get("properties", {})
    for key in found:
        if key not in known:
            yield key, _UNKNOWN, _deeper(key, known) or did_you_mean(key, known)


def _deeper(key: str, known: Mapping[str, Any]) -> str:
    """Return the field of a block that a key means which stands too high; empty: none."""
    for name, block in known.items():
        for inner in block.get("properties", ()):
            if inner == key or inner.startswith(f"{key}_"):
                return f'Did you mean "{name}.{inner}"?'
    return ""


def _required(names: list[str], found: dict[str, Any], _: Any) -> _Told:
    for name in names:
        if name not in found:
            yield name, "missing.", "Add it."


def _type(expected: Any, found: Any, _: Any) -> _Told:
    types = [expected] if isinstance(expected, str) else expected
    names = " or ".join(_TYPES[name] for name in types)
    hint = ""
    if "string" in types and isinstance(found, bool | int | float):
        exact = not isinstance(found, float)
        hint = f'Put it in quotes: "{json.dumps(found)}".' if exact else "Put it in quotes."
    if "string" in types and isinstance(found, Mapping) and len(found) == 1:
        [(key, value)] = found.items()
        if isinstance(key, str) and isinstance(value, str):
            joined = "" if " " in key + value else f"Write {key}:{value} without a space, or put "
            hint = f'{joined or "Put "}it in quotes: "{key}: {value}".'
    yield None, f"expected {names}, found {shown(found)}.", hint


def _enum(allowed: list[Any], found: Any, _: Any) -> _Told:
    known = ", ".join(str(value) for value in allowed)
    close = did_you_mean(str(found), [str(value) for value in allowed])
    hint = close if close.startswith("Did") else ""
    yield None, f"expected one of {known}, found {shown(found)}.", hint


def _expected(_: Any, found: Any, schema: Mapping[str, Any]) -> _Told:
    wanted = schema.get("x-expected", f"a text like {schema.get('pattern')}")
    yield None, f"expected {wanted}, found {shown(found)}.", ""


def _not_zero(_: Any, found: Any, __: Any) -> _Told:
    hint = "Give points above 0, or below 0 for what is undesirable." if found == 0 else ""
    yield None, f"must not be {json.dumps(found)}.", hint


def _empty(least: int, found: Any, schema: Mapping[str, Any]) -> _Told:
    if "x-expected" in schema and least > 1:
        yield from _expected(least, found, schema)
    else:
        yield None, "must not be empty.", "Fill it or remove it."


def _bound(words: str) -> Callable[[Any, Any, Any], _Told]:
    def explain(limit: Any, found: Any, _: Any) -> _Told:
        yield None, f"must be {words} {limit}, found {found}.", ""

    return explain


_EXPLAIN: Mapping[str, Callable[[Any, Any, Any], _Told]] = {
    "additionalProperties": _additional,
    "required": _required,
    "type": _type,
    "enum": _enum,
    "pattern": _expected,
    "maxItems": _expected,
    "not": _not_zero,
    "minItems": _empty,
    "minProperties": _empty,
    "minimum": _bound("at least"),
    "maximum": _bound("at most"),
    "exclusiveMinimum": _bound("above"),
    "exclusiveMaximum": _bound("below"),
}
