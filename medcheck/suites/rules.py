"""What a schema cannot say about suite files: ids, conversations, points, checks, tags, names.

Every rule is a generator of problems over plain data that may still be of wrong types; what is of
a wrong type is the schema's to report and passed over here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medcheck import shelves
from medcheck.errors import DatasetError
from medcheck.scoring import checks
from medcheck.suites.files import inside
from medcheck.suites.schema import Source, check_options, did_you_mean, fits, schema
from medcheck.suites.yaml_lines import Problem, Where
from medcheck.tags import marker
from medcheck.types import Criterion

MAX_ID = 120
MAX_TAG = 100
DEFAULT_GRADER = "rubric"
BY_CRITERIA = ("rubric", "claims")
"""Graders that can score a case only by its criteria and checks."""

Rule = Iterator[Problem]


@dataclass(slots=True)
class Seen:
    """What the files of one suite have named so far."""

    ids: dict[str, str] = field(default_factory=dict)
    """By id in Unicode normal form: where it was first given."""
    markers: dict[str, str] = field(default_factory=dict)
    """By marker name: the tag it was made from."""

    def id_problem(self, text: str, where: str) -> str | None:
        """Return what is wrong with a case's id, its repetition included; remembers it."""
        problem = id_problem(text)
        if problem is None:
            name = unicodedata.normalize("NFC", text)
            if name in self.ids:
                return f'duplicate id "{text}", first at {self.ids[name]}.'
            self.ids[name] = where
        return problem

    def tag_problem(self, tag: str) -> str | None:
        """Return what is wrong with a tag, a clash of markers included; remembers it."""
        first = self.markers.setdefault(marker(tag), tag)
        if first == tag:
            return tag_problem(tag)
        return f'tags "{first}" and "{tag}" have the same marker {marker(tag)}.'


def id_problem(text: str) -> str | None:
    """Return what is wrong with an id, or `None`."""
    if len(text) > MAX_ID:
        return f"the id has {len(text)} characters; at most {MAX_ID} are allowed."
    if text.isascii() and text.replace("-", "").replace(".", "").replace("_", "").isalnum():
        return None
    for index, character in enumerate(text):
        if not _allowed(character, index):
            code = f"U+{ord(character):04X}"
            name = f'"{character}" ({code})' if character.isprintable() else code
            return f"character {name} at position {index + 1} is not allowed in an id."
    return None


def _allowed(character: str, index: int) -> bool:
    # vowel signs of many scripts are marks; variation selectors are marks too, but invisible
    category = unicodedata.category(character)
    selector = "\ufe00" <= character <= "\ufe0f" or character >= "\U000e0100"
    is_mark = category in ("Mn", "Mc") and index > 0 and not selector
    return character in "._-" or category[0] == "L" or category == "Nd" or is_mark


