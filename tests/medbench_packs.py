"""MedBench packs of our own for tests: every set of a track with invented rows."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from medcheck.packs.checking import check_pack, layout_of
from medcheck.packs.findings import LAYOUTS
from medcheck.packs.pack import open_pack
from medcheck.packs.questions import load_questions
from medcheck.scoring.medbench_sets import sets_of

OPTIONS = ("多饮水", "卧床", "就医", "服药")


def record(info, number):
    """Return a line of a set's question file; copies of circular sets turn their options."""
    copies = -(-info.rows // info.groups)
    turn = (number - 1) % copies
    texts = [OPTIONS[(place + turn) % len(OPTIONS)] for place in range(len(OPTIONS))]
    listed = "\n".join(f"{letter}. {text}" for letter, text in zip("ABCD", texts, strict=True))
    question = f"{info.name} 第{(number - 1) // copies + 1}题：怎么办？\n{listed}"
    if info.format == "record_headings":
        question += "\n主诉：“”\n建议：“”"
    found = {"question": question, "answer": ""}
    if info.track == "old":
        found = {"question": question, "options": None, "answer": None}
    if info.track == "vlm":
        found["img_path"] = [f"{info.name}/{number}.png"]
    return {**found, "other": {"id": (number - 1) // copies + 1, "source": info.source}}


def questions(folder, track):
    """Write a track's question files and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for info in sets_of(track):
        rows = [record(info, number) for number in range(1, info.rows + 1)]
        (folder / f"{info.stem}.jsonl").write_bytes(lines(rows))
    return folder


def rows_of(track):
    """Return by file name the rows of a pack without a fault; each answer is another text."""
    layout = LAYOUTS[track]
    found = {}
    for name, info in layout.files().items():
        rows = []
        for number in range(1, info.rows + 1):
            asked = {"options": None, **record(info, number)}
            asked["answer"] = f"第{number}个回答。"
            rows.append({key: asked[key] for key in layout.keys})
        found[name] = rows
    return found


def lines(rows):
    """Return rows (dicts, or bytes as they are) as a file."""
    return b"".join(
        row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() + b"\n"
        for row in rows
    )


def zipped(path, track, files, *, folder=None, more=()):
    """Write a zip: files by name (rows or bytes), and more entries (name or ZipInfo, bytes)."""
    folder = LAYOUTS[track].folder if folder is None else folder
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in files.items():
            archive.writestr(f"{folder}/{name}", rows if isinstance(rows, bytes) else lines(rows))
        for name, data in more:
            archive.writestr(name, data)
    return path


def checked(path, asked=None, *, track=None):
    """Return what is found in a pack."""
    pack = open_pack(Path(path))
    layout = layout_of(pack, track)
    return check_pack(pack, layout, load_questions(asked, layout) if asked else None)


def errors(found):
    """Return the errors as (rule, file name, line)."""
    return [
        (each.rule, each.file.rsplit("/", 1)[-1], each.line)
        for each in found.findings
        if each.severity == "error"
    ]


def warned(found, rule):
    """Return the lines of the warnings of a rule."""
    return [each.line for each in found.findings if each.rule == rule]
