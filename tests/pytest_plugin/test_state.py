"""What one session knows: its settings, whether suites take part, who speaks for all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from sessions import FIRST, GOOD, Sessions

from medcheck.pytest_plugin.state import State, state_of, worker_input


def state(sessions: Sessions, *arguments: str) -> State:
    """Return the state of a session that is configured and not started."""
    return state_of(sessions.pytester.parseconfigure(*arguments))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), True),
        (("cases",), True),
        (("cases/a.yaml::fever",), True),
        (("tests",), False),
        (("tests", "cases"), True),
        (("elsewhere/own.yaml",), True),
        (("elsewhere",), False),
        (("cases/_part.yaml",), False),
        (("absent",), False),
    ],
)
def test_whether_suites_take_part(
    sessions: Sessions, arguments: tuple[str, ...], expected: bool
) -> None:
    """Decided from the arguments, before anything is collected."""
    sessions.suite(FIRST)
    sessions.suite("cases: []", "_part")
    sessions.write("elsewhere/own.yaml", GOOD)
    sessions.write("tests/test_own.py", "")
    assert state(sessions, *arguments).expects_suites is expected


def test_one_state_for_a_session(sessions: Sessions) -> None:
    """All hooks of a session see the same state; another session has its own."""
    config = sessions.pytester.parseconfigure()
    assert state_of(config) is state_of(config)
    assert state_of(sessions.pytester.parseconfigure()) is not state_of(config)


def test_who_speaks(sessions: Sessions) -> None:
    """The only process, or the first worker, plans; a worker takes the run's name as told."""
    alone = state(sessions, "--model=echo", "--run=r")
    assert (alone.is_worker, alone.is_first, alone.settings.run) == (False, True, "r")
    for name, first in (("gw0", True), ("gw1", False)):
        config = sessions.pytester.parseconfigure("--model=echo", "--run=r")
        config.workerinput = {"workerid": name, "medcheck_run": "told"}
        worker = state_of(config)
        assert (worker.is_worker, worker.is_first) == (True, first)
        assert worker.settings.run == "told"
    assert worker_input(SimpleNamespace()) == {}


def test_suites_are_read_once(sessions: Sessions) -> None:
    """The same object is given again, so that a suite is not parsed twice."""
    path = sessions.suite(GOOD)
    own = state(sessions)
    assert own.load(path, own.config.hook) is own.load(path, own.config.hook)


def test_what_a_recorded_model_knows(sessions: Sessions) -> None:
    """Only models that repeat recordings are asked whether they know a case."""
    path = sessions.suite(GOOD)
    own = state(sessions, "--model=demo,echo")
    case = own.load(path, own.config.hook).cases[0]
    assert own.recorded("echo", case)
    assert not own.recorded("demo", case)


def test_inert(sessions: Sessions) -> None:
    """A session without suites imports none of the heavy parts and opens nothing of ours."""
    sessions.write("test_own.py", "def test_own(): pass\n")
    code = (
        "import sys, pytest\n"
        "status = pytest.main(['-q', '-p', 'no:cacheprovider', '-p', 'no:html'])\n"
        "heavy = {'numpy', 'scipy', 'openai', 'jinja2', 'sqlalchemy', 'jsonschema', 'yaml'}\n"
        "own = {'medcheck.engine', 'medcheck.client', 'medcheck.store', 'medcheck.suites'}\n"
        "found = sorted((heavy | own) & (set(sys.modules)))\n"
        "assert (status, found) == (0, []), found\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=sessions.path, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert "medcheck" not in done.stdout
    left = {path.name for path in Path(sessions.path).iterdir()}
    assert left <= {"test_own.py", "__pycache__"}
