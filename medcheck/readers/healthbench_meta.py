"""HealthBench's meta-evaluation: answers, one criterion each, and what physicians said of it.

The model under test is the grader; the answer it judges stands in `Case.answers`.

Source: simple-evals healthbench_meta_eval.py (record layout).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import any_text, checked_object, each, filled_list, filled_text, shown, texts
from medcheck.readers._examples import turns
from medcheck.types import Case, Criterion, Origin

PROTOCOL = "official"
OPTIONS: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
ANSWER = "completion"
CRITERION = "1"

_FIELDS = (
    "anonymized_physician_ids",
    "binary_labels",
    "category",
    "completion",
    "completion_id",
    "prompt",
    "prompt_id",
    "rubric",
)
_OPTIONAL = ("canary",)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Case]:
    """Yield a case for each row, in file order: `meta-LINE`, since no field of a row is unique.

    `answers["completion"]` is what to judge, `labels["1"]` the physicians' verdicts on the one
    criterion, `labels["physicians"]` who gave them, the one tag the category.

    Raises:
        DatasetError: every malformed line, at most 50; after the first one no case is yielded.
    """
    del options
    builder, found = _Builder(path=str(path)), 0
    for case in each(Path(path), builder.case, hint="Run: medcheck fetch healthbench_meta"):
        found += 1
        yield case
    if not found:
        raise DatasetError("no row.", where=str(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    path: str
    shared: dict[str, Any] = field(default_factory=dict)
    """The few texts and criteria that thousands of rows have in common."""

    def case(self, number: int, found: object) -> Case:
        row = checked_object(found, _FIELDS, _OPTIONAL, "the line")
        for name in ("prompt_id", "completion_id"):
            filled_text(row[name], name)
        category = filled_text(row["category"], "category")
        rubric = filled_text(row["rubric"], "rubric")
        criterion = Criterion(id=CRITERION, text=rubric, points=1.0)
        return Case(
            id=f"meta-{number}",
            suite="",
            messages=turns(row["prompt"]),
            grader="",
            criteria=self.shared.setdefault(f"criterion {rubric}", (criterion,)),
            tags=self.shared.setdefault(f"tag {category}", (category,)),
            labels=self._labels(row["binary_labels"], row["anonymized_physician_ids"]),
            answers={ANSWER: (any_text(row["completion"], "completion"),)},
            origin=Origin(path=self.path, line=number),
        )

    def _labels(self, labels: object, physicians: object) -> Mapping[str, Any]:
        given = filled_list(labels, "binary_labels")
        for position, label in enumerate(given):
            if not isinstance(label, bool):
                wrong = shown(label)
                raise DatasetError(f"binary_labels[{position}] is {wrong}, expected true or false.")
        names = texts(physicians, "anonymized_physician_ids")
        if len(names) != len(given):
            raise DatasetError(f"{len(given)} binary_labels, but {len(names)} physicians.")
        shared = [self.shared.setdefault(f"physician {name}", name) for name in names]
        return {CRITERION: given, "physicians": shared}
