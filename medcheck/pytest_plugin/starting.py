"""Before the first call: what is wrong is said at once, what is planned is written down."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from medcheck.errors import visible
from medcheck.pytest_plugin.choosing import (
    Chosen,
    choose,
    loaded_case,
    takes_part,
    unknown_overrides,
)
from medcheck.pytest_plugin.collect import CaseItem
from medcheck.pytest_plugin.state import State, environment, state_of, worker_input
from medcheck.settings import CONFIRM_CALLS

NO_MODEL = (
    "medcheck: no model to evaluate. Name one with --model=NAME (--model=demo needs no key), "
    "or look at the cases with --collect-only."
)


def reserve(config: pytest.Config) -> None:
    """Refuse options that are wrong, and take the run folder, which no other process may write.

    Only where cases may run, and only by the process that brings results together.
    """
    state = state_of(config)
    if state.is_worker or not takes_part(state):
        return
    from medcheck.errors import MedcheckError
    from medcheck.store.lock import RunLock
    from medcheck.tags import expression

    try:
        settings = state.settings
        if settings.tag is not None:
            expression(settings.tag)
        if config.option.collectonly:
            return
        if state.expects_suites and settings.models:
            state.lock = RunLock(settings.folder / ".lock")
            state.lock.acquire()
    except MedcheckError as error:
        raise pytest.UsageError(f"medcheck: {error}") from error
    if config.pluginmanager.hasplugin("dsession"):
        state.handoff = Path(tempfile.mkdtemp(prefix="medcheck-")) / "start.json"


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the cases that `--tag` asks for and `--sample` drew; other tests stay."""
    state = state_of(config)
    tags: dict[pytest.Item, tuple[str, ...]] = {
        item: item.case.tags for item in items if isinstance(item, CaseItem)
    }
    gone = set()
    for item in items:
        loaded = loaded_case(item)
        if loaded is None:
            continue
        # pytest writes ids of other scripts as escapes, which nobody would type.
        item.extra_keyword_matches.update((loaded.case.id, *loaded.case.tags))
        tags[item] = loaded.case.tags
        if state.settings.sample and not _drawn(loaded, state, item):
            gone.add(item)
    if tags and state.settings.tag is not None:
        from medcheck.tags import expression

        test = expression(state.settings.tag)
        gone |= {item for item, own in tags.items() if not test(own)}
    if gone:
        config.hook.pytest_deselected(items=[item for item in items if item in gone])
        items[:] = [item for item in items if item not in gone]


def _drawn(loaded: Any, state: State, item: pytest.Item) -> bool:
    suite = state.load(loaded.path, item.ihook)
    return any(case.id == loaded.case.id for case in suite.cases)


def start(session: pytest.Session) -> None:
    """Prepare the run of the collected cases, or refuse it.

    The only process, or the first worker, writes the plan; other workers only prepare.
    """
    config, items = session.config, session.items
    state = state_of(config)
    chosen = choose(session, state)
    only_looking = config.option.collectonly and not config.option.medcheck_plan
    looks_wrong = bool(state.suites) and _has_answers(state)
    if not (chosen.cases or chosen.direct or looks_wrong) or only_looking or broken(session):
        return
    problems = _prepare(state, chosen)
    state.items = tuple(state.by_item.get(item.nodeid) for item in items)
    if state.is_worker:
        handoff = worker_input(config).get("medcheck_handoff")
        if state.is_first and handoff:
            handed = {"problems": problems, "notes": notes(state), "status": state.refused}
            content = json.dumps(handed)
            Path(handoff).write_text(content, encoding="utf-8")
        return
    _tell(config, problems, notes(state), status=state.refused)


def notes(state: State) -> list[str]:
    """Return what the user must know before the first call."""
    return list(state.setup.notes) if state.setup is not None else []


