"""What the tests of the plugin stand on."""

from __future__ import annotations

import importlib
import os
import pkgutil

import pytest
from sessions import Sessions

import medcheck

# Pytester forgets the modules that a session in this process has imported. Ours hold state, and
# numpy cannot be imported twice: they are imported before, so that nothing is forgotten.
for module in pkgutil.walk_packages(medcheck.__path__, "medcheck."):
    importlib.import_module(module.name)
for name in ("jinja2", "numpy", "openai", "scipy.special", "scipy.stats", "sqlalchemy", "yaml"):
    importlib.import_module(name)


@pytest.fixture
def sessions(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Sessions:
    """A folder of its own, with nothing in the environment that changes a run."""
    for name in os.environ:
        ours = name.startswith(("MEDCHECK_", "OPENAI_", "MODEL_", "JUDGE_", "PYTEST_XDIST"))
        if ours or name in ("CI", "FORCE_COLOR", "NO_COLOR", "PYTEST_ADDOPTS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONUTF8", "1")
    monkeypatch.setenv("COLUMNS", "200")
    return Sessions(pytester)


@pytest.fixture(params=[0, 2], ids=["alone", "n2"])
def workers(request: pytest.FixtureRequest) -> int:
    """Once in one process, once with two workers."""
    return int(request.param)
