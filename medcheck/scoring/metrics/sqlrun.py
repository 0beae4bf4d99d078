"""What a query gives on a SQLite database: read only, bounded in steps, rows and size of values.

Queries come from models. They may select and nothing else, and are stopped by a count of
instructions and not by the clock, so that a score does not depend on the machine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from medcheck.errors import DatasetError

MAX_STEPS = 50_000_000
"""Instructions of SQLite's machine: about a second."""
MAX_ROWS = 10_000
MAX_LENGTH = 1_000_000
"""Bytes of one value, one row or the query."""
_EVERY = 10_000
_RECURSIVE = 33
"""SQLITE_RECURSIVE, which Python's module does not name."""
_ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, _RECURSIVE)
_DIGITS = 10

Cell = str | int | float | bytes | None
Rows = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a query."""

    rows: Rows | None
    """`None`: it did not run to its end."""
    error: str | None = None

    @property
    def informative(self) -> bool:
        """Whether the rows say something: not none, not one NULL, not one 0.

        Source: medhelm.md section 7, item 3.
        """
        return bool(self.rows) and self.rows not in (((None,),), ((0,),))

    @property
    def answers(self) -> frozenset[tuple[Cell, ...]]:
        """The different rows; numbers are equal to ten digits."""
        return frozenset(tuple(map(_rounded, row)) for row in self.rows or ())


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database so that it can only be read.

    Raises:
        DatasetError: it is not there, or is none.
    """
    if not path.is_file():
        raise DatasetError("no such database.", hint="Fetch it again.", where=str(path))
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.set_authorizer(_allowed)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_LENGTH)
        yield connection
    except sqlite3.DatabaseError as error:
        raise DatasetError(f"not a SQLite database: {error}.", where=str(path)) from None
    finally:
        connection.close()


def run(connection: sqlite3.Connection, query: str) -> Ran:
    """Return what one query gives."""
    steps = 0

    def over() -> bool:
        nonlocal steps
        steps += _EVERY
        return steps > MAX_STEPS

    connection.set_progress_handler(over, _EVERY)
    try:
        rows = connection.execute(query).fetchmany(MAX_ROWS + 1)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        stopped = steps > MAX_STEPS
        return Ran(rows=None, error="it takes too many steps" if stopped else str(error))
    finally:
        connection.set_progress_handler(None, 0)
    if len(rows) > MAX_ROWS:
        return Ran(rows=None, error=f"it gives more than {MAX_ROWS:,} rows")
    return Ran(rows=tuple(map(tuple, rows)))


def _rounded(cell: Cell) -> Cell:
    return float(f"{cell:.{_DIGITS}g}") if isinstance(cell, float) else cell


def _allowed(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
