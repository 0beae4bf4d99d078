"""Stores to test against: SQLite files, and a throwaway PostgreSQL server if one is installed."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import medcheck.types
from medcheck.store.database import Database, open_database

ROOT = Path(medcheck.types.__file__).parents[1]
NUMBERS = itertools.count()


def _postgres_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def _as_postgres() -> list[str]:
    """The server refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """A running server that listens on a socket in this folder only."""
    binaries = _postgres_binaries()
    if binaries is None:
        reason = "no PostgreSQL server under /usr/lib/postgresql/*/bin"
        if os.environ.get("MEDCHECK_REQUIRE_POSTGRES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="medcheck-pg-"))
    if _as_postgres():
        shutil.chown(folder, "postgres")

    def control(*arguments: str) -> None:
        command = [*_as_postgres(), *arguments]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0, done.stdout + done.stderr

    data = str(folder / "data")
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=60"
    try:
        control(
            *(str(binaries / "initdb"), "-D", data, "-U", "medcheck", "-A", "trust"),
            *("-E", "UTF8", "--no-locale", "--no-sync"),
        )
        log = str(folder / "log")
        control(str(binaries / "pg_ctl"), "-D", data, "-l", log, "-o", options, "-w", "start")
        yield folder
        control(str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_folder: Path) -> str:
    """An empty database of its own."""
    import psycopg

    name = f"store{next(NUMBERS)}"
    with psycopg.connect(
        f"host={postgres_folder} user=medcheck dbname=postgres", autocommit=True
    ) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql://medcheck@/{name}?host={postgres_folder}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store may be opened, once per dialect."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return str(tmp_path / "store.sqlite")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with open_database(url) as opened:
        yield opened


@pytest.fixture
def start_script() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python code in a process of its own, with its standard streams as pipes."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
