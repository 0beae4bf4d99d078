"""Small files of our own in the layouts of MedHELM's public sets."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

MEDEC_COLUMNS = (
    "Text ID", "Text", "Sentences", "Error Flag", "Error Type", "Error Sentence ID",
    "Error Sentence", "Corrected Sentence", "Corrected Text",
)  # fmt: skip


def table_text(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], sep: str = ",") -> str:
    """Return rows as CSV."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, delimiter=sep, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def put(path: Path, text: str) -> Path:
    """Write a text, gzipped where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode("utf-8")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def put_json(path: Path, data: object) -> Path:
    """Write JSON."""
    return put(path, json.dumps(data, ensure_ascii=False))


def medec_row(**changes: str) -> dict[str, str]:
    """Return a text whose second sentence is wrong."""
    return {
        "Text ID": "ms-test-0",
        "Text": "The lungs are clear. Pneumonia is diagnosed in the left kidney.",
        "Sentences": "0 The lungs are clear.\r\n1 Pneumonia sits in the left kidney.\r\n",
        "Error Flag": "1",
        "Error Type": "diagnosis",
        "Error Sentence ID": "1",
        "Error Sentence": "Pneumonia sits in the left kidney.",
        "Corrected Sentence": "Pneumonia sits in the left lung.",
    } | changes


RIGHT = {
    "Text ID": "ms-test-1", "Error Flag": "0", "Error Type": "NA", "Error Sentence ID": "-1",
    "Error Sentence": "NA", "Corrected Sentence": "NA",
}  # fmt: skip
"""What a text without an error has."""


def article(decision: str = "yes", **changes: Any) -> dict[str, Any]:
    """Return an article of PubMedQA."""
    return {
        "QUESTION": "Does rest help?",
        "CONTEXTS": ["Backs ache.", "Rest did nothing."],
        "LABELS": ["BACKGROUND", "RESULTS"],
        "final_decision": decision,
        "LONG_ANSWER": "It does not.",
    } | changes


def exam(year: str = "2016", category: str = "nursery", **changes: Any) -> dict[str, Any]:
    """Return a paper of HEAD-QA with one question."""
    answers = [{"aid": 1, "atext": "Aorta"}, {"aid": 2, "atext": "Vena cava"}]
    question = {"qid": "7", "qtext": "Which is a vein?", "ra": "2", "answers": answers, "image": ""}
    return {"name": "P", "category": category, "year": year, "data": [question | changes]}


MEDBULLETS_COLUMNS = (
    "link", "question", "opa", "opb", "opc", "opd", "ope", "answer_idx", "answer", "explanation",
)  # fmt: skip


def vignette(**changes: str) -> dict[str, str]:
    """Return a row of Medbullets."""
    return {
        "link": "https://example.org/1", "question": "A man coughs. What next?", "opa": "Wait",
        "opb": "Chest film", "opc": "Surgery", "opd": "Biopsy", "ope": "Nothing",
        "answer_idx": "B", "answer": "Chest film", "explanation": "",
    } | changes  # fmt: skip


def database(path: Path) -> Path:
    """Write a SQLite database of two patients and one visit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE patient (id INT, name TEXT, weight REAL)")
        connection.execute("CREATE TABLE visit (patient INT)")
        connection.executemany(
            "INSERT INTO patient VALUES (?, ?, ?)", [(1, "Ada", 60.5), (2, "Bo", None)]
        )
    connection.close()
    return path


QUERIES = {
    "informative": "SELECT name FROM patient",
    "zero": "SELECT count(*) FROM visit",
    "null": "SELECT max(patient) FROM visit",
    "empty": "SELECT name FROM patient WHERE id = 9",
    "error": "SELECT nothing FROM patient",
}
"""By what the query gives on `database`."""


def question(query: str | None, number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a question of EHRSQL; `None`: it cannot be answered."""
    return {
        "question": f"Which one, number {number}?", "query": query or "null",
        "value": {"n": number}, "is_impossible": query is None, "para_type": "human",
        "id": f"id{number}",
    } | changes  # fmt: skip


def mediqa(*questions: str) -> str:
    """Return a MEDIQA file of these questions."""
    inner = "".join(questions)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Set>{inner}</Set>'


def ranked(text: str = "Is it bad?", qid: str = "1", scores: Sequence[int] = (2, 4)) -> str:
    """Return a question whose last answer is of rank 1."""
    answers = "".join(
        f'<Answer AID="{qid}_{n}" SystemRank="{n}" ReferenceRank="{len(scores) - n + 1}" '
        f'ReferenceScore="{score}"><AnswerURL>u</AnswerURL><AnswerText>Answer {n} &amp; more'
        f"</AnswerText></Answer>"
        for n, score in enumerate(scores, start=1)
    )
    return (
        f'<Question QID="{qid}"><QuestionText>{text}</QuestionText>'
        f"<AnswerList>{answers}</AnswerList></Question>"
    )
