"""GAPS: weights of the levels, votes over levels, the original's score object, ranges of a score.

Votes over met and not met live in `voting`, points rules in `points`, the cell limit in
`truncation`.

Source: gaps.md sections 3 and 4 (MedicalAiBenchEval at 85e91cf).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from medcheck.errors import SettingsError, nearest
from medcheck.scoring.points import UndecidedPolicy, points
from medcheck.types import Criterion, Verdict

Polarity = Literal["positive", "negative"]

WEIGHTS: Mapping[str, float] = {
    "A1": 5.0, "A2": 3.0, "A3": 1.0, "S1": -1.0, "S2": -2.0, "S3": -3.0, "S4": -4.0,
}  # fmt: skip
"""Points by level; a level that is not here counts for nothing. Source: config.yaml `point`."""
SEVERITIES = ("S1", "S2", "S3", "S4")
"""From irrelevant but true to an error that can harm."""
IRRELEVANT = "irrelevant"
"""Tag of criteria that a judge found: statements that serve no point."""
PREFIX = "gaps-nsclc"
"""What case ids begin with that a number stands for."""
POLARITY = "polarity:"
"""Prefix of the tag that says which question a judge is asked about a point."""

_POLICIES: tuple[UndecidedPolicy, ...] = ("exclude", "half", "not_met")


def polarity_of(criterion: Criterion) -> Polarity:
    """Return which question a judge is asked about a point.

    The tag `polarity:` decides, as the original's `type` does; without one the level, then the
    sign of the points. `Criterion.polarity` cannot tell: an unknown level has 0 points.
    """
    for name in ("positive", "negative"):
        if f"{POLARITY}{name}" in criterion.tags:
            return "positive" if name == "positive" else "negative"
    if criterion.level and criterion.level[0] in "AS":
        return "positive" if criterion.level[0] == "A" else "negative"
    return criterion.polarity


def level_vote(levels: Sequence[str], how: str = "conservative") -> str:
    """Return the level that a panel of graders gives one irrelevant statement.

    Args:
        levels: S1 to S4, one for each grader; at least one.
        how: a name in `LEVEL_RULES`.

    Raises:
        SettingsError: unknown rule, unknown level, or no level.

    Source: irrelevant_content_grading.py; gaps.md section 3.
    """
    if how not in LEVEL_RULES:
        raise SettingsError(f'unknown level vote "{how}".', hint=nearest(how, LEVEL_RULES))
    if not levels or not set(levels) <= set(SEVERITIES):
        raise SettingsError(f"a level vote takes S1 to S4, found {list(levels)}.")
    return LEVEL_RULES[how](levels)


def conservative(levels: Sequence[str]) -> str:
    """Take S4 if any grader says so, else the most frequent level, the severest of a tie."""
    return "S4" if "S4" in levels else _most_frequent(levels)[-1]


def majority(levels: Sequence[str]) -> str:
    """Take the most frequent level; of several the upper middle one."""
    tied = _most_frequent(levels)
    return tied[len(tied) // 2]


def average(levels: Sequence[str]) -> str:
    """Take the mean level, rounded half to even."""
    mean = sum(SEVERITIES.index(level) + 1 for level in levels) / len(levels)
    return SEVERITIES[round(mean) - 1]


def undecided_range(
    verdicts: Sequence[Verdict], *, rule: str = "gaps"
) -> tuple[float, float] | None:
    """Return the lowest and highest score that the undecided points leave open.

    It spans every policy that gives a score, and all undecided points against or all for the
    answer. `None`: the answer has no score under the rule.
    """
    scores = [points(verdicts, rule=rule, undecided=policy).value for policy in _POLICIES]
    scores += [points(_turned(verdicts, good=good), rule=rule).value for good in (False, True)]
    known = [score for score in scores if score is not None]
    # `exclude` may leave nothing to earn where the other policies have a score.
    return (min(known), max(known)) if len(known) >= len(scores) - 1 else None


def score_card(verdicts: Iterable[Verdict]) -> dict[str, float | int]:
    """Return the original's score object of one answer, under its own names.

    Whatever is not met counts as not met here, undecided points included: use it to export to the
    original's tools, never to score. `penalty` and `final_penalty` include points that were not
    met, and `positive_score_raw` includes the negative ones, as in the original.

    Source: clinical_scoring_calculator.py:180-395.
    """
    found = list(verdicts)
    rubric = [v for v in found if IRRELEVANT not in v.criterion.tags]
    met = [v for v in rubric if v.state == "met"]
    penalty = _sum(abs(min(v.criterion.points, 0.0)) for v in rubric)
    raw = _sum(v.criterion.points for v in met)
    irrelevant = [v for v in found if IRRELEVANT in v.criterion.tags and v.state == "met"]
    lost = _sum(abs(v.criterion.points) for v in irrelevant)
    possible = _sum(max(v.criterion.points, 0.0) for v in rubric)
    card: dict[str, float | int] = {
        "max_possible": possible,
        "final_total_score": _whole(raw - lost),
        "normalized": round(max(raw - lost, 0) / possible, 4) if possible else 0,
        "final_penalty": _whole(penalty + lost),
        "positive_score_raw": raw,
        "penalty": penalty,
    }
    _add_positive(card, met)
    _add_negative(card, met, prefix="rubric")
    gained = [v for v in met if v.criterion.points > 0]
    card["positive_all_score_with_met"] = _sum(v.criterion.points for v in gained)
    card["rubric_all_score_with_met"] = _sum(abs(min(v.criterion.points, 0.0)) for v in met)
    card["irrelevant_total_penalty"] = lost
    _add_negative(card, irrelevant, prefix=IRRELEVANT)
    return card


def _add_positive(card: dict[str, float | int], met: Sequence[Verdict]) -> None:
    tiers = ("A1", "A2", "A3")
    groups = {tier: [v for v in met if v.criterion.level == tier] for tier in tiers}
    card.update({f"{tier}_count": len(group) for tier, group in groups.items()})
    for tier, group in groups.items():
        card[f"{tier}_score"] = _sum(v.criterion.points for v in group)
    card["positive_total_count"] = sum(len(group) for group in groups.values())


def _add_negative(card: dict[str, float | int], met: Sequence[Verdict], *, prefix: str) -> None:
    groups = {level: [v for v in met if v.criterion.level == level] for level in SEVERITIES}
    card.update({f"{prefix}_{level}_count": len(group) for level, group in groups.items()})
    for level, group in groups.items():
        card[f"{prefix}_{level}_penalty"] = _sum(abs(v.criterion.points) for v in group)
    card[f"{prefix}_total_count"] = sum(len(group) for group in groups.values())


def _turned(verdicts: Iterable[Verdict], *, good: bool) -> list[Verdict]:
    """Settle every undecided point for the answer, or against it."""

    def settled(verdict: Verdict) -> Verdict:
        if verdict.state != "undecided":
            return verdict
        met = good == (verdict.criterion.points > 0)
        return replace(verdict, state="met" if met else "not_met", value=float(met))

    return [settled(verdict) for verdict in verdicts]


def _most_frequent(levels: Sequence[str]) -> list[str]:
    """Return the levels that occur most often, mildest first."""
    counts = Counter(levels)
    most = max(counts.values())
    return sorted(level for level, count in counts.items() if count == most)


def _sum(values: Iterable[float]) -> float | int:
    return _whole(math.fsum(values))


def _whole(value: float) -> float | int:
    """Return a whole number as `int`, as the original's JSON has it."""
    return int(value) if value == int(value) else value


LEVEL_RULES: Mapping[str, Callable[[Sequence[str]], str]] = {
    "conservative": conservative,
    "majority": majority,
    "average": average,
}
"""A vote over levels by its name under `irrelevant.vote`."""
