"""Suites: YAML files that name cases and say how they are graded, summarized and compared.

This module is what the rest of medcheck sees. The file is read by `yaml_lines`, checked by
`schema` and `rules`, turned into cases by `cases` and `data`, and put together by `loader`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from medcheck.errors import MedcheckError, SettingsError, SuiteError, nearest
from medcheck.types import Case

_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One suite file, ready to run."""

    name: str
    path: Path
    """The YAML file."""
    title: str
    cases: tuple[Case, ...]
    grader: Mapping[str, Any]
    """The grader block; `name` is always there."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The data block: `path`, `format`, `options`; empty where all cases are inline."""
    judges: tuple[str, ...] = ()
    judge_params: Mapping[str, Any] = field(default_factory=dict)
    protocol: str = "strict"
    """`official` or `strict`."""
    system: str | None = None
    """System message of the model under test; `None`: none."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Sampling settings of the model under test."""
    policies: Mapping[str, str] = field(default_factory=dict)
    """For `truncated` and `refusal`: `score` or `error`."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """`measure` and `by` (tag prefixes) are always there."""
    gate: Mapping[str, float] = field(default_factory=dict)
    """`margin`, `category_margin` and `alpha`."""
    ungraded_at_most: float = 0.0
    """Share of cases, 0 to 1."""
    cluster: str | None = None
    """Tag prefix of cases that belong together."""
    missing: str | None = None
    """Why the data's cases are absent although nothing is wrong; how to get them."""
    notes: tuple[str, ...] = ()
    """What a reader of its numbers must know: cases that `circular` leaves as they are."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """sha256 by file name, relative to the suite's folder."""
    followed: frozenset[str] = field(init=False)
    """Ids of the cases that another case follows."""
    _index: Mapping[str, Case] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        followed = frozenset(case.follows for case in self.cases if case.follows)
        object.__setattr__(self, "followed", followed)
        object.__setattr__(self, "_index", {case.id: case for case in self.cases})

    def case(self, name: str) -> Case:
        """Return the case with this id.

        Raises:
            SuiteError: there is none.
        """
        if name not in self._index:
            raise SuiteError(f'suite "{self.name}" has no case "{name}".', where=str(self.path))
        return self._index[name]


def load_suite(
    path: Path, *, overrides: Mapping[str, Any] = _NONE, sample: Any = None, seed: int = 0
) -> Suite:
    """Load one suite file.

    Args:
        path: the YAML file.
        overrides: values by dotted key (`grader.judges`), set before anything is checked.
        sample: `N`, `official:N` or `{n, seed}`; takes the place of the suite's own sample and
            is drawn from all cases.
        seed: of a sample that names none.

    Raises:
        SuiteError: everything that is wrong in the file, a line each, sorted.
        DatasetError: the data it names is missing, another version, or wrong.
    """
    from medcheck.suites.loader import load
    from medcheck.suites.sampling import parse_sample

    wanted = None if sample is None else parse_sample(sample, seed=seed)
    return load(Path(path), lambda _: overrides, sample=wanted)


def load_suites(
    paths: Iterable[Path],
    *,
    overrides: Mapping[str, Mapping[str, Any]] = _NONE,
    sample: Any = None,
    seed: int = 0,
) -> tuple[Suite, ...]:
    """Load several suite files, in the given order.

    Args:
        paths: YAML files.
        overrides: values by dotted key, by suite name.
        sample: as for `load_suite`.
        seed: likewise.

    Raises:
        MedcheckError: what is wrong in all files, or the same suite name or marker twice.
    """
    from medcheck.suites.sampling import parse_sample

    wanted = None if sample is None else parse_sample(sample, seed=seed)
    suites, errors = _loaded(paths, overrides, wanted)
    errors += _clashes(suites)
    if errors:
        raise errors[0] if len(errors) == 1 else SuiteError.joined(errors)
    return tuple(suites)


def _loaded(
    paths: Iterable[Path], overrides: Mapping[str, Mapping[str, Any]], sample: Any
) -> tuple[list[Suite], list[MedcheckError]]:
    from medcheck.suites.loader import load

    names: set[str] = set()
    suites: list[Suite] = []
    errors: list[MedcheckError] = []

    def overrides_of(name: str) -> Mapping[str, Any]:
        names.add(name)
        return overrides.get(name, _NONE)

    for path in paths:
        try:
            suites.append(load(Path(path), overrides_of, sample=sample))
        except MedcheckError as error:
            errors.append(error)
    errors += [_no_suite(name, names) for name in overrides if name not in names]
    return suites, errors


def schema_json() -> dict[str, Any]:
    """Return the JSON Schema of suite files for editors, with the names on the shelves."""
    from medcheck import shelves
    from medcheck.suites.schema import schema

    found = schema()
    data = _with_names(found["properties"]["data"], "format", shelves.names("readers"))
    grader = _with_names(found["properties"]["grader"], "name", shelves.names("graders"))
    return {**found, "properties": {**found["properties"], "data": data, "grader": grader}}


def _with_names(block: dict[str, Any], key: str, names: list[str]) -> dict[str, Any]:
    named = {"description": block["properties"][key]["description"]}
    choice = {**named, "anyOf": [{"enum": names}, {"type": "string", "pattern": "^[^:]+:[^:]+$"}]}
    return {**block, "properties": {**block["properties"], key: choice}}


def _clashes(suites: list[Suite]) -> list[MedcheckError]:
    from medcheck.tags import marker

    errors: list[MedcheckError] = []
    first: dict[str, Suite] = {}
    markers: dict[str, tuple[str, Suite]] = {}
    for suite in suites:
        other = first.setdefault(suite.name, suite)
        if other is not suite:
            problem = f'suite name "{suite.name}" is already used in {other.path}.'
            errors.append(SuiteError(problem, where=str(suite.path), hint="Rename one of them."))
        for tag in dict.fromkeys(tag for case in suite.cases for tag in case.tags):
            known, owner = markers.setdefault(marker(tag), (tag, suite))
            if known != tag:
                problem = f'tag "{tag}" has the same marker as "{known}" in {owner.path}.'
                errors.append(
                    SuiteError(problem, where=str(suite.path), hint="Write one differently.")
                )
    return errors


def _no_suite(name: str, names: Iterable[str]) -> SettingsError:
    problem = f'there is no suite "{name}".'
    return SettingsError(problem, where=f"--set {name}", hint=nearest(name, names))
