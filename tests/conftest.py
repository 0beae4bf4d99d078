"""Fixtures for the project's own tests: where the shared official data lies, and pytester."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT.parent / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of official data, or skip (MEDCHECK_REQUIRE_SHARED=1: fail)."""
    folder = SHARED / "data"
    if folder.is_dir():
        return folder
    reason = f"official data is not at {folder}: parity with recorded results is not tested here"
    if os.environ.get("MEDCHECK_REQUIRE_SHARED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_tools(shared_data: Path) -> Path:
    """Return the folder that holds the replay server and the load server."""
    return shared_data.parent


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the project's own folder."""
    return PROJECT
