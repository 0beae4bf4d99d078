"""Fixtures: what a case, and a test of the user's own, can ask for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from medcheck.errors import MedcheckError, SettingsError, SuiteError
from medcheck.pytest_plugin.state import State, environment, state_of, worker_input

if TYPE_CHECKING:
    from medcheck.engine.session import Engine, Work
    from medcheck.engine.setup import Setup
    from medcheck.pytest_plugin.testing import JudgePanel, LoadedCase, ModelClient, RunPlace
    from medcheck.types import Case, Result

OWN_PROVIDER = "conftest"
"""Of an entry that the user's conftest.py supplies."""


@pytest.fixture(scope="session")
def medcheck_engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    """Keep the endpoint busy in the background; stop, and keep what is paid, at the end."""
    from medcheck.engine.session import Engine, Share
    from medcheck.pytest_plugin.xdist import share

    state = state_of(pytestconfig)
    if state.setup is None:
        pytest.fail("medcheck's fixtures need --model=NAME", pytrace=False)
    if state.setup.problems:
        pytest.fail("\n".join(state.setup.problems), pytrace=False)
    told = worker_input(pytestconfig)
    workers = int(told.get("medcheck_workers", 1))
    index = int(told.get("medcheck_index", 0))
    # Only the share that the scheduler hands out for certain is prefetched. A replacement for a
    # crashed worker takes one case at a time, so that one bad case cannot take it down too.
    certain = not state.is_worker or (index < workers and bool(told.get("medcheck_striped")))
    ahead = [state.items[i] for i in share(len(state.items), index, workers)] if certain else []
    engine = Engine(
        state.setup,
        state.settings,
        Share(
            ahead=tuple(work for work in ahead if work is not None),
            workers=workers,
            owner=str(told.get("workerid", "main")),
            cautious=bool(pytestconfig.getoption("maxfail")),
        ),
        environment(),
    )
    engine.door.tell = state.told.append
    _import_early(state.setup)
    yield engine
    try:
        engine.close()
    except MedcheckError as error:
        raise _failed(error) from None


def _import_early(setup: Setup) -> None:
    """Import here what the engine's thread would import otherwise.

    pytest parses every module of a plugin that it imports for the first time, and parsing in two
    threads at once can fail in CPython 3.11: "AST constructor recursion depth mismatch".
    """
    from medcheck import shelves

    importlib.import_module("medcheck.pytest_plugin.testing")
    roles = [entries for found in setup.roles.values() for entries in found.values()]
    panels = [*setup.judges.values(), *roles]
    entries = [*setup.models.values(), *(entry for panel in panels for entry in panel)]
    for name in sorted({entry.provider for entry in entries} & set(shelves.names("providers"))):
        shelves.find("providers", name, "Provider")


@pytest.fixture
def model(request: pytest.FixtureRequest, medcheck_engine: Engine) -> ModelClient:
    """Return this test's model under test: `model("question")` gives its answer."""
    from medcheck.pytest_plugin.testing import ModelClient

    return ModelClient(name=_model_name(request), engine=medcheck_engine)


@pytest.fixture
def judges(request: pytest.FixtureRequest, medcheck_engine: Engine) -> JudgePanel:
    """Return this test's judges: `judges.grade(answer, ...)` gives a score."""
    from medcheck.pytest_plugin.testing import JudgePanel

    name = _model_name(request)
    work = _work(request)
    setup = state_of(request.config).setup
    assert setup is not None
    case = _case(request)
    suite = work.suite if work else case.suite if case else ""
    suite = suite if suite in setup.plans else ""
    names = tuple(entry.name for entry in setup.judges.get((suite, name), ()))
    return JudgePanel(names=names, model=name, engine=medcheck_engine, suite=suite)


@pytest.fixture
def judge(judges: JudgePanel) -> JudgePanel:
    """Return the judges, under the name that a single one goes by."""
    return judges


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """Return the case of this item."""
    found = _case(request)
    if found is None:
        pytest.fail('the fixture "case" belongs to items made from a suite', pytrace=False)
    return found


@pytest.fixture
def results(
    request: pytest.FixtureRequest, case: Case, model: Any, judges: Any, medcheck_engine: Engine
) -> tuple[Result, ...]:
    """Return the graded answers of this item, one per repeat; an unmeasured one is an error."""
    from medcheck.pytest_plugin.terminal import say_told

    del case
    work = _work(request)
    if work is None:
        pytest.fail('the fixture "result" belongs to items made from a suite', pytrace=False)
    try:
        _adopt(state_of(request.config), medcheck_engine, model=model, judges=judges)
        medcheck_engine.start()
        _prepare_once(state_of(request.config))
        found = medcheck_engine.wait(work, meanwhile=lambda: say_told(state_of(request.config)))
    except MedcheckError as error:
        raise _failed(error) from None
    # Before it is described: an item that a hook breaks must not pass for one that was measured.
    for each in found:
        request.node.ihook.pytest_medcheck_result(result=each)
    describe(request.node, work, found)
    lost = [result for result in found if not result.measured]
    if lost:
        pytest.fail(_lost_text(lost), pytrace=False)
    return found


