"""The tables, one definition for every dialect; queries live beside their meaning, not here."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, MetaData, Table, Text

SCHEMA_VERSION = 1

METADATA = MetaData()

# PostgreSQL would order text by the server's locale: rows must come in the same order anywhere.
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str, *, primary_key: bool = False) -> Column[str]:
    return Column(name, _TEXT, primary_key=primary_key, nullable=False)


STORE_VERSION = Table(
    "store_version", METADATA, Column("version", Integer, primary_key=True, autoincrement=False)
)

RESPONSES = Table(
    "responses",
    METADATA,
    _text("key", primary_key=True),
    _text("request"),
    _text("reply"),
    _text("usage"),
    Column("cost_usd", Double),
    Column("seconds", Double, nullable=False),
    Column("created", Double, nullable=False, index=True),
    _text("run"),
)

LEASES = Table(
    "leases",
    METADATA,
    _text("key", primary_key=True),
    _text("owner"),
    Column("until", Double, nullable=False),
)

FAILURES = Table(
    "failures",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", _TEXT, nullable=False, index=True),
    _text("run"),
    Column("at", Double, nullable=False),
    Column("status", Integer),
    _text("message"),
)

SPEND = Table(
    "spend",
    METADATA,
    _text("run", primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("reserved_usd", Double, nullable=False),
    Column("spent_usd", Double, nullable=False),
    Column("unpriced", Integer, nullable=False),
)

RUNS = Table(
    "runs",
    METADATA,
    _text("id", primary_key=True),
    _text("started"),
    _text("settings"),
    _text("versions"),
    _text("suites"),
    _text("meta"),
)

RESULTS = Table(
    "results",
    METADATA,
    _text("run", primary_key=True),
    _text("suite", primary_key=True),
    _text("case_id", primary_key=True),
    _text("model", primary_key=True),
    Column("repeat", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
    _text("state"),
    _text("payload"),
    Index("results_order", "run", "position", "repeat"),
)
