"""A SQLite database of questions' data: its tables, and what a gold query gives there.

Queries come from data files: they run read-only, may only select, and are stopped when they take
long. Scoring a model's query is the business of the graders.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from medcheck.errors import DatasetError
from medcheck.readers import _medhelm

Gave = Literal["informative", "zero", "null", "empty", "error"]
"""`zero` and `null`: one row of one 0 or NULL; `empty`: no row; `error`: the query does not run."""

SECONDS = 2.0
_STEPS = 10_000
"""Instructions between two looks at the clock."""
_ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, 33)
"""33 is SQLITE_RECURSIVE, which Python's module does not name."""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database, plain or gzipped, so that a query can only read it.

    Raises:
        DatasetError: it is none.
    """
    try:
        connection = _connected(path)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            connection.set_authorizer(_allowed)
            yield connection
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise DatasetError(f"not a SQLite database: {error}.", where=str(path)) from None


def schema(connection: sqlite3.Connection) -> str:
    """Return the statements that made the tables, in their order."""
    query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL ORDER BY rowid"
    tables = [str(found) for (found,) in connection.execute(query)]
    return "\n\n".join("\n".join(map(str.strip, table.splitlines())) + ";" for table in tables)


def gave(connection: sqlite3.Connection, query: str) -> Gave:
    """Return what a query gives.

    Source: medhelm.md section 7, item 3 (which gold results say something).
    """
    end = time.monotonic() + SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        rows = connection.execute(query).fetchmany(2)
    except (sqlite3.Error, sqlite3.Warning):
        return "error"
    finally:
        connection.set_progress_handler(None, 0)
    if not rows:
        return "empty"
    if rows == [(None,)]:
        return "null"
    return "zero" if rows == [(0,)] else "informative"


def _connected(path: Path) -> sqlite3.Connection:
    if path.suffix == ".gz":
        connection = sqlite3.connect(":memory:")
        connection.deserialize(_medhelm.content(path))
        return connection
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _allowed(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
