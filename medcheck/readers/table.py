"""Any table as cases: columns mapped by the suite, a prompt template, gold or criteria.

CSV, TSV, JSON, JSON lines, xlsx, and folders of .txt files. The mappings of MedHELM's other public
sets are the suites `cases/medhelm_*.yaml`; sets under an agreement are read the same way by those
who have them.

Source: medhelm.md sections 2 and 9.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, SettingsError, located
from medcheck.lines import Record, checked_object, filled_list, shown
from medcheck.readers import _medhelm, _medhelm_lint, _tables
from medcheck.readers._examples import checked_points
from medcheck.readers._medhelm import Row
from medcheck.readers._medhelm_lint import Doubt
from medcheck.readers._table_options import COUNT_OPTION, OPTIONS, TaskPlace, place_of
from medcheck.readers._table_parts import (
    Prompt,
    choices_of,
    cut,
    json_of,
    letter_of,
    mapped,
    spelled,
    text_of,
    value_of,
)
from medcheck.types import Case, Criterion, Message, Origin

__all__ = ["FOLDERS", "OPTIONS", "lint", "read"]

FOLDERS = True
"""Its data may be a folder of texts."""
CHECKLIST = "score"
CHECKLIST_SCALE = (1.0, 5.0)
_EMPTY = ("", None)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield the cases of every row: NAME-N, or NAME-N-VARIANT where a row makes several.

    N counts the rows from 1, left out ones included. `labels["task"]` holds `name`, the `facts`
    that the suite maps, `options` by letter where there are some, and `key`.

    Raises:
        DatasetError: every row that cannot be used.
        SettingsError: the template, or a setting that contradicts another one.
    """
    builder = _Builder.of(Path(path), options)
    rows = _tables.rows(Path(path), sheet=options.get("sheet"), records=options.get("records"))
    found = _medhelm.built(Path(path), builder.wanted(rows), builder.case)
    return islice(found, options.get("limit"))


def lint(cases: Iterable[Case], options: Mapping[str, Any] | None = None) -> tuple[Doubt, ...]:
    """Return what is doubtful about the cases."""
    columns = Prompt(options["prompt"]).columns if options and "prompt" in options else ()
    return _medhelm_lint.findings(cases, functools.partial(_empty_cells, columns))


