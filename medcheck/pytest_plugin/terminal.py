"""What the terminal shows: a line now and then while cases run, the summary at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from medcheck.pytest_plugin.collect import SKIPPED_NAME
from medcheck.pytest_plugin.ending import Ending, conclude
from medcheck.pytest_plugin.state import State, state_of

if TYPE_CHECKING:
    from medcheck.summary import Row

PROGRESS_SECONDS = 30.0


def show(reporter: Any) -> None:
    """Print the plan, or the summary of the run; nothing where no case took part."""
    state = state_of(reporter.config)
    if state.plan is not None:
        reporter.write_sep("=", "medcheck plan")
        for line in state.plan.lines:
            reporter.write_line(line)
        return
    ending = conclude(state)
    if ending is not None:
        _summary(reporter, state, ending)
    for reason in not_run(reporter):
        reporter.write_line(f"not run: {reason}")


def not_run(reporter: Any) -> list[str]:
    """Return why suites, or cases of a suite, could not be run here; each reason once."""
    reasons = [
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in reporter.stats.get("skipped", [])
        if report.nodeid.partition("::")[2].partition("[")[0] == SKIPPED_NAME
    ]
    return list(dict.fromkeys(reasons))


def _summary(reporter: Any, state: State, ending: Ending) -> None:
    summary = ending.summary
    word = "" if summary.complete else ": INCOMPLETE, not a result"
    reporter.write_sep("=", f"medcheck {ending.run.id}{word}")
    for line in table(ending):
        reporter.write_line(line)
    for model, states in summary.states.items():
        lost = {name: count for name, count in states.items() if name != "scored"}
        if lost:
            listed = ", ".join(f"{count} {name}" for name, count in lost.items())
            reporter.write_line(f"{model}: not measured: {listed}", red=True)
        if summary.harms.get(model):
            count = summary.harms[model]
            reporter.write_line(
                f"{model}: zero-tolerance criteria met in {count} answers", red=True
            )
    for note in summary.notes:
        reporter.write_line(f"note: {note}")
    for line in usage(ending):
        reporter.write_line(line)
    for line in ending.gate.lines if ending.gate else ():
        reporter.write_line(line)
    if ending.error:
        reporter.write_line(ending.error, red=True)
    for path in ending.files:
        reporter.write_line(f"wrote {_shown(path, state)}")


def table(ending: Ending) -> list[str]:
    """Return the short rows as aligned text."""
    from medcheck.summary import short_rows
    from medcheck.writers.markdown import number

    head = ("suite", "model", "group", "score", "raw", "95 % of raw", "n", "not measured")
    rows = [head]
    rows += [
        (row.suite, row.model, row.group, number(row.value), number(row.raw), *_counted(row))
        for row in short_rows(ending.summary)
    ]
    widths = [max(_width(row[i]) for row in rows) for i in range(len(head))]
    return [
        "  ".join(_padded(c, w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _counted(row: Row) -> tuple[str, str, str]:
    from medcheck.writers.markdown import span

    return span(row.ci95), str(row.n), str(row.ungraded)


def usage(ending: Ending) -> list[str]:
    """Return tokens and cost by role, and what this run itself sent and spent."""
    from medcheck.writers.json import run_data

    lines = []
    for who, use in ending.summary.usage.items():
        cost = "cost unknown" if use["cost_usd"] is None else f"${use['cost_usd']:,.4f}"
        tokens = f"{use['input']:,} input and {use['output']:,} output tokens"
        lines.append(f"{who}: {use['calls']:,} replies, {tokens}, {cost}")
    data = run_data(ending.run, ending.summary)
    asked = data["requests"]
    spent = "unknown" if data["spent_usd"] is None else f"${data['spent_usd']:,.4f}"
    lines.append(
        f"this run: {asked['sent']:,} requests sent, {asked['reused']:,} replies reused, "
        f"{asked['failed']:,} failed, {asked['retried']:,} retried, spent {spent}"
    )
    return lines


def progress(state: State, report: Any) -> None:
    """Print one calm line every half minute of a run."""
    properties = dict(report.user_properties)
    if report.when != "teardown" or "medcheck.state" not in properties or state.is_worker:
        return
    state.measured += 1
    state.calls += int(properties.get("medcheck.calls", 0))
    now = time.monotonic()
    if now - state.said < PROGRESS_SECONDS:
        return
    state.said = now
    reporter = state.config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or reporter.verbosity < 0:
        return
    total = reporter._session.testscollected  # noqa: SLF001  (no public way to the number)
    reporter.ensure_newline()
    if reporter._tw.width_of_current_line:  # noqa: SLF001  (xdist's dots are no line to pytest)
        reporter.write_line("")
    reporter.write_line(f"medcheck: {state.measured:,} of {total:,} cases, {state.calls:,} replies")


def _shown(path: Any, state: State) -> str:
    root = state.config.rootpath
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _width(text: str) -> int:
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
