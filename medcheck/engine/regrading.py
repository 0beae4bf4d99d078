"""The answers of a stored run are graded again by other judges, prompts or rubrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from medcheck.engine.described import described
from medcheck.engine.evaluate import planned
from medcheck.engine.existing import Existing
from medcheck.engine.session import Engine, Share, Work, owner_prefix
from medcheck.engine.setup import Setup, prepare
from medcheck.errors import SettingsError
from medcheck.settings import Settings
from medcheck.store.database import open_database
from medcheck.store.lock import RunLock
from medcheck.store.responses import Responses
from medcheck.store.runs import Runs
from medcheck.suites import Suite
from medcheck.types import Completion, Result, Run

SOURCE = "regraded_from"
"""Entry of a run's `meta`: the run whose answers it grades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrade:
    """What is graded again, ready to start."""

    source: Run
    setup: Setup
    settings: Settings
    works: tuple[Work, ...]
    kept: tuple[Result, ...]
    """Results without an answer: nothing can be graded, they stay as they were."""


def plan(
    source: Run, suites: Sequence[Suite], settings: Settings, environ: Mapping[str, str]
) -> Regrade:
    """Return what grading a run again takes; nothing is asked yet.

    Args:
        source: its results have the answers.
        suites: as they are now; those that the run does not have are left aside.
        settings: judges, protocol and overrides of the new run, and its name.
        environ: holds keys and endpoints.

    Raises:
        SettingsError: a suite or case of the run is not there any more, or the setup is wrong; all
            problems at once.
    """
    answers, kept = _answers(source)
    by_name = {suite.name: suite for suite in suites}
    problems = list(dict.fromkeys(_missing(source, by_name)))
    if problems:
        raise SettingsError("\n".join(problems))
    used = [by_name[name] for name in source.suites if name in by_name]
    settings = replace(settings, models=tuple(answers))
    given = {name: Existing(completions=found) for name, found in answers.items()}
    setup = prepare(used, settings, environ, given=given)
    if setup.problems:
        raise SettingsError("\n".join(setup.problems))
    works = tuple(_works(source, by_name))
    return Regrade(source=source, setup=setup, settings=settings, works=works, kept=kept)


def regrade(plan: Regrade, environ: Mapping[str, str]) -> None:
    """Grade everything, and record it under the new run's name; stored verdicts cost nothing."""
    settings = plan.settings
    with RunLock(settings.folder / ".lock"):
        _begin(plan)
        engine = Engine(plan.setup, settings, Share(ahead=plan.works), environ)
        engine.start()
        try:
            for work in plan.works:
                engine.wait(work)
        finally:
            engine.close()
        with open_database(settings.store) as database:
            ended = datetime.now(UTC).isoformat(timespec="seconds")
            Runs(database).note(settings.run, {"ended": ended, SOURCE: plan.source.id})


def _begin(plan: Regrade) -> None:
    settings = plan.settings
    with open_database(settings.store) as database:
        Responses(database).forget(owner_prefix(settings.run))
        runs = Runs(database)
        runs.begin(
            settings.run,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            settings=settings.record(),
            versions=plan.setup.versions,
            suites=described(plan.setup, settings),
        )
        runs.record_many([replace(result, run=settings.run) for result in plan.kept])
        runs.plan(
            planned(settings.run, work.case, work.model, work.position, repeat)
            for work in plan.works
            for repeat in plan.setup.numbers(work.case, work.model)
        )


_Answers = dict[str, dict[tuple[str, str], tuple[Completion | None, ...]]]


def _answers(source: Run) -> tuple[_Answers, tuple[Result, ...]]:
    """Return the answers by model, suite, case and repeat, and the results that have none.

    An answer keeps the place of its repeat: re-gradings are compared with their run by it, and what
    a judge said of it is stored under it.
    """
    found: dict[str, dict[tuple[str, str], dict[int, Completion]]] = {}
    kept = []
    for result in source.results:
        own = found.setdefault(result.model, {})  # a model that never answered keeps its place
        if result.completion is None:
            kept.append(result)
        else:
            own.setdefault((result.suite, result.case_id), {})[result.repeat] = result.completion
    answers = {
        model: {key: _by_place(repeats) for key, repeats in own.items()}
        for model, own in found.items()
    }
    return answers, tuple(kept)


def _by_place(repeats: Mapping[int, Completion]) -> tuple[Completion | None, ...]:
    return tuple(repeats.get(number) for number in range(1, max(repeats) + 1))


def _missing(source: Run, suites: Mapping[str, Suite]) -> Iterator[str]:
    known = {name: {case.id for case in suite.cases} for name, suite in suites.items()}
    for result in source.results:
        if result.suite not in known:
            yield f'suite "{result.suite}" of run {source.id} is not here. Name its file.'
        elif result.case_id not in known[result.suite]:
            yield f'suite "{result.suite}" has no case "{result.case_id}" any more.'


def _works(source: Run, suites: Mapping[str, Suite]) -> Iterator[Work]:
    seen = set()
    for result in source.results:
        key = (result.suite, result.case_id, result.model)
        if key not in seen and result.completion is not None:
            seen.add(key)
            case = suites[result.suite].case(result.case_id)
            yield Work.of(case, result.model, result.position)
