"""Which items of a session are cases, which call model and judges directly, who supplies them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from medcheck.errors import SuiteError, nearest
from medcheck.pytest_plugin.collect import CaseItem, safe_id
from medcheck.pytest_plugin.state import State, environment, state_of

if TYPE_CHECKING:
    from medcheck.suites import Suite
    from medcheck.types import Case

OWN = {"model": "model", "judges": "judge"}
"""Fixture and role: what a project's conftest.py may supply itself."""
MOST_NAMED = 12
"""Tags that a hint names."""


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
    lent: tuple[Suite, ...] = ()
    """Suites whose cases such tests give to the judges themselves."""
    problems: tuple[str, ...] = ()


def choose(session: pytest.Session, state: State) -> Chosen:
    """Return what of the session's items is medcheck's."""
    found: list[CaseOf] = []
    lent: dict[str, Suite] = {}
    own: list[pytest.Item] = []
    for item in session.items:
        if isinstance(item, CaseItem):
            found.append(CaseOf(item.nodeid, item.case, item.model_name, item.order))
            continue
        names = getattr(item, "fixturenames", ())
        if "medcheck_engine" not in names:
            continue
        own.append(item)
        loaded = loaded_case(item)
        if loaded is not None and "results" in names:
            found.append(_case_of(item, loaded, state))
        elif loaded is not None and "judges" in names:
            suite = state.load(loaded.path, item.ihook)
            lent[suite.name] = suite
    wanted = {each.nodeid for each in found}
    cases = [item for item in session.items if item.nodeid in wanted]
    roles, problems = _supplied(session, cases)
    state.own = frozenset(roles | _supplied_at_root(session, own))
    return Chosen(tuple(found), bool(own), tuple(lent.values()), tuple(problems))


def takes_part(state: State) -> bool:
    """Return whether this session may run cases; decided before collection.

    Suites are collected, or a model is there for tests that take their cases by `medcheck.cases`.
    """
    config = state.config
    named = config.getoption("medcheck_model") or environment().get("MEDCHECK_MODEL")
    return state.expects_suites or bool(named) or _has_own_model(config)


def _has_own_model(config: pytest.Config) -> bool:
    root = str(config.rootpath / "conftest.py")
    plugins = config.pluginmanager.get_plugins()
    return any(getattr(p, "__file__", None) == root and hasattr(p, "model") for p in plugins)


def parametrize_models(metafunc: pytest.Metafunc) -> None:
    """Run a test once per model of the command line, if it asks for ours and there are several."""
    if "model" not in metafunc.fixturenames or "medcheck_engine" not in metafunc.fixturenames:
        return
    models = state_of(metafunc.config).settings.models
    if len(models) > 1:
        metafunc.parametrize("model", models, indirect=True, ids=[safe_id(m) for m in models])


def unknown_overrides(state: State) -> list[str]:
    """Return the `--set` options that name a suite which no collected file is."""
    names = [suite.name for suite in state.suites.values()]
    return [
        f'--set {name}.{key}: there is no suite "{name}". {nearest(name, names)}'
        for name, key, _ in state.settings.overrides
        if not any(f"{name}.{key}".startswith(f"{known}.") for known in names)
    ]


def unmatched(state: State) -> list[str]:
    """Return which words of `--tag` and `-m` no collected case has, with the nearest some have."""
    from medcheck.tags import words

    tags = sorted(set(state.markers.values()))
    if not tags:
        return []
    marks = str(state.config.option.markexpr or "")
    asked = [("--tag", word, tags) for word in words(state.settings.tag or "")]
    asked += [
        ("-m", word, sorted(state.markers))
        for word in re.findall(r"\w+", marks)
        if word not in ("and", "or", "not")
    ]
    return [
        f'{option}: no case has "{word}". {_near(word, known)}'
        for option, word, known in dict.fromkeys((o, w, tuple(k)) for o, w, k in asked)
        if word not in known
    ]


def _near(word: str, known: Sequence[str]) -> str:
    """Return the tags that begin with a word, or else the nearest ones, or else some."""
    begin = [tag for tag in known if tag.startswith((f"{word}:", f"{word}_"))]
    close = begin or difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    few = ", ".join((close or known)[:MOST_NAMED])
    more = ", ..." if len(close or known) > MOST_NAMED else ""
    return f"Nearest: {few}{more}" if close else f"There are: {few}{more}"


def changed(suite: Suite, hook: Any) -> Suite:
    """Return a suite with its cases as the hook `pytest_medcheck_case` wants them.

    Raises:
        SuiteError: an implementation returned something else than the same case, or two differ.
    """
    cases = tuple(_changed(case, hook, suite) for case in suite.cases)
    same = all(new is old for new, old in zip(cases, suite.cases, strict=True))
    return suite if same else replace(suite, cases=cases)


def _changed(case: Case, hook: Any, suite: Suite) -> Case:
    found: list[Any] = hook.pytest_medcheck_case(case=case)
    if not found:
        return case
    new = found[0]
    problem = None
    if any(other != new for other in found[1:]):
        problem = "two conftest.py files change this case differently. Let one of them do it."
    elif not isinstance(new, type(case)):
        problem = f"it returned {type(new).__name__}. Return a Case, or None to keep it."
    elif (new.id, new.suite) != (case.id, case.suite):
        problem = f'it renamed the case to "{new.suite}::{new.id}". Keep id and suite.'
    if problem is not None:
        raise SuiteError(
            f'pytest_medcheck_case, case "{case.id}": {problem}', where=suite.path.name
        )
    return cast("Case", new)


def loaded_case(item: pytest.Item) -> Any:
    """Return the case that `medcheck.cases` gives to an item; `None`: it has none."""
    callspec = getattr(item, "callspec", None)
    given = callspec.params.get("case") if callspec else None
    return given if hasattr(given, "case") and hasattr(given, "path") else None


def _case_of(item: pytest.Item, loaded: Any, state: State) -> CaseOf:
    suite = state.load(loaded.path, item.ihook)
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
            if place != root / "conftest.py" and place.is_relative_to(root):
                problems[
                    f'{place.relative_to(root)}: the fixture "{name}" is overridden below the '
                    "root folder, but all cases of a run share it. "
                    "Move it to the conftest.py beside pytest.ini."
                ] = None
    return roles, list(problems)


def _supplied_at_root(session: pytest.Session, items: list[pytest.Item]) -> set[str]:
    """Return what the conftest.py beside pytest.ini supplies to tests of the user's own."""
    root = session.config.rootpath / "conftest.py"
    by_parent = {item.parent: item for item in items}.values()
    return {
        role
        for name, role in OWN.items()
        if any(_overrider(session, name, item) == root for item in by_parent)
    }


def _overrider(session: pytest.Session, name: str, item: pytest.Item) -> Path | None:
    """Return the file that overrides a fixture of ours for an item."""
    # pytest has no public way to ask who defines a fixture.
    definitions = session._fixturemanager.getfixturedefs(name, item) or ()  # noqa: SLF001
    function = definitions[-1].func if definitions else None
    if function is None or str(getattr(function, "__module__", "")).startswith("medcheck."):
        return None
    return Path(function.__code__.co_filename)
