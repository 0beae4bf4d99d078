"""The groups of a comparison, each with its difference and the tests of it; no decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from medcheck.errors import SettingsError
from medcheck.gate.changes import together
from medcheck.gate.measured import Measured, Side
from medcheck.stats.means import mean
from medcheck.stats.paired import NOTHING, Paired, paired, permutation_p

OVERALL = "overall"
TESTS = ("t", "permutation")
_DECIDING = ("margin", "category_margin", "alpha", "min_cases", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What the gate decides by."""

    margin: float = 0.03
    """Largest acceptable loss overall."""
    category_margin: float = 0.10
    """Largest acceptable loss in a category."""
    alpha: float = 0.05
    """Share of false alarms, overall and categories together."""
    min_cases: int = 10
    """Categories of fewer independent cases are reported, not gated."""
    test: str = "t"
    """`t` or `permutation`."""
    seed: int = 0
    """Of the permutation test."""
    shared: int = 1
    """Comparisons of a run that share alpha for a drop; each proof of a pass has all of it."""

    @property
    def drop_alpha(self) -> float:
        """What is left for the drops of this comparison.

        Source: Bonferroni; under no change a run then fails at most as often as alpha says.
        """
        return self.alpha / self.shared

    def __post_init__(self) -> None:
        if self.test not in TESTS:
            raise SettingsError(
                f'the gate has no test "{self.test}".', hint="Known: t permutation."
            )

    def of(self, gate: Mapping[str, Any]) -> GateSettings:
        """Return these settings with what a suite says under `gate`."""
        known = {each.name for each in fields(self)} - {"shared"}
        return replace(self, **{name: value for name, value in gate.items() if name in known})

    def unlike(self, other: GateSettings) -> tuple[str, ...]:
        """Return what is set otherwise than there, with both values, a line each."""
        both = [(name, getattr(self, name), getattr(other, name)) for name in _DECIDING]
        return tuple(
            f"{name} is {mine}, {his} with the baseline" for name, mine, his in both if mine != his
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is asked of a group: whether it dropped, and whether the margin is kept."""

    p_drop: float | None
    """Against "it did not drop"; `None`: too few cases."""
    p_within: float | None
    """Against "it dropped by the margin or more"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A group of cases, old and new."""

    group: str
    old: float
    new: float
    difference: Paired
    proof: Proof
    margin: float
    gated: bool
    verdict: str = ""
    """`dropped`, `held`, `open`, or `reported` where it is not gated."""

    @property
    def spread(self) -> bool:
        """Whether the differences of its cases differ among each other, so that there is a t."""
        return bool(self.difference.error and self.difference.error > NOTHING)


def findings(old: Side, new: Side, settings: GateSettings) -> tuple[Finding, ...]:
    """Return overall, then the categories in the order of the cases; empty: nothing is paired.

    A category that holds all cases, or those of another, says nothing new and is left out.
    """
    both = [
        (was, now)
        for was, now in together(old, new)
        if was.mean is not None and now.mean is not None
    ]
    if not both:
        return ()
    groups = {OVERALL: both}
    for was, now in both:
        for name in (each for each in now.categories if each != OVERALL):
            groups.setdefault(name, []).append((was, now))
    different: dict[tuple[str, ...], str] = {}
    for name, own in groups.items():
        different.setdefault(tuple(now.case_id for _, now in own), name)
    return tuple(_finding(name, groups[name], settings) for name in different.values())


def level(finding: Finding, others: Sequence[Finding], settings: GateSettings) -> float:
    """Return the one-sided level that surely shows a drop of a group.

    It may be a larger one where other groups dropped as well; see `stats.paired.split_alpha`.

    Args:
        finding: overall or a category.
        others: all groups of the comparison, this one included.
        settings: of the gate.
    """
    rest = [each for each in others if each.gated and each.group != OVERALL]
    tested = sum(each.proof.p_drop is not None for each in rest)
    if finding.group == OVERALL:
        return settings.drop_alpha / (2 if tested else 1)
    return settings.drop_alpha / 2 / max(1, tested)


def _finding(
    name: str, cases: Sequence[tuple[Measured, Measured]], settings: GateSettings
) -> Finding:
    before, after = _means(was for was, _ in cases), _means(now for _, now in cases)
    changes = [one - other for one, other in zip(after, before, strict=True)]
    units = [now.unit for _, now in cases]
    difference = paired(changes, clusters=units)
    one, other = mean(before), mean(after)
    assert difference is not None
    assert one is not None
    assert other is not None
    margin = settings.margin if name == OVERALL else settings.category_margin
    return Finding(
        group=name,
        old=one,
        new=other,
        difference=difference,
        proof=_proof(changes, units, difference, margin, settings),
        margin=margin,
        gated=name == OVERALL or difference.units >= settings.min_cases,
    )


def _means(cases: Iterable[Measured]) -> list[float]:
    """Return the cases' means; what was not measured never comes here, and is no 0."""
    found = []
    for case in cases:
        assert case.mean is not None
        found.append(case.mean)
    return found


def _proof(
    changes: Sequence[float],
    units: Sequence[str],
    difference: Paired,
    margin: float,
    settings: GateSettings,
) -> Proof:
    if not any(changes):
        # No case changed: there is nothing that a test could doubt.
        return Proof(p_drop=1.0, p_within=0.0)
    if settings.test == "t":
        return Proof(p_drop=difference.p_below(), p_within=difference.p_above(-margin))
    turned = [-change for change in changes]
    return Proof(
        p_drop=permutation_p(changes, clusters=units, seed=settings.seed),
        p_within=permutation_p(turned, limit=margin, clusters=units, seed=settings.seed),
    )
