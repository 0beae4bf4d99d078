"""Where judge and people differ on the calibration sample, the worst first, by subcategory.

The judge gives an answer one score. Which points of the checklist it rests on is read from the
judge's explanations where they name any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from medcheck.refining.samples import spoken
from medcheck.scoring.requirements import Part, Requirements, requirements
from medcheck.scoring.usability import RUN, Rules
from medcheck.stats.human import Consensus, Rating, consensus
from medcheck.types import Result

Kind = Literal["false usable", "false unusable", "scores apart"]
KINDS: tuple[Kind, ...] = ("false usable", "false unusable", "scores apart")
"""What is worst comes first: an unusable answer that the judge lets pass."""
APART = 1.0
"""Between the mean scores of judge and people, on the scale of 1 to 5."""
_ROUNDING = 1e-9

_PARTS: Mapping[str, Part] = {
    "核心": "core", "core": "core", "次要": "secondary", "secondary": "secondary",
}  # fmt: skip
_NAMED = re.compile(
    r"(核心|次要|core|secondary)\s*(?:需求|requirements?|points?)\s*(?:的)?\s*第?\s*"
    r"([0-9]{1,2}(?:\s*(?:、|,|，|和|与|and)\s*第?\s*[0-9]{1,2})*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One answer that judge and people see differently."""

    kind: Kind
    category: str
    subcategory: str
    case_id: str
    model: str
    repeat: int
    judged: tuple[float, ...]
    """The scores of the judge's runs."""
    told: float | None
    """The mean of people's scores; `None`: they gave verdicts only."""
    people: int
    points: tuple[tuple[Part, int, str], ...]
    """Of the checklist, as the judge's explanations name them."""
    explanations: tuple[str, ...]
    """What the judge said, each wording once."""
    question: str
    answer: str
    checklist: str

    @property
    def mean(self) -> float:
        """Return the judge's mean score."""
        return sum(self.judged) / len(self.judged)

    @property
    def point(self) -> str:
        """Return the names of the points, such as `core 1, secondary 2`."""
        return ", ".join(f"{part} {number}" for part, number, _ in self.points) or "no point named"


def disagreements(
    results: Iterable[Result], ratings: Iterable[Rating], rules: Rules
) -> tuple[Disagreement, ...]:
    """Return the answers on which judge and people differ; see `ordered` for their order."""
    said = consensus(ratings)
    found = []
    for result in results:
        told = spoken(said, result)
        scores = _scores(result)
        if not result.measured or told is None or not scores:
            continue
        kind = _kind(scores, told, rules)
        if kind is not None:
            found.append(_built(result, kind, scores, told.score, told.raters))
    return tuple(ordered(found))


def ordered(found: Sequence[Disagreement]) -> list[Disagreement]:
    """Return them by subcategory, those with most false "usable" first, and so within each."""
    counts: dict[tuple[str, str], list[int]] = {}
    for each in found:
        row = counts.setdefault((each.category, each.subcategory), [0] * len(KINDS))
        row[KINDS.index(each.kind)] -= 1
    return sorted(
        found,
        key=lambda each: (
            counts[each.category, each.subcategory],
            each.category,
            each.subcategory,
            KINDS.index(each.kind),
            each.case_id,
            each.point,
            each.model,
            each.repeat,
        ),
    )


def named_points(explanation: str, demands: Requirements) -> Iterator[tuple[Part, int, str]]:
    """Yield the points of a checklist that an explanation names, in its order."""
    known = {(part, number): text for part, number, text in demands.points}
    for match in _NAMED.finditer(explanation):
        part = _PARTS[match[1].lower()]
        for number in map(int, re.findall(r"[0-9]+", match[2])):
            if (part, number) in known:
                yield part, number, known[part, number]


def _scores(result: Result) -> tuple[float, ...]:
    facets = result.score.facets if result.score else {}
    runs = {int(n.removeprefix(RUN)): v for n, v in facets.items() if n.startswith(RUN)}
    return tuple(runs[number] for number in sorted(runs))


def _kind(scores: Sequence[float], told: Consensus, rules: Rules) -> Kind | None:
    mean = sum(scores) / len(scores)
    if told.usable is not None and told.usable != (mean >= rules.usable_at - _ROUNDING):
        return "false unusable" if told.usable else "false usable"
    if told.score is not None and abs(mean - told.score) >= APART - _ROUNDING:
        return "scores apart"
    return None


def _built(
    result: Result, kind: Kind, scores: tuple[float, ...], told: float | None, people: int
) -> Disagreement:
    verdicts = result.score.verdicts if result.score else ()
    text = verdicts[0].criterion.text if verdicts else ""
    ballots = [ballot for verdict in verdicts for ballot in verdict.ballots]
    explanations = tuple(dict.fromkeys(b.explanation for b in ballots if b.explanation))
    demands = requirements(text)
    points = {point: None for said in explanations for point in named_points(said, demands)}
    path = (*result.category, "", "")
    asked = [m.text for m in result.messages if m.role == "user"]
    return Disagreement(
        kind=kind,
        category=path[0],
        subcategory=path[1],
        case_id=result.case_id,
        model=result.model,
        repeat=result.repeat,
        judged=scores,
        told=told,
        people=people,
        points=tuple(sorted(points, key=lambda point: point[:2])),
        explanations=explanations,
        question=asked[-1] if asked else "",
        answer=result.completion.text if result.completion else "",
        checklist=text,
    )
