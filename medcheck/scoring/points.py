"""Verdicts become a score in points; voting and statistics over cases live elsewhere.

Source: simple-evals healthbench_eval.py:136-154 (example score), 394-418 (metrics of one example);
gaps.md section 4 (GAPS).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from medcheck.errors import SettingsError, nearest
from medcheck.types import Score, Verdict, VerdictState

UndecidedPolicy = Literal["exclude", "half", "not_met", "error"]
UNDECIDED_POLICIES: tuple[UndecidedPolicy, ...] = ("exclude", "half", "not_met", "error")

LOST: tuple[VerdictState, ...] = ("judge_error", "not_run")
"""States of a criterion about which nothing is known."""
UNCLIPPED = "score:unclipped"
"""The facet that holds the score before clipping, under the rule that clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Penalties of one axis that its own score cannot show."""

    criteria: int
    """Negative criteria of the axis."""
    met: int
    """Those that the answer met."""
    points: float
    """What the met ones cost; 0 or negative."""


def points(
    verdicts: Sequence[Verdict],
    *,
    rule: str = "healthbench",
    undecided: UndecidedPolicy = "exclude",
) -> Score:
    """Score one answer from its verdicts.

    The value is `None` if a judge failed or was not asked, or if no points can be earned. Under
    `exclude` an undecided criterion leaves both sums; `half` and `not_met` count it as 0.5 and 0 of
    its points; `error` leaves the answer without a score.

    Raises:
        SettingsError: unknown rule or policy.

    """
    if rule not in RULES:
        raise SettingsError(f'unknown points rule "{rule}".', hint=nearest(rule, RULES))
    score = RULES[rule](_settled(verdicts, undecided), verdicts)
    return replace(score, verdicts=tuple(verdicts))


def bounds(
    verdicts: Sequence[Verdict],
    *,
    undecided: UndecidedPolicy = "exclude",
    rule: str = "healthbench",
) -> tuple[float, float] | None:
    """Return the lowest and highest score that the missing verdicts leave open.

    Lowest: every missing demand not met and every missing penalty met; highest: the reverse. Under
    `gaps_official` both are clipped and rounded as a score is. `None`: no points can be earned.
    Both are equal if nothing is missing.
    """
    settled = _settled(verdicts, undecided)
    possible = _possible(settled)
    if not possible:
        return None
    missing = [v.criterion.points for v in settled if v.state in LOST]
    known = _earned([v for v in settled if v.state not in LOST])
    low = known + math.fsum(min(each, 0.0) for each in missing)
    high = known + math.fsum(max(each, 0.0) for each in missing)
    shown = _clipped if rule == "gaps_official" else float
    return shown(low / possible), shown(high / possible)


def dropped_penalties(verdicts: Iterable[Verdict], *, prefix: str = "axis:") -> dict[str, Dropped]:
    """Return, by tag, the negative criteria that reach no tag score.

    A tag without a positive criterion has no score in the official report, so its penalties vanish.
    """
    return {
        tag: _dropped(group)
        for tag, group in _by_tag(verdicts).items()
        if tag.startswith(prefix) and not _possible(group)
    }


def group_scores(tags: Iterable[str], score: Score) -> dict[str, float]:
    """Return what one answer adds to each group: overall, its case tags, its criterion tags.

    Empty if the answer was not measured.

    Source: simple-evals healthbench_eval.py:394-418.
    """
    if score.value is None:
        return {}
    groups = dict.fromkeys(("overall", *tags), score.value)
    # A tag that happens to be called "overall" must not replace the overall score.
    return groups | dict(score.facets) | {"overall": score.value}


def any_called(verdicts: Iterable[Verdict]) -> float | None:
    """Return 1 if a point is met, 0 if none is, `None` if that is not known.

    Under `vote: mean` one judge who calls it met is enough: a harm is not averaged away.
    """
    found = list(verdicts)
    if any(verdict.called for verdict in found):
        return 1.0
    return None if any(verdict.value is None for verdict in found) else 0.0


def _healthbench(verdicts: Sequence[Verdict], _voted: Sequence[Verdict]) -> Score:
    possible = _possible(verdicts)
    if any(v.state in LOST for v in verdicts):
        return Score(value=None, possible=possible)
    earned = _earned(verdicts)
    return Score(
        value=earned / possible if possible else None,
        earned=earned,
        possible=possible,
        facets=_facets(verdicts),
    )


def _gaps(verdicts: Sequence[Verdict], voted: Sequence[Verdict]) -> Score:
    """Score as `_healthbench`, and count harm: S tiers, and whether any S4 point was met.

    The facet of an S tier is the share of its points that the answer met; `any:S4` is 0 or 1, over
    the points of the rubric and the statements found irrelevant. It is not there where none is met
    and one is undecided: no policy knows that an answer does no harm.

    Source: gaps.md section 10 (axis report).
    """
    score = _healthbench(verdicts, voted)
    if any(v.state in LOST for v in verdicts):
        return score
    facets = dict(score.facets)
    for tag, group in _by_tag(verdicts).items():
        if tag.startswith("tier:") and all(v.criterion.points < 0 for v in group):
            facets[tag] = math.fsum(_share(v) for v in group) / len(group)
    worst = [v for v in voted if v.criterion.level == "S4"]
    harm = any_called(worst)
    if worst and harm is not None:
        facets["any:S4"] = harm
    return replace(score, facets=facets)


def _gaps_official(verdicts: Sequence[Verdict], voted: Sequence[Verdict]) -> Score:
    """Score as the original prints it: clipped at 0 and rounded to four digits per question.

    The facet `score:unclipped` keeps what that hides. A question without points to earn has 0; one
    whose points were all excluded has no score.

    Source: MedicalAiBenchEval clinical_scoring_calculator.py:180-395; gaps.md section 4.
    """
    score = _gaps(verdicts, voted)
    if score.earned is None or (not score.possible and _possible(voted)):
        return score
    if not score.possible:
        return replace(score, value=0.0)
    unclipped = score.earned / score.possible
    facets = {**score.facets, UNCLIPPED: unclipped}
    return replace(score, value=_clipped(unclipped), facets=facets)


def _clipped(score: float) -> float:
    return round(max(score, 0.0), 4)


def _settled(verdicts: Iterable[Verdict], undecided: UndecidedPolicy) -> list[Verdict]:
    """Apply the policy, so that no undecided verdict is left.

    Source: trust.md section 1.4, R1.
    """
    if undecided not in UNDECIDED_POLICIES:
        hint = nearest(undecided, UNDECIDED_POLICIES)
        raise SettingsError(f'unknown policy "{undecided}" for undecided verdicts.', hint=hint)
    settle = _SETTLE[undecided]
    return [s for v in verdicts if (s := settle(v) if v.state == "undecided" else v) is not None]


def _half(verdict: Verdict) -> Verdict:
    return replace(verdict, state="scored", value=sum(verdict.criterion.scale) / 2)


def _facets(verdicts: Iterable[Verdict]) -> dict[str, float]:
    groups = _by_tag(verdicts)
    possible = {tag: _possible(group) for tag, group in groups.items()}
    return {tag: _earned(group) / possible[tag] for tag, group in groups.items() if possible[tag]}


def _by_tag(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        for tag in verdict.criterion.tags:
            groups.setdefault(tag, []).append(verdict)
    return groups


def _dropped(verdicts: Sequence[Verdict]) -> Dropped:
    met = [v for v in verdicts if v.state == "met"]
    lost = math.fsum(v.criterion.points for v in met)
    return Dropped(criteria=len(verdicts), met=len(met), points=lost)


def _earned(verdicts: Iterable[Verdict]) -> float:
    # fsum: the points of a case add up the same in any order of its criteria.
    return math.fsum(v.criterion.points * _share(v) for v in verdicts)


def _share(verdict: Verdict) -> float:
    """Return how much of its points a measured verdict earns: 0 to 1."""
    if verdict.state == "scored" and verdict.value is not None:
        low, high = verdict.criterion.scale
        return (verdict.value - low) / (high - low)
    return 1.0 if verdict.state == "met" else 0.0


def _possible(verdicts: Iterable[Verdict]) -> float:
    return math.fsum(v.criterion.points for v in verdicts if v.criterion.points > 0)


_SETTLE: Mapping[str, Callable[[Verdict], Verdict | None]] = {
    "exclude": lambda _verdict: None,
    "half": _half,
    "not_met": lambda verdict: replace(verdict, state="not_met", value=0.0),
    "error": lambda verdict: replace(verdict, state="judge_error", value=None),
}

RULES: Mapping[str, Callable[[Sequence[Verdict], Sequence[Verdict]], Score]] = {
    "healthbench": _healthbench,
    "gaps": _gaps,
    "gaps_official": _gaps_official,
}
"""A points rule by its name under `points`: settled verdicts and those that were voted in, a
score without verdicts out."""
