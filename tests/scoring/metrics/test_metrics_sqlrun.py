"""A model's query can read, and nothing else, and never for long."""

import sqlite3

import pytest

from medcheck.errors import DatasetError
from medcheck.scoring.metrics import sqlrun


@pytest.fixture
def database(tmp_path):
    """A small database file."""
    path = tmp_path / "d.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (n INTEGER, x REAL)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, 0.1 + 0.2), (2, None)])
    connection.close()
    return path


def ran(path, query):
    """Return what a query gives."""
    with sqlrun.opened(path) as connection:
        return sqlrun.run(connection, query)


def test_a_query_gives_its_rows(database):
    """Rows come back; numbers are equal to ten digits, and a NULL or a 0 alone says nothing."""
    found = ran(database, "SELECT n, x FROM t")
    assert found.answers == {(1, 0.3), (2, None)}
    assert found.informative
    for query in ("SELECT NULL", "SELECT 0", "SELECT n FROM t WHERE n > 5"):
        assert not ran(database, query).informative


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM t", "INSERT INTO t VALUES (3, 3)", "DROP TABLE t", "PRAGMA table_info(t)",
        "ATTACH 'other.sqlite' AS o", "SELECT 1; DELETE FROM t", "CREATE TEMP TABLE u (n)",
        "SELECT load_extension('x')", "nonsense", "SELECT zeroblob(1000000000)", "SELECT '\x00",
    ],
)  # fmt: skip
def test_nothing_but_reading(database, query):
    """Writing, attaching, settings, huge values and nonsense are errors, and change nothing."""
    before = database.read_bytes()
    found = ran(database, query)
    assert found.rows is None
    assert found.error
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == ["d.sqlite"]


def test_endless_queries_are_stopped(database, monkeypatch):
    """A query is stopped by the count of its steps, the same on every machine."""
    monkeypatch.setattr(sqlrun, "MAX_STEPS", 100_000)
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT sum(n) FROM c"
    assert ran(database, endless).error == "it takes too many steps"


def test_too_many_rows_are_none(database):
    """A query with more rows than anybody reads has no result."""
    counting = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 20000)"
    many = f"{counting} SELECT n FROM c"
    assert "10,000 rows" in ran(database, many).error


def test_no_database(tmp_path):
    """A file that is missing or no database is named."""
    wrong = tmp_path / "wrong.sqlite"
    wrong.write_text("not a database at all" * 100, encoding="utf-8")
    for path in (wrong, tmp_path / "none.sqlite"):
        with pytest.raises(DatasetError, match=path.name), sqlrun.opened(path):
            pass
