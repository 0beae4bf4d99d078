"""The question files that a pack must repeat; turning them into cases is the reader's business."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import Record, gunzipped, numbered, parsed
from medcheck.packs.findings import Layout
from medcheck.packs.pack import open_pack
from medcheck.scoring.medbench_sets import SetInfo

ENDINGS = ("", "_test", "_questions", "_all_questions")
FOLDERS = ("", "full")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One line of a question file."""

    line: int
    record: Mapping[str, Any]
    key: str
    """What a row of a pack must repeat."""

    @property
    def id(self) -> str | None:
        """The row's `other.id`; `None`: the set has none."""
        return id_of(self.record)


Questions = Mapping[str, tuple[Question, ...]]
"""By name of the set; sets whose file is not there are missing."""


def load_questions(path: Path, layout: Layout) -> Questions:
    """Return the questions of a track from a folder (NAME.jsonl, also gzipped) or a zip.

    Where several files could be a set's, the one with the set's number of rows counts.

    Raises:
        DatasetError: a file is wrong, or none is there.
    """
    if path.is_dir():
        found = {info.name: _best(info, _files(path, info), layout) for info in _sets(layout)}
    else:
        files = open_pack(path).files
        by_name = {name.rsplit("/", 1)[-1]: read for name, read in files.items()}
        found = {
            info.name: _questions(enumerate(by_name[f"{stem}.jsonl"]().split(b"\n"), 1), layout)
            for info in _sets(layout)
            for stem in (info.stem, info.name)[: 2 if info.stem != info.name else 1]
            if f"{stem}.jsonl" in by_name
        }
    kept = {name: rows for name, rows in found.items() if rows}
    if not kept:
        raise DatasetError(
            f"no question file of the track {layout.track}.", where=str(path),
            hint=f"Expected {next(iter(layout.files()))} and so on.",
        )  # fmt: skip
    return kept


def questions_in(place: str, layout: Layout) -> tuple[Question, ...]:
    """Return the questions of one file; `ZIP!MEMBER` is a file within a zip.

    Raises:
        DatasetError: it cannot be read, or a line is wrong.
    """
    path, _, member = place.rpartition("!")
    if not path or Path(place).is_file():
        return _questions(numbered(Path(place)), layout, where=place)
    try:
        with zipfile.ZipFile(path) as archive:
            data = archive.read(member)
    except (OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as wrong:
        raise DatasetError(f"cannot be read: {wrong}.", where=place) from None
    data = gunzipped(data, where=place) if member.endswith(".gz") else data
    return _questions(enumerate(data.split(b"\n"), 1), layout, where=place)


def key_of(record: Mapping[str, Any], layout: Layout) -> str:
    """Return what identifies a row: its values of `layout.same`, whatever their order."""
    return json.dumps([record.get(name) for name in layout.same], sort_keys=True)


def id_of(record: Mapping[str, Any]) -> str | None:
    """Return a row's `other.id`; `None`: it has none."""
    other = record.get("other")
    found = other.get("id") if isinstance(other, dict) else None
    return None if found is None else str(found)


def _sets(layout: Layout) -> tuple[SetInfo, ...]:
    return tuple(layout.files().values())


def _files(folder: Path, info: SetInfo) -> Iterator[Path]:
    for place in (*FOLDERS, info.name):
        for ending in ENDINGS:
            for suffix in (".jsonl", ".jsonl.gz"):
                path = folder / place / f"{info.name}{ending}{suffix}"
                if path.is_file():
                    yield path


def _best(info: SetInfo, paths: Iterator[Path], layout: Layout) -> tuple[Question, ...]:
    best: tuple[Question, ...] = ()
    for path in paths:
        found = _questions(numbered(path), layout, where=str(path))
        if len(found) == info.rows:
            return found
        best = max(best, found, key=len)
    return best


def _questions(
    lines: Iterator[tuple[int, bytes]], layout: Layout, *, where: str = "questions"
) -> tuple[Question, ...]:
    found = []
    for number, line in lines:
        if not line.strip():
            continue
        try:
            record = parsed(line)
        except DatasetError as wrong:
            wrong.where = f"{where}:{number}"
            raise
        if not isinstance(record, dict) or "question" not in record:
            raise DatasetError("the line is no object with a question.", where=f"{where}:{number}")
        found.append(_question(number, record, layout))
    return tuple(found)


def _question(number: int, record: Record, layout: Layout) -> Question:
    return Question(line=number, record=record, key=key_of(record, layout))
