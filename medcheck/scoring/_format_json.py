"""Finding JSON, or a Python literal, in an answer; what it must hold is told by the rules."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from medcheck.scoring._reading import Reading, fail, recoverable, strict, unfenced

_MOST = 100_000
"""Characters; longer answers are not searched."""
_DEEPEST = 40
_TRIES = 30
"""Brackets without an end that are passed over before the search stops."""
_OPEN, _CLOSE = "[{", "]}"

Problem = Callable[[Any], str | None]
"""What is wrong with a value; `None`: nothing."""

_NOTHING = object()


def json_value(
    answer: str, problem: Problem, *, python: bool = False, fence: str | None = None
) -> Reading:
    """Read one JSON value of the shape that `problem` accepts.

    Args:
        answer: stripped.
        problem: the shape.
        python: Python literals are as good as JSON, because the prompt shows some.
        fence: the state of a value alone in a code fence: `strict` where the prompt asks for
            one; `None`: recoverable.
    """
    value = _plain(answer, python=python)
    if value is not _NOTHING:
        wrong = problem(value)
        return fail(f"schema: {wrong}") if wrong else strict(value)
    inner = unfenced(answer)
    if inner is not None and (value := _plain(inner, python=python)) is not _NOTHING:
        wrong = problem(value)
        if wrong:
            return fail(f"schema: {wrong}")
        return Reading(state="strict" if fence else "recoverable", why="code fence", value=value)
    repaired = _plain(_repaired(inner or answer), python=True)
    if repaired is not _NOTHING and problem(repaired) is None:
        return recoverable(repaired, "trailing comma / quotes")
    return _inside(answer, problem)


def values_in(text: str) -> list[Any]:
    """Return the JSON values and Python literals that stand in a text, outermost ones."""
    return [value for span in _spans(text) if (value := _span_value(span)) is not _NOTHING]


def _inside(answer: str, problem: Problem) -> Reading:
    """Read the value within other text: the last that fits, since thinking aloud comes first."""
    values = values_in(answer)
    for value in reversed(values):
        if problem(value) is None:
            return recoverable(value, "JSON inside other text")
    objects = [value for value in values if isinstance(value, dict)]
    if objects and len(objects) == len(values) and problem(objects) is None:
        return recoverable(objects, "JSON inside other text")
    if shaped := [value for value in values if isinstance(value, (dict, list)) and value]:
        return fail(f"schema: {problem(shaped[-1])}")
    if any(map(_contradicts, _spans(answer))):
        return fail("a name with two values")
    return fail("truncated JSON" if answer.lstrip()[:1] in _OPEN and answer else "no JSON")


def _span_value(span: str) -> Any:
    value = _plain(span, python=True)
    return _plain(_repaired(span), python=True) if value is _NOTHING else value


def without_comments(text: str) -> str:
    """Return a text without `// ...` comments behind values; addresses such as http:// stay."""
    return re.sub(r"(?m)([\[{,\s\d\"}\]e])//[^\n\"]*(?:\"[^\n\"]*\"[^\n\"]*)*$", r"\1", text)


def _plain(text: str, *, python: bool) -> Any:
    if text.lstrip()[:1] not in ("[", "{") or len(text) > _MOST or _deep(text):
        return _NOTHING
    try:
        return json.loads(text, object_pairs_hook=_object)
    except _TwiceError:
        return _NOTHING
    except (ValueError, RecursionError):
        if not python:
            return _NOTHING
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return _NOTHING if _names_differ(tree) else ast.literal_eval(tree)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return _NOTHING


class _TwiceError(Exception):
    """A name has two values, of which neither is meant more than the other."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if any(found[name] != value for name, value in pairs):
        raise _TwiceError
    return found


def _contradicts(text: str) -> bool:
    if len(text) > _MOST or _deep(text):
        return False
    try:
        json.loads(text, object_pairs_hook=_object)
    except _TwiceError:
        return True
    except (ValueError, RecursionError):
        pass
    return False


def _names_differ(tree: ast.AST) -> bool:
    """Tell whether a Python literal gives one name two values."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            values: dict[str, str] = {}
            for name, value in zip(node.keys, node.values, strict=True):
                key = "" if name is None else ast.dump(name)
                if values.setdefault(key, ast.dump(value)) != ast.dump(value):
                    return True
    return False


def _repaired(text: str) -> str:
    """Return JSON without trailing commas and with straight quotes."""
    straight = text.translate(str.maketrans("“”", '""')) if '"' not in text else text
    return re.sub(r",(\s*[\]}])", r"\1", straight)


def _deep(text: str) -> bool:
    depth = deepest = 0
    for sign in text:
        if sign in _OPEN:
            depth += 1
            deepest = max(deepest, depth)
        elif sign in _CLOSE:
            depth -= 1
    return deepest > _DEEPEST


def _spans(text: str) -> Iterator[str]:
    """Yield the outermost bracketed pieces of a text; a piece that never closes is left out."""
    position, tries = 0, 0
    while tries < _TRIES and (begin := _next(text, position)) >= 0:
        end = _closing(text, begin)
        if end is None:
            tries += 1
            position = begin + 1
        else:
            yield text[begin:end]
            position = end


def _next(text: str, position: int) -> int:
    found = [at for sign in _OPEN if (at := text.find(sign, position)) >= 0]
    return min(found, default=-1)


def _closing(text: str, begin: int) -> int | None:
    """Return the position after the bracket that closes the one at `begin`; skips strings."""
    depth, quote, escaped = 0, "", False
    for position in range(begin, min(len(text), begin + _MOST)):
        sign = text[position]
        if quote:
            if escaped:
                escaped = False
            elif sign == "\\":
                escaped = True
            elif sign == quote:
                quote = ""
        elif sign in "\"'":
            quote = sign
        elif sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
            if not depth:
                return position + 1
    return None
