"""Fixtures: what a case, and a test of the user's own, can ask for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from medcheck.errors import MedcheckError
from medcheck.pytest_plugin.collect import CaseItem
from medcheck.pytest_plugin.ending import prepare_ending
from medcheck.pytest_plugin.state import environment, state_of, worker_input
from medcheck.pytest_plugin.xdist import share

if TYPE_CHECKING:
    from medcheck.engine.session import Engine
    from medcheck.types import Case, Result


@pytest.fixture(scope="session")
def medcheck_engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    """Keep the endpoint busy in the background; stop, and keep what is paid, at the end."""
    from medcheck.engine.session import Engine, Share

    state = state_of(pytestconfig)
    assert state.setup is not None
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
    state.engine = engine
    if not state.is_worker:
        # The first replies take a while anyway: what the ending needs is imported meanwhile.
        threading.Thread(target=prepare_ending, daemon=True).start()
    yield engine
    engine.close()


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """Return the case of this item."""
    item = request.node
    if not isinstance(item, CaseItem):
        pytest.fail('the fixture "case" belongs to items made from a suite', pytrace=False)
    return item.case


@pytest.fixture
def results(request: pytest.FixtureRequest, medcheck_engine: Engine) -> tuple[Result, ...]:
    """Return the graded answers of this item, one per repeat; an unmeasured one is an error."""
    item = request.node
    if not isinstance(item, CaseItem) or item.work is None:
        pytest.fail('the fixture "result" belongs to items made from a suite', pytrace=False)
    try:
        found = medcheck_engine.wait(item.work)
    except MedcheckError as error:
        pytest.fail(str(error), pytrace=False)
    _describe(item, found)
    lost = [result for result in found if not result.measured]
    if lost:
        pytest.fail(_lost_text(lost), pytrace=False)
    return found


@pytest.fixture
def result(results: tuple[Result, ...]) -> Result:
    """Return the graded answer of this item; with repeats, the first."""
    return results[0]


def _lost_text(lost: list[Result]) -> str:
    first = lost[0]
    more = f" (and {len(lost) - 1} more repeats)" if len(lost) > 1 else ""
    return f"{first.case_id}: not measured ({first.state}): {first.error}{more}"


def _describe(item: CaseItem, results: tuple[Result, ...]) -> None:
    """Attach what travels with the test report: plain floats and texts only."""
    scores = [float(r.score.value) for r in results if r.score and r.score.value is not None]
    calls = sum(1 + _judged(result) for result in results)
    properties: list[tuple[str, object]] = [
        ("medcheck.suite", item.case.suite),
        ("medcheck.model", str(item.model_name)),
        ("medcheck.state", results[0].state),
        ("medcheck.category", "; ".join(item.case.category or item.case.tags[:1])),
        ("medcheck.calls", calls),
    ]
    if scores:
        properties.append(("medcheck.score", sum(scores) / len(scores)))
    item.user_properties.extend(properties)


def _judged(result: Result) -> int:
    verdicts = result.score.verdicts if result.score else ()
    return sum(ballot.asks for verdict in verdicts for ballot in verdict.ballots)
