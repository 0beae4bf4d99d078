"""Does SQL written for Oracle parse, and do its tables and columns exist? Prepared in SQLite only.

The question's tables are made in memory, without rows; a statement is explained and never run.
What SQLite cannot read although Oracle can is said to be unchecked, neither right nor wrong.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Literal

Problem = tuple[Literal["error", "unchecked"], str]

_TABLE = re.compile(r"[（(]\s*([A-Za-z][A-Za-z0-9_]*)\s*[)）]\s*(?:[:：]|\n|$)")
_COLUMN = re.compile(r"字段名\s*[:：]\s*([A-Za-z][A-Za-z0-9_]*)")
_FOREIGN = re.compile(
    r"(?i)\b(?:merge\s+into|connect\s+by|pivot\b|declare\b|begin\b|model\b|"
    r"(?:pipelined|bulk)\s|execute\s+immediate|keep\s*\(|\(\+\)|returning\s+into)"
)
_FUNCTIONS = (
    "to_date", "to_char", "to_number", "to_timestamp", "nvl", "nvl2", "decode", "add_months",
    "months_between", "trunc", "last_day", "numtodsinterval", "numtoyminterval", "greatest",
    "least", "regexp_like", "regexp_substr", "regexp_replace", "initcap", "lpad", "rpad", "extract",
    "sysdate_", "mod",
)  # fmt: skip
_AGGREGATES = ("listagg", "percentile_cont", "percentile_disc", "median", "stddev", "variance")
_REWRITES = (
    # SQLite takes an unknown name in double quotes for a text
    (re.compile(r"""('[^']*')|"([^"\]]*)\""""), lambda found: found[1] or f"[{found[2]}]"),
    (re.compile(r"(?i)\s+on\s+overflow\s+(?:error|truncate)(?:\s+'[^']*')?"), ""),
    (re.compile(r"(?i)\bwithin\s+group\s*\([^()]*(?:\([^()]*\)[^()]*)*\)"), ""),
    (re.compile(r"(?i)\bfetch\s+(?:first|next)\s+(\d+)\s+rows?\s+(?:only|with\s+ties)"), "LIMIT 1"),
    (re.compile(r"(?i)\boffset\s+\d+\s+rows?\b"), ""),
    (re.compile(r"(?i)\b(?:sysdate|systimestamp)\b"), "CURRENT_TIMESTAMP"),
    (re.compile(r"(?i)\b(?:date|timestamp)\s+('[^']*')"), r"\1"),
    (re.compile(r"(?i)\binterval\s+'[^']*'\s+\w+(?:\s*\(\d+\))?(?:\s+to\s+\w+)?"), "1"),
    (re.compile(r"(?i)\bextract\s*\(\s*\w+\s+from\s+"), "extract("),
    (re.compile(r"(?i)\bfrom\s+dual\b"), ""),
    (re.compile(r"(?i)\brownum\b"), "1"),
    (re.compile(r"(?i)\bminus\b"), "EXCEPT"),
    (re.compile(r"(?i)\s+nulls\s+(?:first|last)"), ""),
    (re.compile(r":(\w+)|&(\w+)"), "NULL"),
)  # fmt: skip
_KINDS = re.compile(r"(?i)\s*(?:select|with|insert|update|delete|merge|declare|begin)\b")
_ASIDE = re.compile(
    r"(?i)\s*(?:end|exception|commit|rollback|savepoint|create|alter|drop|truncate|grant|revoke|"
    r"set|comment|explain|exec|execute|call|spool|show|prompt|/)(?!\w)"
)
"""What may stand beside the statements and is not looked at."""
_BLOCK = re.compile(r"(?i)\s*(?:declare|begin)\b")
_SHOWN = 40
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_PART = re.compile(r"(?:[^;']|'[^']*'?)+")
"""A statement: up to a semicolon that stands in no text."""
_DENIED = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA}


def has_statement(text: str) -> bool:
    """Tell whether a text holds a statement that asks for data or changes it."""
    return any(map(_KINDS.match, _parts(text)))


def problems(question: str, text: str, *, prose: bool = False) -> Iterator[Problem]:
    """Yield what is wrong with the statements of a text; nothing: all parse on the tables.

    Args:
        question: holds the tables.
        text: statements, with semicolons between them.
        prose: other text may follow the statements; otherwise it is an error.
    """
    tables = tables_of(question)
    connection = sqlite3.connect(":memory:")
    try:
        for name, columns in tables.items():
            listed = ", ".join(f'"{column}"' for column in columns)
            connection.execute(f'CREATE TABLE "{name}" ({listed})')
        for function in _FUNCTIONS:
            connection.create_function(function, -1, lambda *_values: None)
        for function in _AGGREGATES:
            connection.create_window_function(function, -1, _Nothing)
        connection.set_authorizer(_allowed)
        for statement in _parts(text):
            if _KINDS.match(statement):
                yield from _problem(connection, statement)
                if _BLOCK.match(statement):
                    break  # what follows is part of the block
            elif not prose and not _ASIDE.match(statement):
                yield "error", f'no SQL: "{statement[:_SHOWN]}".'
    finally:
        connection.close()


def tables_of(question: str) -> dict[str, tuple[str, ...]]:
    """Return the tables of a question with their columns."""
    found: dict[str, list[str]] = {}
    columns: list[str] = []
    for line in question.splitlines():
        if column := _COLUMN.search(line):
            if column.group(1) not in columns:
                columns.append(column.group(1))
        elif table := _TABLE.search(line):
            columns = found.setdefault(table.group(1), [])
    return {name: tuple(names) for name, names in found.items() if names}


class _Nothing:
    """An aggregate of Oracle's that is only there to be named."""

    def step(self, *_values: object) -> None:
        """Take a row."""

    inverse = step

    def value(self) -> None:
        """Return nothing."""

    finalize = value


def _parts(text: str) -> list[str]:
    """Return what stands between the semicolons of a text, without comments."""
    parts = _PART.findall(_COMMENTS.sub(" ", text))
    return [part.strip() for part in parts if part.strip()]


def _problem(connection: sqlite3.Connection, statement: str) -> Iterator[Problem]:
    if found := _FOREIGN.search(statement):
        if _unbalanced(statement):
            yield "error", "the brackets do not close."
        yield "unchecked", f"not checked: {' '.join(found.group(0).split())} is Oracle's own."
        return
    for pattern, new in _REWRITES:
        statement = pattern.sub(new, statement)
    try:
        connection.execute(f"EXPLAIN {statement}")
    except sqlite3.Error as error:
        reason = str(error)
        if reason.startswith("no such function"):
            yield "unchecked", f"not checked: {reason}."
        else:
            yield "error", f"{reason}."


def _unbalanced(statement: str) -> bool:
    bare = re.sub("'[^']*'", "", statement)
    return bare.count("(") != bare.count(")")


def _allowed(action: int, *_details: object) -> int:
    return sqlite3.SQLITE_DENY if action in _DENIED else sqlite3.SQLITE_OK