def tag_problem(tag: str) -> str | None:
    """Return what is wrong with a tag by itself, or `None`."""
    if len(tag) > MAX_TAG:
        return f"the tag has {len(tag)} characters; at most {MAX_TAG} are allowed."
    control = next((c for c in tag if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")), None)
    if control is not None:
        return f"control character U+{ord(control):04X} is not allowed in a tag."
    return None


def points_problem(
    criteria: tuple[Criterion, ...], grader: str, *, earns_0: bool = False
) -> str | None:
    """Return why a grader that scores by criteria cannot score a case, or `None`.

    `earns_0`: where nothing can be earned, the score is 0.
    """
    if grader not in BY_CRITERIA:
        return None
    if not criteria:
        return f'no criteria and no checks; the grader "{grader}" needs some.'
    if not earns_0 and not any(criterion.points > 0 for criterion in criteria):
        return "no criterion or check has points above 0, so no score can be computed."
    return None


def grader_of(data: Any) -> str:
    """Return the name of the suite's grader: its own, else its format's, else `rubric`."""
    block = _mapping(data).get("grader")
    name = block.get("name") if isinstance(block, Mapping) else block
    own = name or _mapping(format_defaults(data).get("grader")).get("name")
    return own if isinstance(own, str) else DEFAULT_GRADER


def scores_nothing_as_0(data: Any) -> bool:
    """Return whether a suite's answers score 0 where no point can be earned.

    Source: MedicalAiBenchEval clinical_scoring_calculator.py:180-395; gaps.md section 4.
    """
    found = _mapping(data)
    block = _mapping(found.get("grader"))
    rule, name = block.get("points"), _mapping(found.get("data")).get("format")
    if grader_of(data) != "claims" or isinstance(rule, str):
        return grader_of(data) == "claims" and rule == "gaps_official"
    usual = shelves.has("readers", name, "PROTOCOL") if isinstance(name, str) else None
    return (found.get("protocol") or block.get("protocol") or usual) == "official"


def format_defaults(data: Any) -> Mapping[str, Any]:
    """Return the `DEFAULTS` of the suite's data format: blocks that a suite may leave out."""
    name = _mapping(_mapping(data).get("data")).get("format")
    found = shelves.has("readers", name, "DEFAULTS") if isinstance(name, str) else None
    return _mapping(found)


def suite_rules(source: Source) -> Rule:
    """Check a suite file's own fields."""
    data = source.data
    if not isinstance(data, Mapping):
        return
    name = data.get("suite")
    if isinstance(name, str) and (problem := id_problem(name)):
        yield source.problem(("suite",), problem, hint=_ID_HINT)
    if not {"cases", "data", "include"} & data.keys():
        yield source.problem((), "the suite has no cases.", hint="Add cases, data or include.")
    yield from _grader_rules(source)
    yield from _data_rules(source)
    yield from _summary_rules(source)


def case_rules(source: Source, *, grader: str, seen: Seen) -> Rule:
    """Check the cases and default tags of a suite file or fragment."""
    defaults = _mapping(_mapping(source.data).get("defaults"))
    yield from _tags(source, defaults, ("defaults",), seen)
    for index, case in _blocks(_mapping(source.data).get("cases")):
        path = ("cases", index)
        yield from _follows(source, case, path, seen)
        yield from _case_id(source, case, path, seen)
        yield from _messages(source, case, path)
        yield from _tags(source, case, path, seen)
        yield from _criteria(source, case, path)
        yield from _points(source, case, path, grader)


_ID_HINT = "Use letters of any script, digits and . _ - only."
_TAG_HINT = "Write one of them differently."


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _blocks(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, Mapping):
            yield index, item


def _grader_rules(source: Source) -> Rule:
    block = source.data.get("grader")
    path: Where = ("grader", "name") if isinstance(block, Mapping) else ("grader",)
    name = grader_of(source.data)
    yield from _shelf(source, path, name, "graders")
    if not isinstance(block, Mapping) or ":" in name:
        return
    own = shelves.has("graders", name, "OPTIONS") or {}
    common = schema()["properties"]["grader"]["properties"]
    known = {*common, *own.get("properties", {})}
    extra = {key: value for key, value in block.items() if key not in common}
    for key in (key for key in extra if key not in known):
        yield source.problem(
            ("grader", key), "unknown field.", hint=did_you_mean(key, known), at_key=True
        )
    if own:
        given = {key: value for key, value in extra.items() if key in known}
        yield from check_options(source, ("grader",), given, schema=_without(own, common))


def _without(schema: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    required = [name for name in schema.get("required", ()) if name not in known]
    return {**schema, "required": required}


def _data_rules(source: Source) -> Rule:
    data = source.data.get("data")
    if not isinstance(data, Mapping) or not isinstance(data.get("format"), str):
        return
    name = data["format"]
    yield from _shelf(source, ("data", "format"), name, "readers")
    yield from _data_path(source, data.get("path"))
    schema = shelves.has("readers", name, "OPTIONS")
    if schema and isinstance(data.get("options", {}), Mapping):
        yield from check_options(
            source, ("data", "options"), data.get("options", {}), schema=schema
        )
    subset = _mapping(data.get("where")).get("subset")
    if isinstance(subset, str) and name in shelves.names("readers"):
        yield from _subset(source, subset, _mapping(schema))


def _summary_rules(source: Source) -> Rule:
    summary = _mapping(source.data.get("summary"))
    if summary.get("measure") == "clipped_mean" and grader_of(source.data) == "checklist":
        problem = '"clipped_mean" would clip scores from 1 to 5 to 1.'
        yield source.problem(("summary", "measure"), problem, hint="Choose mean.")
    if summary.get("measure") != "pairwise_f1":
        return
    if (name := grader_of(source.data)) != "meta":
        problem = f'"pairwise_f1" rates a judge, but the grader is "{name}".'
        hint = "Choose mean or clipped_mean, or the grader meta."
        yield source.problem(("summary", "measure"), problem, hint=hint)
    if "length_adjusted" in summary:
        problem = "a judge's verdicts have no length to adjust for."
        yield source.problem(("summary", "length_adjusted"), problem, hint="Remove it.")


def takes_folders(name: str) -> bool:
    """Return whether a format's data may be a folder of files."""
    return bool(shelves.has("readers", name, "FOLDERS"))


def _data_path(source: Source, name: Any) -> Rule:
    folders = takes_folders(source.data["data"]["format"])
    try:
        if isinstance(name, str) and name.strip():
            inside(Path(source.lines.shown).parent, name, folders=folders)
    except DatasetError as error:
        yield source.problem(("data", "path"), error.message, hint=error.hint)


def _subset(source: Source, subset: str, schema: Mapping[str, Any]) -> Rule:
    declared = _mapping(_mapping(schema.get("properties")).get("subset"))
    path = ("data", "where", "subset")
    known = declared.get("enum", ())
    if not declared:
        yield source.problem(path, "this format has no subsets.", hint="Remove it.")
    elif known and subset not in known:
        problem = f'there is no subset "{subset}".'
        yield source.problem(path, problem, hint=did_you_mean(subset, known))


def _shelf(source: Source, path: Where, name: str, shelf: str) -> Rule:
    known = shelves.names(shelf)
    if ":" in name or name in known:
        return
    kind = {"graders": "grader", "readers": "format"}[shelf]
    yield source.problem(path, f'unknown {kind} "{name}".', hint=did_you_mean(name, known))


def _case_id(source: Source, case: Mapping[str, Any], path: Where, seen: Seen) -> Rule:
    name = case.get("id")
    if not isinstance(name, str):
        return
    place = (*path, "id")
    where = f"{source.lines.shown}:{source.line(place)}"
    if problem := seen.id_problem(name, where):
        hint = "Rename one of them." if problem.startswith("duplicate") else _ID_HINT
        yield source.problem(place, problem, hint=hint)


def _follows(source: Source, case: Mapping[str, Any], path: Where, seen: Seen) -> Rule:
    earlier = case.get("follows")
    if isinstance(earlier, str) and unicodedata.normalize("NFC", earlier) not in seen.ids:
        problem = f'there is no earlier case "{earlier}".'
        hint = "Name a case that stands before this one."
        yield source.problem((*path, "follows"), problem, hint=hint)


def _messages(source: Source, case: Mapping[str, Any], path: Where) -> Rule:
    given = [key for key in ("prompt", "messages") if key in case]
    if len(given) != 1:
        problem = "has both prompt and messages." if given else "has neither prompt nor messages."
        yield source.problem(path, problem, hint="Give one of them.")
    messages = case.get("messages")
    turns = [turn.get("role") for _, turn in _blocks(messages)]
    if turns and turns[-1] != "user" and isinstance(messages, list):
        last = (*path, "messages", len(messages) - 1)
        problem = f"the last message is from {turns[-1]}, not from the user."
        yield source.problem(last, problem, hint="End with what the model must answer.")
    for index, role in enumerate(turns):
        if role == "system" and index > 0:
            place = (*path, "messages", index, "role")
            yield source.problem(
                place, "a system message must come first.", hint="Move it to the top."
            )


def _tags(source: Source, block: Mapping[str, Any], path: Where, seen: Seen | None) -> Rule:
    tags = block.get("tags")
    given: set[str] = set()
    listed = [((*path, "tags"), tags)] if isinstance(tags, str) else []
    if isinstance(tags, list):
        listed = [((*path, "tags", index), tag) for index, tag in enumerate(tags)]
    for place, tag in listed:
        if not isinstance(tag, str):
            continue
        if tag in given:
            yield source.problem(place, f'tag "{tag}" stands there twice.', hint="Remove one.")
        given.add(tag)
        if problem := seen.tag_problem(tag) if seen else tag_problem(tag):
            hint = _TAG_HINT if problem.startswith("tags") else "Shorten or correct it."
            yield source.problem(place, problem, hint=hint)


def _criteria(source: Source, case: Mapping[str, Any], path: Where) -> Rule:
    given: dict[str, Where] = {}
    number = 0
    for part in ("criteria", "checks"):
        for index, block in _blocks(case.get(part)):
            number += 1
            place = (*path, part, index)
            name = block.get("id", str(number))
            first = given.setdefault(name, place) if isinstance(name, str) else place
            if first != place:
                problem = f'criterion id "{name}" is already used on line {source.line(first)}.'
                yield source.problem((*place, "id"), problem, hint="Rename one of them.")
            # criterion tags group scores and never become markers, so they cannot clash
            yield from _tags(source, block, place, None)
            if part == "checks":
                yield from _check(source, block, place)


def _check(source: Source, block: Mapping[str, Any], path: Where) -> Rule:
    names = [name for name in block if name in checks.CHECKS]
    known = schema()["$defs"]["check"]["properties"]
    if not names and any(name not in known for name in block):
        return
    if len(names) != 1:
        problem = f"holds {' and '.join(names)}." if names else "names no check."
        hint = "Write one entry for each." if names else f"Known: {', '.join(checks.CHECKS)}."
        yield source.problem(path, problem, hint=hint)
    elif fits("check", block) and (wrong := checks.validate(names[0], block[names[0]])):
        yield source.problem((*path, names[0]), f"{wrong}.")


def _points(source: Source, case: Mapping[str, Any], path: Where, grader: str) -> Rule:
    blocks = [block for part in ("criteria", "checks") for _, block in _blocks(case.get(part))]
    points = [block.get("points", 1) for block in blocks]
    numbers = [p for p in points if isinstance(p, int | float) and not isinstance(p, bool)]
    if len(numbers) < len(points):
        return
    criteria = tuple(Criterion(id="", text="", points=number) for number in numbers)
    if problem := points_problem(criteria, grader):
        place = (*path, "criteria") if "criteria" in case else path
        yield source.problem(place, problem, hint="Add one with points above 0.")
