r"""`results.csv`: one row per answer, its verdicts as counts; beside it `figures.csv`.

The figures are the rows of the summary, all groups of them: score distribution, coverage and harm
by level as well, where a suite has levels.

A text that a spreadsheet would take for a formula, or that begins with an apostrophe, stands after
an apostrophe; a reader takes the first apostrophe away and has the text. A control character that
ends no line and no column is its escape (`\u001b`), as in the workbook. Numbers stay numbers.

Source: OWASP, CSV Injection (which beginnings are formulas, full-width ones included).
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from medcheck.summary import Row, Summary
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
FIGURES = ("model", "suite", "group", "value", "raw", "ci_low", "ci_high", "n", "ungraded")
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ESCAPE = re.compile(r"\\(?=u00(?:0[0-8bcef]|[189][0-9a-f]|7f|5c))")
"""The backslash of a text that looks like one of our escapes."""

Value = str | float | bool | None


def write(run: Run, summary: Summary, path: Path) -> Path:
    """Write the results in dataset order, and the figures beside them; see the shelf's contract.

    Not measured is empty.
    """
    _write(COLUMNS, (row(result) for result in run.results), path)
    _write(FIGURES, (figure(found) for found in summary.rows), figures_path(path))
    return path


def figures_path(path: Path) -> Path:
    """Return where the figures stand: `figures.csv`, or `NAME.figures.csv` beside another name."""
    name = "figures.csv" if path.stem == "results" else f"{path.stem}.figures.csv"
    return path.with_name(name)


def figure(found: Row) -> tuple[Value, ...]:
    """Return the values of a row of the summary, in the order of `FIGURES`."""
    low, high = found.ci95 or (None, None)
    return (
        found.model,
        found.suite,
        found.group,
        found.value,
        found.raw,
        low,
        high,
        found.n,
        found.ungraded,
    )


def _write(head: Iterable[str], lines: Iterable[Iterable[Value]], path: Path) -> None:
    with replaced(path) as file:
        file.write(BOM)
        # RFC 4180; an answer's own line ends stay as they are.
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow(head)
        for line in lines:
            table.writerow([safe(value) for value in line])


def safe(value: Value) -> Value:
    r"""Return a value as a cell that no spreadsheet takes for a formula, nor a terminal for orders.

    Where a text holds what looks like an escape, its backslash becomes `\u005c`: whoever replaces
    the escapes has the text again.
    """
    if not isinstance(value, str):
        return value
    text = _ESCAPE.sub(r"\\u005c", value)
    text = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return f"'{text}" if text.startswith(_RISKY) else text


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
