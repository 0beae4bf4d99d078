"""Queries are found in replies, and compared as they are built."""

import pytest

from medcheck.scoring.metrics.sqlshape import alike, official_query, query_of

QUERY = "SELECT p.name FROM patient AS p JOIN stay s ON p.id = s.id WHERE s.los > 3 AND p.sex = 'F'"


@pytest.mark.parametrize(
    "reply",
    [
        "<sql>SELECT 1</sql>", "<SQL> SELECT 1; </SQL>", "```sql\nSELECT 1\n```", "SELECT 1;",
        "Here you are:\nSELECT 1", "<sql>`SELECT 1`<sql>", "sql: SELECT 1",
        "<sql>-- one\nSELECT 1</sql>", "The query is: SELECT 1", "The query is: `SELECT 1;`",
        "`SELECT 1`", "<sql>SELECT 1", "Well:\n<sql>\nSELECT 1;\nThat is all.",
    ],
)  # fmt: skip
def test_a_query_in_any_form(reply):
    """Tags, a fence, or the statement alone."""
    assert query_of(reply) == "SELECT 1"


@pytest.mark.parametrize(
    "reply",
    ["<sql></sql>", "<sql> NULL; </sql>", "```sql\n```", "N/A", "The tables cannot answer this.",
     "This question cannot be answered.", "无法回答", "<sql>-- unanswerable</sql>"],
)  # fmt: skip
def test_abstentions(reply):
    """An empty pair of tags, or words that say so, abstain."""
    assert query_of(reply) == ""


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "  \n",
        "Let me think about the tables.",
        "<sql>",
        "In two steps: select the patients",
    ],
)
def test_neither(reply):
    """Silence and talk are neither a query nor an abstention."""
    assert query_of(reply) is None


def test_the_same_query():
    """Case, aliases, brackets and qualified names do not count."""
    other = (
        "select patient.name from patient inner join stay on (patient.id = stay.id) "
        "where stay.los > 3 and patient.sex = 'F';"
    )
    assert alike(QUERY, other) == 1
    assert alike("SELECT a FROM t ORDER BY a ASC", "select t.a from t order by t.a") == 1


def test_other_queries():
    """Another value, order or column makes a query less alike; nothing is not alike at all."""
    same = alike(QUERY, QUERY)
    assert same == 1
    for change in (("'F'", "'f'"), ("> 3", "> 4"), ("p.name", "p.age"), (">", "<")):
        assert 0.5 < alike(QUERY, QUERY.replace(*change)) < 1
    assert alike("SELECT a - b FROM t", "SELECT b - a FROM t") < 1
    assert alike("", QUERY) == 0
    assert alike("", "") == 0


def test_the_original_takes_the_whole_reply():
    """There a reply without tags is a query, whatever it says."""
    assert official_query("```sql\nSELECT 1\n```") == "SELECT 1"
    assert official_query("I cannot.") == "I cannot."
    assert official_query("<sql>SELECT 1</sql>") == "SELECT 1"
