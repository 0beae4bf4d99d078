"""What the terminal shows: a line now and then while cases run, the summary at the end."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from medcheck.errors import visible
from medcheck.pytest_plugin.choosing import unmatched
from medcheck.pytest_plugin.collect import SKIPPED_NAME
from medcheck.pytest_plugin.ending import Ending, conclude
from medcheck.pytest_plugin.state import State, state_of

if TYPE_CHECKING:
    from medcheck.summary import Row, Summary

PROGRESS_SECONDS = 30.0
FETCH = re.compile(r" is not here\. Run: medcheck fetch (\S+)$")
FEWEST_FOLDED = 2


def show(reporter: Any) -> None:
    """Print the plan, or the summary of the run; nothing where no case took part."""
    state = state_of(reporter.config)
    if state.plan is not None:
        reporter.write_sep("=", "medcheck plan")
        for line in state.plan.lines:
            _say(reporter, line)
        return
    ending = conclude(state)
    if ending is not None:
        _summary(reporter, state, ending)
    if state.lost is not None:
        _say(reporter, f"medcheck: INCOMPLETE, not a result: {state.lost}", red=True)
    if ending is None and not reporter._session.testscollected:  # noqa: SLF001  (as in `progress`)
        for line in unmatched(state):
            _say(reporter, f"medcheck: {line}")
    for reason in folded(not_run(reporter)):
        _say(reporter, f"not run: {reason}")


def _say(reporter: Any, line: str, **markup: bool) -> None:
    """Print one line; what it quotes of a file or a server cannot control the terminal."""
    reporter.write_line(visible(line), **markup)


def not_run(reporter: Any) -> list[str]:
    """Return why suites, or cases of a suite, could not be run here; each reason once."""
    reasons = [
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in reporter.stats.get("skipped", [])
        if report.nodeid.partition("::")[2].partition("[")[0] == SKIPPED_NAME
    ]
    return list(dict.fromkeys(reasons))


def folded(reasons: Sequence[str]) -> list[str]:
    """Return the reasons; all data sets that are only to be fetched share one line."""
    found = {reason: name[1] for reason in reasons if (name := FETCH.search(reason))}
    if len(found) < FEWEST_FOLDED:
        return list(reasons)
    names = ", ".join(sorted(set(found.values())))
    line = f"{len(found)} suites whose data is not here; medcheck fetch NAME gets it: {names}"
    return [*(reason for reason in reasons if reason not in found), line]


def _summary(reporter: Any, state: State, ending: Ending) -> None:
    from medcheck.writers._lines import stops, usage

    summary = ending.summary
    word = "" if summary.complete else ": INCOMPLETE, not a result"
    reporter.write_sep("=", f"medcheck {visible(ending.run.id)}{word}")
    for line in table(ending):
        _say(reporter, line)
    _say_lost(reporter, summary)
    for cause in stops(ending.run):
        _say(reporter, f"the run was stopped: {cause}", red=True)
    for note in summary.notes:
        _say(reporter, f"note: {note}")
    for line in usage(ending.run, ending.summary):
        _say(reporter, line)
    for line in ending.gate.lines if ending.gate else ():
        _say(reporter, line)
    if ending.error:
        _say(reporter, ending.error, red=True)
    for path in ending.files:
        _say(reporter, f"wrote {_shown(path, state)}")


def _say_lost(reporter: Any, summary: Summary) -> None:
    """Print what was not measured, and the harm that was."""
    for model, states in summary.states.items():
        lost = {name: count for name, count in states.items() if name != "scored"}
        if lost:
            listed = ", ".join(f"{count} {name}" for name, count in lost.items())
            _say(reporter, f"{model}: not measured: {listed}", red=True)
        if summary.harms.get(model):
            count = summary.harms[model]
            _say(reporter, f"{model}: zero-tolerance criteria met in {count} answers", red=True)


def table(ending: Ending) -> list[str]:
    """Return the short rows as aligned text."""
    from medcheck.summary import short_rows
    from medcheck.writers.markdown import LOOSE, is_loose, number

    head = ("suite", "model", "group", "score", "raw", "95 % of raw", "n", "not measured")
    rows = [head]
    rows += [
        (row.suite, row.model, row.group, number(row.value), number(row.raw), *_counted(row))
        for row in short_rows(ending.summary)
    ]
    widths = [max(_width(row[i]) for row in rows) for i in range(len(head))]
    text = [
        "  ".join(_padded(c, w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return [*text, *([LOOSE] if any(map(is_loose, short_rows(ending.summary))) else [])]


def _counted(row: Row) -> tuple[str, str, str]:
    from medcheck.writers.markdown import is_loose, span

    mark = " *" if is_loose(row) else ""
    return f"{span(row.ci95)}{mark}", str(row.n), str(row.ungraded)


def say_told(state: State) -> None:
    """Print what the engine has to tell while a case is waited for; call on pytest's own thread."""
    reporter = state.config.pluginmanager.getplugin("terminalreporter")
    capture = state.config.pluginmanager.getplugin("capturemanager")
    if not state.told or reporter is None:
        return
    # A case's setup is captured: else the line would only be seen when the wait is over.
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        reporter.ensure_newline()
        while state.told:
            _say(reporter, f"medcheck: {state.told.popleft()}")


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
