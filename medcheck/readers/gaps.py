"""GAPS questions: the official workbook, or JSON lines, plain or gzipped.

A point is a criterion whose level decides its weight and whose type decides the judge's question
(tag `polarity:`). A variant of a question (P1 to P3) names its `base`, shares its points and adds
its own. Recorded verdicts are read by `_gaps_verdicts`.

Source: gaps.md sections 1 and 10 (AQ-MedAI/MedicalAiBenchEval at 85e91cf).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, SettingsError, located
from medcheck.lines import MAX_ERRORS, each, filled_list, filled_text, parsed, shown, texts
from medcheck.readers import _rubric_lint, _workbook
from medcheck.readers._beside import Beside, cut_off, fills_cell
from medcheck.readers._examples import check_new
from medcheck.readers._rubric_lint import Finding
from medcheck.scoring.gaps import POLARITY, PREFIX, WEIGHTS
from medcheck.types import Case, Criterion, Message, Origin

PROTOCOL = "official"
_NAME = {"type": "string", "minLength": 1}
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "question_column": {**_NAME, "description": "Default: question."},
        "rubric_column": {
            **_NAME,
            "description": "Default: rubrics, else final_merged_json; in JSON lines also points.",
        },
        "category_column": {
            **_NAME,
            "description": "Default: 分类, else category; in JSON lines category.",
        },
        "index_column": {**_NAME, "description": "Default: index."},
        "base_column": {**_NAME, "description": "The question a variant is of. Default: base."},
        "perturbation_column": {**_NAME, "description": "P0 to P3. Default: perturbation."},
        "answer_columns": {
            "type": "array",
            "items": _NAME,
            "description": "Columns of a workbook that hold answers; default: all other columns.",
        },
        "sheet": {**_NAME, "description": "Sheet of a workbook; default: the first."},
        "prefix": {**_NAME, "description": "Of the case ids; default: gaps-nsclc."},
        "weights": {
            "type": "object",
            "additionalProperties": {"type": "number"},
            "description": "Points by level, in place of A1 5, A2 3, A3 1 and S1 -1 to S4 -4. "
            "Where irrelevant statements are graded, give them as the grader's points instead.",
        },
    },
    "additionalProperties": False,
}

NOT_ANSWERS = (
    "_judged_json", "_positive_items", "_negative_items", "_judge_summary", "_irrelevant_content",
    "_judged_json_scores",
)  # fmt: skip
"""Endings of the columns that the original and our own export add to an answer's column."""
_RUBRICS = ("rubrics", "final_merged_json")
"""Names of a workbook's rubric column: the data's, and that of the original's README."""
_OTHERS = (
    "id", "specialty", "difficulty", "lang", "source", "max_possible", "max_penalty", "desc",
)  # fmt: skip
_LABELS = ("specialty", "difficulty", "lang")
"""Columns that become tags; the first two are the community file's."""

