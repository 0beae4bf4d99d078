"""A version of checklists and prompts judges the answers of both samples; the model is not asked.

Only the figures of the validation sample are results. Those of the calibration sample, which the
edits were made from, help with the work.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from medcheck.engine.described import described
from medcheck.engine.regrading import plan, regrade
from medcheck.errors import SettingsError
from medcheck.refining.samples import SIDES, Lock, Side, sha256
from medcheck.refining.versions import PARTS
from medcheck.review.usable import FEW
from medcheck.scoring.usability import Rules
from medcheck.settings import Settings
from medcheck.stats.human import Agreement, Matched, Rating, agreement_table, matched
from medcheck.stats.means import row_seed
from medcheck.store.database import open_database
from medcheck.store.runs import Runs
from medcheck.suites import Suite
from medcheck.types import Result, Run

_LOST = ("judge_error", "not_run")
_ZERO = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Judge and people on one sample."""

    side: Side
    table: tuple[Agreement, ...]
    """By category, the pooled one last."""
    pairs: int
    lost: int
    """Answers that the judge failed on: no figure is complete without them."""
    unrated: int
    """Answers that nobody rated, or on which people are tied."""

    @property
    def pooled(self) -> Agreement:
        """Return the agreement over all categories."""
        return self.table[-1]

    @property
    def kappa(self) -> float | None:
        """Return the pooled kappa; `None`: judge and people have one verdict throughout."""
        return self.pooled.figures["kappa"].value if self.table else None

    @property
    def low(self) -> float | None:
        """Return the lower bound of the pooled kappa; `None`: too few conversations."""
        return lower_bound(self.pooled) if self.table else None


def sampled(source: Run, suite: str, cases: Collection[str]) -> Run:
    """Return a run with the answers to these cases of one suite only."""
    kept = tuple(r for r in source.results if r.suite == suite and r.case_id in cases)
    return replace(source, results=kept, suites={suite: source.suites[suite]})


def judge(
    source: Run, suite: Suite, settings: Settings, environ: Mapping[str, str],
    *, conditions: str = "",
) -> Run:  # fmt: skip
    """Judge the answers of a run again and return the new run, whose results are read.

    Args:
        source: the run, with the samples' answers only.
        suite: loaded with the version that judges.
        settings: with the name of the new run and the version as overrides.
        environ: holds keys and endpoints.
        conditions: that must hold, see `conditions_of`; empty: any.

    Raises:
        SettingsError: the setup is wrong, or it is not the one that the first version had.
    """
    made = plan(source, (suite,), settings, environ)
    told = described(made.setup, settings)[suite.name]
    if conditions and conditions_of(told) != conditions:
        raise SettingsError(
            f"{', '.join(told['judges'])} would judge under other conditions than before.",
            hint="Versions are compared by the same judges, prompts, protocol and settings: give "
            "the options that the refinement was begun with, or start anew in another folder.",
        )
    regrade(made, environ)
    with open_database(settings.store) as database:
        found = Runs(database).read(settings.run)
        return replace(found, results=tuple(found.results))


def conditions_of(told: Mapping[str, Any]) -> str:
    """Return the sha256 of all that decides a score besides checklists and guidance.

    Args:
        told: what a run keeps of its suite.
    """
    compared = told["compared"]
    prompts = {n: sha for n, sha in compared["prompts"].items() if n.startswith("prompt ")}
    grader = {name: value for name, value in compared["grader"].items() if name not in PARTS}
    rest = {**compared, "prompts": prompts, "grader": grader}
    return sha256([told["protocol"], told["judges"], rest])


def measure(
    run: Run, ratings: Sequence[Rating], suite: str, *, samples: Mapping[Side, Collection[str]],
    seed: int,
) -> dict[Side, Measured]:  # fmt: skip
    """Return the agreement of judge and people on both samples."""
    rules, runs = usability_of(run, suite)
    found: dict[Side, Measured] = {}
    for side in SIDES:
        results = [r for r in run.results if r.case_id in samples[side]]
        pairs = matched(results, ratings, rules=rules, runs=runs)
        found[side] = _measured(side, results, pairs, seed)
    return found


def measure_locked(run: Run, ratings: Sequence[Rating], lock: Lock) -> dict[Side, Measured]:
    """Return the agreement on the samples of a lock."""
    return measure(run, ratings, lock.suite, samples=lock.samples, seed=lock.seed)


def usability_of(run: Run, suite: str) -> tuple[Rules, int]:
    """Return from which score an answer of a run is usable, and how often a judge was asked."""
    told: Mapping[str, Any] = run.suites[suite].get("usability") or {}
    return Rules.of(told), int(told.get("runs", 1))


def lower_bound(found: Agreement) -> float | None:
    """Return the lower bound of kappa; `None`: there are fewer than `FEW` conversations.

    Where judge and people agree on everything no resample differs, and the bootstrap would call a
    handful of answers certain. The bound is then the exact one of the share of conversations, put
    into kappa with the chance agreement that was observed.

    Source: Clopper and Pearson 1934 (all of n: the bound is 0.025 to the power 1/n).
    """
    kappa = found.figures["kappa"]
    if kappa.value is None or kappa.ci95 is None or found.clusters < FEW:
        return None
    if kappa.ci95[1] - kappa.ci95[0] > _ZERO:
        return kappa.ci95[0]
    counts = found.counts
    said, told = counts.tp + counts.fp, counts.tp + counts.fn
    chance = (said * told + (counts.n - said) * (counts.n - told)) / counts.n**2
    share = float(0.025 ** (1 / found.clusters))
    return min(kappa.value, (share - chance) / (1 - chance))


def _measured(side: Side, results: Sequence[Result], pairs: Matched, seed: int) -> Measured:
    return Measured(
        side=side,
        table=agreement_table(pairs.pairs, seed=row_seed(seed, side)) if pairs.pairs else (),
        pairs=len(pairs.pairs),
        lost=sum(result.state in _LOST for result in results),
        unrated=pairs.unrated,
    )
