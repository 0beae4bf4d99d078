"""Gold queries run on a database that they can only read, and not for ever."""

from __future__ import annotations

import gzip

import medhelm_files as files
import pytest

from medcheck.errors import DatasetError
from medcheck.readers import _sqlite


@pytest.fixture
def path(tmp_path):
    """Return a database's path."""
    return files.database(tmp_path / "a b.sqlite")


@pytest.mark.parametrize(("state", "query"), files.QUERIES.items())
def test_what_a_query_gives(path, state, query):
    """No row, NULL, 0, anything else, and a query that does not run are told apart."""
    with _sqlite.opened(path) as connection:
        assert _sqlite.gave(connection, query) == state


def test_packed(path, tmp_path):
    """A gzipped database is read as well."""
    packed = tmp_path / "a.sqlite.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with _sqlite.opened(packed) as connection:
        assert _sqlite.gave(connection, files.QUERIES["informative"]) == "informative"
        assert _sqlite.schema(connection).startswith("CREATE TABLE patient (id INT")


@pytest.mark.parametrize(
    "query",
    ["DROP TABLE patient", "INSERT INTO visit VALUES (1)", "SELECT 1; DELETE FROM patient",
     "SELECT load_extension('x')", "ATTACH ':memory:' AS y", "PRAGMA journal_mode"],
)  # fmt: skip
def test_only_reading(path, query):
    """What would change, open or load anything does not run."""
    with _sqlite.opened(path) as connection:
        assert _sqlite.gave(connection, query) == "error"
        assert connection.execute("SELECT count(*) FROM patient").fetchone() == (2,)


def test_a_query_that_does_not_end(path, monkeypatch):
    """A query that runs too long is stopped, and the next one is not."""
    monkeypatch.setattr(_sqlite, "SECONDS", 0.05)
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    with _sqlite.opened(path) as connection:
        assert _sqlite.gave(connection, endless) == "error"
        assert _sqlite.gave(connection, "SELECT 1") == "informative"


def test_no_database(tmp_path):
    """A file that is no database is refused by name."""
    text = files.put(tmp_path / "x.sqlite", "something else entirely, and long enough")
    with pytest.raises(DatasetError, match="not a SQLite database"), _sqlite.opened(text):
        pass
