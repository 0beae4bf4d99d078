"""Which items of a session are cases, which call model and judges directly, who supplies them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from medcheck.pytest_plugin.collect import CaseItem, safe_id
from medcheck.pytest_plugin.state import State, state_of

if TYPE_CHECKING:
    from medcheck.types import Case

OWN = {"model": "model", "judges": "judge"}
"""Fixture and role: what a project's conftest.py may supply itself."""


@dataclass(frozen=True, slots=True)
class CaseOf:
    """One item that wants the result of a case."""

    nodeid: str
    case: Case
    model: str | None
    """`None`: the only one."""
    order: tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of a session is medcheck's."""

    cases: tuple[CaseOf, ...]
    direct: bool
    """Whether a test of the user's own calls model or judges itself."""
    problems: tuple[str, ...] = ()


def choose(session: pytest.Session, state: State) -> Chosen:
    """Return what of the session's items is medcheck's."""
    found: list[CaseOf] = []
    direct = False
    for item in session.items:
        if isinstance(item, CaseItem):
            found.append(CaseOf(item.nodeid, item.case, item.model_name, item.order))
            continue
        if "medcheck_engine" not in getattr(item, "fixturenames", ()):
            continue
        direct = True
        loaded = _loaded(item)
        if loaded is not None and "results" in item.fixturenames:  # type: ignore[attr-defined]
            found.append(_case_of(item, loaded, state))
    wanted = {each.nodeid for each in found}
    cases = [item for item in session.items if item.nodeid in wanted]
    roles, problems = _supplied(session, cases)
    state.own = frozenset(roles)
    return Chosen(tuple(found), direct, tuple(problems))


def parametrize_models(metafunc: pytest.Metafunc) -> None:
    """Run a test once per model of the command line, if it asks for ours and there are several."""
    if "model" not in metafunc.fixturenames or "medcheck_engine" not in metafunc.fixturenames:
        return
    models = state_of(metafunc.config).settings.models
    if len(models) > 1:
        metafunc.parametrize("model", models, indirect=True, ids=[safe_id(m) for m in models])


def unknown_overrides(state: State) -> list[str]:
    """Return the `--set` options that name a suite which no collected file is."""
    del state
    return []


def _loaded(item: pytest.Item) -> Any:
    callspec = getattr(item, "callspec", None)
    given = callspec.params.get("case") if callspec else None
    return given if hasattr(given, "case") and hasattr(given, "path") else None


def _case_of(item: pytest.Item, loaded: Any, state: State) -> CaseOf:
    suite = state.load(loaded.path)
    index = next(i for i, case in enumerate(suite.cases) if case.id == loaded.case.id)
    model = item.callspec.params.get("model")  # type: ignore[attr-defined]
    rank = state.settings.models.index(model) if model in state.settings.models else 0
    return CaseOf(item.nodeid, suite.cases[index], model, (suite.name, index, rank))


def _supplied(session: pytest.Session, items: list[pytest.Item]) -> tuple[set[str], list[str]]:
    """Return what a conftest.py beside pytest.ini supplies, and errors for others.

    All cases of a run share model and judges, so only the root folder may supply them.
    """
    roles: set[str] = set()
    problems: dict[str, None] = {}
    root = session.config.rootpath
    for parent in {item.parent: item for item in items}.values():
        for name, role in OWN.items():
            place = _overrider(session, name, parent)
            if place is None:
                continue
            roles.add(role)
            if place.parent != root and place.is_relative_to(root):
                problems[
                    f'{place.relative_to(root)}: the fixture "{name}" is overridden below the '
                    "root folder, but all cases of a run share it. "
                    "Move it to the conftest.py beside pytest.ini."
                ] = None
    return roles, list(problems)


def _overrider(session: pytest.Session, name: str, item: pytest.Item) -> Path | None:
    """Return the file that overrides a fixture of ours for an item."""
    # pytest has no public way to ask who defines a fixture.
    definitions = session._fixturemanager.getfixturedefs(name, item) or ()  # noqa: SLF001
    function = definitions[-1].func if definitions else None
    if function is None or str(getattr(function, "__module__", "")).startswith("medcheck."):
        return None
    return Path(function.__code__.co_filename)
