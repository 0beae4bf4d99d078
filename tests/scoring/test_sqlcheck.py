"""SQL is prepared on the question's tables, and never run."""

from __future__ import annotations

import pytest

from medcheck.scoring.sqlcheck import has_statement, problems, tables_of

QUESTION = """数据结构说明
1. 医嘱表（ORDERS）
字段名：order_id（数据类型：VARCHAR2(30)）：主键
字段名：order_time（数据类型：TIMESTAMP）：时间
2. 费用表 (FEES)
字段名：order_id (数据类型：VARCHAR2(30))：外键
字段名：price (数据类型：NUMBER(10, 2))：单价
"""


def found(text):
    """Return severities and messages."""
    return list(problems(QUESTION, text))


def test_tables_are_read():
    """Tables and columns are read from the description."""
    assert tables_of(QUESTION) == {
        "ORDERS": ("order_id", "order_time"), "FEES": ("order_id", "price"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT o.order_id, SUM(f.price) FROM ORDERS o JOIN FEES f ON o.order_id = f.order_id "
        "GROUP BY o.order_id ORDER BY 2 DESC NULLS LAST",
        "select * from orders where order_time >= SYSDATE - INTERVAL '7' DAY",
        "SELECT TO_CHAR(order_time, 'YYYY-MM') FROM ORDERS FETCH FIRST 5 ROWS ONLY",
        "SELECT order_id FROM ORDERS WHERE order_time >= DATE '2024-01-01' AND order_id = :id",
        "SELECT NVL(price, 0) FROM FEES WHERE ROWNUM <= 3; -- done",
        "SELECT EXTRACT(YEAR FROM order_time) FROM ORDERS",
        "UPDATE FEES SET price = 1 WHERE order_id IN (SELECT order_id FROM ORDERS)",
        "WITH x AS (SELECT order_id FROM ORDERS) SELECT * FROM x MINUS SELECT order_id FROM FEES",
        "SELECT SYSDATE FROM DUAL",
        "SELECT price AS model_price FROM FEES WHERE order_id = 'a;b'; SELECT 1",
    ],
)
def test_common_oracle_passes(statement):
    """Usual Oracle forms are not taken for errors."""
    assert found(statement) == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT name FROM ORDERS", "no such column"),
        ("SELECT * FROM PATIENTS", "no such table"),
        ("SELECT FROM WHERE", "syntax error"),
        ("SELECT * FROM ORDERS WHERE (order_id = 1", "incomplete input"),
    ],
)
def test_errors(statement, message):
    """Unknown tables and columns and broken statements are errors."""
    [(severity, text)] = found(statement)
    assert severity == "error"
    assert message in text


@pytest.mark.parametrize(
    "statement",
    [
        "MERGE INTO FEES f USING ORDERS o ON (f.order_id = o.order_id) WHEN MATCHED THEN DELETE",
        "SELECT order_id FROM ORDERS CONNECT BY PRIOR order_id = order_id",
        "BEGIN DELETE FROM FEES",
        "SELECT MY_OWN(order_id) FROM ORDERS",
    ],
)
def test_what_cannot_be_checked_is_said(statement):
    """What only Oracle can read is said to be unchecked, not wrong."""
    assert [severity for severity, _ in found(statement)] == ["unchecked"]


def test_nothing_is_run(tmp_path):
    """No statement of an answer touches the disk or the tables."""
    target = tmp_path / "x.db"
    found(f"SELECT 1; ATTACH DATABASE '{target}' AS x; DELETE FROM FEES; SELECT * FROM FEES")
    found(f"WITH a AS (SELECT 1) SELECT * FROM a; VACUUM INTO '{target}'")
    assert not target.exists()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELEC price FRM FEES", "no SQL"),
        ("我不知道", "no SQL"),
        ("SELECT price FROM FEES; SELEC x", "no SQL"),
        ('SELECT "NOPE" FROM FEES', "no such column: NOPE"),
        ("SELECT LISTAGG(price) FROM NOPE garbage ((", "syntax error"),
        ("MERGE INTO FEES f USING (SELECT 1", "brackets"),
    ],
)
def test_what_is_no_sql_is_an_error(statement, message):
    """Text that is no statement, and names that only look like texts, are errors."""
    assert message in " ".join(text for severity, text in found(statement) if severity == "error")


@pytest.mark.parametrize(
    "statement",
    [
        'SELECT "PRICE" AS "单价" FROM FEES ORDER BY "单价"',
        "SELECT LISTAGG(order_id, ',') WITHIN GROUP (ORDER BY price) FROM FEES GROUP BY price",
        "SELECT MEDIAN(price) OVER (PARTITION BY order_id) FROM FEES",
        "SELECT price FROM FEES WHERE order_id = 'a\"b'; COMMIT;",
    ],
)
def test_oracle_names_and_aggregates_pass(statement):
    """Names in quotes are names, and Oracle's aggregates are known."""
    assert found(statement) == []


def test_text_behind_statements():
    """In running text words may follow the statements; in a block of SQL they may not."""
    text = "SELECT price FROM FEES; 以上是查询。"
    assert list(problems(QUESTION, text, prose=True)) == []
    assert [severity for severity, _ in found(text)] == ["error"]
    assert has_statement(text)
    assert not has_statement("DROP TABLE FEES; 我不知道")
