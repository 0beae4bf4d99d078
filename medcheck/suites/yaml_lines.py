"""Strict YAML with positions: one file becomes plain data and a map from path to line and column.

Scalars are text first: only `true`, `false`, `null` (also `~` and nothing) and plain decimal
numbers become typed, so that `12:30`, `No`, `0123`, `1_000` and dates stay what the author wrote.
What the data mean is not known here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from medcheck.errors import SuiteError

Key = str | int
Where = tuple[Key, ...]

MAX_BYTES = 5_000_000
MAX_DEPTH = 40
MAX_VALUES = 200_000
MAX_FIELDS = 10_000
"""Fields of one block."""
_MAX_NOTES = 100

_CONSTANTS: dict[str, bool | None] = {
    "true": True, "false": False, "null": None, "~": None, "": None,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,14})", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,14})\.[0-9]{1,15}", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Position(NamedTuple):
    """A place in a file; both numbers from 1."""

    line: int
    column: int


class Problem(NamedTuple):
    """One error with its place in the file; line 0 is the command line."""

    line: int
    column: int
    error: SuiteError


# one value's place: where it begins, where its key stands (both packed), and its children's places;
# plain tuples, because a file may hold 200,000 of them
_Place = tuple[int, int, "dict[Key, _Place] | None"]
_COLUMNS = 1 << 24


class Lines:
    """Finds the line and column of a value by its path, a tuple of keys and indices."""

    def __init__(self, root: _Place, *, shown: str) -> None:
        self._root = root
        self.shown = shown
        """The file's path as messages name it."""

    def _find(self, path: Where) -> _Place:
        place = self._root
        for key in path:
            if not place[2] or key not in place[2]:
                break
            place = place[2][key]
        return place

    def has(self, path: Where) -> bool:
        """Tell whether the file holds this path."""
        place = self._root
        for key in path:
            if key not in (children := place[2] or {}):
                return False
            place = children[key]
        return True

    def value(self, path: Where = ()) -> Position:
        """Return where a value begins; of a path that is not there, its nearest parent."""
        return Position(*divmod(self._find(path)[0], _COLUMNS))

    def key(self, path: Where = ()) -> Position:
        """Return where a value's key stands; of a list's item, the item itself."""
        return Position(*divmod(self._find(path)[1], _COLUMNS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One parsed file."""

    data: Any
    lines: Lines
    problems: tuple[Problem, ...]
    """What is not allowed in a suite but did not stop the reading (duplicate keys, tags)."""
    content: bytes
    """The file's bytes as they were parsed, for its sha256."""


def shown_path(path: Path) -> str:
    """Return a path as messages name it: relative to the current folder if it lies below."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
    here = Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else path)


def leads_away(path: Path) -> bool:
    """Tell whether a path leads by a link to a file outside of the current folder."""
    real = os.path.realpath(path)
    absolute = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
    return real != absolute and not Path(real).is_relative_to(os.path.realpath(Path.cwd()))


def load_yaml(path: Path) -> tuple[Any, Lines]:
    """Read one strict YAML document.

    Raises:
        SuiteError: not readable, not UTF-8, not YAML, over a limit, or with features that a suite
            must not use; all that were found, with file:line:column.
    """
    document = read_document(path)
    if document.problems:
        raise SuiteError.joined(problem.error for problem in document.problems)
    return document.data, document.lines


def read_value(text: str, *, where: str) -> Any:
    """Return what a text on the command line means as YAML, under the rules of suite files.

    Raises:
        SuiteError: not YAML, or with features that a suite must not use; names `where`.
    """
    if found := _CONTROL.search(text):
        problem = f"control character U+{ord(found.group()):04X} is not allowed."
        raise SuiteError(problem, where=where, hint="Remove it.")
    document = _Builder(text, where).build(b"")
    if document.problems:
        raise SuiteError.joined(problem.error for problem in document.problems)
    return document.data


def read_document(path: Path) -> Document:
    """Read one YAML document and collect what can be passed over as `problems`.

    Raises:
        SuiteError: the file cannot be read to its end.
    """
    shown = shown_path(path)
    content = _content(path, shown)
    return _Builder(_decoded(content, shown), shown).build(content)


def _content(path: Path, shown: str) -> bytes:
    if not path.is_file():
        found = "this is not a regular file" if path.exists() else "there is no such file"
        raise SuiteError(f"{found}.", where=shown, hint="Check the path.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise SuiteError(
            f"the file has {size / 1e6:.1f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read.",
            where=shown,
            hint="Put the cases into a JSON Lines file and name it under `data`.",
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise SuiteError(f"cannot be read: {error.strerror}.", where=shown) from error


def _decoded(content: bytes, shown: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        raise SuiteError(
            f"byte 0x{content[error.start]:02x} is not UTF-8.",
            where=_at(shown, _position(before)),
            hint="Save the file as UTF-8 (it may be GBK or UTF-16).",
        ) from None
    if found := _CONTROL.search(text):
        raise SuiteError(
            f"control character U+{ord(found.group()):04X} is not allowed.",
            where=_at(shown, _position(text[: found.start()])),
            hint="Remove it.",
        )
    return text


def _position(before: str) -> Position:
    return Position(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _at(shown: str, position: Position) -> str:
    return f"{shown}:{position.line}:{position.column}"


class _Builder:
    """Turns the parser's events into data and places, and refuses early what may explode."""

    def __init__(self, text: str, shown: str) -> None:
        self._text = text
        self._shown = shown
        self._problems: list[Problem] = []
        self._values = 0

    def build(self, content: bytes) -> Document:
        try:
            data, root = self._document(self._events())
        except yaml.YAMLError as error:
            raise self._syntax(error) from None
        return Document(
            data=data,
            lines=Lines(root, shown=self._shown),
            problems=tuple(self._problems),
            content=content,
        )

    def _events(self) -> Iterator[Any]:
        parser = _Parser(self._text)
        try:
            while parser.check_event():
                yield parser.get_event()
        finally:
            parser.dispose()

    def _document(self, events: Iterator[Any]) -> tuple[Any, _Place]:
        found: tuple[Any, _Place] = None, (_COLUMNS + 1, _COLUMNS + 1, None)
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(event, "a second YAML document begins.", "Keep one a file.")
            elif isinstance(event, yaml.NodeEvent):
                found = self._value(event, events, key=_packed(event), depth=1)
        return found

    def _value(
        self, event: Any, events: Iterator[Any], *, key: int, depth: int
    ) -> tuple[Any, _Place]:
        self._guard(event, depth)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event), (_packed(event), key, None)
        places: dict[Key, _Place] = {}
        data: dict[str, Any] | list[Any]
        if isinstance(event, yaml.MappingStartEvent):
            data = self._mapping(events, places, depth)
        else:
            data = self._sequence(events, places, depth)
        return data, (_packed(event), key, places)

    def _guard(self, event: Any, depth: int) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise self._error(
                event,
                f"more than {MAX_VALUES:,} values.",
                "Put the cases into a JSON Lines file and name it under `data`.",
            )
        if depth > MAX_DEPTH:
            raise self._error(event, f"nested deeper than {MAX_DEPTH} levels.", "Flatten it.")
        if event.anchor is not None or event.tag is not None:
            self._refuse_marks(event)

    def _refuse_marks(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent):
            raise self._error(
                event, f"alias *{event.anchor} is not allowed.", "Write the value out."
            )
        if event.anchor is not None:
            self._note(event, f"anchor &{event.anchor} is not allowed.", "Remove it.")
        if event.tag is not None:
            self._note(event, f"YAML tag {event.tag} is not allowed.", "Remove it.")

    def _mapping(
        self, events: Iterator[Any], places: dict[Key, _Place], depth: int
    ) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            name, key = self._key(event), _packed(event)
            value, place = self._value(next(events), events, key=key, depth=depth + 1)
            if len(data) >= MAX_FIELDS:
                problem = f"more than {MAX_FIELDS:,} fields in one block."
                raise self._error(event, problem, "Make it a list of cases.")
            if name in data:
                first = places[name][1] // _COLUMNS
                problem = f'duplicate key "{name}", first on line {first}.'
                self._note(event, problem, "Remove one of them.")
            else:
                data[name] = value
                places[name] = place
        return data

    def _key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._error(event, "a key must be plain text.", "Put a text before the colon.")
        if event.anchor is not None or event.tag is not None:
            self._refuse_marks(event)
        name: str = event.value
        if name == "<<" and not event.style:
            self._note(event, "merge key << is not allowed.", "Write the fields out.")
        return name

    def _sequence(self, events: Iterator[Any], places: dict[Key, _Place], depth: int) -> list[Any]:
        data: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            value, place = self._value(event, events, key=_packed(event), depth=depth + 1)
            places[len(data)] = place
            data.append(value)
        return data

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.style:
            self._printable(event, text)
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _DECIMAL.fullmatch(text) else text

    def _printable(self, event: Any, text: str) -> None:
        # an escape such as "\0" only appears after parsing, and databases refuse it later
        if found := _CONTROL.search(text) if event.style == '"' else None:
            problem = f"control character U+{ord(found.group()):04X} is not allowed."
            self._note(event, problem, "Remove the escape.")

    def _note(self, event: Any, problem: str, hint: str) -> None:
        if len(self._problems) >= _MAX_NOTES:
            raise self._problems[0].error
        line, column = divmod(_packed(event), _COLUMNS)
        self._problems.append(Problem(line, column, self._error(event, problem, hint)))

    def _error(self, event: Any, problem: str, hint: str) -> SuiteError:
        return SuiteError(
            problem, hint=hint, where=_at(self._shown, Position(*divmod(_packed(event), _COLUMNS)))
        )

    def _syntax(self, error: yaml.YAMLError) -> SuiteError:
        mark = getattr(error, "problem_mark", None)
        position = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
        problem = str(getattr(error, "problem", None) or error)
        opened = getattr(error, "context_mark", None)
        line = self._text.split("\n", position.line)[position.line - 1 : position.line]
        character = "".join(line)[position.column - 1 : position.column]
        message, hint = _explained(problem, opened.line + 1 if opened else position.line, character)
        return SuiteError(f"not valid YAML: {message}", hint=hint, where=_at(self._shown, position))


def _packed(event: Any) -> int:
    mark = event.start_mark
    packed: int = (mark.line + 1) * _COLUMNS + mark.column + 1
    return packed


def _explained(problem: str, opened: int, character: str) -> tuple[str, str]:
    if "tab" in problem or character == "\t":
        return "a tab stands where spaces must.", "Indent with spaces."
    if "cannot start any token" in problem:
        return (
            f'a text begins with "{character}", which has a meaning of its own.',
            "Put the text in quotes.",
        )
    if "mapping values are not allowed" in problem:
        return (
            'a second ": " in one line, or a wrong indentation.',
            "Put texts that hold a colon in quotes.",
        )
    if "end of stream" in problem:
        return f"a quote opened on line {opened} is never closed.", "Close it."
    if "',' or" in problem:
        return f"a bracket opened on line {opened} is not closed here.", "Close it, or add a comma."
    if "expected key" in problem or "'-' indicator" in problem:
        return (
            f"this line does not fit the block that begins on line {opened}.",
            "Check the indentation.",
        )
    return f"{problem}.", "Check this line and the one before."
