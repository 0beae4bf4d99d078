"""One suite file becomes one `Suite`: read, override, check everything, then build."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from medcheck import shelves
from medcheck.errors import DatasetError, SuiteError, located
from medcheck.scoring.shuffling import copies_of, unshuffled
from medcheck.suites import Suite
from medcheck.suites.cases import Common, inline_cases, listed, numbered
from medcheck.suites.data import Found, data_cases, with_predecessors
from medcheck.suites.rules import Seen, case_rules, format_defaults, grader_of, suite_rules
from medcheck.suites.sampling import Sample, drawn, parse_sample
from medcheck.suites.schema import MAX_PROBLEMS, Source, check, schema
from medcheck.suites.yaml_lines import Document, Problem, Where, leads_away, read_document
from medcheck.types import Case

POLICIES = {"truncated": "error", "refusal": "score"}
GATE = {"margin": 0.03, "category_margin": 0.10, "alpha": 0.05}
_FIXED = ("suite", "cases", "include")
_NAMED = 5
"""Cases that a note names."""


@dataclass(slots=True, kw_only=True)
class _Files:
    """A suite file and its fragments, with what is wrong in them, file by file."""

    main: Source
    fragments: list[Source] = field(default_factory=list)
    problems: list[SuiteError] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def load(
    path: Path, overrides_of: Callable[[str], Mapping[str, Any]], *, sample: Sample | None
) -> Suite:
    """Return the suite of one file.

    Args:
        path: the YAML file.
        overrides_of: what the command line sets for a suite of this name, by dotted key.
        sample: takes the place of the suite's own.

    Raises:
        SuiteError: everything that is wrong in the file and its fragments, a line each.
        DatasetError: the data it names.
    """
    seen = Seen()
    files = _files(path, overrides_of, seen)
    if files.problems:
        raise SuiteError.joined(files.problems)
    return _suite(path, files, seen, sample)


def _files(path: Path, overrides_of: Callable[[str], Mapping[str, Any]], seen: Seen) -> _Files:
    document = read_document(path)
    data = document.data
    if leads_away(path) and not (isinstance(data, dict) and "suite" in data):
        # A word of what it does hold would show a file that this folder was not given.
        raise SuiteError(
            "a link to a file elsewhere, which is no suite.",
            hint="Remove it, or put the suite here.",
            where=document.lines.shown,
        )
    name = data.get("suite") if isinstance(data, dict) else None
    name = name if isinstance(name, str) else path.stem
    source, refused = _overridden(document, overrides_of(name), name)
    grader = grader_of(source.data)
    files = _Files(main=source, versions={path.name: _sha256(document)})
    found = [*document.problems, *refused, *check(source), *suite_rules(source)]
    found += islice(case_rules(source, grader=grader, seen=seen), MAX_PROBLEMS)
    inner = [
        _fragment(place, fragment, files, grader, seen) for place, fragment in _include(source)
    ]
    files.problems = _sorted([*found, *(problem for problem, _ in inner if problem)])
    files.problems += [error for _, errors in inner for error in errors]
    return files


def _include(source: Source) -> Iterator[tuple[Where, str]]:
    names = source.data.get("include") if isinstance(source.data, dict) else None
    for index, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str) and name.startswith("_") and Path(name).name == name:
            yield ("include", index), name


def _fragment(
    place: Where, name: str, files: _Files, grader: str, seen: Seen
) -> tuple[Problem | None, list[SuiteError]]:
    path = Path(files.main.lines.shown).parent / name
    if not path.is_file() or path.is_symlink():
        problem = f'there is no file "{name}" beside this one.'
        return files.main.problem(place, problem, hint="Correct the name."), []
    try:
        document = read_document(path)
    except SuiteError as error:
        return None, [error]
    source = Source(data=document.data, lines=document.lines)
    files.fragments.append(source)
    files.versions[name] = _sha256(document)
    found = [*document.problems, *check(source, part="fragment")]
    found += islice(case_rules(source, grader=grader, seen=seen), MAX_PROBLEMS)
    return None, _sorted(found)


def _sorted(problems: list[Problem]) -> list[SuiteError]:
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    return [problem.error for problem in ordered]


def _sha256(document: Document) -> str:
    return hashlib.sha256(document.content).hexdigest()


def _overridden(
    document: Document, overrides: Mapping[str, Any], name: str
) -> tuple[Source, list[Problem]]:
    options: dict[Where, str] = {}
    refused = []
    for key, value in overrides.items():
        option = f"--set {name}.{key}"
        path = _full(tuple(key.split(".")), document.data)
        options[path] = option
        if problem := _set(document.data, path, value):
            refused.append(Problem(0, 0, SuiteError(problem, where=option)))
    return Source(data=document.data, lines=document.lines, options=options), refused


def _full(path: tuple[str, ...], data: Any) -> tuple[str, ...]:
    """Return the path of an option: one of the grader's may be named without its block."""
    if path[0] in schema()["properties"]:
        return path
    common = schema()["properties"]["grader"]["properties"]
    own = shelves.has("graders", grader_of(data), "OPTIONS") or {}
    known = {*common, *own.get("properties", {})} - {"name"}
    return ("grader", *path) if path[0] in known else path


