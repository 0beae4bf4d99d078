"""`results.csv`: one row per answer, for spreadsheets; its verdicts as counts.

A text that a spreadsheet would take for a formula, or that begins with an apostrophe, stands after
an apostrophe; a reader takes the first apostrophe away and has the text. Numbers stay numbers.

Source: OWASP, CSV Injection (which beginnings are formulas, full-width ones included).
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from medcheck.summary import Summary
from medcheck.types import Result, Run, Usage
from medcheck.writers._files import replaced

BOM = "\ufeff"
"""Without it Excel takes UTF-8 for the code page of the country."""
COUNTED = ("met", "not_met", "scored", "undecided", "judge_error", "not_run")
COLUMNS = (
    "case_id", "suite", "model", "repeat", "category", "tags", "state", "score", "earned",
    "possible", "pass_at", "passed", "criteria", *COUNTED, "zero_tolerance_met", "question",
    "answer", "finish", "input_tokens", "output_tokens", "cost_usd", "error",
)  # fmt: skip
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")

Value = str | float | bool | None


def write(run: Run, summary: Summary, path: Path) -> Path:
    """Write the results in dataset order; see the shelf's contract. Not measured is empty."""
    del summary
    with replaced(path) as file:
        file.write(BOM)
        # RFC 4180; an answer's own line ends stay as they are.
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow(COLUMNS)
        for result in run.results:
            table.writerow([safe(value) for value in row(result)])
    return path


def safe(value: Value) -> Value:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(_RISKY):
        return f"'{value}"
    return value


def row(result: Result) -> tuple[Value, ...]:
    """Return the values of an answer, in the order of `COLUMNS`."""
    score, completion = result.score, result.completion
    verdicts = score.verdicts if score else ()
    states = Counter[str](verdict.state for verdict in verdicts)
    counts = (states[state] for state in COUNTED)
    usage = completion.usage if completion else Usage()
    return (
        result.case_id,
        result.suite,
        result.model,
        result.repeat,
        " / ".join(result.category),
        " ".join(result.tags),
        result.state,
        score.value if score else None,
        score.earned if score else None,
        score.possible if score else None,
        result.pass_at,
        None if result.passed is None else str(result.passed).lower(),
        len(verdicts) if score else None,
        *(counts if score else [None] * len(COUNTED)),
        len(result.harms) if score else None,
        "\n\n".join(f"{message.role}: {message.text}" for message in result.messages),
        completion.text if completion else None,
        completion.finish if completion else None,
        usage.input,
        usage.output,
        completion.cost_usd if completion else None,
        result.error,
    )
