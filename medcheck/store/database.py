"""Where the store is and how its dialect behaves: the only file that knows SQLite from PostgreSQL.

Opening, transactions, retries, insert-or-ignore and the translation of driver errors live here;
what is stored does not.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, Engine, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from medcheck.errors import StoreError
from medcheck.store.tables import METADATA, SCHEMA_VERSION, STORE_VERSION

T = TypeVar("T")
Insert = sqlite.Insert | postgresql.Insert

_BUSY_SECONDS = 60.0
_CONNECT_SECONDS = 10
_TRANSIENT_TRIES = 8
_READ_ONLY = "medcheck_read_only"
_SCHEMA_LOCK = 0x6D656463  # any number, the same for every medcheck
_POSTGRES_TRANSIENT = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_POSTGRES_DRIVERS = frozenset({"postgres", "postgresql", "postgresql+psycopg"})

_SQLITE_ERRORS: Mapping[str, tuple[str, str]] = {
    "SQLITE_NOTADB": (
        "this file is not a database.",
        "Choose another path with --store, or move the file away.",
    ),
    "SQLITE_CORRUPT": (
        "the store is damaged.",
        "Restore a copy, or move the file away and start anew.",
    ),
    "SQLITE_READONLY": (
        "the store is read-only.",
        "Allow writing to the file and its folder, or choose another path with --store.",
    ),
    "SQLITE_CANTOPEN": (
        "the store cannot be opened.",
        "Check the folder and its permissions, or choose another path with --store.",
    ),
    "SQLITE_FULL": (
        "the disk is full.",
        "Free some space and run the same command again: what is stored is not paid twice.",
    ),
    "SQLITE_IOERR": (
        "the store cannot be written (disk full, file size limit or a failing disk).",
        "Free some space and run the same command again: what is stored is not paid twice.",
    ),
    "SQLITE_BUSY": (
        f"another process kept the store locked for {_BUSY_SECONDS:.0f} s.",
        "End that process, or choose another path with --store.",
    ),
}


def open_database(url: str | Path) -> Database:
    """Open the store, creating file, folder and tables where they are missing.

    `url` is a path or `sqlite:///` URL, or `postgresql://` (driver: psycopg 3).

    Raises:
        StoreError: it cannot be opened, is no store of medcheck, or has another schema version.
    """
    database = _connectable(url)
    try:
        _prepare(database)
    except StoreError:
        database.close()
        raise
    return database


class Database:
    """An open store; safe to share between threads, not between forked processes."""

    def __init__(
        self, engine: Engine, *, dialect: Literal["sqlite", "postgresql"], where: str
    ) -> None:
        self._engine = engine
        self.dialect = dialect
        self.where = where
        """Path, or host and database: for messages, never with a password."""

    def write(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, once its transaction is committed.

        `work` is called again when the database aborts it in favor of another process.

        Raises:
            StoreError: nothing was written.
        """
        return self._attempt(work, options={})

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` reads in one consistent transaction that blocks no writer.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._attempt(work, options={_READ_ONLY: True})

    def insert_missing(self, table: Table) -> Insert:
        """Return an insert that leaves existing rows as they are."""
        return self._insert(table).on_conflict_do_nothing()

    def upsert(self, table: Table, *, where: ColumnElement[bool] | None = None) -> Insert:
        """Return an insert that replaces rows of the same primary key (only those that match)."""
        insert = self._insert(table)
        keys = [column.name for column in table.primary_key]
        changed = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys}
        return insert.on_conflict_do_update(index_elements=keys, set_=changed, where=where)

    def compact(self) -> None:
        """Overwrite what was deleted, so that purged texts are gone from the file too."""
        if self.dialect != "sqlite":
            return
        try:
            with closing(self._engine.raw_connection()) as connection:
                cursor = connection.cursor()
                cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.close()
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _insert(self, table: Table) -> Insert:
        return sqlite.insert(table) if self.dialect == "sqlite" else postgresql.insert(table)

    def _attempt(self, work: Callable[[Connection], T], *, options: Mapping[str, Any]) -> T:
        for attempt in range(1, _TRANSIENT_TRIES + 1):
            try:
                with self._engine.connect() as connection:
                    connection.execution_options(**options)
                    with connection.begin():
                        return work(connection)
            except (SQLAlchemyError, sqlite3.Error) as error:
                if attempt == _TRANSIENT_TRIES or not _is_transient(error):
                    raise self._translated(error) from error
            time.sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable")

    def _translated(self, error: Exception) -> StoreError:
        cause = _cause(error)
        if isinstance(cause, sqlite3.Error):
            name = getattr(cause, "sqlite_errorname", "")
            for prefix, (message, hint) in _SQLITE_ERRORS.items():
                if name.startswith(prefix):
                    return StoreError(message, hint=hint, where=self.where)
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        return StoreError(
            f"the store does not work: {lines[0]}",
            hint="Check that the database is up and that --store names it.",
            where=self.where,
        )


def _cause(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig
    return error


def _is_transient(error: Exception) -> bool:
    cause = _cause(error)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", "")
        # A plain SQLITE_BUSY has already waited for the whole busy timeout.
        return name in {"SQLITE_BUSY_RECOVERY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_PROTOCOL"}
    return getattr(cause, "sqlstate", None) in _POSTGRES_TRANSIENT


def _connectable(url: str | Path) -> Database:
    text = str(url)
    if isinstance(url, Path) or "://" not in text:
        return _sqlite(Path(text))
    try:
        parsed = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError(
            "the store's URL cannot be understood.",
            hint="Write a path, or postgresql://USER@HOST/DATABASE.",
        ) from None
    if parsed.drivername in _POSTGRES_DRIVERS:
        return _postgresql(parsed)
    if parsed.drivername.partition("+")[0] == "sqlite" and parsed.database not in (None, ""):
        return _sqlite(Path(str(parsed.database)))
    raise StoreError(
        f'a store cannot be at a "{parsed.drivername}" URL.',
        hint="Write a path (SQLite), or postgresql://USER@HOST/DATABASE.",
    )


def _sqlite(path: Path) -> Database:
    try:
        _private_file(path)
    except OSError as error:
        raise StoreError(
            f"the store cannot be created: {error.strerror or error}.",
            hint="Choose another path with --store.",
            where=str(path),
        ) from error
    engine = sqlalchemy.create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": _BUSY_SECONDS},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return Database(engine, dialect="sqlite", where=str(path))


def _private_file(path: Path) -> None:
    """Create the file for its owner only; SQLite gives its side files the same mode."""
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _on_sqlite_connect(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            # The change to WAL does not wait for a lock: processes that start together collide.
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous=NORMAL")


def _on_sqlite_begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READ_ONLY, False)
    # A deferred transaction that turns into a writer fails at once under other writers.
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _postgresql(url: URL) -> Database:
    where = f"postgresql://{url.host or 'localhost'}/{url.database or ''}"
    try:
        engine = sqlalchemy.create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": _CONNECT_SECONDS},
            hide_parameters=True,
        )
    except (ImportError, NoSuchModuleError) as error:
        raise StoreError(
            "PostgreSQL needs the package psycopg.",
            hint="Run: python -m pip install 'medcheck[postgres]'.",
            where=where,
        ) from error
    return Database(engine, dialect="postgresql", where=where)


def _prepare(database: Database) -> None:
    names, versions = database.read(_found)
    if not versions and not _foreign(database, names):
        database.write(lambda connection: _create(connection, database.dialect))
        names, versions = database.read(_found)
    if not versions:
        raise StoreError(
            "this database is not a store of medcheck.",
            hint="Choose another one with --store.",
            where=database.where,
        )
    if versions != [SCHEMA_VERSION]:
        raise StoreError(
            f"the store has schema version {versions[-1]}, this medcheck reads {SCHEMA_VERSION}.",
            hint="Use the medcheck that wrote it, or choose another store with --store.",
            where=database.where,
        )


def _found(connection: Connection) -> tuple[Sequence[str], list[int]]:
    names = sqlalchemy.inspect(connection).get_table_names()
    if STORE_VERSION.name not in names:
        return names, []
    return names, list(connection.scalars(sqlalchemy.select(STORE_VERSION.c.version)))


def _foreign(database: Database, names: Sequence[str]) -> bool:
    """Say whether tables that we did not make would be in our way.

    A file is ours alone; a server's database may hold other tables beside ours.
    """
    if database.dialect == "sqlite":
        return bool(names) and STORE_VERSION.name not in names
    return bool(set(names) & set(METADATA.tables)) and STORE_VERSION.name not in names


def _create(connection: Connection, dialect: str) -> None:
    if dialect == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")
    _, versions = _found(connection)
    if versions:
        return
    METADATA.create_all(connection)
    connection.execute(STORE_VERSION.insert(), {"version": SCHEMA_VERSION})
