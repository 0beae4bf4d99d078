"""Cases by reference: a data file's place and sha256, its reader, and which cases to take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medcheck import shelves
from medcheck.errors import DatasetError, MedcheckError, located
from medcheck.suites.cases import Common, joined_tags, listed
from medcheck.suites.files import inside, sha256_of
from medcheck.suites.rules import Seen, points_problem, scores_nothing_as_0, takes_folders
from medcheck.suites.schema import Source
from medcheck.types import Case, Origin

_MAX_PROBLEMS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a suite's `data` block led to."""

    cases: tuple[Case, ...] = ()
    missing: str | None = None
    """Why there are no cases although nothing is wrong: the file can be fetched."""
    sha256: str | None = None


def data_cases(source: Source, common: Common, *, seen: Seen) -> Found:
    """Return the cases that `data` and `data.where` name, in the file's order; not sampled.

    Raises:
        DatasetError: the file is missing, another version, or its rows are wrong.
    """
    block = source.data["data"]
    with located(_where(source, "path")):
        path = inside(common.folder, block["path"], folders=takes_folders(block["format"]))
        if not path.exists():
            return _missing(block)
    digest = sha256_of(path)
    if "sha256" in block and block["sha256"].lower() != digest:
        raise DatasetError(
            f"data.sha256: {block['path']} has sha256 {digest}, not {block['sha256'].lower()}.",
            hint="Get the version that the suite names, or correct data.sha256.",
            where=_where(source, "sha256"),
        )
    with located(_where(source, "format")):
        read = shelves.find("readers", block["format"], "read")
    cases = [_completed(case, block, common, path) for case in read(path, _options(block))]
    _check(cases, seen, earns_0=scores_nothing_as_0(source.data))
    with located(_where(source, "where")):
        chosen = _chosen(cases, block.get("where", {}))
    return Found(cases=with_predecessors(chosen, cases), sha256=digest)


def with_predecessors(chosen: Iterable[Case], cases: Sequence[Case]) -> tuple[Case, ...]:
    """Return the chosen cases, each after the earlier turns that it follows."""
    by_id = {case.id: case for case in cases}
    found: dict[str, Case] = {}
    for case in chosen:
        turns = [case]
        while (earlier := turns[-1].follows) and earlier in by_id and earlier not in found:
            turns.append(by_id[earlier])
        found.update((turn.id, turn) for turn in reversed(turns))
    return tuple(found.values())


def _where(source: Source, name: str) -> str:
    return source.problem(("data", name), "").error.where


def _missing(block: Mapping[str, Any]) -> Found:
    if "fetch" in block:
        return Found(missing=f"{block['path']} is not here. Run: medcheck fetch {block['fetch']}")
    raise DatasetError(
        f"data.path: {block['path']} is not here.",
        hint="Put the file there, or correct the path, which starts at the suite's folder.",
    )


def _options(block: Mapping[str, Any]) -> dict[str, Any]:
    options = dict(block.get("options", {}))
    subset = block.get("where", {}).get("subset")
    return options if subset is None else {**options, "subset": subset}


def _completed(case: Case, block: Mapping[str, Any], common: Common, path: Path) -> Case:
    defaults = common.defaults
    pass_at = defaults.get("pass_at") if case.pass_at is None else case.pass_at
    return replace(
        case,
        suite=common.suite,
        grader=case.grader or common.grader,
        options=common.options,
        tags=joined_tags(case.tags, listed(defaults.get("tags"))),
        category=case.category or listed(defaults.get("category")),
        pass_at=pass_at,
        origin=_origin(case.origin, block["path"], path),
    )


def _origin(origin: Origin | None, given: str, path: Path) -> Origin:
    # results must not differ between machines, so the path stays as the suite wrote it
    if origin is None:
        return Origin(path=given)
    return replace(origin, path=given) if origin.path == str(path) else origin


def _chosen(cases: Sequence[Case], where: Mapping[str, Any]) -> list[Case]:
    tags = set(listed(where.get("tags")))
    ids = dict.fromkeys(listed(where.get("id")))
    absent = ids.keys() - {case.id for case in cases}
    if absent:
        named = ", ".join(name for name in ids if name in absent)
        raise DatasetError(f"data.where.id: no case has the id {named}.", hint="Correct it.")
    chosen = [c for c in cases if tags <= set(c.tags) and (not ids or c.id in ids)]
    if not chosen:
        reason = "no case fits data.where." if where else "the file holds no cases."
        raise DatasetError(reason, hint="Correct it, or choose other data.")
    return chosen


def _check(cases: Iterable[Case], seen: Seen, *, earns_0: bool) -> None:
    problems: list[MedcheckError] = []
    for number, case in enumerate(cases, 1):
        origin = case.origin or Origin(path="data")
        where = f"{origin.path}:{origin.line or f'case {number}'}"
        found = _problems(case, where, seen, earns_0=earns_0)
        problems += [DatasetError(text, where=where) for text in found]
        if len(problems) >= _MAX_PROBLEMS:
            break
    if problems:
        texts = dict.fromkeys(str(problem) for problem in problems[:_MAX_PROBLEMS])
        raise DatasetError("\n".join(texts))


def _problems(case: Case, where: str, seen: Seen, *, earns_0: bool) -> Iterator[str]:
    if case.follows and case.follows not in seen.ids:
        yield f'case "{case.id}" follows "{case.follows}", which is no earlier case.'
    if problem := seen.id_problem(case.id, where):
        yield problem
    if problem := points_problem(case.criteria, case.grader, earns_0=earns_0):
        yield f'case "{case.id}": {problem}'
    for tag in case.tags:
        if problem := seen.tag_problem(tag):
            yield problem
