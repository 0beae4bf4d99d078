"""Queries are right by what they give where that says something; abstaining is an answer."""

import sqlite3

import pytest

from medcheck.scoring.metrics import Gold, measure


@pytest.fixture
def gold(tmp_path):
    """Return what makes the gold of a question on a small database."""
    path = tmp_path / "d.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE drug (name TEXT, dose INTEGER)")
        connection.executemany("INSERT INTO drug VALUES (?, ?)", [("aspirin", 100), ("heparin", 5)])
    connection.close()

    def make(sql, **more):
        facts = {
            "sql": sql, "answerable": sql is not None, "database": str(path), "value": {}, **more
        }  # fmt: skip
        return Gold(references=() if sql is None else (sql,), facts=facts)

    return make


DOSE = "SELECT dose FROM drug WHERE name = 'aspirin'"
EMPTY = "SELECT dose FROM drug WHERE name = 'morphine'"


def test_what_a_query_gives(gold):
    """Another query with the same rows is right, one with other rows or an error is wrong."""
    case = gold(DOSE)
    assert measure("ehr_sql", f"<sql>{DOSE}</sql>", case).value == 1
    assert measure("ehr_sql", "SELECT max(dose) FROM drug", case).value == 1
    assert measure("ehr_sql", "SELECT min(dose) FROM drug", case).value == 0
    wrong = measure("ehr_sql", "SELECT dosis FROM drug", case)
    assert (wrong.value, wrong.given) == (0, "answerable")
    assert "does not run" in wrong.why


def test_gold_that_says_nothing(gold):
    """There any query that finds nothing would be right: queries are compared by structure."""
    case = gold(EMPTY)
    other = "SELECT name FROM drug WHERE dose = 7"
    assert measure("ehr_sql", EMPTY, case).value == 1
    assert 0 < measure("ehr_sql", other, case).value < 1
    assert measure("ehr_sql_execution", EMPTY, case).value is None


def test_without_a_database(gold):
    """Without a database queries are compared by structure, and the original cannot run."""
    case = gold(DOSE, database=None)
    assert measure("ehr_sql", DOSE, case).value == 1
    assert measure("ehr_sql_official", DOSE, case).value is None
    assert "database" in measure("ehr_sql_official", DOSE, case).why


def test_abstaining(gold):
    """A question without an answer wants an abstention in so many words; silence is none."""
    none, some = gold(None), gold(DOSE)
    for answer, right in (("<sql></sql>", 1), ("This cannot be answered.", 1), (DOSE, 0), ("", 0)):
        assert measure("ehr_sql", answer, none).value == right
        assert measure("ehr_sql_abstention", answer, none).value == right
    assert measure("ehr_sql", "<sql></sql>", some).value == 0
    assert measure("ehr_sql_abstention", "<sql></sql>", some).value == 0
    assert measure("ehr_sql_abstention", "SELECT 1", some).value == 1
    assert measure("ehr_sql", "<sql></sql>", some).given == "unanswerable"
    assert measure("ehr_sql", "hm", none).given is None
    assert measure("ehr_sql_structure", "<sql></sql>", none).value is None


def test_the_originals_defects(gold):
    """There the gold query is wrong where it gives nothing, and only silence abstains."""
    slots = {"drug_name": "morphine"}
    assert measure("ehr_sql_official", EMPTY, gold(EMPTY, value=slots)).value == 0
    assert measure("ehr_sql_official", EMPTY, gold(EMPTY)).value == 0
    assert measure("ehr_sql_official", DOSE, gold(DOSE)).value == 1
    assert measure("ehr_sql_official", "", gold(None)).value == 1
    assert measure("ehr_sql_official", "<sql></sql>", gold(None)).value == 0
    assert measure("ehr_sql_official", "SELECT 0", gold("SELECT 0")).value == 1