def _tell(
    config: pytest.Config, problems: list[str], told: list[str], *, status: int | None
) -> None:
    """Print the notes, and refuse to go on where there are problems, with an exit status."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    for line in told if reporter is not None else ():
        reporter.write_line(f"medcheck: {visible(line)}")
    if problems and status is not None:
        pytest.exit(visible("\n".join(problems)), returncode=status)
    if problems:
        raise pytest.UsageError(visible("\n".join(problems)))


def broken(session: pytest.Session) -> bool:
    """Return whether a file could not be collected, so that pytest will not run any test."""
    goes_on = session.config.option.continue_on_collection_errors
    return bool(session.testsfailed) and not goes_on


def check_handoff(config: pytest.Config) -> None:
    """Raise what the first worker found wrong, once, on the controller."""
    path = state_of(config).handoff
    if path is None:
        return
    session = config.pluginmanager.getplugin("session")
    if broken(session):
        # xdist alone would go on, and pay for the suites that could be read.
        raise session.Interrupted("errors during collection")
    if not path.exists():
        return
    handed = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    state_of(config).started = not handed["problems"]
    _tell(config, handed["problems"], handed["notes"], status=handed["status"])


def forget_worker(config: pytest.Config, worker: str) -> None:
    """Free the leases of a worker that has died."""
    state = state_of(config)
    if not state.started:
        return
    from medcheck.engine.session import owner_prefix
    from medcheck.store.database import open_database
    from medcheck.store.responses import Responses

    with open_database(state.settings.store) as database:
        Responses(database).forget(f"{owner_prefix(state.settings.run)}{worker}/")


def _prepare(state: State, chosen: Chosen) -> list[str]:
    if not state.model_names:
        return [NO_MODEL] if chosen.cases else []
    from medcheck.engine.session import Work
    from medcheck.engine.setup import prepare

    problems = [*chosen.problems, *unknown_overrides(state)]
    suites = {each.case.suite for each in chosen.cases}
    used = [suite for suite in state.suites.values() if suite.name in suites]
    settings = replace(state.settings, models=state.model_names)
    state.setup = prepare(
        used,
        settings,
        environment(),
        own=state.own,
        direct=chosen.direct,
        lent=chosen.lent,
        known=_known_ids(state),
    )
    ranked = sorted(chosen.cases, key=lambda each: each.order)
    for position, each in enumerate(ranked):
        name = each.model or state.model_names[0]
        state.by_item[each.nodeid] = Work.of(each.case, name, position)
    state.works = tuple(state.by_item[each.nodeid] for each in ranked)
    problems += _no_such_column(state, chosen)
    if problems:
        return problems
    if state.setup.problems:
        return list(state.setup.problems)
    if state.is_first and (chosen.cases or chosen.direct):
        return _audited(state, used) or _begin(state)
    return []


def _audited(state: State, used: list[Any]) -> list[str]:
    """Return what in the data of suites forbids a run; doubts become a note for each suite."""
    from medcheck.suites.audit import audit

    assert state.setup is not None
    wrong = []
    told = list(state.setup.notes)
    for suite in used:
        findings = audit(suite)
        wrong += [finding.text for finding in findings if finding.severity == "error"]
        doubts = sum(finding.severity == "warning" for finding in findings)
        if doubts:
            place = os.path.relpath(suite.path)
            told.append(f"{suite.name}: doubts about its data: {doubts}; medcheck check {place}")
    state.setup = replace(state.setup, notes=tuple(told))
    return wrong


def _no_such_column(state: State, chosen: Chosen) -> list[str]:
    """Return a problem for each `answers:COLUMN` of which no case in any suite has an answer."""
    from medcheck.answers import is_file
    from medcheck.errors import nearest

    answered = {each.model or state.model_names[0] for each in chosen.cases}
    cases = [case for suite in state.suites.values() for case in suite.cases]
    columns = list(dict.fromkeys(name for case in cases for name in case.answers))
    wrong = []
    for name in state.model_names:
        column = name.removeprefix("answers:")
        if column == name or is_file(column) or name in answered or column in columns:
            continue
        hint = nearest(column, columns) if columns else "The suites hold no answers."
        wrong.append(f"--model={name}: no case has an answer in a column of this name. {hint}")
    return wrong


def _has_answers(state: State) -> bool:
    return any(name.startswith("answers:") for name in state.settings.models)


def _known_ids(state: State) -> frozenset[str] | None:
    """Return the ids of all cases; `None`: the suites hold more than this session can see."""
    suites = state.suites.values()
    if not _has_answers(state) or state.settings.sample or any(suite.missing for suite in suites):
        return None
    return frozenset(case.id for suite in suites for case in suite.cases)


def _begin(state: State) -> list[str]:
    """Write the run and its plan into the store; return why it must not start."""
    from medcheck.engine.described import described
    from medcheck.engine.session import owner_prefix
    from medcheck.errors import MedcheckError
    from medcheck.pytest_plugin.gating import NOT_COMPARABLE, refusal
    from medcheck.store.database import open_database
    from medcheck.store.responses import Responses
    from medcheck.store.runs import Runs

    try:
        if state.config.option.medcheck_plan:
            return _show_plan(state)
        with open_database(state.settings.store) as database:
            too_much = _too_much(state, Responses(database))
            if too_much:
                return too_much
            Responses(database).forget(owner_prefix(state.settings.run))
            runs = Runs(database)
            assert state.setup is not None
            runs.begin(
                state.settings.run,
                started=datetime.now(UTC).isoformat(timespec="seconds"),
                settings=state.settings.record(),
                versions=state.setup.versions,
                suites=described(state.setup, state.settings),
            )
            runs.plan(_planned(state))
            planned_run = runs.read(state.settings.run)
            if refused := refusal(state.settings, planned_run, runs.read):
                state.refused = NOT_COMPARABLE
                return refused
    except MedcheckError as error:
        return [str(error)]
    state.started = True
    return []


def _planned(state: State) -> list[Any]:
    from medcheck.engine.evaluate import planned

    assert state.setup is not None
    setup, run = state.setup, state.settings.run
    return [
        planned(run, w.case, setup.models[w.model].name, w.position, repeat)
        for w in state.works
        for repeat in range(1, setup.repeats(w.case, w.model) + 1)
    ]


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
    return sum(
        (1 + len(work.case.criteria) * len(judges.get((work.suite, work.model), ())))
        * state.setup.repeats(work.case, work.model)
        for work in state.works
    )
