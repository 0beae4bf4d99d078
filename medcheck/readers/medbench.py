"""MedBench question files of one track: old, v4, vlm or agent; a folder, a zip or one file.

Pictures are found and drawn in `_medbench_pictures` and `_medbench_pdf`, files in
`_medbench_files`; the sets are described in `scoring.medbench_sets`. Packs of answers are read in
`packs`.

Source: medbench.md section 1 (files and fields) and section 5 (pictures).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import MAX_ERRORS, Record, checked_object, filled_text, parsed, shown
from medcheck.readers import _medbench_files, _medbench_pictures
from medcheck.readers._medbench_audit import Finding, findings
from medcheck.readers._medbench_files import Data
from medcheck.readers._medbench_pictures import Limits, Taken
from medcheck.scoring.circular import LABEL
from medcheck.scoring.medbench_sets import TRACKS, SetInfo, set_of, sets_of
from medcheck.types import Case, Message, Origin

PROTOCOL = "strict"
FOLDERS = True
"""Its data may be a folder."""
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "track": {"enum": list(TRACKS)},
        "set": {"type": "string", "description": "The set that one file holds."},
        "sets": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "image_labels": {
            "type": "boolean",
            "description": "Name several pictures 图1, 图2, ... below the question; default true.",
        },
        "max_side": {"type": "integer", "minimum": 16, "description": "Pixels."},
        "max_bytes": {"type": "integer", "minimum": 1000},
        "max_pages": {"type": "integer", "minimum": 1, "maximum": 50},
        "zoom": {"type": "number", "minimum": 0.5, "maximum": 8},
        "cache": {"type": "string", "description": "Folder for drawn pages."},
    },
    "required": ["track"],
    "additionalProperties": False,
}

_NEEDED = ("question", "other")
_OPTIONAL = ("answer", "options", "img_path")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each row: sets in the platform's order, rows in the file's.

    The id is SET-LINE. Tags: `set:`, `dimension:`, `task:`, `format:`, and `group:` for shuffled
    copies of one question, of which `labels["circular"]` says how many the file holds.
    `labels["medbench"]` holds track, set, line, the question's hash (16
    hexadecimal digits of its sha256), the untouched record, what was done to its pictures, and
    what is doubtful about them. A filled `answer` is gold: it becomes the reference and
    `labels["gold"]`; a list of texts holds the key points of a free text (`macro_recall`).

    Raises:
        DatasetError: every row that cannot be used, at most 50; a picture that is missing or
            leads out of the folder.
        SettingsError: unknown track or set.
    """
    track = options.get("track")
    if track is None:
        raise DatasetError("the option track is missing.", hint=f"One of: {', '.join(TRACKS)}.")
    wanted = [set_of(track, name) for name in options.get("sets", ())] or sets_of(track)
    only = options.get("set")
    name = None if only is None else set_of(track, only).name
    limits = Limits.of(options)
    data = _medbench_files.opened(Path(path), sets_of(track), only=name, cache=limits.cache)
    labels = bool(options.get("image_labels", True))
    reader = _Reader(data=data, limits=limits, image_labels=labels)
    for info in sets_of(track):
        if info in wanted and info.name in data.files:
            yield from reader.cases(info)
    if reader.errors:
        raise DatasetError("\n".join(reader.errors[:MAX_ERRORS]))


