"""After the last case: summary, reports, exit status; only where results come together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from medcheck.pytest_plugin.gating import NOT_COMPARABLE
from medcheck.pytest_plugin.state import State, state_of

if TYPE_CHECKING:
    from medcheck.pytest_plugin.gating import Gate
    from medcheck.store.runs import Runs
    from medcheck.summary import Summary
    from medcheck.types import Run

INCOMPLETE = 12
REGRESSION = 10
PYTEST_OWN = (
    pytest.ExitCode.INTERRUPTED,
    pytest.ExitCode.INTERNAL_ERROR,
    pytest.ExitCode.USAGE_ERROR,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)


@dataclass(frozen=True, slots=True)
class Ending:
    """What a session came to."""

    run: Run
    summary: Summary
    files: tuple[Path, ...]
    error: str | None = None
    """Why the end could not be noted, a report not be written, or the run not be compared."""
    gate: Gate | None = None
    """The comparison with the baseline, where one was named."""


def finish(session: pytest.Session) -> None:
    """Write the reports of this session's run and set the exit status."""
    state = state_of(session.config)
    if state.is_worker or state.plan is not None:
        if state.plan is not None:
            session.exitstatus = pytest.ExitCode.OK
        return
    ending = conclude(state)
    ended = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if ended and ending is None and state.lost is None and session.config.option.medcheck_gate:
        # A release must not pass because its data was not fetched.
        state.lost = "--gate: no case was run, so there is nothing to compare."
    if state.lost is not None and not _is_pytests_own(int(session.exitstatus)):
        session.exitstatus = INCOMPLETE
    if ending is None:
        return
    session.exitstatus = status(int(session.exitstatus), ending, session)


def conclude(state: State) -> Ending | None:
    """Return the ending of the run, computed once.

    `None` where no case was run, or where the run cannot be read; `state.lost` then says why.
    """
    from medcheck.errors import MedcheckError

    if state.ending is None and state.lost is None and state.started and not state.is_worker:
        try:
            state.ending = _conclude(state)
        except MedcheckError as error:
            state.lost = str(error)
    return state.ending


def status(pytest_status: int, ending: Ending, session: pytest.Session) -> int:
    """Return the exit status of a session that ran cases.

    The first that holds: pytest's 2 to 5 (but an interruption is 12), 13, 12, 10, 1, 11, 0. Cases
    that were not measured are pytest errors; within the allowed share they do not make a 1.
    """
    gate = ending.gate.status if ending.gate else 0
    if pytest_status == pytest.ExitCode.INTERRUPTED:
        return INCOMPLETE
    if _is_pytests_own(pytest_status):
        return pytest_status
    if gate == NOT_COMPARABLE:
        return NOT_COMPARABLE
    if not ending.summary.complete or ending.error:
        return INCOMPLETE
    if gate in (INCOMPLETE, REGRESSION):
        return gate
    if pytest_status == pytest.ExitCode.TESTS_FAILED and only_unmeasured(session):
        return gate
    return pytest_status or gate


def _is_pytests_own(status: int) -> bool:
    return status in PYTEST_OWN and status != pytest.ExitCode.INTERRUPTED


def only_unmeasured(session: pytest.Session) -> bool:
    """Return whether every failed test is a case that could not be measured."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or reporter.stats.get("failed"):
        return False
    errors = reporter.stats.get("error", [])
    return all("medcheck.state" in dict(getattr(e, "user_properties", ())) for e in errors)


def _conclude(state: State) -> Ending | None:
    from medcheck.errors import MedcheckError
    from medcheck.store.database import open_database
    from medcheck.store.runs import Runs
    from medcheck.summary import summarize
    from medcheck.writers._run_files import write_all

    with open_database(state.settings.store) as database:
        runs = Runs(database)
        unnoted = _note_end(runs, state.settings.run)
        run = runs.read(state.settings.run)
        summary = summarize(run)
        if not summary.rows:
            return None  # tests that only called model or judges themselves
        gate, notes, error = _beside(state, run, runs)
        error = unnoted or error
        if gate is not None:
            run = runs.read(run.id)
        summary = replace(summary, notes=(*summary.notes, *notes))
        state.config.hook.pytest_medcheck_summary(run=run, summary=summary)
        try:
            files = write_all(run, summary, state.settings.folder)
        except MedcheckError as failed:
            return Ending(run, summary, (), error or str(failed), gate)
    return Ending(run, summary, files, error, gate)


def _note_end(runs: Runs, run_id: str) -> str | None:
    """Note when the run ended; return why that failed, for a full disk can still be read."""
    from medcheck.errors import StoreError

    try:
        runs.note(run_id, {"ended": datetime.now(UTC).isoformat(timespec="seconds")})
    except StoreError as error:
        return str(error)
    return None


def _beside(state: State, run: Run, runs: Runs) -> tuple[Gate | None, list[str], str | None]:
    """Return the comparison, what backs the judges, and why either is missing.

    What was measured is paid for: it is reported even where its baseline cannot be read any more.
    """
    from medcheck.errors import MedcheckError
    from medcheck.pytest_plugin.gating import certified, compared

    gate = None
    try:
        gate = compared(state.settings, run, runs.read)
        if gate is not None:
            runs.note(run.id, gate.meta)
        return gate, certified(state.settings, run), None
    except MedcheckError as error:
        return gate, [f"not compared: {error}"] if gate is None else [str(error)], str(error)


def prepare_ending() -> None:
    """Import what the ending needs, early."""
    from medcheck import shelves
    from medcheck.writers._run_files import FILES

    for name in FILES:
        shelves.find("writers", name, "write")
