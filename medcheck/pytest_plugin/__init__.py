"""The hooks, in the order in which pytest meets them; each calls one function elsewhere.

Importing this costs little and does nothing: suites, engine and reports load when a suite is
collected.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from medcheck.pytest_plugin import options
from medcheck.pytest_plugin.fixtures import (
    case,
    judge,
    judges,
    medcheck_engine,
    medcheck_run,
    model,
    result,
    results,
)
from medcheck.pytest_plugin.state import state_of

__all__ = [
    "case",
    "judge",
    "judges",
    "medcheck_engine",
    "medcheck_run",
    "model",
    "result",
    "results",
]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options and ini keys; see that pytest imports our modules as Python does."""
    # It would parse each of them anew for asserts that nobody sees: half a second a process
    # wherever no bytecode can be kept, as in many containers.
    getattr(pluginmanager.rewrite_hook, "_must_rewrite", set()).discard("medcheck")
    options.add_options(parser, pluginmanager)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Make `--plan` a collection without workers."""
    if config.option.medcheck_plan:
        config.option.collectonly = True


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hooks that a conftest.py may implement."""
    from medcheck.pytest_plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Read `--env-file`; hand xdist and pytest-html their hooks where they have a use for them."""
    from medcheck.pytest_plugin.choosing import takes_part

    state = state_of(config)
    state.read_env_file()
    if state.is_worker or not takes_part(state):
        return
    if config.pluginmanager.hasplugin("xdist"):
        from medcheck.pytest_plugin.xdist import Controller

        config.pluginmanager.register(Controller(), "medcheck-xdist")
    if config.pluginmanager.hasplugin("html"):
        from medcheck.pytest_plugin import page

        config.pluginmanager.register(page, "medcheck-html")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Take the run folder for this process alone."""
    from medcheck.pytest_plugin.starting import reserve

    reserve(session.config)
    session.config.pluginmanager.register(_Progress(session.config), "medcheck-progress")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect suite files."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    from medcheck.pytest_plugin.collect import SuiteFile, is_suite

    if not is_suite(file_path, parent.config):
        return None
    return SuiteFile.from_parent(parent, path=file_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of the user's own once per model, where there are several."""
    from medcheck.pytest_plugin.choosing import parametrize_models

    parametrize_models(metafunc)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Apply `--tag`."""
    from medcheck.pytest_plugin.starting import select

    select(config, items)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Check and plan the run before its first call, and before xdist reports the collection."""
    from medcheck.pytest_plugin.starting import start

    start(session)


class _Progress:
    """Counts finished cases where results come together; registered once a session starts."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print a line now and then."""
        from medcheck.pytest_plugin.terminal import progress

        progress(state_of(self.config), report)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Summarize, write the reports and set the exit status, once, where results come together."""
    from medcheck.pytest_plugin.ending import finish

    finish(session)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the summary by category."""
    from medcheck.pytest_plugin.terminal import show

    show(terminalreporter)


@pytest.hookimpl(wrapper=True)
def pytest_unconfigure(config: pytest.Config) -> Generator[None]:
    """Free the run folder, and what this session kept for its workers."""
    yield
    state_of(config).release()
