"""Versions of a suite's checklists and guidance: whole, hashed, a file each.

A version holds everything that differs from the data, not only its own change, so that it stands
alone. Whether it is any good is decided in `rounds`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, SettingsError, nearest
from medcheck.refining.samples import sha256
from medcheck.scoring.requirements import requirements
from medcheck.scoring.usability import CODES
from medcheck.suites import Suite
from medcheck.suites.yaml_lines import load_yaml
from medcheck.writers._files import replaced

PARTS = ("checklists", "guidance")
_NAME = re.compile(r"v(0|[1-9][0-9]{0,5})")
_FIELDS = ("version", "parent", "sha256", "by", "model", "reason", *PARTS)
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_CODES = {**CODES, **{code: code for code in CODES.values()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What somebody wants changed; `None` takes an earlier change back."""

    checklists: Mapping[str, str | None] = field(default_factory=dict)
    """By case id."""
    guidance: Mapping[str, str | None] = field(default_factory=dict)
    """By the code of the category."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The checklists and the guidance that a grader is given."""

    name: str
    """`v0`, `v1`, ..."""
    parent: str | None
    """`None`: what the suite came with."""
    by: str
    """The person who wrote it; empty for a model's proposal."""
    reason: str
    model: str | None = None
    """Who proposed it, if that was a model."""
    checklists: Mapping[str, str] = field(default_factory=dict)
    guidance: Mapping[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Return the sha256 of what the judge is told; name and reason are no part of it."""
        return sha256([dict(self.checklists), dict(self.guidance)])


def first(suite: Suite, name: str) -> Version:
    """Return the version that a suite came with.

    Raises:
        SettingsError: its grader has no checklists that could be edited.
    """
    if suite.grader.get("name") != "checklist":
        raise SettingsError(
            f'suite "{suite.name}" is graded by "{suite.grader.get("name")}".',
            hint="Only checklists and guidance of the grader checklist can be refined: edit the "
            "criteria of other suites in their file, and rejudge.",
        )
    return Version(
        name=name,
        parent=None,
        by="",
        reason=f"as in {suite.path.name}",
        checklists=dict(suite.grader.get("checklists") or {}),
        guidance=_coded(suite.grader.get("guidance") or {}),
    )


def edited(parent: Version, edit: Edit, *, name: str, by: str, reason: str,
           model: str | None = None) -> Version:  # fmt: skip
    """Return a new version: its parent with an edit.

    Raises:
        SettingsError: nothing would change.
    """
    found = Version(
        name=name,
        parent=parent.name,
        by=by,
        reason=reason,
        model=model,
        checklists=_merged(parent.checklists, edit.checklists),
        guidance=_merged(parent.guidance, edit.guidance),
    )
    if found.sha256 == parent.sha256:
        raise SettingsError(f"the edit changes nothing of {parent.name}.", hint="Write another.")
    return found


def read_edit(path: Path, suite: Suite) -> Edit:
    """Return the edit in a YAML file: `checklists` by case id, `guidance` by category.

    Raises:
        SuiteError: not YAML.
        DatasetError: it is no edit of this suite.
    """
    data, _ = load_yaml(path)
    return edit_of(data, suite, where=str(path))


def edit_of(data: object, suite: Suite, *, where: str) -> Edit:
    """Return an edit from plain data.

    Raises:
        DatasetError: an unknown field, case or category, or a text without a demand.
    """
    if not isinstance(data, dict) or not data or any(name not in PARTS for name in data):
        hint = "Write checklists: {case id: text} or guidance: {category: text}."
        raise DatasetError("not an edit.", hint=hint, where=where)
    parts = {name: data.get(name) or {} for name in PARTS}
    for name, part in parts.items():
        texts = isinstance(part, dict) and all(t is None or _is_text(t) for t in part.values())
        if not texts:
            raise DatasetError(f"{name}: expected texts by name.", where=where)
    known = {case.id for case in suite.cases}
    for case_id, text in parts["checklists"].items():
        if case_id not in known:
            hint = nearest(case_id, known) if len(known) <= 50 else "Correct the id."
            raise DatasetError(f'no case "{case_id}".', hint=hint, where=where)
        if text is not None and not requirements(text).core:
            hint = "Write its points below 核心需求： and 次要需求："
            raise DatasetError(f'"{case_id}" has no core requirement.', hint=hint, where=where)
    for category in parts["guidance"]:
        if category not in _CODES:
            hint = nearest(category, _CODES)
            raise DatasetError(f'no category "{category}".', hint=hint, where=where)
    return Edit(checklists=parts["checklists"], guidance=_coded(parts["guidance"]))


def save(version: Version, folder: Path) -> Path:
    """Write a version's file and return its path.

    Raises:
        SettingsError: it is there already.
        WriterError: the file cannot be written.
    """
    path = folder / f"{version.name}.yaml"
    if path.exists():
        raise SettingsError(f"{path} exists already.", hint="Versions are never overwritten.")
    record = {
        "version": version.name,
        "parent": version.parent,
        "sha256": version.sha256,
        "by": version.by,
        "model": version.model,
        "reason": version.reason,
        "checklists": dict(version.checklists),
        "guidance": dict(version.guidance),
    }
    with replaced(path) as file:
        file.write(as_yaml(record))
    return path


def load(folder: Path, name: str) -> Version:
    """Return a version.

    Raises:
        SettingsError: there is none of this name.
        SuiteError: its file is not YAML.
        DatasetError: the file is not what was written.
    """
    path = folder / f"{name}.yaml"
    if not _NAME.fullmatch(name) or not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("v*.yaml"))) or "none"
        raise SettingsError(f'no version "{name}" in {folder}.', hint=f"Known: {known}.")
    data, _ = load_yaml(path)
    if not isinstance(data, dict) or tuple(data) != _FIELDS or data["version"] != name:
        raise DatasetError("not a version.", where=str(path))
    kept = {key: data[key] for key in _FIELDS if key not in ("version", "sha256")}
    found = Version(name=name, **kept)
    if found.sha256 != data["sha256"]:
        hint = "Restore it, and propose the change as a version of its own."
        raise DatasetError("the text was changed after it was written.", hint=hint, where=str(path))
    return found


def next_name(folder: Path) -> str:
    """Return the name of the version after the last one."""
    numbers = [int(name[1:]) for name in names(folder)]
    return f"v{max(numbers, default=-1) + 1}"


def names(folder: Path) -> list[str]:
    """Return the names of the versions that have a file, sorted as text."""
    return sorted(p.stem for p in folder.glob("v*.yaml") if _NAME.fullmatch(p.stem))


def overrides(version: Version, suite: str) -> tuple[str, ...]:
    """Return a version as values of `--set`."""
    return tuple(
        f"{suite}.grader.{part}={_flow(getattr(version, part))}" for part in PARTS
    )  # JSON is YAML, but for a few characters


def block(version: Version) -> str:
    """Return the lines of the grader block that a version stands for, ready to be copied."""
    parts = {part: dict(getattr(version, part)) for part in PARTS if getattr(version, part)}
    return as_yaml({"grader": {"name": "checklist", **parts}})


def diff(old: Version, new: Version, own: Mapping[str, str]) -> Iterator[str]:
    """Yield what differs between two versions, line by line.

    Args:
        old: before.
        new: after.
        own: the checklists in the data by case id; they hold where a version has none.
    """
    for part, given in (("checklist", own), ("guidance", {})):
        before, after = (
            getattr(v, f"{part}s" if part == "checklist" else part) for v in (old, new)
        )
        for name in sorted({*before, *after}):
            yield from difflib.unified_diff(
                before.get(name, given.get(name, "")).splitlines(),
                after.get(name, given.get(name, "")).splitlines(),
                fromfile=f"{old.name} {part} {name}",
                tofile=f"{new.name} {part} {name}",
                lineterm="",
                n=1,
            )


def changed_cases(old: Version, new: Version) -> frozenset[str]:
    """Return the cases whose checklists differ."""
    names = {*old.checklists, *new.checklists}
    return frozenset(n for n in names if old.checklists.get(n) != new.checklists.get(n))


def as_yaml(record: object) -> str:
    """Return plain data as YAML; texts of several lines stand as they are."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: Any, value: str) -> Any:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    found: str = yaml.dump(record, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=100)
    return found


def _merged(before: Mapping[str, str], edit: Mapping[str, str | None]) -> dict[str, str]:
    found = {**before, **edit}
    return {name: text for name, text in sorted(found.items()) if text is not None}


def _coded(guidance: Mapping[str, Any]) -> dict[str, Any]:
    return {_CODES.get(name, name): text for name, text in guidance.items()}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _flow(texts: Mapping[str, str]) -> str:
    text = json.dumps(dict(texts), ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
