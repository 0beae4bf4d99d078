from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, update

from medcheck.errors import StoreError
from medcheck.store.database import Database, open_database
from medcheck.store.responses import Responses, StoredReply
from medcheck.store.tables import RESPONSES, SPEND, STORE_VERSION

Start = Callable[..., "subprocess.Popen[str]"]


def one_line(error: StoreError) -> str:
    text = str(error)
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def test_package_loads_no_database() -> None:
    """Importing the package costs nothing until a store is opened."""
    code = "import medcheck.store, sys; sys.exit('sqlalchemy' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
    )


def test_reopened_store_keeps_its_rows(url: str) -> None:
    """A store that is opened again holds what was written."""
    with open_database(url) as first:
        Responses(first).save([StoredReply(key="k", text="t", created=1.0, run="r")], owner="a")
    with open_database(url) as second:
        assert Responses(second).have(["k", "other"]) == {"k"}


def test_files_are_private(tmp_path: Path) -> None:
    """Only the owner may read the store, its side files and the folders made for it."""
    path = tmp_path / "reports" / "deep" / "store.sqlite"
    with open_database(path) as database:
        Responses(database).save([StoredReply(key="k", text="t", created=1.0, run="r")], owner="a")
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    assert modes == dict.fromkeys(["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"], 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700


def test_sqlite_url_is_a_path(tmp_path: Path) -> None:
    """A sqlite URL opens the same file as its path."""
    path = tmp_path / "store.sqlite"
    open_database(f"sqlite:///{path}").close()
    assert path.stat().st_size > 0


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    """While one connection writes, another reads the state before it."""
    with open_database(tmp_path / "s.sqlite") as database:
        count = select(func.count()).select_from(SPEND)
        row = {"run": "r", "calls": 1, "reserved_usd": 0.0, "spent_usd": 0.0, "unpriced": 0}

        def work(connection: Connection) -> int:
            connection.execute(SPEND.insert(), row)
            return int(database.read(lambda other: other.scalar(count)) or 0)

        assert database.write(work) == 0
        assert database.read(lambda connection: connection.scalar(count)) == 1


def test_failed_work_writes_nothing(database: Database) -> None:
    """An error in the middle of a transaction undoes all of it."""
    row = {"run": "r", "calls": 1, "reserved_usd": 0.0, "spent_usd": 0.0, "unpriced": 0}

    def work(connection: Connection) -> None:
        connection.execute(SPEND.insert(), row)
        raise KeyError

    with pytest.raises(KeyError):
        database.write(work)
    assert Responses(database).spent("r").calls == 0


def test_driver_errors_hide_texts_and_are_ours(database: Database) -> None:
    """What a database refuses becomes one line that shows no stored text."""
    row = {"key": "k", "owner": "secret patient text", "until": None}
    with pytest.raises(StoreError) as caught:
        database.write(lambda connection: connection.exec_driver_sql("SELECT * FROM nowhere"))
    assert "nowhere" in one_line(caught.value)
    from medcheck.store.tables import LEASES

    with pytest.raises(StoreError) as caught:
        database.write(lambda connection: connection.execute(LEASES.insert(), row))
    assert "secret patient text" not in one_line(caught.value)


def test_wrong_schema_version(url: str) -> None:
    """A store of another schema version is refused with both numbers."""
    with open_database(url) as database:
        database.write(lambda c: c.execute(update(STORE_VERSION).values(version=99)))
    with pytest.raises(StoreError, match="schema version 99, this medcheck reads 1") as caught:
        open_database(url)
    one_line(caught.value)


def test_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of another kind is named as such and left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("no database at all, but long enough to have a header\n" * 40, encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="this file is not a database") as caught:
        open_database(path)
    assert str(path) in one_line(caught.value)
    assert path.read_bytes() == before


def test_damaged_store(tmp_path: Path) -> None:
    """A store with overwritten pages is reported as damaged."""
    path = tmp_path / "s.sqlite"
    with open_database(path) as database:
        replies = [
            StoredReply(key=f"k{i}", text="t" * 3000, created=1.0, run="r") for i in range(99)
        ]
        Responses(database).save(replies, owner="a")
        database.compact()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with (
        pytest.raises(StoreError, match="damaged") as caught,
        open_database(path) as database,
    ):
        Responses(database).have([f"k{i}" for i in range(99)])
    one_line(caught.value)


def test_foreign_database_is_not_touched(tmp_path: Path) -> None:
    """A SQLite file of another program gets no tables of ours."""
    path = tmp_path / "other.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE patients (name)")
    connection.close()
    with pytest.raises(StoreError, match="not a store of medcheck"):
        open_database(path)
    connection = sqlite3.connect(path)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    assert names == ["patients"]


