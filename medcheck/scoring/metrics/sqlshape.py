"""Queries in a reply, and how alike two of them are built; nothing is run here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

_TAGGED = re.compile(r"<\s*sql\s*>(.*?)<\s*/?\s*sql\s*>", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"```(?:sql|sqlite)?\s*\n?(.*?)```", re.DOTALL | re.IGNORECASE)
_OPENED = re.compile(r"<\s*sql\s*>\s*((?:select|with)\b.*)", re.DOTALL | re.IGNORECASE)
"""A tag that nothing closes."""
_STARTS = re.compile(r"(?im)^\s*`?(?:sql(?:ite)?\s*:?\s*)?((?:select|with)\b.*)", re.DOTALL)
_COLON = re.compile(r"[:：]\s*`?((?:SELECT\b|WITH\s+\w+\s+AS\s*\().*)", re.DOTALL)
"""Behind a colon in capitals only: "in two steps: select the patients" is no query."""
_NOTHING = re.compile(r"(?:null|none|nan|n/?a|unanswerable|impossible)?[\s.;]*", re.IGNORECASE)
_REFUSES = re.compile(
    r"(?i)\b(?:unanswerable|not answerable|cannot be (?:answered|determined)|can'?t be answered|"
    r"(?:cannot|can'?t|unable to|not possible to|impossible to) (?:be )?answer|"
    r"(?:do|does) not (?:contain|hold|have)|no (?:such )?(?:table|column|information|data))\b"
    r"|无法回答|不能回答|无法查询|没有相关"
)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|\d+(?:\.\d+)?|\w+|<>|!=|<=|>=|\|\||[^\s\w]"
)
_KEYWORDS = frozenset({
    "select", "distinct", "from", "join", "left", "right", "inner", "outer", "cross", "full",
    "natural", "on", "using", "where", "and", "or", "not", "in", "between", "is", "null", "like",
    "exists", "group", "order", "by", "having", "limit", "offset", "asc", "desc", "as", "union",
    "all", "except", "intersect", "case", "when", "then", "else", "end", "with", "cast",
})  # fmt: skip
_NOISE = frozenset({";", "(", ")", ",", "as", "asc", "inner", "outer"})
_SAME = {"<>": "!=", "==": "="}


def query_of(reply: str) -> str | None:
    """Return the query of a reply; empty: it abstains; `None`: neither.

    It stands between <sql> and </sql>, in a code fence, or begins with SELECT or WITH: behind an
    open tag, at the start of a line, or behind a colon. An empty pair of tags, or words that the
    question cannot be answered, abstain; an empty reply does not.
    """
    found = [*_TAGGED.findall(reply)] or [*_FENCED.findall(reply)]
    if found:
        text = _COMMENT.sub(" ", found[-1].replace("`", "")).strip()
        return "" if _NOTHING.fullmatch(text) else text.rstrip("; \n")
    if begins := next(filter(None, (p.search(reply) for p in (_OPENED, _STARTS, _COLON))), None):
        return begins[1].replace("`", "").split(";")[0].strip()
    text = reply.strip()
    said = text and _NOTHING.fullmatch(text)
    return "" if said or _REFUSES.search(text) else None


def official_query(reply: str) -> str:
    """Return the query as MedHELM finds it: between the tags, else the whole reply.

    Source: stanford-crfm/helm annotation/ehr_sql_annotator.py.
    """
    found = _TAGGED.search(reply)
    text = (found[1] if found else reply).strip().replace("`", "").strip()
    return re.sub(r"^sql\n", "", text, flags=re.MULTILINE)


def alike(one: str, other: str) -> float:
    """Return how alike two queries are built, 0 to 1: F1 of their words and pairs of words.

    Case, brackets, aliases and the tables before columns do not count.
    """
    ours, theirs = _parts(one), _parts(other)
    shared = (ours & theirs).total()
    total = ours.total() + theirs.total()
    return 2 * shared / total if total else 0.0


def _parts(query: str) -> Counter[tuple[str, ...]]:
    words = _words(query)
    return Counter([*((word,) for word in words), *pairwise(words)])


def _words(query: str) -> list[str]:
    tokens = [_SAME.get(t, t) for t in _TOKEN.findall(_COMMENT.sub(" ", query))]
    tokens = [token if token[0] == "'" else token.strip('"`[]').lower() for token in tokens]
    aliases = _aliases(tokens)
    kept = []
    for at, word in enumerate(tokens):
        before = tokens[at - 1] if at else ""
        qualifies = tokens[at + 1 : at + 2] == ["."]
        if word in _NOISE or word == "." or qualifies or (word in aliases and before != "."):
            continue
        kept.append(word)
    return kept


def _aliases(tokens: Sequence[str]) -> frozenset[str]:
    """Return the second names of tables and columns."""
    found = set()
    for at, word in enumerate(tokens[:-1]):
        after = tokens[at + 1]
        if not re.fullmatch(r"[a-z_]\w*", after) or after in _KEYWORDS:
            continue
        table = at > 0 and tokens[at - 1] in ("from", "join") and re.fullmatch(r"\w+", word)
        if word == "as" or (table and word not in _KEYWORDS):
            found.add(after)
    return frozenset(found)
