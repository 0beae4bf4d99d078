"""What is wrong with a pack, and what a track's pack looks like; who finds it lives elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from medcheck.scoring.medbench_sets import SetInfo, Track, sets_of

Severity = Literal["error", "warning"]

RULES: Mapping[str, str] = {
    "E1": "the zip opens, holds the track's folder only, and nothing that is unsafe",
    "E2": "exactly the files of the track",
    "E3": "strict UTF-8, without a byte order mark",
    "E4": "every line is one JSON object",
    "E5": "no conflict markers of a version control system",
    "E6": "as many rows as the question file",
    "E7": "row i repeats question, other and img_path of line i of the question file",
    "E8": "every row has an answer, and it is a text",
    "E8n": "no answer is null or blank",
    "E9": "the keys of the track, and no others",
    "W1": "no <think> or </think> is left",
    "W2": "no answer begins by thinking aloud, or is ten times as long as the set's median",
    "W3": "no answer breaks off",
    "W4": "no answer is an error text, HTML, or a refusal of the format",
    "W5": "no code fence where none was asked for",
    "W6": "the answer has the form that the set asks for",
    "W7": "a set's answers are not all the same",
    "W8": "shuffled copies of a question are answered alike",
}
"""Every rule by name: what is so when it holds. Source: medbench.md section 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that breaks a rule."""

    rule: str
    """A key of `RULES`."""
    severity: Severity
    file: str
    """Inside the pack, as the pack names it; empty: the pack itself."""
    message: str
    line: int | None = None
    """1-based in `file`; of a missing row, the line where it should stand."""
    id: str | None = None
    """`other.id` of the row; `None` where the set has none."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file or "pack"
        named = f" (id {self.id})" if self.id is not None else ""
        return f"{place}: {self.severity} {self.rule}{named}: {self.message}"


def error(rule: str, file: str, message: str, **more: object) -> Finding:
    """Return a finding that makes the pack unfit."""
    return _finding(rule, "error", file, message, more)


def warning(rule: str, file: str, message: str, **more: object) -> Finding:
    """Return a finding that leaves the pack acceptable."""
    return _finding(rule, "warning", file, message, more)


def _finding(
    rule: str, severity: Severity, file: str, message: str, more: Mapping[str, object]
) -> Finding:
    line, name = more.get("line"), more.get("id")
    return Finding(
        rule=rule,
        severity=severity,
        file=file,
        message=message,
        line=line if isinstance(line, int) else None,
        id=None if name is None else str(name),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the packs of a track look."""

    track: Track
    folder: str
    """The one folder in the zip; the zip's usual name is this with `.zip`."""
    keys: tuple[str, ...]
    """Of a row, in the order of packs that were accepted."""
    optional: tuple[str, ...] = ()
    """Those of `keys` that a row may lack."""

    @property
    def same(self) -> tuple[str, ...]:
        """The keys that must repeat the question file."""
        return tuple(key for key in self.keys if key not in ("answer", "options"))

    def files(self) -> Mapping[str, SetInfo]:
        """Return the sets of the track by the name of their file."""
        return {f"{info.stem}.jsonl": info for info in sets_of(self.track)}


_TEXT = ("question", "answer", "other", "options")
LAYOUTS: Mapping[str, Layout] = {
    layout.track: layout
    for layout in (
        Layout(track="old", folder="MedBench", keys=_TEXT, optional=("options",)),
        Layout(track="v4", folder="MedBench_LLM", keys=_TEXT, optional=("options",)),
        Layout(
            track="vlm", folder="MedBench_VLM_QA", keys=("question", "answer", "img_path", "other")
        ),
        Layout(track="agent", folder="MedBench_Agent", keys=("question", "answer", "other")),
    )
}
"""By track. Source: medbench.md section 3, "what the real accepted zips look like"."""


def track_of(folder: str | None, names: Iterable[str]) -> Track | None:
    """Return the track that a folder's name says, else the one that most file names belong to."""
    for layout in LAYOUTS.values():
        if layout.folder == folder:
            return layout.track
    found = set(names)
    counts = {track: len(found & layout.files().keys()) for track, layout in LAYOUTS.items()}
    best = max(counts, key=lambda track: counts[track])
    return LAYOUTS[best].track if counts[best] else None
