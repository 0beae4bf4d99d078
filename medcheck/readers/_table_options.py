"""The options of the reader `table`, and where its cases stand in the taxonomy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medcheck.errors import SettingsError
from medcheck.readers._table_parts import COUNTS
from medcheck.scoring import taxonomy

COUNT_OPTION = "letter"
"""How the right option is named unless the suite says otherwise."""

_NAME = {"type": "string", "minLength": 1}
_NAMES = {"type": "array", "items": _NAME, "minItems": 1}
_COLUMNS = {"type": "object", "additionalProperties": _NAME}
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "name": {**_NAME, "description": "Of the case ids and the tag task:; default: the file's."},
        "category": {
            "type": ["string", "array"],
            "items": _NAME,
            "description": "A path, or what in MedHELM's taxonomy it belongs to (a benchmark's, "
            "subcategory's or category's id or name); default: that of the name.",
        },
        "prompt": {
            **_NAME,
            "description": "Jinja template over the columns: {{ question }}, "
            '{{ row["Patient Note"] }}; with choices {{ options }} is the block of all, lettered.',
        },
        "answer": {**_NAME, "description": "Column of the one right answer, for a closed task."},
        "answer_is": {
            "enum": list(COUNTS),
            "description": "How it names an option: letter (default), text, or number from 0 or 1.",
        },
        "answers": {
            "type": "object",
            "additionalProperties": _NAME,
            "description": "What each of the column's values stands for: {'1': yes, '0': no}.",
        },
        "choices": {
            "type": ["string", "array"],
            "items": _NAME,
            "description": "Columns of the options, or one that holds a list or an object of them.",
        },
        "references": {
            "type": ["string", "array"],
            "items": _NAME,
            "description": "Columns of gold texts, for jurors and judges.",
        },
        "criteria": {
            **_NAME,
            "description": "Column of a JSON list of criteria, {criterion, points}, for rubric.",
        },
        "checklist": {**_NAME, "description": "Column of a text, for the grader checklist."},
        "section": {
            "type": "object",
            "properties": {"column": _NAME, "names": _NAMES},
            "required": ["column", "names"],
            "additionalProperties": False,
            "description": "The reference is the first of these sections; it is cut from the text.",
        },
        "each": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"name": _NAME, "columns": _COLUMNS, "gold": _NAME},
                "required": ["name"],
                "additionalProperties": False,
            },
            "description": "Several cases a row: further names of columns, and a gold answer.",
        },
        "facts": {**_COLUMNS, "description": "What the metric needs: name and column."},
        "tags": {**_COLUMNS, "description": "Tag prefix and column."},
        "keep": {
            "type": "object",
            "additionalProperties": {"type": ["string", "array", "number"]},
            "description": "Rows to read: column and value, or a list of values ({split: test}).",
        },
        "key": {**_NAME, "description": "Column of a key that must not repeat."},
        "limit": {"type": "integer", "minimum": 1, "description": "Cases at most."},
        "sheet": {**_NAME, "description": "Of a workbook; default: the first."},
        "records": {**_NAME, "description": "Field of a JSON object that holds the rows."},
    },
    "required": ["prompt"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlace:
    """What a table's cases are called, and where they stand."""

    name: str
    path: tuple[str, ...]
    tags: tuple[str, ...]


def place_of(path: Path, options: Mapping[str, Any]) -> TaskPlace:
    """Return the name, path and first tags of a table's cases.

    Raises:
        SettingsError: settings that contradict each other, or a category that is none.
    """
    _check(options)
    stem = path.name.partition(".")[0]
    name = options.get("name") or re.sub(r"[^\w.-]+", "-", stem)
    known = {found.id for found in taxonomy.benchmarks()}
    given = options.get("category", name if name in known else ())
    found = taxonomy.path_of(given) if isinstance(given, str) else tuple(given)
    where = taxonomy.placed(found)
    parts = zip(("category:", "subcategory:"), where or (), strict=False)
    tags = (f"task:{name}", *(f"{prefix}{part}" for prefix, part in parts))
    return TaskPlace(name=name, path=where or found, tags=tags)


def _check(options: Mapping[str, Any]) -> None:
    kinds = [name for name in ("answer", "references", "section") if name in options]
    golds = [entry for entry in options.get("each", ()) if "gold" in entry]
    if len(kinds) + bool(golds) > 1:
        given = " and ".join([*kinds, *(["each.gold"] if golds else [])])
        raise SettingsError(f"data.options has {given}: gold comes from one.", hint="Choose one.")
    if golds and len(golds) < len(options["each"]):
        raise SettingsError("data.options.each: some have a gold and some not.", hint="Give all.")
    if "criteria" in options and "checklist" in options:
        raise SettingsError("data.options has criteria and checklist.", hint="Choose one.")
