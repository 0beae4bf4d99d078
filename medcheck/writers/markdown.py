"""`summary.md`: the summary as tables for a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from medcheck.summary import Row, Summary, short_rows
from medcheck.types import Result, Run
from medcheck.writers._files import replaced
from medcheck.writers._lines import stops

SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&])")
NO_SPREAD = 1e-9
MOST_IDS = 20
"""Cases that a line names."""
SCALES = (1.0, 5.0)
"""The tops of the scores that there are: shares, and marks from 1 to 5."""
LOOSE = "* t interval of few cases, not clipped: it may go beyond the scores that are possible."


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
    text += [f"**The run was stopped:** {escaped(cause)}\n" for cause in stops(run)]
    text += _failed(run)
    shown = short_rows(summary)
    for suite in dict.fromkeys(row.suite for row in summary.rows):
        text += [f"## {escaped(suite)} ({escaped(summary.protocol.get(suite, ''))} protocol)", ""]
        text += _table(
            ("model", "group", "score", "raw mean", "95 % interval of it", "n", "not measured"),
            (_cells(row) for row in shown if row.suite == suite),
        )
    if any(is_loose(row) for row in shown):
        text += [escaped(LOOSE), ""]
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


@dataclass(slots=True)
class _Failed:
    """The cases of one model that failed, as the session tells them."""

    harmed: list[str] = field(default_factory=list)
    harms: int = 0
    """Answers that met a zero-tolerance criterion."""
    low: list[str] = field(default_factory=list)
    limited: int = 0
    """Measured cases that have a `pass_at`."""

    def add(self, name: str, results: Sequence[Result]) -> None:
        """Count one case, with all its repeats."""
        found = sum(bool(result.harms) for result in results)
        self.harms += found
        self.harmed += [name] if found else []
        scores = [r.score.value for r in results if r.score and r.score.value is not None]
        limit = results[0].pass_at
        if limit is not None and scores:
            self.limited += 1
            self.low += [name] if sum(scores) / len(scores) < limit else []


def _failed(run: Run) -> list[str]:
    """Return the cases that failed: those that did harm first, then those below `pass_at`."""
    found: dict[str, _Failed] = {}
    for (suite, case, model), results in groupby(run.results, _of_case):
        found.setdefault(model, _Failed()).add(f"{suite}::{case}", list(results))
    text = []
    for model, failed in found.items():
        if failed.harms:
            what = f"zero-tolerance criteria met in {failed.harms:,} answers"
            text.append(f"- **{escaped(model)}: {what}**: {_few(failed.harmed)}")
        if failed.low:
            what = f"{len(failed.low):,} of {failed.limited:,} cases below pass_at"
            text.append(f"- {escaped(model)}: {escaped(what)}: {_few(failed.low)}")
    return ["## Failed cases", "", *text, ""] if text else []


def _of_case(result: Result) -> tuple[str, str, str]:
    return result.suite, result.case_id, result.model


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_IDS:,} more" if len(names) > MOST_IDS else ""
    return ", ".join(map(escaped, names[:MOST_IDS])) + more


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
        span(row.ci95) + (r" \*" if is_loose(row) else ""),
        str(row.n),
        str(row.ungraded) if row.ungraded else "",
    )


def number(value: float | None) -> str:
    """Return a score to three decimals, or the words for a missing one."""
    return "not measured" if value is None else f"{value:.3f}"


def span(interval: tuple[float, float] | None) -> str:
    """Return an interval; a dash where there are too few cases for one.

    Where all scores are equal its width of 0 would promise too much.
    """
    if interval is None:
        return "-"
    if interval[1] - interval[0] < NO_SPREAD:
        return "no spread seen"
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def is_loose(row: Row) -> bool:
    """Return whether the interval of a mean ends where no score of its scale can be."""
    if row.raw is None or row.ci95 is None or row.raw < 0:
        return False
    top = next((top for top in SCALES if row.raw <= top), None)
    return top is not None and (row.ci95[1] > top + NO_SPREAD or row.ci95[0] < -NO_SPREAD)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    bars = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
    return [*bars, ""]
