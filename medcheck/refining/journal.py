"""What happened in a refinement, line after line: written once, never changed.

Every line holds the sha256 of the one before it, so that a line that was taken out or rewritten is
noticed. What the lines mean is decided in `rounds`.
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

FILE = "log.jsonl"
EVENTS = ("start", "propose", "accept", "run")
_BEFORE = "before"

Event = Mapping[str, Any]


def read(folder: Path) -> tuple[Event, ...]:
    """Return all events of a folder, the oldest first.

    Raises:
        DatasetError: the file cannot be read, or a line is not the one that was written.
    """
    path = folder / FILE
    before = ""
    found = []
    for number, line in lines.numbered(path):
        event = _parsed(line, f"{path}:{number}")
        if event.get(_BEFORE) != before or event.get("event") not in EVENTS:
            raise DatasetError(
                "a line before this one was changed or is missing.",
                hint="Restore the file: lines are only ever added.",
                where=f"{path}:{number}",
            )
        before = hashlib.sha256(line.strip()).hexdigest()
        found.append(event)
    return tuple(found)


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
        before = hashlib.sha256(list(lines.numbered(path))[-1][1].strip()).hexdigest()
    at = datetime.now(UTC).isoformat(timespec="seconds")
    found = {"event": event, "at": at, **more, _BEFORE: before}
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise WriterError(f"cannot be written: {error.strerror}.", where=str(path)) from error
    return found


def _parsed(line: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        hint = "Restore the file: lines are only ever added."
        raise DatasetError("not an event.", hint=hint, where=where)
    return found