def _set(data: Any, path: tuple[str, ...], value: Any) -> str | None:
    if path[0] in _FIXED:
        return f'"{path[0]}" cannot be set from the command line. Edit the file.'
    if path[0] == "grader" and isinstance(data, dict) and isinstance(data.get("grader"), str):
        data["grader"] = {"name": data["grader"]}
    block = data
    for part in path[:-1]:
        if not isinstance(block, dict):
            break
        block = block.setdefault(part, {})
    if not isinstance(block, dict) or not all(path):
        return "there is no block of fields of this name. Correct the key."
    block[path[-1]] = value
    return None


def _suite(path: Path, files: _Files, seen: Seen, sample: Sample | None) -> Suite:
    data = files.main.data
    usual = format_defaults(data)
    grader = _grader(data, usual)
    folder = Path(files.main.lines.shown).parent
    common = Common(suite=data["suite"], folder=folder, grader=grader["name"], options=grader)
    summary = {"measure": "mean", **usual.get("summary", {}), **data.get("summary", {})}
    summary["by"] = listed(summary.get("by"))
    read, found = _cases(files, common, seen=seen, sample=sample, by=summary["by"])
    cases, notes = _copied(read, files.main)
    digest = {data["data"]["path"]: found.sha256} if found.sha256 else {}
    return Suite(
        name=data["suite"],
        path=path,
        title=data.get("title", data["suite"]),
        cases=numbered(cases),
        grader=grader,
        data=data.get("data", {}),
        judges=listed(grader.get("judges")),
        judge_params=grader.get("params", {}),
        protocol=_protocol(data, grader),
        system=data.get("system", usual.get("system")),
        params={**usual.get("params", {}), **data.get("params", {})},
        policies={**POLICIES, **usual.get("policies", {}), **data.get("policies", {})},
        summary=summary,
        gate={**GATE, **usual.get("gate", {}), **data.get("gate", {})},
        ungraded_at_most=data.get("ungraded_at_most", 0.0),
        cluster=data.get("cluster"),
        missing=found.missing,
        notes=notes,
        versions={**files.versions, **digest},
    )


def _grader(data: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    name = grader_of(data)
    own = data.get("grader", {})
    block = {} if isinstance(own, str) else own
    inherited = usual.get("grader", {})
    fits = inherited.get("name", name) == name
    return {**(inherited if fits else {}), **block, "name": name}


def _protocol(data: Mapping[str, Any], grader: Mapping[str, Any]) -> str:
    format_name = data.get("data", {}).get("format")
    usual = shelves.has("readers", format_name, "PROTOCOL") if format_name else None
    return str(data.get("protocol") or grader.get("protocol") or usual or "strict")


def _cases(
    files: _Files, common: Common, *, seen: Seen, sample: Sample | None, by: tuple[str, ...]
) -> tuple[tuple[Case, ...], Found]:
    data = files.main.data
    defaults = data.get("defaults", {})
    common = replace(common, defaults=defaults)
    inline = inline_cases(files.main, common)
    for source in files.fragments:
        own = source.data.get("defaults", {})
        both = {**defaults, **own}
        both["tags"] = [*listed(own.get("tags")), *listed(defaults.get("tags"))]
        inline += inline_cases(source, replace(common, defaults=both))
    found = data_cases(files.main, common, seen=seen) if "data" in data else Found()
    prefix = by[0] if by else None
    read: tuple[Case, ...] = found.cases
    if sample is None and "sample" in data.get("data", {}):
        read = _sampled(read, parse_sample(data["data"]["sample"]), prefix)
    cases = (*inline, *read)
    cases = _sampled(cases, sample, prefix) if sample else cases
    return cases, found


def _copied(cases: tuple[Case, ...], source: Source) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """Return each choice question as often as `circular` says, and which cases stay as they are.

    Raises:
        DatasetError: no case can be shuffled, or the gold of one cannot move along.
    """
    count = source.data.get("circular")
    if count is None or not cases:
        return cases, ()
    found: list[Case] = []
    left: dict[str, list[str]] = {}
    with located(source.problem(("circular",), "").error.where):
        for case in cases:
            if why := unshuffled(case):
                left.setdefault(why, []).append(case.id)
            found += [case] if why else copies_of(case, count)
        told = [_left_out(why, names) for why, names in left.items()]
        if sum(map(len, left.values())) == len(cases):
            hint = "Leave out circular, or write options as A. B. C. on lines of their own."
            raise DatasetError(f"no case can be shuffled: {'; '.join(told)}.", hint=hint)
    name = source.data["suite"]
    return tuple(found), tuple(f"{name}: asked once, not {count} times: {text}." for text in told)


def _left_out(why: str, names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more} ({why})"


def _sampled(cases: tuple[Case, ...], sample: Sample, by: str | None) -> tuple[Case, ...]:
    return with_predecessors(drawn(cases, sample, by=by), cases)