def _failed(error: MedcheckError) -> BaseException:
    """Return what pytest shows as the error's own line, without the way it came."""
    return pytest.fail.Exception(str(error), pytrace=False)


@pytest.fixture
def result(results: tuple[Result, ...]) -> Result:
    """Return the graded answer of this item; with repeats, the first."""
    return results[0]


@pytest.fixture
def medcheck_run(pytestconfig: pytest.Config) -> RunPlace:
    """Return the name of this run and the folder of its reports."""
    from medcheck.pytest_plugin.testing import RunPlace

    settings = state_of(pytestconfig).settings
    return RunPlace(id=settings.run, folder=settings.folder)


def _work(request: pytest.FixtureRequest) -> Work | None:
    return state_of(request.config).work_of(request.node)


def _case(request: pytest.FixtureRequest) -> Case | None:
    from medcheck.pytest_plugin.collect import CaseItem

    if isinstance(request.node, CaseItem):
        return request.node.case
    work = _work(request)
    if work is not None:
        return work.case
    given: LoadedCase | None = _params(request).get("case")
    if given is None:
        return None
    try:
        suite = state_of(request.config).load(given.path, request.node.ihook)
        return suite.case(given.case.id)
    except SuiteError:
        return given.case  # --sample left it out


def _params(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    callspec = getattr(request.node, "callspec", None)
    return callspec.params if callspec else {}


def _model_name(request: pytest.FixtureRequest) -> str:
    """Return the model of this item: its own, the one it runs for, or the only one."""
    work = _work(request)
    if work is not None:
        return work.model
    return str(_params(request).get("model") or state_of(request.config).model_names[0])


def _adopt(state: State, engine: Engine, *, model: Any, judges: Any) -> None:
    """Let what the user's conftest.py supplies answer in the place of models and judges.

    For all cases at once: those of other suites and models are asked ahead.
    """
    from medcheck.pytest_plugin.testing import JudgePanel, ModelClient

    assert state.setup is not None
    setup = state.setup
    if not isinstance(model, ModelClient):
        _adopt_once(state, engine, "model", dict.fromkeys(setup.models, model))
    if isinstance(judges, JudgePanel):
        return
    targets = list(judges) if isinstance(judges, Sequence) else [judges]
    panels = [[e.name for e in p if e.provider == OWN_PROVIDER] for p in setup.judges.values()]
    for names in panels:
        if len(names) > len(targets):
            raise SettingsError(
                f"conftest.py supplies {len(targets)} of the judges {', '.join(names)}.",
                hint="Return a list of as many from the fixture, or name fewer with --judge.",
            )
        _adopt_once(state, engine, "judge", dict(zip(names, targets, strict=False)))


def _adopt_once(state: State, engine: Engine, role: str, targets: Mapping[str, Any]) -> None:
    for name, target in targets.items():
        if (role, name) not in state.adopted:
            state.adopted.add((role, name))
            engine.adopt(role, name, target)


def _prepare_once(state: State) -> None:
    """Import what the ending needs while the first replies are on their way.

    In this thread: see `_import_early`.
    """
    from medcheck.pytest_plugin.ending import prepare_ending

    if not state.prepared:
        state.prepared = True
        if not state.is_worker:
            prepare_ending()


def _lost_text(lost: list[Result]) -> str:
    first = lost[0]
    more = f" (and {len(lost) - 1} more repeats)" if len(lost) > 1 else ""
    return f"{first.case_id}: not measured ({first.state}): {first.error}{more}"


def describe(item: pytest.Item, work: Work, results: tuple[Result, ...]) -> None:
    """Attach what travels with the test report: plain floats and texts only."""
    scores = [float(r.score.value) for r in results if r.score and r.score.value is not None]
    calls = sum((r.completion is not None) + _judged(r) for r in results)
    properties: list[tuple[str, object]] = [
        ("medcheck.suite", work.suite),
        ("medcheck.model", results[0].model if results else work.model),
        ("medcheck.state", results[0].state if results else "not_run"),
        ("medcheck.category", "; ".join(work.case.category or work.case.tags[:1])),
        ("medcheck.calls", calls),
    ]
    if scores:
        properties.append(("medcheck.score", sum(scores) / len(scores)))
    item.user_properties.extend(properties)


def _judged(result: Result) -> int:
    verdicts = result.score.verdicts if result.score else ()
    return sum(ballot.asks for verdict in verdicts for ballot in verdict.ballots)
