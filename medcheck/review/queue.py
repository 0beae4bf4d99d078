"""Points of a run as people review them: their place, their votes, and which are worth a look.

A point is one criterion on one answer. Its item id shows neither and can be computed again from
the run, so that no key has to be kept. Nothing here reads labels or writes files.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from medcheck.scoring.gaps import IRRELEVANT, polarity_of
from medcheck.stats.means import row_seed
from medcheck.types import Ballot, Criterion, Result, Run, Verdict

Kind = Literal["requirement", "flaw", "scale"]
Stratum = Literal["undecided", "disputed", "agreed", "lost"]

AGREED_SHARE = 0.1
"""Of the points that no judge disputes, so that agreement is not measured on disputes alone."""
AGREED_LEAST = 50
"""Points; all where there are fewer."""
_BINARY = (0.0, 1.0)
_TOGETHER = ("base:", "round:")
"""Tags of cases that are not independent of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One criterion on one answer, without the answer."""

    suite: str
    case_id: str
    model: str
    repeat: int
    criterion_id: str
    text: str
    """Of the criterion."""
    kind: Kind
    """Whether meeting it is desirable, or that it has no met and not met."""
    scale: tuple[float, float]
    level: str | None
    category: str | None
    """The outermost."""
    panel: float | None
    """1 met, 0 not met, or within the scale; `None`: undecided or lost."""
    judges: Mapping[str, float | None]
    """The same by judge; repeats of a judge by majority, on a scale by mean."""
    stratum: Stratum
    """`lost`: a judge failed, so that there is nothing to review."""
    dispute: float
    """0 to 1: ballots beside the most frequent vote, or the ballots' spread on the scale."""
    judged: bool
    """Whether judges were asked about the text as it stands here: no check, no found statement."""
    cluster: str
    """What is drawn together in a bootstrap: the case, its base question or its conversation."""


def points_of(result: Result) -> Iterator[Point]:
    """Yield the points of an answer, in their order."""
    cluster = f"{result.suite}::{_cluster(result)}"
    for verdict in result.score.verdicts if result.score else ():
        yield _point(result, verdict, cluster)


def item_of(run: Run, point: Point) -> str:
    """Return the opaque id of a point: from the run's id and seed and the point's place."""
    place = (point.suite, point.case_id, point.model, point.repeat, point.criterion_id)
    text = json.dumps([run.id, seed_of(run), *place], ensure_ascii=True)
    # A letter before it, or a spreadsheet takes 12e4567890123456 for a number.
    return f"r{hashlib.sha256(text.encode('ascii')).hexdigest()[:16]}"


def seed_of(run: Run) -> int:
    """Return the seed that the run was made with."""
    return int(run.settings.get("seed") or 0)


def chosen(run: Run) -> tuple[str, ...]:
    """Return the items worth a review, in the order of review; reads the results once.

    Undecided points first, then disputed ones, the most disputed first, then a sample of the
    agreed ones in proportion to suite, model, category, kind and verdict. Within these the order
    is that of the ids, which is random and the same each time.
    """
    undecided: list[str] = []
    disputed: list[tuple[float, str]] = []
    agreed: list[tuple[tuple[str, ...], str]] = []
    for result in run.results:
        for point in points_of(result) if result.completion else ():
            item = item_of(run, point)
            if not point.judged or point.stratum == "lost":
                continue
            if point.stratum == "undecided":
                undecided.append(item)
            elif point.stratum == "disputed":
                disputed.append((-point.dispute, item))
            else:
                agreed.append((_group(point), item))
    order = [*sorted(undecided), *(item for _, item in sorted(disputed))]
    return (*order, *sorted(_sampled(agreed, row_seed(seed_of(run), run.id))))


def _sampled(agreed: Sequence[tuple[tuple[str, ...], str]], seed: int) -> Iterator[str]:
    """Yield every k-th of the sorted items, which takes from each group in proportion."""
    count = min(len(agreed), max(AGREED_LEAST, math.ceil(AGREED_SHARE * len(agreed))))
    ranked = sorted(agreed)
    start = seed / 2**64
    for number in range(count):
        yield ranked[int((number + start) * len(ranked) / count)][1]


def _group(point: Point) -> tuple[str, ...]:
    value = "" if point.panel is None else f"{point.panel:g}"
    return point.suite, point.model, point.category or "", point.kind, value


def _point(result: Result, verdict: Verdict, cluster: str) -> Point:
    criterion = verdict.criterion
    binary = criterion.scale == _BINARY
    votes = [_vote(ballot, binary=binary) for ballot in verdict.ballots if _cast(ballot)]
    panel = _rounded(verdict.value) if binary else verdict.value
    stratum: Stratum = "agreed"
    if verdict.state in ("judge_error", "not_run"):
        panel, stratum = None, "lost"
    elif panel is None:
        stratum = "undecided"
    elif len(set(votes)) > 1:
        stratum = "disputed"
    return Point(
        suite=result.suite,
        case_id=result.case_id,
        model=result.model,
        repeat=result.repeat,
        criterion_id=criterion.id,
        text=criterion.text,
        kind=kind_of(criterion),
        scale=criterion.scale,
        level=criterion.level,
        category=result.category[0] if result.category else None,
        panel=panel,
        judges=_by_judge(verdict.ballots, binary=binary),
        stratum=stratum,
        dispute=_dispute(votes, criterion),
        judged=criterion.check is None and IRRELEVANT not in criterion.tags,
        cluster=cluster,
    )


def kind_of(criterion: Criterion) -> Kind:
    """Return what meeting a criterion means."""
    if criterion.scale != _BINARY:
        return "scale"
    return "requirement" if polarity_of(criterion) == "positive" else "flaw"


def _by_judge(ballots: Iterable[Ballot], *, binary: bool) -> dict[str, float | None]:
    cast: dict[str, list[float]] = {}
    for ballot in ballots:
        values = cast.setdefault(ballot.judge, [])
        value = _vote(ballot, binary=binary) if _cast(ballot) else None
        if value is not None:
            values.append(value)
    means = {judge: sum(found) / len(found) if found else None for judge, found in cast.items()}
    return {judge: _rounded(mean) if binary else mean for judge, mean in means.items()}


def _cast(ballot: Ballot) -> bool:
    return ballot.state not in ("judge_error", "not_run")


def _vote(ballot: Ballot, *, binary: bool) -> float | None:
    return _rounded(ballot.value) if binary else ballot.value


def _rounded(value: float | None) -> float | None:
    """Return met or not met; a mean of exactly one half is neither."""
    if value is None or 2 * value == 1:
        return None
    return float(value > 0.5)


def _dispute(votes: Sequence[float | None], criterion: Criterion) -> float:
    if not votes:
        return 0.0
    if criterion.scale == _BINARY:
        return 1 - Counter(votes).most_common(1)[0][1] / len(votes)
    low, high = criterion.scale
    found = [vote for vote in votes if vote is not None]
    return (max(found) - min(found)) / (high - low) if found else 1.0


def _cluster(result: Result) -> str:
    """Return the case, the base question that it varies, or the conversation that it goes on."""
    tags = dict(tag.split(":", 1) for tag in result.tags if tag.startswith(_TOGETHER))
    if "base" in tags:
        return tags["base"]
    # Rounds of a conversation are cases whose ids end in their number.
    return result.case_id.removesuffix(f"-{tags['round']}") if "round" in tags else result.case_id
