"""The answers in a pack, by set and line, so that they can take a model's place.

Where the question file is known, a row answers the question that it repeats, wherever it stands.
Files of answers by case are read by `medcheck.answers`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import MAX_ERRORS
from medcheck.packs import rules
from medcheck.packs.checking import layout_of
from medcheck.packs.findings import Finding, Layout
from medcheck.packs.pack import Pack, open_pack
from medcheck.packs.questions import Question, Questions, questions_in
from medcheck.packs.rules import Row
from medcheck.types import Case

HINT = "See all of it with: medcheck validate"


def load_pack_answers(
    path: str | Path,
    *,
    track: str | None = None,
    questions: Questions | None = None,
    damaged: bool = False,
) -> Mapping[tuple[str, int], str | None]:
    """Return the answers of a pack by set and line; `None`: the row's answer is null.

    Args:
        path: a zip, or the folder of its files.
        track: taken from the folder's or the files' names where it is not named.
        questions: with them the line is the question file's, and rows that repeat no question are
            an error; without them it is the line in the pack.
        damaged: leave out rows that cannot be read or have no place, instead of an error.

    Raises:
        DatasetError: the pack or one of its rows is wrong; at most 50 of all that is.
        SettingsError: nothing tells the track.
    """
    pack = open_pack(Path(path))
    layout = layout_of(pack, track)
    wrong = [finding for finding in pack.findings if finding.severity == "error"]
    answers: dict[tuple[str, int], str | None] = {}
    for file, info in layout.files().items():
        if file not in pack.files:
            continue
        rows, found = _rows(pack, file, layout, questions.get(info.name, ()) if questions else None)
        wrong += found
        for line, row in rows:
            assert row.record is not None
            answers[info.name, line] = row.record.get("answer")
    if wrong and not damaged:
        raise DatasetError(
            "\n".join(f"{path}: {finding}" for finding in wrong[:MAX_ERRORS]), hint=HINT
        )
    return answers


@dataclass(frozen=True, slots=True, kw_only=True)
class PackAnswers:
    """The answers of a pack, by the question that they repeat."""

    pack: Pack
    layout: Layout
    found: dict[str, Mapping[int, str | None]] = field(default_factory=dict, compare=False)
    """What was looked up, by question file: its lines that are answered."""

    def has_set(self, case: Case) -> bool:
        """Return whether a case is a row of a set that the pack has."""
        row = case.labels.get("medbench")
        return (
            isinstance(row, Mapping)
            and row.get("track") == self.layout.track
            and case.id == f"{row.get('set')}-{row.get('line')}"
            and self._file(row) in self.pack.files
        )

    def of(self, case: Case) -> tuple[str | None, ...]:
        """Return the answer to a case, where `None` is a null; empty: no row repeats its question.

        Raises:
            DatasetError: the case's question file cannot be read.
        """
        if not self.has_set(case) or case.origin is None:
            return ()
        row = case.labels["medbench"]
        place = case.origin.path
        if place not in self.found:
            questions = questions_in(place, self.layout)
            file = self._file(row)
            rows, _ = _rows(self.pack, file, self.layout, questions)
            self.found[place] = {n: given.record["answer"] for n, given in rows if given.record}
        lines = self.found[place]
        return (lines[row["line"]],) if row["line"] in lines else ()

    def _file(self, row: Mapping[str, Any]) -> str:
        return next((f for f, i in self.layout.files().items() if i.name == row.get("set")), "")


def pack_answers(path: str | Path, *, track: str | None = None) -> PackAnswers:
    """Return the answers of a pack; see `PackAnswers`.

    Raises:
        DatasetError: there is no such pack.
        SettingsError: nothing tells the track.
    """
    pack = open_pack(Path(path))
    return PackAnswers(pack=pack, layout=layout_of(pack, track))


def pack_sha256(path: str | Path) -> str:
    """Return what identifies a pack: the sha256 of a zip, or of a folder's names and contents."""
    digest = hashlib.sha256()
    if Path(path).is_dir():
        for name, read in sorted(open_pack(Path(path)).files.items()):
            digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
            digest.update(hashlib.sha256(read()).digest())
        return digest.hexdigest()
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rows(
    pack: Pack, file: str, layout: Layout, questions: tuple[Question, ...] | None
) -> tuple[list[tuple[int, Row]], list[Finding]]:
    """Return the rows that can be read, each with the line it belongs to, and what is wrong."""
    rows, found = rules.read_rows(file, pack.files[file]())
    wrong = [*found, *rules.check_answers(file, rows)]
    if questions is not None:
        rows = rules.placed(rows, questions, layout)
        wrong += rules.check_places(file, rows, questions, layout)
        rows = rules.settled(rows, layout)
        lines = [(questions[row.place].line, row) for row in rows if row.place is not None]
    else:
        lines = [(row.line, row) for row in rows if row.record is not None]
    texts = [(line, row) for line, row in lines if _is_text(row)]
    return texts, [finding for finding in wrong if finding.severity == "error"]


def _is_text(row: Row) -> bool:
    assert row.record is not None
    return row.record.get("answer", 0) is None or isinstance(row.record.get("answer"), str)
