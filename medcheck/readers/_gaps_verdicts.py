"""Recorded GAPS verdicts become ballots again: the original's output workbook, or JSON lines.

The workbook lost points to the cell limit; what its other two columns still hold is restored, and
marked as what the original did not score.

Source: gaps.md sections 1 to 4 and 8; data/gaps/README.md (JSON lines).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError, located
from medcheck.lines import checked_object, each, filled_list, parsed
from medcheck.readers import _rubric_lint, _workbook
from medcheck.scoring import voting
from medcheck.scoring.gaps import POLARITY, WEIGHTS
from medcheck.scoring.truncation import leading_objects
from medcheck.types import Ballot, Criterion, Verdict

_JUDGMENTS: Mapping[str, bool] = {"Met": True, "Not Met": False}
_NEEDED = ("id", "answer", "points")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One judged answer."""

    case_id: str
    model: str
    """In a workbook: the answer's column."""
    category: str
    answer: str
    verdicts: tuple[Verdict, ...]
    """In rubric order, voted anew under `gaps`; a point whose verdicts are lost is `not_run`."""
    scored: frozenset[str]
    """Ids of the points that the original scored."""
    finals: Mapping[str, str] = field(default_factory=dict)
    """The original's own votes by point id (`Met`, `Not Met`, `ReviewNeeded`)."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """The original's score object; empty: not there."""

    @property
    def kept(self) -> tuple[Verdict, ...]:
        """The verdicts that the original scored."""
        return tuple(v for v in self.verdicts if v.criterion.id in self.scored)

    @property
    def there(self) -> tuple[Verdict, ...]:
        """The verdicts that are not lost."""
        return tuple(v for v in self.verdicts if v.state != "not_run")


def read_verdicts(
    path: Path, *, column: str | None = None, prefix: str = "gaps-nsclc"
) -> Iterator[Recorded]:
    """Yield the recorded answers of a file, in its order.

    Args:
        path: a workbook with the original's columns, or JSON lines, plain or gzipped.
        column: the answer's column in a workbook; `None`: the only one that was judged.
        prefix: of the case ids that stand for the workbook's index.

    Raises:
        DatasetError: the file cannot be read, or a row is wrong.
    """
    if path.suffix.lower() != ".xlsx":
        yield from each(path, lambda _number, found: _of_line(found))
        return
    name = column or _judged_column(path)
    for number, row in _workbook.rows(path):
        with located(f"{path}:{number}"):
            yield _of_row(row, name, prefix)


def _judged_column(path: Path) -> str:
    ending = "_judged_json"
    names = [n.removesuffix(ending) for n in _workbook.columns(path) if n.endswith(ending)]
    if len(names) != 1:
        found = ", ".join(names) or "none"
        raise DatasetError(
            f"one judged answer column is expected, found {found}.",
            hint="Name the column.",
            where=str(path),
        )
    return names[0]


def _of_row(row: Mapping[str, str], column: str, prefix: str) -> Recorded:
    rubric = filled_list(_json(row, "rubrics"), 'column "rubrics"')
    judged = _items(row, f"{column}_judged_json")
    there = dict(judged)
    for name in ("positive_items", "negative_items"):
        there = {**_items(row, f"{column}_{name}"), **there}
    card = _json(row, f"{column}_judged_json_scores") or {}
    return Recorded(
        case_id=f"{prefix}-{int(row['index']):03d}",
        model=column,
        category=row.get("分类", ""),
        answer=row.get(column, ""),
        verdicts=tuple(_verdict(point, _judges(there.get(str(point["id"])))) for point in rubric),
        scored=frozenset(judged),
        finals={name: str(item["judge_results"]["final_results"]) for name, item in there.items()},
        card=card if isinstance(card, dict) else {},
    )


def _of_line(found: object) -> Recorded:
    record = checked_object(found, _NEEDED, None, "the line")
    points = filled_list(record["points"], "points")
    return Recorded(
        case_id=record["id"],
        model=str(record.get("model", "")),
        category=str(record.get("category", "")),
        answer=record["answer"],
        verdicts=tuple(_verdict(point, _told(point)) for point in points),
        scored=frozenset(str(point["id"]) for point in points if point.get("scored", True)),
        finals={str(point["id"]): point["final"] for point in points if point.get("final")},
        card=record.get("recorded") or {},
    )


def _json(row: Mapping[str, str], column: str) -> object:
    text = row.get(column)
    if text is None:
        return None
    try:
        return parsed(text.encode("utf-8", "surrogatepass"))
    except DatasetError as error:
        raise DatasetError(f'column "{column}": {error.message}') from None


def _items(row: Mapping[str, str], column: str) -> dict[str, Any]:
    """Return the complete points of a column that may be cut off, by id."""
    return {str(item["id"]): item for item in leading_objects(row.get(column, ""))}


def _judges(item: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    """Return judge, judgment and explanation of each record; empty: lost."""
    if item is None:
        return []
    records = item["judge_results"]["origin_results"]
    return [(r["model_id"], r["judgment"], r.get("explanation") or "") for r in records]


def _told(point: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    explanations = point.get("explanations", {})
    return [(j, said, explanations.get(j, "")) for j, said in point.get("judges", {}).items()]


def _verdict(point: Mapping[str, Any], judges: list[tuple[str, str, str]]) -> Verdict:
    level = str(point["level"]).strip()
    criterion = Criterion(
        id=str(point["id"]),
        text=str(point.get("claim", "")).strip(),
        points=WEIGHTS.get(level, 0.0),
        level=level,
        tags=(f"tier:{level}", f"{POLARITY}{_rubric_lint.type_of(point)}"),
    )
    return voting.vote(criterion, [_ballot(*judge) for judge in judges], "gaps")


def _ballot(judge: str, judgment: str, explanation: str) -> Ballot:
    met = _JUDGMENTS.get(judgment)
    if met is None:
        return Ballot(
            judge=judge, state="judge_error", value=None, label=voting.UNUSABLE,
            explanation=explanation, error=f"recorded as {judgment}",
        )  # fmt: skip
    return Ballot(
        judge=judge, state="met" if met else "not_met", value=float(met), explanation=explanation
    )
