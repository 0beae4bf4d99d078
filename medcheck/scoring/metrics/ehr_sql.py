"""EHRSQL: queries compared by what they give on a database, and abstaining where none can answer.

Facts: `sql` (the gold query; `None`: the question cannot be answered), `answerable`, `database` (a
path, or `None`), `value` (what fills the question's template).

Source: medhelm.md section 3 and section 7, item 3 (stanford-crfm/helm
annotation/ehr_sql_annotator.py, metrics/ehr_sql_metrics.py).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from medcheck.scoring.metrics._base import EMPTY, Gold, Measured, decided, unmeasured
from medcheck.scoring.metrics.sqlrun import Ran, opened, run
from medcheck.scoring.metrics.sqlshape import alike, official_query, query_of

ANSWERABLE, UNANSWERABLE = "answerable", "unanswerable"
NO_QUERY = "neither a query nor an abstention."


def ehr_sql(answer: str, gold: Gold) -> Measured:
    """Compare what the queries give; where that says nothing, how they are built.

    A question that cannot be answered wants an abstention (`<sql></sql>`, or words that say so). Of
    another, rows count as a set where the gold query gives something informative. Without a
    database, or where gold gives nothing, one NULL or one 0, the value is `alike`, 0 to 1.
    """
    if not answer.strip():
        return EMPTY
    wanted = _gold_query(gold)
    if wanted is None and _answerable(gold):
        return unmeasured("there is no gold query.")
    query = query_of(answer)
    if query is None:
        return Measured(value=0.0, why=NO_QUERY)
    given = ANSWERABLE if query else UNANSWERABLE
    if wanted is None or not query:
        right = wanted is None and not query
        return decided(right, "a query was written." if query else "it abstains.", given)
    compared = _executed(query, wanted, gold)
    if compared is None:
        value = alike(query, wanted)
        return Measured(value=value, why="compared by structure: gold says nothing.", given=given)
    return decided(compared[0], compared[1], given)


def ehr_sql_execution(answer: str, gold: Gold) -> Measured:
    """Compare what the queries give, where the gold result is informative; else not measured."""
    wanted = _gold_query(gold)
    if wanted is None:
        return unmeasured("the question has no gold query.")
    with_gold = _executed(query_of(answer) or "", wanted, gold)
    if with_gold is None:
        return unmeasured("the gold query gives nothing informative here.")
    return decided(*with_gold)


def ehr_sql_structure(answer: str, gold: Gold) -> Measured:
    """Return how alike query and gold query are built, 0 to 1; of answerable questions only."""
    wanted = _gold_query(gold)
    if wanted is None:
        return unmeasured("the question has no gold query.")
    return Measured(value=alike(query_of(answer) or "", wanted))


def ehr_sql_abstention(answer: str, gold: Gold) -> Measured:
    """Compare whether a query was written with whether the question can be answered."""
    if not answer.strip():
        return EMPTY
    query = query_of(answer)
    if query is None:
        return Measured(value=0.0, why=NO_QUERY)
    given = ANSWERABLE if query else UNANSWERABLE
    return decided(bool(query) == _answerable(gold), f"read: {given}.", given)


def ehr_sql_official(answer: str, gold: Gold) -> Measured:
    """Compare as MedHELM does; on a gold result without rows, with the template's slot values.

    Rows are tuples and slot values texts, so that these never agree, and the gold query itself is
    wrong. Only an empty reply abstains. A query that gives nothing is never right.
    """
    database = gold.facts.get("database")
    if database is None:
        return unmeasured("the original needs the database.")
    said, query = answer.strip(), official_query(answer)
    with opened(Path(str(database))) as connection:
        wanted = _rows(connection, _gold_query(gold) or "nan")
        given = _rows(connection, query) if query else ()
    expected: tuple[object, ...] = wanted or tuple((gold.facts.get("value") or {}).values())
    silent = not (expected or given or said)
    right = _set(given) == _set(expected) if expected and given else silent
    return decided(
        right, f"{len(given)} rows for {len(expected)}.", ANSWERABLE if said else UNANSWERABLE
    )


def _gold_query(gold: Gold) -> str | None:
    found = gold.facts.get("sql")
    return str(found) if found else (gold.reference.strip() or None)


def _answerable(gold: Gold) -> bool:
    return bool(gold.facts.get("answerable", _gold_query(gold) is not None))


def _executed(query: str, wanted: str, gold: Gold) -> tuple[bool, str] | None:
    """Return whether both give the same, and why; `None`: the gold result says nothing."""
    database = gold.facts.get("database")
    if database is None:
        return None
    with opened(Path(str(database))) as connection:
        right = run(connection, wanted)
        if not right.informative:
            return None
        found = run(connection, query) if query else Ran(rows=None, error="no query")
    if found.rows is None:
        return False, f"the query does not run: {found.error}."
    why = f"{len(found.answers)} different rows, gold has {len(right.answers)}."
    return found.answers == right.answers, why


def _rows(connection: sqlite3.Connection, query: str) -> tuple[object, ...]:
    return run(connection, query).rows or ()


def _set(found: tuple[object, ...]) -> set[object]:
    return {value if isinstance(value, tuple) else str(value) for value in found}
