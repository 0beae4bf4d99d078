"""The hooks of a conftest.py: their names and arguments are checked."""

from __future__ import annotations

import pytest
from sessions import GOOD, Sessions

from medcheck.pytest_plugin import hookspecs


def test_every_hook_is_explained() -> None:
    """Each hook says what it is for."""
    hooks = [value for name, value in vars(hookspecs).items() if name.startswith("pytest_")]
    assert len(hooks) == 3
    assert all(hook.__doc__ for hook in hooks)


@pytest.mark.parametrize("hook", ["case", "result", "summary"])
def test_a_wrong_argument(sessions: Sessions, hook: str) -> None:
    """A hook with an argument that there is not is an error that names it."""
    sessions.suite(GOOD)
    sessions.write("conftest.py", f"def pytest_medcheck_{hook}(wrong): pass\n")
    done = sessions.run("--model=echo")
    assert done.code != 0
    assert f"pytest_medcheck_{hook}" in done.text