Record = Mapping[str, Any]


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each question, in file order.

    `answers` holds the text of every filled answer column. Tags: `grounding:G1` to `G4` (another
    category is `category:...`), `perturbation:P0` to `P3`, and `base:ID` where a question has
    variants. Criteria are tagged `tier:LEVEL` and `polarity:positive` or `negative`; a level
    without a weight has 0 points.

    Raises:
        DatasetError: every row that cannot be used, with its column, at most 50; errors of the
            rubric lint included. Its warnings are left to `lint`.
        SettingsError: a weight has the wrong sign.
    """
    builder = _Builder(path=str(path), layout=_Layout.of(Path(path), options))
    rows = list(_rows(Path(path), builder.layout))
    builder.bases.update(str(row[builder.layout.base]) for _, row in rows if _base(builder, row))
    cases, errors = [], []
    for number, record in rows:
        try:
            cases.append(builder.case(number, record))
        except DatasetError as error:
            error.where = f"{path}:{number}"
            errors.append(str(error))
    if errors:
        raise DatasetError("\n".join(errors[:MAX_ERRORS]))
    if not cases:
        raise DatasetError("no question.", where=str(path))
    yield from cases


def lint(cases: Iterable[Case], options: Mapping[str, Any] | None = None) -> tuple[Finding, ...]:
    """Return what is doubtful about the rubrics and answers of cases that `read` gave.

    Args:
        cases: with their `origin`; a variant's shared points are looked at once, with its base.
        options: those of the reader.
    """
    found: list[Finding] = []
    for case in cases:
        if case.origin is None or not isinstance(case.origin.record, Mapping):
            continue
        layout = _Layout.of(Path(case.origin.path), options or {})
        column = layout.rubric_of(case.origin.record)
        if column not in case.origin.record:
            continue
        place = _rubric_lint.Place(row=case.origin.line, column=column, case_id=case.id)
        points = _points(case.origin.record, column)
        found += _rubric_lint.findings(points, place, levels=layout.weights)
        found += [] if any(c.points > 0 for c in case.criteria) else [_nothing_to_earn(place)]
        found += [cut_off(place, n) for n, texts in case.answers.items() if fills_cell(texts[0])]
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Names of the columns, and what else the options say."""

    workbook: bool
    question: str
    rubrics: tuple[str, ...]
    """Possible names; the first that a row has counts."""
    category: tuple[str, ...]
    """Possible names; the first that a row has filled counts."""
    index: str
    base: str
    perturbation: str
    answers: tuple[str, ...] | None
    sheet: str | None
    prefix: str
    weights: Mapping[str, float]

    @classmethod
    def of(cls, path: Path, options: Mapping[str, Any]) -> _Layout:
        """Return the layout of a file; its name tells a workbook from JSON lines."""
        workbook = path.suffix.lower() in (".xlsx", ".xlsm")
        weights = {**WEIGHTS, **options["weights"]} if options.get("weights") else WEIGHTS
        for level, weight in weights.items():
            if (level[:1] == "A" and weight < 0) or (level[:1] == "S" and weight > 0):
                raise SettingsError(
                    f"weights.{level} is {weight:g}.", hint="A levels earn, S levels cost points."
                )
        rubric, category = options.get("rubric_column"), options.get("category_column")
        answers = options.get("answer_columns")
        return cls(
            workbook=workbook,
            question=options.get("question_column", "question"),
            rubrics=(rubric,) if rubric else _RUBRICS if workbook else ("points", "rubrics"),
            category=(category,)
            if category
            else ("分类", "category")
            if workbook
            else ("category",),
            index=options.get("index_column", "index"),
            base=options.get("base_column", "base"),
            perturbation=options.get("perturbation_column", "perturbation"),
            answers=None if answers is None else tuple(answers),
            sheet=options.get("sheet"),
            prefix=options.get("prefix", PREFIX),
            weights=weights,
        )

    @property
    def own(self) -> set[str]:
        """The columns that hold no answer."""
        named = {self.question, self.index, self.base, self.perturbation}
        return {*named, *self.category, *self.rubrics, *_OTHERS}

    def answers_in(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return the columns of a workbook that hold answers."""
        if self.answers is not None:
            return self.answers
        return tuple(n for n in columns if n not in self.own and not n.endswith(NOT_ANSWERS))

    def category_of(self, record: Record) -> str:
        """Return a row's category; empty: it has none."""
        found = (str(record.get(name) or "").strip() for name in self.category)
        return next(filter(None, found), "")

    def rubric_of(self, record: Record) -> str:
        """Return the name of the column that holds a row's points."""
        return next((name for name in self.rubrics if name in record), self.rubrics[0])

    def id_of(self, name: str) -> str:
        """Return the case id that an index stands for; any other name is one already."""
        return f"{self.prefix}-{int(name):03d}" if name.isdecimal() else name


def _rows(path: Path, layout: _Layout) -> Iterator[tuple[int, Record]]:
    if not layout.workbook:
        yield from each(path, lambda number, found: (number, _json_record(found, layout)))
        return
    there = _workbook.columns(path, sheet=layout.sheet)
    rubric = next((name for name in layout.rubrics if name in there), layout.rubrics[0])
    wanted = (layout.question, rubric, *(layout.answers or ()))
    if missing := [name for name in wanted if name not in there]:
        raise DatasetError(
            f'no column "{missing[0]}".',
            hint=f"There are: {', '.join(there)}. Name another under data.options.",
            where=f"{path}:1",
        )
    beside = Beside(path, there)
    long = (layout.question, rubric, *layout.answers_in(there))
    for number, record in _workbook.rows(path, sheet=layout.sheet):
        with located(f"{path}:{number}"):
            restored = beside.restored(record, long)
        yield number, restored


def _json_record(found: object, layout: _Layout) -> Record:
    if not isinstance(found, dict):
        raise DatasetError(f"the line is {shown(found)}, expected an object.")
    if unknown := found.keys() - layout.own - {"answers"}:
        known = ", ".join(sorted(layout.own | {"answers"}))
        raise DatasetError(f'unknown field "{min(unknown)}".', hint=f"Known: {known}.")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    """Makes cases of rows, in their order."""

    path: str
    layout: _Layout
    seen: dict[str, int] = field(default_factory=dict)
    """The row of each case id."""
    bases: set[str] = field(default_factory=set)
    """What the variants of the file call their bases."""
    made: dict[str, Case] = field(default_factory=dict)

    def case(self, number: int, record: Record) -> Case:
        """Return the case of a row.

        Raises:
            DatasetError: the row cannot be used; the message names the column.
        """
        case_id = self._id(number, record)
        check_new("the question", case_id, number, self.seen)
        base = self._base(case_id, record)
        question = filled_text(record.get(self.layout.question), self.layout.question)
        column = self.layout.rubric_of(record)
        points = [] if base and column not in record else _points(record, column)
        self._check(points, base, number, column)
        own = tuple(self._criterion(point, at) for at, point in enumerate(points, start=1))
        category = self.layout.category_of(record)
        case = Case(
            id=case_id,
            suite="",
            messages=(Message(role="user", text=question),),
            grader="",
            criteria=(*(base.criteria if base else ()), *own),
            tags=(*self._tags(case_id, record, base), *_labels(record)),
            category=(category,) if category else base.category if base else (),
            answers=_answers(record, self.layout),
            origin=Origin(path=self.path, line=number, record=record),
        )
        return self.made.setdefault(case_id, case)

    def _id(self, number: int, record: Record) -> str:
        if isinstance(record.get("id"), str) and record["id"]:
            return str(record["id"])
        index = str(record.get(self.layout.index, "")).strip()
        if not index:
            index = str(number - 1 if self.layout.workbook else number)
        name = self.layout.id_of(index)
        whole = name != index or index.startswith(f"{self.layout.prefix}-")
        return name if whole else f"{self.layout.prefix}-{index}"

    def _base(self, case_id: str, record: Record) -> Case | None:
        name, kind = _base(self, record), self._perturbation(record)
        if not name:
            if kind != "P0":
                column = self.layout.base
                raise DatasetError(f'{kind} needs the question it is of in "{column}".')
            return None
        if kind == "P0":
            raise DatasetError(f'column "{self.layout.perturbation}": a variant is P1, P2 or P3.')
        base_id = self.layout.id_of(name)
        if base_id == case_id or base_id not in self.made:
            raise DatasetError(
                f'column "{self.layout.base}": no earlier question "{name}".',
                hint="Put a variant below the question that it is of.",
            )
        return self.made[base_id]

    def _perturbation(self, record: Record) -> str:
        kind = str(record.get(self.layout.perturbation) or "P0").strip()
        if not re.fullmatch("P[0-3]", kind):
            column = self.layout.perturbation
            raise DatasetError(f'column "{column}" is {shown(kind)}, expected P0, P1, P2 or P3.')
        return kind

    def _tags(self, case_id: str, record: Record, base: Case | None) -> tuple[str, ...]:
        category = self.layout.category_of(record)
        if not category and base:
            category = base.category[0] if base.category else ""
        prefix = "grounding" if re.fullmatch(r"G\d", category) else "category"
        tags: tuple[str, ...] = (f"{prefix}:{category}",) if category else ()
        tags += (f"perturbation:{self._perturbation(record)}",)
        of = base.id if base else case_id
        has_variants = base or {self.layout.id_of(name) for name in self.bases} & {case_id}
        return (*tags, f"base:{of}") if has_variants else tags

    def _check(self, points: Sequence[Record], base: Case | None, row: int, column: str) -> None:
        place = _rubric_lint.Place(row=row, column=column)
        errors = [
            f'column "{column}", point "{finding.point}": {finding.message}'
            for finding in _rubric_lint.findings(points, place, levels=self.layout.weights)
            if finding.severity == "error"
        ]
        shared = {criterion.id for criterion in base.criteria} if base else set()
        for point in points:
            if str(point.get("id", "")) in shared:
                text = f'point "{point["id"]}" has the id of a point of the base question.'
                errors.append(f'column "{column}", {text} Number it anew.')
        if errors:
            raise DatasetError(" ".join(errors))

    def _criterion(self, point: Record, position: int) -> Criterion:
        level = str(point["level"]).strip()
        return Criterion(
            id=str(point.get("id", position)),
            text=str(point["claim"]).strip(),
            points=float(self.layout.weights.get(level, 0.0)),
            level=level,
            tags=(f"tier:{level}", f"{POLARITY}{_rubric_lint.type_of(point)}"),
        )


def _nothing_to_earn(place: _rubric_lint.Place) -> Finding:
    return Finding(
        severity="warning",
        rule="nothing_to_earn",
        message="no point can be earned: the score is 0 (protocol: official), or there is none.",
        row=place.row,
        column=place.column,
        case_id=place.case_id,
    )


def _base(builder: _Builder, record: Record) -> str:
    return str(record.get(builder.layout.base) or "").strip()


def _points(record: Record, column: str) -> list[dict[str, Any]]:
    """Return the points of a row: a list, or the JSON text of one."""
    found = record.get(column)
    if isinstance(found, str):
        try:
            found = parsed(found.encode("utf-8", "surrogatepass"))
        except DatasetError as error:
            raise DatasetError(f'column "{column}": {error.message}') from None
    points = filled_list(found, f'column "{column}"')
    for position, point in enumerate(points, start=1):
        where = f'column "{column}", point {position}'
        if not isinstance(point, dict):
            raise DatasetError(f"{where} is {shown(point)}, expected an object.")
        for name in ("claim", "level"):
            if not isinstance(point.get(name), str) or not point[name].strip():
                raise DatasetError(f"{where}: {name} is {shown(point.get(name))}, not a text.")
        if not isinstance(point.get("id", ""), (int, str)):
            raise DatasetError(f"{where}: id is {shown(point['id'])}, not a number or a text.")
    return points


def _labels(record: Record) -> tuple[str, ...]:
    return tuple(f"{name}:{text}" for name in _LABELS if (text := record.get(name)))


def _answers(record: Record, layout: _Layout) -> dict[str, tuple[str, ...]]:
    if not layout.workbook:
        given = record.get("answers") or {}
        if not isinstance(given, dict):
            raise DatasetError(f"answers is {shown(given)}, expected an object.")
        lists = {n: [text] if isinstance(text, str) else text for n, text in given.items()}
        return {name: texts(found, f"answers.{name}") for name, found in lists.items() if found}
    # A cell of spaces is a blank one to whoever filled the workbook.
    cells = {name: str(record.get(name) or "") for name in layout.answers_in(record)}
    return {name: (text,) for name, text in cells.items() if text.strip()}
