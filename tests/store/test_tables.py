from __future__ import annotations

from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from medcheck.store.tables import METADATA, SCHEMA_VERSION

VERSION_1 = {
    "store_version": "version",
    "responses": "key request reply usage cost_usd seconds created run",
    "leases": "key owner until",
    "failures": "id key run at status message",
    "spend": "run calls reserved_usd spent_usd unpriced",
    "runs": "id started settings versions suites meta",
    "results": "run suite case_id model repeat position state payload",
}


def test_columns_belong_to_the_schema_version() -> None:
    """Whoever changes a column must also raise the schema version."""
    columns = {
        name: " ".join(column.name for column in table.columns)
        for name, table in METADATA.tables.items()
    }
    assert (SCHEMA_VERSION, columns) == (1, VERSION_1)


def test_order_of_text_does_not_depend_on_the_server() -> None:
    """Text that decides an order is compared byte by byte on a PostgreSQL server too."""
    ddl = str(CreateTable(METADATA.tables["results"]).compile(dialect=postgresql.dialect()))
    assert ddl.count('COLLATE "C"') == len(["run", "suite", "case_id", "model", "state", "payload"])
