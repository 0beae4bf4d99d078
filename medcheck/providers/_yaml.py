"""Strict reading of one YAML file into plain data and lines; what keys mean lives elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medcheck.errors import SettingsError

Lines = dict[tuple[str, ...], int]
"""The 1-based line of each key, by its path from the top."""

_MOST_BYTES = 1_000_000
_DEEPEST = 20
_CONSTANTS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None, "": None}
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\Z")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?\Z")


def read_mapping(path: Path) -> tuple[dict[str, Any], Lines]:
    """Return the mapping in a YAML file, and the lines of its keys; empty for an empty file.

    Only true, false, null and decimal numbers are not text, so that no `on` or `0123` changes its
    meaning. Duplicate keys and aliases are errors.

    Raises:
        SettingsError: the file cannot be read, or holds something else.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SettingsError(f"{path}: larger than 1 MB.", hint="Is this a models file?")
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=loader)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise SettingsError(f"{path}: cannot be read: {reason}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise SettingsError(f"{where}: not YAML: {problem}.") from None
    if node is None:
        return {}, {}
    reader = _Reader(path)
    data = reader.plain(node, ())
    if not isinstance(data, dict):
        raise SettingsError(f"{path}:1: expected names with their settings, found something else.")
    return data, reader.lines


class _Reader:
    """Turns one node tree into plain data; used once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: Lines = {}
        self._seen: set[int] = set()

    def plain(self, node: Any, at: tuple[str, ...]) -> Any:
        """Return the plain value of a node."""
        if id(node) in self._seen:
            raise self._error(node, "an alias (*name) is not allowed here")
        if len(at) > _DEEPEST:
            raise self._error(node, "nested too deeply")
        if node.id == "scalar":
            return self._scalar(node)
        self._seen.add(id(node))
        if node.id == "sequence":
            return [self.plain(child, (*at, str(index))) for index, child in enumerate(node.value)]
        return self._mapping(node, at)

    def _mapping(self, node: Any, at: tuple[str, ...]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value in node.value:
            if key.id != "scalar":
                raise self._error(key, "a key must be text")
            if key.value in data:
                raise self._error(key, f'"{key.value}" stands here twice')
            self.lines[(*at, key.value)] = key.start_mark.line + 1
            data[key.value] = self.plain(value, (*at, key.value))
        return data

    def _scalar(self, node: Any) -> Any:
        text: str = node.value
        # A quoted or block scalar is text whatever it looks like.
        if node.style:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _WHOLE.match(text):
            return int(text)
        return float(text) if _DECIMAL.match(text) else text

    def _error(self, node: Any, problem: str) -> SettingsError:
        return SettingsError(f"{self.path}:{node.start_mark.line + 1}: {problem}.")
