"""`_allresults.json` as HealthBench's official code writes it, for tools that read that layout.

It holds one model and one suite; a run of several becomes a file for each, beside each other.

Source: simple-evals simple_evals.py:371-404 (layout), healthbench_eval.py:157-190 (usage),
394-442, 495-505 (examples).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from medcheck.errors import WriterError
from medcheck.extras import LENGTH_ADJUSTED, SPREAD, WORST
from medcheck.summary import Summary
from medcheck.types import Completion, Message, Result, Run, Usage, Verdict
from medcheck.undecided import GROUPS
from medcheck.writers._files import replaced

_MET: Mapping[str, bool | None] = {"met": True, "not_met": False, "undecided": None}
_UNSAFE = re.compile(r"[^\w.-]+")

Pair = tuple[str, str]
"""Model and suite."""


def write(run: Run, summary: Summary, path: Path) -> Path:
    """Write the measured answers; see the shelf's contract.

    Answers that were not measured are left out and counted under `metadata.unmeasured`, by state.
    A run of several models or suites becomes `STEM-SUITE-MODEL.json` for each; the first is
    returned.

    Raises:
        WriterError: the file cannot be written, or verdicts are neither met nor not met.
    """
    pairs = tuple(dict.fromkeys((row.model, row.suite) for row in summary.rows))
    if not pairs:
        raise WriterError("the run holds no results.", where=str(path))
    paths = {pair: path if len(pairs) == 1 else _path(path, pair) for pair in pairs}
    with ExitStack() as stack:
        reports = {
            pair: stack.enter_context(_report(metrics(summary, *pair), paths[pair]))
            for pair in pairs
        }
        for result in run.results:
            reports[result.model, result.suite].add(result)
    return paths[pairs[0]]


OFFICIAL = {"overall": "overall_score", LENGTH_ADJUSTED: "overall_score_length_adjusted"}
"""Official names of groups that are called otherwise here."""


def metrics(summary: Summary, model: str, suite: str) -> dict[str, float]:
    """Return the figures of one model on one suite under the official names.

    Groups in which nothing was measured, and errors that were not drawn, are missing.
    """
    found: dict[str, float] = {}
    for row in summary.rows:
        if (row.model, row.suite) != (model, suite) or row.value is None:
            continue
        if row.group.partition(":")[0] in (WORST, SPREAD) or row.group in GROUPS:
            continue  # the notebook's or our own, never in this file
        name = OFFICIAL.get(row.group, row.group)
        found[name] = row.value
        # The official report lists the overall score a second time, but for its mean.
        for listed in (name, "score") if name == "overall_score" else (name,):
            found[f"{listed}:n_samples"] = row.n
            if row.std is not None:
                found[f"{listed}:bootstrap_std"] = row.std
    return found


def example(result: Result) -> dict[str, Any]:
    """Return the official record of a measured answer.

    Raises:
        WriterError: a verdict is neither met nor not met nor undecided.
    """
    assert result.score is not None
    answer = _answer(result)
    named = (result.case_id + answer).encode("utf-8", "surrogatepass")
    return {
        "score": result.score.value,
        "usage": _usage(result.completion.usage if result.completion else Usage()),
        "rubric_items": [_rubric_item(verdict, result) for verdict in result.score.verdicts],
        "prompt": [_turn(message) for message in result.messages],
        "completion": [_turn(Message(role="assistant", text=answer))],
        "prompt_id": result.case_id,
        "completion_id": hashlib.sha256(named).hexdigest(),
    }


@dataclass(slots=True, kw_only=True)
class _Report:
    """One file while the results go by: conversations go in, examples wait for their place."""

    file: TextIO
    examples: TextIO
    written: int = 0
    unmeasured: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        """Write a measured answer, count another."""
        if not result.measured:
            self.unmeasured[result.state] += 1
            return
        record = example(result)
        separator = ",\n" if self.written else "\n"
        self.file.write(separator + _json([*record["prompt"], *record["completion"]]))
        self.examples.write(separator + _json(record))
        self.written += 1

    def finish(self) -> None:
        """Write what follows the conversations."""
        self.file.write('],\n"metadata": {"example_level_metadata": [')
        self.examples.seek(0)
        shutil.copyfileobj(self.examples, self.file)
        self.file.write(f'],\n"unmeasured": {_json(dict(sorted(self.unmeasured.items())))}}}}}\n')


@contextmanager
def _report(found: Mapping[str, float], path: Path) -> Iterator[_Report]:
    with (
        replaced(path) as file,
        tempfile.TemporaryFile(
            "w+", encoding="utf-8", errors="backslashreplace", newline="\n", dir=path.parent
        ) as examples,
    ):
        score = _json(found.get("overall_score"))
        file.write(f'{{"score": {score},\n"metrics": {_json(found)},\n"htmls": [],\n"convos": [')
        report = _Report(file=file, examples=examples)
        yield report
        report.finish()


def _path(path: Path, pair: Pair) -> Path:
    model, suite = (_UNSAFE.sub("-", name) for name in pair)
    return path.with_name(f"{path.stem}-{suite}-{model}{path.suffix}")


def _rubric_item(verdict: Verdict, result: Result) -> dict[str, Any]:
    criterion = verdict.criterion
    if verdict.state not in _MET:
        raise WriterError(
            f'case "{result.case_id}" of suite "{result.suite}" has a verdict "{verdict.state}"; '
            "the official layout holds met and not met only.",
            hint="Export it to csv or xlsx.",
        )
    points = criterion.points
    return {
        "criterion": criterion.text,
        "points": int(points) if float(points).is_integer() else points,
        "tags": list(criterion.tags),
        "criteria_met": _MET[verdict.state],
        "explanation": _explanation(verdict),
    }


def _explanation(verdict: Verdict) -> str:
    """Return what the first judge said who voted as the panel did."""
    said = [b.explanation for b in verdict.ballots if b.state == verdict.state]
    return said[0] if said else ""


def _answer(result: Result) -> str:
    completion: Completion | None = result.completion
    return completion.text if completion else ""


def _turn(message: Message) -> dict[str, str]:
    return {"content": message.text, "role": message.role}


def _usage(usage: Usage) -> dict[str, int | None]:
    known = usage.input is not None and usage.output is not None
    return {
        "input_tokens": usage.input,
        "input_cached_tokens": usage.cached_input,
        "output_tokens": usage.output,
        "output_reasoning_tokens": usage.reasoning,
        "total_tokens": (usage.input or 0) + (usage.output or 0) if known else None,
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
