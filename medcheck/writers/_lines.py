"""What a terminal says of a run in few lines: what it used, why it stopped, what it lacks."""

from __future__ import annotations

from collections import Counter

from medcheck.summary import Summary
from medcheck.types import Run

MOST_CAUSES = 5


def usage(run: Run, summary: Summary) -> list[str]:
    """Return tokens and cost by role, and what this run itself sent and spent."""
    from medcheck.writers.json import run_data

    lines = []
    for who, use in summary.usage.items():
        cost = "cost unknown" if use["cost_usd"] is None else f"${use['cost_usd']:,.4f}"
        tokens = f"{use['input']:,} input and {use['output']:,} output tokens"
        lines.append(f"{who}: {use['calls']:,} replies, {tokens}, {cost}")
    data = run_data(run, summary)
    asked = data["requests"]
    spent = "unknown" if data["spent_usd"] is None else f"${data['spent_usd']:,.4f}"
    lines.append(
        f"this run: {asked['sent']:,} requests sent, {asked['reused']:,} replies reused, "
        f"{asked['failed']:,} failed, {asked['retried']:,} retried, spent {spent}"
    )
    return lines


def stops(run: Run) -> list[str]:
    """Return why processes of the run sent nothing more, each cause once."""
    causes = (part for name, part in run.meta.items() if name.startswith("stopped:"))
    return [str(cause) for cause in dict.fromkeys(causes) if cause]


def causes(run: Run) -> list[str]:
    """Return why answers were not measured, the most frequent first; reads all results."""
    found = Counter(
        f"{result.state}: {result.error or 'cause unknown'}"
        for result in run.results
        if not result.measured
    )
    lines = [f"not measured, {count:,}: {cause}" for cause, count in found.most_common(MOST_CAUSES)]
    rest = sum(found.values()) - sum(count for _, count in found.most_common(MOST_CAUSES))
    return [*lines, f"not measured, {rest:,}: for other causes"] if rest else lines