def lint(
    cases: Iterable[Case],
    options: Mapping[str, Any] | None = None,
    *,
    system: str | None = None,
) -> tuple[Finding, ...]:
    """Return what is doubtful about cases that `read` gave, asked behind a system text."""
    del options
    return findings(cases, system=system)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Makes cases of the rows of one track."""

    data: Data
    limits: Limits
    image_labels: bool
    errors: list[str] = field(default_factory=list)

    def cases(self, info: SetInfo) -> Iterator[Case]:
        """Yield the cases of a set; wrong rows are kept for the end."""
        file, lines = self.data.files[info.name]
        sizes = _sizes(line for _, line in lines()) if info.circular else {}
        for number, line in lines():
            try:
                case = self._case(info, file, number, parsed(line), sizes)
            except DatasetError as error:
                error.where = f"{file}:{number}"
                self.errors.append(str(error))
                continue
            if not self.errors:
                yield case

    def _case(
        self, info: SetInfo, file: str, number: int, found: object, sizes: Mapping[str, int]
    ) -> Case:
        record = checked_object(found, _NEEDED, _OPTIONAL, "the line")
        question = filled_text(record["question"], "question")
        if not isinstance(record["other"], dict):
            raise DatasetError(f"other is {shown(record['other'])}, expected an object.")
        gold = _gold(record.get("answer"))
        taken = self._pictures(info, record)
        case_id = f"{info.name}-{number}"
        return Case(
            id=case_id,
            suite="",
            grader="",
            messages=(Message(role="user", text=self._text(question, taken), images=taken.images),),
            references=tuple(gold),
            tags=tags_of(info, record),
            category=(info.dimension or info.track, info.name),
            labels={**_labels(info, number, record, taken, gold), **_copies(record, sizes)},
            origin=Origin(path=file, line=number, record=record),
        )

    def _pictures(self, info: SetInfo, record: Record) -> Taken:
        if info.track != "vlm" and "img_path" not in record:
            return Taken()
        names = _medbench_pictures.names_in(record.get("img_path"))
        found = [
            _medbench_pictures.take(self.data.picture(name), name, self.limits) for name in names
        ]
        return Taken(
            images=tuple(image for taken in found for image in taken.images),
            changes=tuple(change for taken in found for change in taken.changes),
            doubts=tuple(doubt for taken in found for doubt in taken.doubts),
            files=tuple(file for taken in found for file in taken.files),
        )

    def _text(self, question: str, taken: Taken) -> str:
        """Return the question; several pictures are named in the order that they are sent in."""
        if len(taken.images) < 2 or not self.image_labels:
            return question
        names = "、".join(f"图{number}" for number in range(1, len(taken.images) + 1))
        return f"{question}\n\n（附图依次为：{names}）"


def tags_of(info: SetInfo, record: Record) -> tuple[str, ...]:
    """Return the tags of a row."""
    tags = [f"set:{info.name}", f"task:{_task(info)}", f"format:{info.format}"]
    if info.dimension is not None:
        tags.insert(1, f"dimension:{info.dimension}")
    if info.circular and record["other"].get("id") is not None:
        tags.append(f"group:{info.name}-{record['other']['id']}")
    return tuple(tags)


def _sizes(lines: Iterable[bytes]) -> Mapping[str, int]:
    """Return how many rows each id has; what is wrong with rows is told elsewhere."""
    found: Counter[str] = Counter()
    for line in lines:
        with suppress(DatasetError):
            record = parsed(line)
            other = record.get("other") if isinstance(record, dict) else None
            found[str(other.get("id") if isinstance(other, dict) else None)] += 1
    return found


def _copies(record: Record, sizes: Mapping[str, int]) -> Mapping[str, Any]:
    """Return the label that says how many copies a question has."""
    name = record["other"].get("id")
    return {} if name is None or not sizes else {LABEL: {"copies": sizes[str(name)]}}


def _task(info: SetInfo) -> str:
    """Return what kind of task a set is, without its details."""
    return re.split(r"[,(]", info.task)[0].strip()


def _gold(found: object) -> list[str]:
    """Return what the user's gold holds: nothing, one text, or the key points of a free text."""
    points: list[Any] = found if isinstance(found, list) else ["" if found is None else found]
    if not all(isinstance(point, str) for point in points):
        raise DatasetError(
            f"answer is {shown(found)}, expected a text, a list of key points, or null."
        )
    if isinstance(found, list) and not (found and all(point.strip() for point in found)):
        raise DatasetError("answer holds an empty key point, or none.")
    return [point for point in points if point.strip()]


def _labels(
    info: SetInfo, number: int, record: Record, taken: Taken, gold: Sequence[str]
) -> Mapping[str, Any]:
    question = hashlib.sha256(record["question"].encode("utf-8", "surrogatepass")).hexdigest()
    row = {
        "track": info.track,
        "set": info.name,
        "line": number,
        "question": question[:16],
        "record": record,
    }
    if taken.files:
        row["files"] = [list(file) for file in taken.files]
    if taken.changes:
        row["pictures"] = list(taken.changes)
    if taken.doubts:
        row["doubts"] = list(taken.doubts)
    if not gold:
        return {"medbench": row}
    points = isinstance(record["answer"], list)
    return {"medbench": row, "gold": list(gold) if points else gold[0]}
