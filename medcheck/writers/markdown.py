"""`summary.md`: the summary as tables for a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from medcheck.summary import Row, Summary, short_rows
from medcheck.types import Run
from medcheck.writers._files import replaced

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&])")


def write(run: Run, summary: Summary, path: Path) -> Path:
    """Write the tables; see the shelf's contract."""
    with replaced(path) as file:
        file.write("\n".join(lines(run, summary)) + "\n")
    return path


def lines(run: Run, summary: Summary) -> list[str]:
    """Return the page as lines of Markdown."""
    state = "complete" if summary.complete else "**INCOMPLETE: no final result**"
    judges = ", ".join(map(escaped, summary.judges)) or "none"
    text = [
        f"# medcheck run {escaped(run.id)}",
        "",
        f"Models: {', '.join(map(escaped, summary.models))}. Judges: {judges}. Run: {state}.",
        "",
    ]
    for suite in dict.fromkeys(row.suite for row in summary.rows):
        text += [f"## {escaped(suite)} ({escaped(summary.protocol.get(suite, ''))} protocol)", ""]
        text += _table(
            ("model", "group", "score", "raw mean", "95 % interval of it", "n", "not measured"),
            (_cells(row) for row in short_rows(summary) if row.suite == suite),
        )
    text += _gate(run)
    text += ["## Usage", ""]
    text += _table(
        ("role", "calls", "input tokens", "output tokens", "cost"),
        (
            (escaped(who), f"{use['calls']:,}", f"{use['input']:,}", f"{use['output']:,}",
             "unknown" if use["cost_usd"] is None else f"${use['cost_usd']:,.4f}")
            for who, use in summary.usage.items()
        ),
    )  # fmt: skip
    if summary.notes:
        text += ["## Notes", "", *(f"- {escaped(note)}" for note in summary.notes), ""]
    return text


def _gate(run: Run) -> list[str]:
    """Return the comparison with the baseline, where there was one."""
    gate = run.meta.get("gate")
    if not gate:
        return []
    text = ["## Gate", "", *(f"- {escaped(line)}" for line in gate["lines"]), ""]
    for table in gate["tables"]:
        text += [f"### {escaped(table['title'])}", ""]
        text += _table(table["head"], ([escaped(cell) for cell in row] for row in table["rows"]))
    return text


def escaped(text: str) -> str:
    """Return text from data so that Markdown and HTML show it as it is, on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _cells(row: Row) -> Sequence[str]:
    return (
        escaped(row.model),
        escaped(row.group),
        number(row.value),
        number(row.raw),
        span(row.ci95),
        str(row.n),
        str(row.ungraded) if row.ungraded else "",
    )


def number(value: float | None) -> str:
    """Return a score to three decimals, or the words for a missing one."""
    return "not measured" if value is None else f"{value:.3f}"


def span(interval: tuple[float, float] | None) -> str:
    """Return an interval; a dash where there are too few cases for one."""
    return "-" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    bars = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
    return [*bars, ""]
