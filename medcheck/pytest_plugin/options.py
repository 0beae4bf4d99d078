"""The command line and the ini keys; what they mean is resolved in `settings`."""

from __future__ import annotations

import argparse
import inspect
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from medcheck.settings import Settings

GROUP = "medcheck"
INI = {
    "cases": ("args", "globs of suite files, relative to the root folder", ["cases/*.yaml"]),
    "models": ("string", "model registry on top of the built-in one", None),
    "store": ("string", "response store: a path (SQLite) or a PostgreSQL URL", None),
    "reports": ("string", "folder of the run folders", None),
}


def add_options(parser: pytest.Parser, plugins: pytest.PytestPluginManager) -> None:
    """Add one option group and the ini keys.

    Raises:
        UsageError: another plugin has taken a name.
    """
    group = parser.getgroup(GROUP, "medcheck: evaluate medical language models")

    def add(name: str, **how: object) -> None:
        try:
            group.addoption(name, dest=f"medcheck_{name[2:].replace('-', '_')}", **how)
        except (ValueError, argparse.ArgumentError):
            raise _taken(name, plugins) from None

    add(
        "--model",
        action="append",
        metavar="NAME",
        help="model under test; repeat, or separate with commas",
    )
    add(
        "--judge",
        action="append",
        metavar="NAME",
        help="judge in place of the suite's; repeat for a jury",
    )
    add(
        "--models-file",
        metavar="PATH",
        help="registry on top of the built-in one (default: models.yaml beside pytest.ini)",
    )
    add("--base-url", metavar="URL", help="OpenAI-compatible endpoint of the model")
    add("--judge-base-url", metavar="URL", help="OpenAI-compatible endpoint of the judges")
    add(
        "--concurrency",
        metavar="N",
        help="requests in flight over all workers together (default 64)",
    )
    add(
        "--sample",
        metavar="N",
        help="seeded subset, stratified over categories; official:N: the benchmark's own rule",
    )
    add("--seed", metavar="S", help="seed of --sample (default 0)")
    add("--repeats", metavar="N", help="answers per case (default 1)")
    add(
        "--responses",
        choices=("reuse", "fresh", "only"),
        help="reuse stored replies (default), ask anew, or never call",
    )
    add(
        "--store",
        metavar="URL",
        help="response store: path or PostgreSQL URL (default reports/medcheck.sqlite)",
    )
    add("--run", metavar="ID", help="name of the run folder (default: from the settings)")
    add("--reports", metavar="DIR", help="folder of the run folders (default reports)")
    add(
        "--plan",
        action="store_true",
        default=None,
        help="no calls: print cases, calls, tokens and cost of the run",
    )
    add("--budget", metavar="USD", help="hard stop for the money this run spends")
    add("--max-calls", metavar="N", help="hard stop for the calls this run sends")
    add("--yes", action="store_true", default=None, help="go on without asking above 5,000 calls")
    add(
        "--set",
        action="append",
        metavar="SUITE.KEY=VALUE",
        help="set a suite's option in place of its file; recorded with the run",
    )
    add(
        "--env-file",
        metavar="PATH",
        help="file of KEY=VALUE lines for the environment; none that is set is changed",
    )
    add("--protocol", choices=("official", "strict"), help="judge protocol in place of the suite's")
    add(
        "--ungraded-at-most",
        metavar="SHARE",
        help="share of cases that may stay unmeasured (default 0)",
    )
    add(
        "--tag",
        metavar="EXPR",
        help="exact selection by case tags: 'theme:hedging and not lang:zh'",
    )
    add(
        "--baseline",
        metavar="PATH|RUN",
        help="compare with a baseline file or a stored run, case by case",
    )
    add(
        "--gate",
        action="store_true",
        default=None,
        help="let that comparison decide: 10 regression, 11 cannot tell, 13 not comparable",
    )
    add(
        "--certificate",
        action="append",
        metavar="PATH",
        help="certificates of judges, files or folders (default: cases/certificates, if there)",
    )
    add(
        "--require-certificate",
        action="store_true",
        default=None,
        help="do not start with a judge that no valid certificate backs: 13",
    )
    for name, (kind, text, default) in INI.items():
        parser.addini(f"medcheck_{name}", f"medcheck: {text}", type=kind, default=default)  # type: ignore[arg-type]
    try:
        # pytest 8 notices a name that stands in two groups only when it parses.
        parser.parse_known_args([])
    except argparse.ArgumentError as error:
        name = error.argument_name or ""
        if any(name in option.names() for option in group.options):
            raise _taken(name, plugins) from None


def _taken(name: str, plugins: pytest.PytestPluginManager) -> pytest.UsageError:
    other = _owner(name, plugins)
    return pytest.UsageError(
        f"medcheck and {other} both define {name}. "
        f"Switch one of them off: -p no:medcheck, or -p no:NAME for {other}."
    )


def _owner(option: str, plugins: pytest.PytestPluginManager) -> str:
    """Return the name of the plugin whose code holds an option; pytest itself keeps no record."""
    for name, plugin in plugins.list_name_plugin():
        hook = getattr(plugin, "pytest_addoption", None)
        module = inspect.getmodule(hook)
        if hook is None or module is None or module.__name__.startswith("medcheck."):
            continue
        try:
            source = inspect.getsource(module)
        except OSError:
            continue
        if f'"{option}"' in source or f"'{option}'" in source:
            return name
    return "another plugin"


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings of this command; on a worker those the controller resolved.

    Raises:
        SettingsError: a value is wrong.
    """
    from medcheck.settings import resolve

    def option(name: str) -> object:
        if name == "selection":
            return _selection(config)
        return config.getoption(f"medcheck_{name}", None)

    def ini(name: str) -> object:
        return config.getini(f"medcheck_{name}") if name in INI and name != "cases" else None

    return resolve(option, ini, os.environ, root=config.rootpath)


def _selection(config: pytest.Config) -> tuple[str, ...]:
    chosen = [f"-k {config.option.keyword}"] if config.option.keyword else []
    chosen += [f"-m {config.option.markexpr}"] if config.option.markexpr else []
    root = f"{config.rootpath}{os.sep}"
    return tuple(str(arg).removeprefix(root) for arg in config.args) + tuple(chosen)