def _empty_cells(columns: Sequence[str], cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find prompts that lack what a column should say."""
    for name in columns:
        found = [case for case in cases if case.origin and _is_empty(case.origin.record, name)]
        text = f'column "{name}" of the prompt is empty. Leave these out, or say so with an if.'
        yield from _medhelm_lint.doubt("warning", "empty_cell", text, found)


def _is_empty(record: object, name: str) -> bool:
    if not isinstance(record, Mapping) or name not in record:
        return False
    found = record[name]
    return found is None or (isinstance(found, str) and not found.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variant:
    """One of the cases that a row makes."""

    name: str
    columns: Mapping[str, str]
    """Further names of columns, for the template."""
    gold: str | None
    """A constant in the place of a column."""


_PLAIN = _Variant(name="", columns={}, gold=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    path: Path
    options: Mapping[str, Any]
    place: TaskPlace
    prompt: Prompt
    variants: tuple[_Variant, ...]
    seen: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, options: Mapping[str, Any]) -> _Builder:
        """Return the builder that a suite's options describe."""
        if "prompt" not in options:
            hint = "A Jinja template over the columns: {{ question }}."
            raise SettingsError("data.options.prompt is missing.", hint=hint)
        variants = tuple(
            _Variant(name=entry["name"], columns=entry.get("columns", {}), gold=entry.get("gold"))
            for entry in options.get("each", ())
        )
        return cls(
            path=path,
            options=options,
            place=place_of(path, options),
            prompt=Prompt(options["prompt"]),
            variants=variants or (_PLAIN,),
        )

    def wanted(self, rows: Iterable[Row]) -> Iterator[tuple[int, Row, _Variant]]:
        """Yield the rows that the filter lets through, with their numbers, for each variant."""
        keep = {name: _listed(value) for name, value in self.options.get("keep", {}).items()}
        for number, row in enumerate(rows, start=1):
            with located(f"{self.path}:{row[0]}"):
                passes = all(text_of(row[1], name) in values for name, values in keep.items())
            if passes:
                yield from ((number, row, variant) for variant in self.variants)

    def case(self, _: int, found: tuple[int, Row, _Variant]) -> Case | None:
        """Return the case of a row; `None`: it has no section to ask for."""
        number, (line, record), variant = found
        with located(f"{self.path}:{line}"):
            return self._case(number, line, record, variant)

    def _case(self, number: int, line: int, record: Record, variant: _Variant) -> Case | None:
        row = {**record, **{new: value_of(record, old) for new, old in variant.columns.items()}}
        gold: tuple[str, ...] | None = None
        if section := self.options.get("section"):
            parts = cut(text_of(row, section["column"]), section["names"])
            if parts is None:
                return None
            row[section["column"]], gold = parts[0], parts[1:]
        options = self._choices(row)
        closed = "answer" in self.options or variant.gold is not None
        references = gold or self._references(row, options, variant)
        return Case(
            id="-".join(filter(None, (self.place.name, str(number), variant.name))),
            suite="",
            messages=(Message(role="user", text=self.prompt.render(row, options or None)),),
            grader="",
            criteria=self._criteria(row) or ((_medhelm.ANSWER,) if closed else ()),
            references=references,
            tags=self._tags(row, variant),
            category=self.place.path,
            labels={"task": self._facts(row, options, line, variant)},
            origin=Origin(path=str(self.path), line=line, record=record),
        )

    def _choices(self, row: Record) -> Mapping[str, str]:
        columns = self.options.get("choices")
        if columns is None:
            return {}
        if "options" in row and "options" not in _listed(columns):
            problem = "data.options.prompt: {{ options }} is a column, and the block of choices."
            raise SettingsError(problem, hint="Give the column another name.")
        return choices_of(row, columns)

    def _references(
        self, row: Record, options: Mapping[str, str], variant: _Variant
    ) -> tuple[str, ...]:
        if variant.gold is not None:
            return (variant.gold,)
        if name := self.options.get("answer"):
            found = text_of(row, name)
            answers = self.options.get("answers", {})
            if not found and found not in answers:
                raise DatasetError(f'column "{name}" has no answer.')
            gold = str(mapped(found, answers, name))
            how = self.options.get("answer_is", COUNT_OPTION)
            return (letter_of(gold, options, how) if options else gold,)
        texts = (text_of(row, name) for name in _listed(self.options.get("references", ())))
        return tuple(text for text in texts if text)

    def _criteria(self, row: Record) -> tuple[Criterion, ...]:
        if name := self.options.get("checklist"):
            text = text_of(row, name)
            if not text:
                raise DatasetError(f'column "{name}" has no checklist.')
            return (Criterion(id=CHECKLIST, text=text, points=1.0, scale=CHECKLIST_SCALE),)
        if name := self.options.get("criteria"):
            listed = filled_list(json_of(row, name), f'column "{name}"')
            return tuple(_criterion(item, at) for at, item in enumerate(listed, start=1))
        return ()

    def _tags(self, row: Record, variant: _Variant) -> tuple[str, ...]:
        mapped = self.options.get("tags", {})
        texts = ((prefix, text_of(row, name)) for prefix, name in mapped.items())
        tags = [*self.place.tags, *(f"{prefix}:{text}" for prefix, text in texts if text)]
        return (*tags, f"variant:{variant.name}") if variant.name else tuple(tags)

    def _facts(
        self, row: Record, options: Mapping[str, str], line: int, variant: _Variant
    ) -> dict[str, Any]:
        found: dict[str, Any] = {"name": self.place.name}
        for name, column in self.options.get("facts", {}).items():
            value = value_of(row, column)
            if value not in _EMPTY:
                found[name] = value
        if options:
            found["options"] = dict(options)
        if key := self.options.get("key"):
            text = text_of(row, key)
            if text and self.seen.setdefault(f"{text} {variant.name}", line) != line:
                first = self.seen[f"{text} {variant.name}"]
                problem = f'column "{key}": {shown(text)} stands already in row {first}.'
                raise DatasetError(problem, hint="Correct it, or leave data.options.key out.")
            found["key"] = f"{text}-{variant.name}" if variant.name else text
        return found


def _criterion(item: object, number: int) -> Criterion:
    known = ("id", "criterion", "text", "points", "tags", "level", "zero_tolerance")
    fields = checked_object(item, (), known, f"criterion {number}")
    text = fields.get("criterion", fields.get("text"))
    if not isinstance(text, str) or not text.strip():
        raise DatasetError(f"criterion {number} has no text.")
    points = checked_points(fields.get("points", 1), f"criterion {number}: points")
    return Criterion(
        id=str(fields.get("id", number)),
        text=text.strip(),
        points=points,
        level=fields.get("level"),
        zero_tolerance=bool(fields.get("zero_tolerance", False)),
        tags=tuple(map(str, fields.get("tags", ()))),
    )


def _listed(value: Any) -> tuple[str, ...]:
    return tuple(map(spelled, value if isinstance(value, (list, tuple)) else (value,)))
