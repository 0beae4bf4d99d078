"""A MedBench run as the zip that its platform takes: the questions untouched, an answer to each.

Where no reply came the answer is null. What is null, blank or cut off stands with its cause in
`PATH.missing.jsonl` beside the zip. Whether a pack is whole is the business of `medcheck validate`.

Source: medbench.md section 3, "what the real accepted zips look like".
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medcheck.errors import WriterError
from medcheck.packs.archive import row_of, write_lines, write_pack
from medcheck.packs.findings import LAYOUTS, Layout
from medcheck.scoring.medbench_sets import set_of
from medcheck.summary import Summary
from medcheck.types import Completion, Result, Run

LABEL = "medbench"
"""Of a result: `track`, `set`, `line` and `record`, as the reader of MedBench sets them."""
_UNSAFE = re.compile(r"[^\w.-]+")

Key = tuple[str, str, int]
"""Track, model and repeat: what makes a pack."""


def write(run: Run, summary: Summary, path: Path) -> Path:  # noqa: ARG001 - the shelf's contract
    """Write the pack; see the shelf's contract.

    A run of several tracks, models or repeats becomes `STEM-TRACK-MODEL-REPEAT.zip` for each, with
    the parts that differ; the first is returned. Sets that were not run are left out.

    Raises:
        WriterError: the run holds no case of MedBench, two answers to one row, or the file cannot
            be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        spools: dict[Key, _Spool] = {}
        for result in run.results:
            found = result.labels.get(LABEL)
            if not isinstance(found, Mapping) or "record" not in found:
                continue
            key = (str(found["track"]), result.model, result.repeat)
            if key not in spools:
                spools[key] = _Spool(layout=LAYOUTS[key[0]], folder=Path(folder) / str(len(spools)))
            spools[key].add(result, found)
        if not spools:
            raise WriterError(
                "the run holds no case of MedBench.", where=str(path),
                hint="Export a run of a suite that reads medbench.",
            )  # fmt: skip
        paths = _paths(path, list(spools))
        for key, spool in spools.items():
            spool.finish(paths[key])
    return next(iter(paths.values()))


@dataclass(slots=True, kw_only=True)
class _Spool:
    """The rows of one pack while the results go by, a file for each set."""

    layout: Layout
    folder: Path
    places: dict[str, dict[int, str]] = field(default_factory=dict)
    """By set: the case of each line so far."""
    missing: list[str] = field(default_factory=list)

    def add(self, result: Result, found: Mapping[str, Any]) -> None:
        """Take a row in."""
        name, line = str(found["set"]), int(found["line"])
        cases = self.places.setdefault(name, {})
        if line in cases:
            if result.case_id.startswith(f"{cases[line]}.c"):
                return  # a shuffled copy that medcheck made
            raise WriterError(f'case "{result.case_id}" answers line {line} of {name} again.')
        cases[line] = result.case_id
        answer = _written(result.completion)
        said = bool(answer and answer.strip())
        if not said or result.state == "truncated":
            self.missing.append(_cause(result, name, line, written=said))
        self.folder.mkdir(exist_ok=True)
        with (self.folder / name).open("ab") as file:
            file.write(b"%d\t" % line + row_of(found["record"], answer, self.layout))

    def finish(self, path: Path) -> None:
        """Write the zip, and why answers are missing."""
        sets = sorted(self.places, key=str.casefold)
        files = ((f"{self._stem(name)}.jsonl", self._lines(name)) for name in sets)
        write_pack(path, self.layout.folder, files)
        notes = path.with_name(f"{path.name}.missing.jsonl")
        if self.missing:
            write_lines(notes, self.missing)
        else:
            notes.unlink(missing_ok=True)

    def _stem(self, name: str) -> str:
        return set_of(self.layout.track, name).stem

    def _lines(self, name: str) -> Iterator[bytes]:
        rows = (self.folder / name).read_bytes().split(b"\n")[:-1]
        numbered = (row.split(b"\t", 1) for row in rows)
        for _, row in sorted((int(line), row) for line, row in numbered):
            yield row + b"\n"


def _written(completion: Completion | None) -> str | None:
    """Return the text of an answer; a null row of a pack that stood in for a model stays null."""
    if completion is None or (not completion.text and completion.finish == "unknown"):
        return None
    return completion.text


def _cause(result: Result, name: str, line: int, *, written: bool) -> str:
    other = result.labels[LABEL]["record"].get("other")
    found = {
        "set": name,
        "line": line,
        "id": other.get("id") if isinstance(other, Mapping) else None,
        "case_id": result.case_id,
        "state": result.state,
        "error": result.error,
        "written": written,
    }
    return json.dumps(found, ensure_ascii=False)


def _paths(path: Path, keys: list[Key]) -> Mapping[Key, Path]:
    """Return a place for each pack, named by what tells it from the others."""
    differ = [len({key[part] for key in keys}) > 1 for part in range(3)]
    found = {}
    for key in keys:
        parts = [
            _UNSAFE.sub("-", str(part)) for part, told in zip(key, differ, strict=True) if told
        ]
        found[key] = path.with_name("-".join([path.stem, *parts]) + path.suffix)
    return found
