"""What happened in a refinement, line after line: written once, never changed.

Every line holds the sha256 of the one before it, and a file beside the log that of its last line,
so that a line that was taken out or rewritten is noticed. Who rewrites both files with all their
sums is not; a version control system notices that. What the lines mean is decided in `rounds`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medcheck import lines
from medcheck.errors import DatasetError, WriterError
from medcheck.writers._files import replaced

FILE = "log.jsonl"
HEAD = "log.head"
"""Holds the sha256 that the last line of the log may have: one, or two while a line is added."""
EVENTS = ("start", "propose", "accept", "run")
_BEFORE = "before"
_NONE = "-"
"""In the place of the sha256 of a line before the first one."""
_HINT = "Restore the file: lines are only ever added."

Event = Mapping[str, Any]


def read(folder: Path) -> tuple[Event, ...]:
    """Return all events of a folder, the oldest first.

    Raises:
        DatasetError: the file cannot be read, or a line is not the one that was written.
    """
    found, last = _chain(folder / FILE)
    if (last or _NONE) not in _heads(folder):
        message = "the last line is not the one that was added last."
        raise DatasetError(message, hint=_HINT, where=f"{folder / FILE}:{len(found)}")
    return found


def begun(folder: Path) -> bool:
    """Return whether an event was noted here, even if the log itself is gone."""
    heads = _heads(folder)
    return (folder / FILE).exists() or (bool(heads) and _NONE not in heads)


def _chain(path: Path) -> tuple[tuple[Event, ...], str]:
    """Return all events, and the sha256 of the last line."""
    before = ""
    found = []
    for number, line in lines.numbered(path):
        event = _parsed(line, f"{path}:{number}")
        if event.get(_BEFORE) != before or event.get("event") not in EVENTS:
            raise DatasetError(
                "a line before this one was changed or is missing.",
                hint=_HINT,
                where=f"{path}:{number}",
            )
        before = hashlib.sha256(line.strip()).hexdigest()
        found.append(event)
    return tuple(found), before


def _heads(folder: Path) -> list[str]:
    try:
        return (folder / HEAD).read_text(encoding="utf-8", errors="replace").split()
    except FileNotFoundError:
        return []
    except OSError as error:
        where = str(folder / HEAD)
        raise DatasetError(f"cannot be read: {error.strerror}.", where=where) from None


def _note_heads(folder: Path, *heads: str) -> None:
    with replaced(folder / HEAD) as file:
        file.writelines(f"{head}\n" for head in heads)


def append(folder: Path, event: str, **more: Any) -> Event:
    """Add one event and return it.

    Raises:
        DatasetError: the file is not what was written.
        WriterError: it cannot be written.
    """
    path = folder / FILE
    before = ""
    if path.exists():
        read(folder)
        _, before = _chain(path)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    found = {"event": event, "at": at, **more, _BEFORE: before}
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    line = text.encode("utf-8", "backslashreplace")
    last = hashlib.sha256(line).hexdigest()
    # Killed in between, the log has its old end or its new one, and both are right.
    _note_heads(folder, before or _NONE, last)
    try:
        with path.open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise WriterError(f"cannot be written: {error.strerror}.", where=str(path)) from error
    _note_heads(folder, last)
    return found


def _parsed(line: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DatasetError("not an event.", hint=_HINT, where=where)
    return found
