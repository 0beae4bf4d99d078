"""Labels find the points of a run that they are about; what they say becomes a number there.

Every label ends as a rating or as an error with its place: none is dropped, none is guessed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medcheck.errors import DatasetError, nearest
from medcheck.review.labels import Errors, Label, normalized, read
from medcheck.review.queue import Point, Stratum, item_of, points_of, seed_of
from medcheck.types import Run

WORDS: Mapping[str, tuple[str, ...]] = {
    "met": (
        "met", "met 符合", "yes", "y", "true", "1", "符合", "是", "满足", "达到", "有", "对", "√",
    ),
    "not met": (
        "not met", "not met 不符合", "not_met", "no", "n", "false", "0", "不符合", "否", "不是",
        "不满足", "未满足", "未符合", "没有", "无", "不对", "×",
    ),
    "cannot tell": (
        "cannot tell", "cannot tell 无法判断", "cannot_tell", "can't tell", "unsure", "unclear",
        "unknown", "?", "n/a", "na", "无法判断", "无法判定", "不确定", "不清楚", "不适用",
    ),
}  # fmt: skip
"""What a verdict may be called."""
_MEANT = {word: meant for meant, words in WORDS.items() for word in words}
_UNSURE = "cannot tell"

Place = tuple[str, str, str, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One person on one point."""

    item: str
    point: Point
    rater: str
    value: float | None
    """1 met, 0 not met, or within the point's scale; `None`: the person cannot tell."""
    comment: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """All ratings of some files, and the points of the run that they are a sample of."""

    run: str
    seed: int
    """Of the run."""
    ratings: tuple[Rating, ...]
    blank: int
    """Rows without a rating."""
    population: Mapping[tuple[tuple[float, float], Stratum], int] = field(default_factory=dict)
    """Points that judges decided on, by scale and stratum."""


def match(run: Run, paths: Sequence[Path]) -> Matched:
    """Return the ratings of all files with their points; reads the run's results once.

    Raises:
        DatasetError: a file cannot be read, a label is about no point or about several, says
            something else than the point asks for, or a person rated a point twice; all of these
            are named.
    """
    found = read(paths)
    index = _Index(run, found.labels)
    ratings: list[Rating] = []
    first: dict[tuple[str, str], str] = {}
    errors = Errors()
    for label in found.labels:
        try:
            item, point = index.find(label)
            value = value_of(label.value, point)
            _check_new(first, item, label)
        except DatasetError as error:
            errors.add(label.where, error)
            continue
        ratings.append(
            Rating(item=item, point=point, rater=label.rater, value=value,
                   comment=label.comment, where=label.where)
        )  # fmt: skip
    errors.raise_any()
    return Matched(
        run=run.id,
        seed=seed_of(run),
        ratings=tuple(ratings),
        blank=found.blank,
        population=dict(index.population),
    )


def value_of(text: str, point: Point) -> float | None:
    """Return what a text says about a point; `None`: it cannot be told.

    Raises:
        DatasetError: it says something else than is asked.
    """
    said = normalized(text)
    meant = _MEANT.get(said)
    if meant == _UNSURE:
        return None
    if point.kind != "scale":
        if meant is None:
            raise DatasetError(
                f'verdict "{text[:30]}", expected met, not met or cannot tell.',
                hint="符合, 不符合 and 无法判断 are understood as well.",
            )
        return float(meant == "met")
    low, high = point.scale
    try:
        value = float(said.removesuffix("分"))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise DatasetError(f'score "{text[:30]}", expected {low:g} to {high:g} or cannot tell.')
    return value


def _check_new(first: dict[tuple[str, str], str], item: str, label: Label) -> None:
    """Raise if the person rated the point before.

    Raises:
        DatasetError: names the other row.
    """
    key = (item, normalized(label.rater))
    if key in first:
        raise DatasetError(
            f"rater {label.rater} rated this point twice, first at {first[key]}.",
            hint="Delete one row, or tell two people apart in the column rater.",
        )
    first[key] = label.where


class _Index:
    """The points that labels may be about, and how many points there are."""

    def __init__(self, run: Run, labels: Iterable[Label]) -> None:
        self.run = run.id
        self.population: Counter[tuple[tuple[float, float], Stratum]] = Counter()
        self._items: dict[str, Point] = {}
        self._cases: dict[str, list[tuple[str, Point]]] = defaultdict(list)
        self._known: set[str] = set()
        labels = tuple(labels)
        items = {label.item for label in labels}
        cases = {label.case for label in labels if not label.item}
        for result in run.results:
            self._known.add(result.case_id)
            names = {result.case_id, f"{result.suite}::{result.case_id}"} & cases
            for point in points_of(result):
                if point.judged and point.stratum != "lost":
                    self.population[point.scale, point.stratum] += 1
                item = item_of(run, point)
                if item in items:
                    self._items[item] = point
                for name in names:
                    self._cases[name].append((item, point))

    def find(self, label: Label) -> tuple[str, Point]:
        """Return the one point that a label is about.

        Raises:
            DatasetError: there is none, or more than one.
        """
        if label.item:
            if label.item not in self._items:
                raise DatasetError(
                    f'item "{label.item[:30]}" is no point of the run {self.run}.',
                    hint="Name the run that the workbook was written from.",
                )
            return label.item, self._items[label.item]
        found = self._cases.get(label.case)
        if not found:
            if label.case in self._known:
                raise DatasetError(f'case "{label.case}": none of its answers was graded.')
            hint = nearest(label.case, self._known) if len(self._known) <= 30 else ""
            raise DatasetError(f'case "{label.case}" is not in the run {self.run}.', hint=hint)
        for name, given, of in _NARROWED:
            wanted = getattr(label, given)
            found = _narrowed(found, name, wanted, of)
        if len(found) > 1:
            raise DatasetError(
                f'criterion "{label.criterion[:30]}" is the text of {len(found)} points.',
                hint="Name the id of one.",
            )
        return found[0]


def _narrowed(
    found: list[tuple[str, Point]], name: str, wanted: str, of: str
) -> list[tuple[str, Point]]:
    """Return the points that have what a label names; without a name there must be no choice.

    Raises:
        DatasetError: none has it, or the name is needed and not there.
    """
    known = dict.fromkeys(str(getattr(point, of)) for _, point in found)
    few = f"{', '.join(list(known)[:8])}{' and others' if len(known) > 8 else ''}"
    if not wanted:
        if len(known) > 1:
            raise DatasetError(f"no {name} is named, but there are {few}.", hint="Add the column.")
        return found
    kept = [pair for pair in found if str(getattr(pair[1], of)) == wanted]
    if not kept and of == "criterion_id":
        kept = [pair for pair in found if normalized(pair[1].text) == normalized(wanted)]
    if not kept:
        raise DatasetError(f'{name} "{wanted[:30]}" is not there.', hint=f"There are: {few}.")
    return kept


_NARROWED = (
    ("suite", "suite", "suite"),
    ("model", "model", "model"),
    ("repeat", "repeat", "repeat"),
    ("criterion", "criterion", "criterion_id"),
)
"""What it is called, the label's field, the point's field."""
