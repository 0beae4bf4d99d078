"""Runs and their results: planned, recorded, streamed back in order; replies are not here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection, delete, func, select, tuple_, update

from medcheck.errors import StoreError
from medcheck.store.codec import decode, dumps, encode, storable
from medcheck.store.database import Database
from medcheck.store.tables import RESULTS, RUNS, SPEND
from medcheck.types import Result, ResultState, Run

_PAGE = 64  # results in memory while a run is read

_ORDER = (
    RESULTS.c.position,
    RESULTS.c.repeat,
    RESULTS.c.suite,
    RESULTS.c.case_id,
    RESULTS.c.model,
)


class Runs:
    """The runs of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert_result = database.insert_missing(RESULTS)
        self._upsert_result = database.upsert(RESULTS)
        self._upsert_run = database.upsert(RUNS)

    def begin(
        self,
        run_id: str,
        *,
        started: str,
        settings: Mapping[str, Any],
        versions: Mapping[str, str],
        suites: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Open a run; results and spending of an earlier run of this id are forgotten.

        `started` is ISO 8601, UTC.
        """
        row = {
            "id": run_id,
            "started": started,
            "settings": dumps(settings),
            "versions": dumps(versions),
            "suites": dumps(suites),
            "meta": dumps({}),
        }

        def work(connection: Connection) -> None:
            # What a killed process had set aside would count against the budget for ever.
            connection.execute(delete(SPEND).where(SPEND.c.run == run_id))
            connection.execute(delete(RESULTS).where(RESULTS.c.run == run_id))
            connection.execute(self._upsert_run, row)

        self._database.write(work)

    def plan(self, results: Iterable[Result]) -> None:
        """Store what is to be measured; results already there stay as they are."""
        rows = _rows(results)
        if rows:
            self._database.write(lambda c: c.execute(self._insert_result, rows))

    def record(self, result: Result) -> None:
        """Store a result in place of an earlier one of the same case, model and repeat."""
        self.record_many([result])

    def record_many(self, results: Iterable[Result]) -> None:
        """Store results, each like `record`, in one transaction."""
        rows = _rows(results)
        if rows:
            self._database.write(lambda c: c.execute(self._upsert_result, rows))

    def note(self, run_id: str, meta: Mapping[str, Any]) -> None:
        """Merge entries into the run's `meta`; equal names are replaced.

        Raises:
            StoreError: no such run.
        """

        def work(connection: Connection) -> bool:
            query = select(RUNS.c.meta).where(RUNS.c.id == run_id).with_for_update()
            stored = connection.scalar(query)
            if stored is None:
                return False
            merged = {**json.loads(stored), **meta}
            connection.execute(update(RUNS).where(RUNS.c.id == run_id), {"meta": dumps(merged)})
            return True

        if not self._database.write(work):
            raise self._unknown(run_id)

    def read(self, run_id: str) -> Run:
        """Return a run whose results stream from the store each time they are iterated.

        Raises:
            StoreError: no such run.
        """
        query = select(RUNS).where(RUNS.c.id == run_id)
        row = self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise self._unknown(run_id)
        return Run(
            id=row.id,
            started=row.started,
            settings=json.loads(row.settings),
            versions=json.loads(row.versions),
            suites=json.loads(row.suites),
            meta=json.loads(row.meta),
            results=_Streamed(database=self._database, run_id=run_id),
        )

    def counts(self, run_id: str) -> Mapping[ResultState, int]:
        """Return the number of results by state; states without results are absent."""
        query = (
            select(RESULTS.c.state, func.count())
            .where(RESULTS.c.run == run_id)
            .group_by(RESULTS.c.state)
            .order_by(RESULTS.c.state)
        )
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return {cast("ResultState", state): count for state, count in rows}

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all runs, oldest first."""
        query = select(RUNS.c.id).order_by(RUNS.c.started, RUNS.c.id)
        return tuple(self._database.read(lambda connection: list(connection.scalars(query))))

    def started_before(self, moment: datetime) -> tuple[str, ...]:
        """Return the ids of the runs that `purge` would delete, oldest first."""
        query = select(RUNS.c.id, RUNS.c.started).order_by(RUNS.c.started, RUNS.c.id)
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return tuple(row.id for row in rows if _moment(row.started) < moment)

    def purge(self, older_than: datetime) -> tuple[str, ...]:
        """Delete runs that started before a moment, for good; return their ids."""
        query = select(RUNS.c.id, RUNS.c.started)

        def work(connection: Connection) -> tuple[str, ...]:
            rows = connection.execute(query).all()
            old = tuple(row.id for row in rows if _moment(row.started) < older_than)
            for table, column in (
                (RESULTS, RESULTS.c.run),
                (SPEND, SPEND.c.run),
                (RUNS, RUNS.c.id),
            ):
                for run_id in old:
                    connection.execute(delete(table).where(column == run_id))
            return old

        purged = self._database.write(work)
        self._database.compact()
        return purged

    def _unknown(self, run_id: str) -> StoreError:
        return StoreError(
            f'no run "{run_id}" in this store.',
            hint=f"Stored runs: {', '.join(self.ids()) or 'none'}.",
            where=self._database.where,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Streamed:
    """The results of one run, a page at a time, each page a short transaction of its own."""

    database: Database
    run_id: str

    def __iter__(self) -> Iterator[Result]:
        after: Sequence[Any] | None = None
        while page := self._page(after):
            for payload, *_ in page:
                yield decode(json.loads(payload))
            after = page[-1][1:]

    def _page(self, after: Sequence[Any] | None) -> list[Sequence[Any]]:
        query = (
            select(RESULTS.c.payload, *_ORDER)
            .where(RESULTS.c.run == self.run_id)
            .order_by(*_ORDER)
            .limit(_PAGE)
        )
        if after is not None:
            query = query.where(tuple_(*_ORDER) > tuple_(*after))
        return self.database.read(
            lambda connection: [tuple(row) for row in connection.execute(query)]
        )


def _rows(results: Iterable[Result]) -> list[dict[str, Any]]:
    rows = {(r.run, r.suite, r.case_id, r.model, r.repeat): _row(r) for r in results}
    # Sorted: processes that lock the same rows in the same order cannot deadlock.
    return [rows[key] for key in sorted(rows)]


def _row(result: Result) -> dict[str, Any]:
    return {
        "run": result.run,
        "suite": storable(result.suite),
        "case_id": storable(result.case_id),
        "model": storable(result.model),
        "repeat": result.repeat,
        "position": result.position,
        "state": result.state,
        "payload": dumps(encode(result)),
    }


def _moment(started: str) -> datetime:
    moment = datetime.fromisoformat(started)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
