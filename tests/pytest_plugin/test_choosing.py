"""What of a session is medcheck's: options that name no suite."""

from __future__ import annotations

from sessions import GOOD, Sessions

from medcheck.pytest_plugin.choosing import unknown_overrides
from medcheck.pytest_plugin.state import state_of


def test_unknown_overrides(sessions: Sessions) -> None:
    """Only options of suites that were not collected are told, each with those that were."""
    sessions.suite(GOOD)
    config = sessions.pytester.parseconfigure("--set=good.title=x", "--set=bad.a.b=1")
    state = state_of(config)
    state.load(sessions.path / "cases/a.yaml", config.hook)
    assert unknown_overrides(state) == ['--set bad.a.b: there is no suite "bad". Known: good.']
