"""The hooks that a project's conftest.py may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medcheck.summary import Summary
    from medcheck.types import Case, Result, Run


def pytest_medcheck_case(case: Case) -> Case | None:
    """Return a changed case (`dataclasses.replace`) of the same id and suite, or `None` to keep it.

    Called for each case of a suite when it is collected, before there are items; a conftest.py
    below the root folder sees the cases of its folder. Every worker calls it, so the same case
    must always become the same: no chance, no clock, no network.
    """


def pytest_medcheck_result(result: Result) -> None:
    """See one graded answer, also one that could not be measured.

    Called on the process that ran the case, once for each repeat.
    """


def pytest_medcheck_summary(run: Run, summary: Summary) -> None:
    """See the summary of a run before it is written.

    Called once, on the process where results come together; `run.results` can be iterated.
    """
