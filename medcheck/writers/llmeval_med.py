"""Score files as LLMEval-Med's own scripts write them, so that its aggregation can go on.

One file for each run of the judge, since the original takes one to three of them. An answer without
a score has the empty text that the original writes for an error.

Source: llmeval_med.md sections 1 and 3 (LLMEval-Med evaluate/Evaluate.py:100-135).
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, cast

from medcheck.errors import WriterError
from medcheck.scoring.usability import CODES, RUN
from medcheck.summary import Summary
from medcheck.types import Result, Run
from medcheck.writers._files import replaced

_ID = re.compile(r"(?P<code>[A-Z]+)-(?P<group>\d+)-(?P<round>\d+)", re.ASCII)
_NAMES = {code: name for name, code in CODES.items()}
_UNSAFE = re.compile(r"[^\w.-]+")
_IN_MEMORY = 1 << 20
"""Bytes of a category that are held before they go to a temporary file."""

_Key = tuple[str, int, int]
"""Model, repeat and run."""


def write(run: Run, summary: Summary, path: Path) -> Path:
    """Write one file for each model, repeat and run of the judge; see the shelf's contract.

    A single one is `path`, several are `STEM-MODEL-REPEAT-runN.json` beside each other; the first
    is returned. Reference and checklist are not in them: a run does not hold them.

    Raises:
        WriterError: the run holds a case that is not of LLMEval-Med, or no score, or a file cannot
            be written.
    """
    runs = sorted({int(row.group.removeprefix(RUN)) for row in summary.rows if _is_run(row.group)})
    if not runs:
        raise WriterError(
            "the run holds no scores of the grader checklist.", where=str(path),
            hint="Export a run of LLMEval-Med.",
        )  # fmt: skip
    with ExitStack() as stack:
        files: dict[_Key, _File] = {}
        for result in run.results:
            for number in runs:
                key = (result.model, result.repeat, number)
                files.setdefault(key, _File(stack=stack)).add(result, number, str(path))
        paths = {key: path if len(files) == 1 else _path(path, key) for key in files}
        for key, file in files.items():
            with replaced(paths[key]) as target:
                target.writelines(file.text())
    return next(iter(paths.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """One file in the making: its items by category, in the categories' first order."""

    stack: ExitStack
    parts: dict[str, TextIO] = field(default_factory=dict)

    def add(self, result: Result, number: int, path: str) -> None:
        """Take what one run says of an answer."""
        found = _ID.fullmatch(result.case_id)
        if found is None or found["code"] not in _NAMES:
            raise WriterError(
                f'case "{result.case_id}" is not of LLMEval-Med (such as MK-5-1).', where=path
            )
        name = _NAMES[found["code"]]
        if name not in self.parts:
            self.parts[name] = cast("TextIO", self.stack.enter_context(_spool()))
        item = {
            "category2": result.category[1] if len(result.category) > 1 else "",
            "round": int(found["round"]),
            "problem": _problem(result),
            "groupCode": int(found["group"]),
            **_work(result, number),
        }
        part = self.parts[name]
        part.write(",\n    " if part.tell() else "\n    ")
        part.write(json.dumps(item, ensure_ascii=False))

    def text(self) -> Iterator[str]:
        """Yield the file's content."""
        for position, (name, part) in enumerate(self.parts.items()):
            yield ",\n" if position else "{\n"
            yield f"  {json.dumps(name, ensure_ascii=False)}: ["
            part.seek(0)
            yield from part
            yield "\n  ]"
        yield "\n}\n"


def _spool() -> tempfile.SpooledTemporaryFile[str]:
    return tempfile.SpooledTemporaryFile(
        _IN_MEMORY, "w+", encoding="utf-8", newline="\n", errors="backslashreplace"
    )


def _problem(result: Result) -> str:
    return next((turn.text for turn in reversed(result.messages) if turn.role == "user"), "")


def _work(result: Result, number: int) -> dict[str, Any]:
    """Return the fields that the original's scripts add to an item."""
    facets = result.score.facets if result.measured and result.score else {}
    name = f"{RUN}{number}"
    ballots = [b for v in (result.score.verdicts if result.score else ()) for b in v.ballots]
    said = [ballot.explanation for ballot in ballots if ballot.label == name]
    score = facets.get(name)
    return {
        "model_answer": result.completion.text if result.completion else "",
        "model_answer_judgement": "\n".join(said) if score is not None else "",
        "model_answer_score": "" if score is None else int(score) if score.is_integer() else score,
    }


def _is_run(group: str) -> bool:
    return group.startswith(RUN) and group.removeprefix(RUN).isdecimal()


def _path(path: Path, key: _Key) -> Path:
    model, repeat, number = key
    safe = _UNSAFE.sub("_", model)
    if safe != model:
        # Two names must not become one file.
        safe += f"-{hashlib.sha256(model.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return path.with_name(f"{path.stem}-{safe}-{repeat}-run{number}{path.suffix}")
