"""The hooks that a project's conftest.py may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medcheck.summary import Summary
    from medcheck.types import Run


def pytest_medcheck_summary(run: Run, summary: Summary) -> None:
    """See the summary of a run before it is written.

    Called once, on the process where results come together; `run.results` can be iterated.
    """
