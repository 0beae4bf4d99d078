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
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO, cast

from medcheck.errors import WriterError
from medcheck.scoring.requirements import REFERENCE_ONLY
from medcheck.scoring.usability import CODES, RUN
from medcheck.summary import Summary
from medcheck.types import Result, Run
from medcheck.writers._files import replaced

_ID = re.compile(r"(?P<code>[A-Z]+)-(?P<group>\d+)-(?P<round>\d+)", re.ASCII)
_NAMES = {code: name for name, code in CODES.items()}
_UNSAFE = re.compile(r"[^\w.-]+")
_IN_MEMORY = 1 << 20
"""Bytes of a category that are held before they go to a temporary file."""

_SAFETY = "MSE"
"""The category whose reference is a checklist."""
_DIFFICULTY = "difficulty:"

_Key = tuple[str, int, int]
"""Model, repeat and run."""
_Records = Mapping[str, Mapping[str, Any]]


def write(run: Run, summary: Summary, path: Path, *, data: _Records = MappingProxyType({})) -> Path:
    """Write one file for each model, repeat and run of the judge; see the shelf's contract.

    A single one is `path`, several are `STEM-MODEL-REPEAT-runN.json` beside each other; the first
    is returned. Of an item's own fields they have what the run holds: the checklist, and where the
    reference is one, the reference.

    Args:
        run: of LLMEval-Med.
        summary: of the run.
        path: of the file.
        data: items of the data set by case id; all their fields are written too.

    Raises:
        WriterError: the run holds a case that is not of LLMEval-Med or of `data`, or no score, or
            a file cannot be written.
    """
    numbers = _numbers(run, summary)
    if not numbers:
        raise WriterError(
            "the run holds no scores of the grader checklist.", where=str(path),
            hint="Export a run of LLMEval-Med.",
        )  # fmt: skip
    with ExitStack() as stack:
        files: dict[_Key, _File] = {}
        for result in run.results:
            own = _own(result, data, str(path))
            for number in numbers:
                key = (result.model, result.repeat, number)
                file = files.setdefault(key, _File(stack=stack))
                file.add(result.case_id, {**own, **_work(result, number)})
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

    def add(self, case_id: str, item: Mapping[str, Any]) -> None:
        """Take what one run says of an answer."""
        name = _NAMES[case_id.partition("-")[0]]
        if name not in self.parts:
            self.parts[name] = cast("TextIO", self.stack.enter_context(_spool()))
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


def _numbers(run: Run, summary: Summary) -> range:
    """Return the numbers of the judge's runs: as the suites say, whatever became of the runs."""
    told = [found.get("usability") for found in run.suites.values()]
    planned = [int(usability["runs"]) for usability in told if usability]
    rows = [int(r.group.removeprefix(RUN)) for r in summary.rows if _is_run(r.group)]
    return range(1, max([*planned, *rows], default=0) + 1)


def _own(result: Result, data: _Records, path: str) -> dict[str, Any]:
    """Return the fields of an item that are not the scripts' work."""
    found = _ID.fullmatch(result.case_id)
    if found is None or found["code"] not in _NAMES:
        raise WriterError(
            f'case "{result.case_id}" is not of LLMEval-Med (such as MK-5-1).', where=path
        )
    if data:
        if result.case_id not in data:
            raise WriterError(f'the data has no case "{result.case_id}".', where=path)
        return dict(data[result.case_id])
    return {
        "category2": result.category[1] if len(result.category) > 1 else "",
        "round": int(found["round"]),
        "problem": _problem(result),
        "groupCode": int(found["group"]),
        **_held(result, found["code"]),
    }


def _held(result: Result, code: str) -> dict[str, str]:
    """Return what a run holds of checklist, reference and difficulty."""
    found = {}
    verdicts = result.score.verdicts if result.score else ()
    if verdicts and verdicts[0].criterion.text != REFERENCE_ONLY:
        found["sanswer" if code == _SAFETY else "checklist"] = verdicts[0].criterion.text
    for tag in result.tags:
        if tag.startswith(_DIFFICULTY):
            found["difficulty"] = tag.removeprefix(_DIFFICULTY)
    return found


def _problem(result: Result) -> str:
    return next((turn.text for turn in reversed(result.messages) if turn.role == "user"), "")


def _work(result: Result, number: int) -> dict[str, Any]:
    """Return the fields that the original's scripts add to an item."""
    facets = result.score.facets if result.score else {}
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
