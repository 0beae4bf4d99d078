"""A small workbook in the shape of the official one; all text is the project's own."""

import json
import warnings

import openpyxl

POINTS = [
    {"id": 1, "claim": "说明应先测量血压", "level": "A1", "type": "positive"},
    {
        "id": 2,
        "claim": "Names two warning signs, such as chest pain",
        "level": "A2",
        "type": "positive",
    },
    {"id": 3, "claim": "建议自行停用降压药", "level": "S4", "type": "negative"},
]
HEADER = ("index", "question", "分类", "rubrics")


def rubric(*points):
    """Return the text of a rubric; without points, of three."""
    return json.dumps(points or POINTS, ensure_ascii=False, indent=2)


def row(index=1, question="血压 180/110 怎么办?", category="G1", points=None, *more):
    """Return a row of the workbook."""
    return (index, question, category, rubric(*points) if points else rubric(), *more)


def workbook(path, *rows, header=HEADER, title="Sheet1"):
    """Write a workbook and return its path."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    sheet.append(list(header))
    for cells in rows:
        sheet.append(list(cells))
    for cell in (cell for line in sheet.iter_rows() for cell in line):
        if isinstance(cell.value, str):
            # openpyxl would make a formula of a text that begins with "=".
            cell.data_type = "s"
    return saved(book, path)


def saved(book, path):
    """Save a workbook; openpyxl names no encoding for drafts of which it needs the name only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EncodingWarning)
        book.save(path)
    book.close()
    return path


def lines(path, *records):
    """Write JSON lines and return the path."""
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text(text, encoding="utf-8")
    return path