def test_tables_of_another_program_on_the_server(postgres_url: str) -> None:
    """Tables of the same name on a server are left alone; other tables do not matter."""
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE patients (name text)")
        open_database(postgres_url).close()
        connection.execute("DROP TABLE store_version")
    with pytest.raises(StoreError, match="not a store of medcheck"):
        open_database(postgres_url)


def test_path_below_a_file(tmp_path: Path) -> None:
    """A folder that cannot be made is one clear sentence."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match=r"cannot be created: Not a directory\. Choose") as caught:
        open_database(tmp_path / "file" / "deep" / "s.sqlite")
    one_line(caught.value)


def test_path_that_is_a_folder(tmp_path: Path) -> None:
    """A folder in place of the file is one clear sentence."""
    with pytest.raises(StoreError, match="cannot be created: Is a directory"):
        open_database(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder(tmp_path: Path) -> None:
    """A folder without write permission is one clear sentence."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="cannot be created: Permission denied"):
        open_database(folder / "s.sqlite")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://user:hunter2@host/db", 'cannot be at a "mysql" URL'),
        ("sqlite://", 'cannot be at a "sqlite" URL'),
        ("postgresql+asyncpg://user:hunter2@host/db", "postgresql.asyncpg"),
        ("postgresql://user:hunter2@host:port/db", "cannot be understood"),
        ("postgresql://user:hunter2@127.0.0.1:9/db?password=hunter2", "does not work"),
    ],
)
def test_wrong_url(url: str, words: str) -> None:
    """A URL that leads nowhere is explained without its password."""
    with pytest.raises(StoreError, match=words) as caught:
        open_database(url)
    assert "hunter2" not in one_line(caught.value)


def test_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the error says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"medcheck\[postgres\]"):
        open_database("postgresql://host/db")


OPEN_AND_COUNT = """
import sys
from medcheck.store.database import open_database
from medcheck.store.responses import Responses
print('ready', flush=True)
sys.stdin.readline()
with open_database(sys.argv[1]) as database:
    for _ in range(20):
        Responses(database).reserve("r", cost_usd=0.5)
"""


def test_processes_create_one_store_together(url: str, start_script: Start) -> None:
    """Processes that open a new store at once all succeed and lose no write."""
    processes = [start_script(OPEN_AND_COUNT, url) for _ in range(6)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert errors == [""] * 6
    with open_database(url) as database:
        assert Responses(database).spent("r").calls == 120


FILL_THE_DISK = """
import resource, sys
from medcheck.errors import StoreError
from medcheck.store.database import open_database
from medcheck.store.responses import Responses, StoredReply
database = open_database(sys.argv[1])
responses = Responses(database)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
saved = 0
try:
    while saved < 1000:
        reply = StoredReply(key=f"k{saved}", text="t" * 5000, created=1.0, run="r")
        responses.save([reply], owner="a")
        saved += 1
except StoreError as error:
    print(saved)
    print(error)
"""


def test_full_disk(tmp_path: Path, start_script: Start) -> None:
    """A full disk is one clear sentence; all committed replies survive in a sound file."""
    path = tmp_path / "s.sqlite"
    output, errors = start_script(FILL_THE_DISK, path).communicate(timeout=60)
    assert errors == ""
    saved, message = output.splitlines()
    assert "Free some space" in message
    with open_database(path) as database:
        count = select(func.count()).select_from(RESPONSES)
        assert database.read(lambda connection: connection.scalar(count)) == int(saved) > 0
        check = database.read(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar())
    assert check == "ok"
