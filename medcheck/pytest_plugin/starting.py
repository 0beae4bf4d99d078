"""Before the first call: what is wrong is said at once, what is planned is written down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from medcheck.pytest_plugin.collect import CaseItem
from medcheck.pytest_plugin.state import State, environment, state_of, worker_input
from medcheck.settings import CONFIRM_CALLS

NO_MODEL = (
    "medcheck: no model to evaluate. Name one with --model=NAME (--model=demo needs no key), "
    "or look at the cases with --collect-only."
)


def reserve(config: pytest.Config) -> None:
    """Take the run folder, so that no other process writes the same run.

    Only where suites will be collected, and only by the process that brings results together.
    """
    state = state_of(config)
    quiet = config.option.collectonly or state.is_worker or not state.expects_suites
    if quiet:
        return
    from medcheck.errors import MedcheckError
    from medcheck.store.lock import RunLock

    try:
        if not state.settings.models:
            return
        state.lock = RunLock(state.settings.folder / ".lock")
        state.lock.acquire()
    except MedcheckError as error:
        raise pytest.UsageError(f"medcheck: {error}") from error
    if config.pluginmanager.hasplugin("medcheck-xdist"):
        state.handoff = state.settings.folder / ".start.json"
        state.handoff.unlink(missing_ok=True)


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the cases that `--tag` asks for; other tests stay."""
    tag = state_of(config).settings.tag
    if tag is None:
        return
    from medcheck.tags import expression

    test = expression(tag)
    gone = [i for i in items if isinstance(i, CaseItem) and not test(i.case.tags)]
    if gone:
        config.hook.pytest_deselected(items=gone)
        left = set(gone)
        items[:] = [item for item in items if item not in left]


def start(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Prepare the run of the collected cases, or refuse it.

    The only process, or the first worker, writes the plan; other workers only prepare.
    """
    cases = [item for item in items if isinstance(item, CaseItem)]
    only_looking = config.option.collectonly and not config.option.medcheck_plan
    if not cases or only_looking:
        return
    state = state_of(config)
    problems = _prepare(state, cases)
    state.items = tuple(item.work if isinstance(item, CaseItem) else None for item in items)
    if state.is_worker:
        handoff = worker_input(config).get("medcheck_handoff")
        if state.is_first and handoff:
            Path(handoff).write_text(json.dumps(problems), encoding="utf-8")
        return
    if problems:
        raise pytest.UsageError("\n".join(problems))


def check_handoff(config: pytest.Config) -> None:
    """Raise what the first worker found wrong, once, on the controller."""
    path = state_of(config).handoff
    if path is None or not path.exists():
        return
    problems = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    state_of(config).started = not problems
    if problems:
        raise pytest.UsageError("\n".join(problems))


def _prepare(state: State, cases: Sequence[CaseItem]) -> list[str]:
    if not state.settings.models:
        return [NO_MODEL]
    from medcheck.engine.session import Work
    from medcheck.engine.setup import prepare

    suites = {item.case.suite for item in cases}
    used = [suite for suite in state.suites.values() if suite.name in suites]
    state.setup = prepare(used, state.settings, environment())
    ranked = sorted(cases, key=lambda item: item.order)
    for position, item in enumerate(ranked):
        item.work = Work.of(item.case, str(item.model_name), position)
    state.works = tuple(item.work for item in ranked if item.work)
    if state.setup.problems:
        return list(state.setup.problems)
    if state.is_first:
        return _begin(state)
    return []


def _begin(state: State) -> list[str]:
    """Write the run and its plan into the store; return why it must not start."""
    from medcheck.engine.session import owner_prefix
    from medcheck.errors import MedcheckError
    from medcheck.store.database import open_database
    from medcheck.store.responses import Responses
    from medcheck.store.runs import Runs

    try:
        if state.config.option.medcheck_plan:
            return _show_plan(state)
        with open_database(state.settings.store) as database:
            refusal = _too_much(state, Responses(database))
            if refusal:
                return refusal
            Responses(database).forget(owner_prefix(state.settings.run))
            runs = Runs(database)
            assert state.setup is not None
            runs.begin(
                state.settings.run,
                started=datetime.now(UTC).isoformat(timespec="seconds"),
                settings=state.settings.record(),
                versions=state.setup.versions,
                suites=state.setup.described(state.settings),
            )
            runs.plan(_planned(state))
    except MedcheckError as error:
        return [str(error)]
    state.started = True
    return []


def _planned(state: State) -> list[Any]:
    from medcheck.engine.evaluate import planned

    assert state.setup is not None
    repeats = range(1, state.settings.repeats + 1)
    run = state.settings.run
    return [planned(run, w.case, w.model, w.position, r) for w in state.works for r in repeats]


def _show_plan(state: State) -> list[str]:
    from medcheck.engine.planning import forecast
    from medcheck.store.database import open_database
    from medcheck.store.responses import Responses

    assert state.setup is not None
    store = state.settings.store
    if "://" not in store and not Path(store).exists():
        state.plan = forecast(state.setup, state.settings, state.works, None)
        return []
    with open_database(store) as database:
        state.plan = forecast(state.setup, state.settings, state.works, Responses(database))
    return []


def _too_much(state: State, responses: Any) -> list[str]:
    """Return the plan as a refusal when it is large and nobody agreed to it."""
    settings = state.settings
    agreed = settings.yes or settings.budget is not None or settings.max_calls is not None
    if agreed or settings.responses == "only" or _most_calls(state) <= CONFIRM_CALLS:
        return []
    from medcheck.engine.planning import forecast

    assert state.setup is not None
    plan = forecast(state.setup, settings, state.works, responses)
    if plan.calls <= CONFIRM_CALLS:
        return []
    question = (
        f"medcheck: this run needs more than {CONFIRM_CALLS:,} calls. "
        "Add --yes to go on, --budget USD to go on up to a limit, or --sample N for less."
    )
    return [question, *plan.lines]


def _most_calls(state: State) -> int:
    assert state.setup is not None
    judges = state.setup.judges
    return state.settings.repeats * sum(
        1 + len(work.case.criteria) * len(judges.get((work.suite, work.model), ()))
        for work in state.works
    )
