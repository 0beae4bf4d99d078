"""Does the gate keep its promises? Simulated comparisons, seeded, decided by the gate's own code.

    python benchmarks/gate.py [--runs 5000]

Prints coverage of the intervals, and how often the gate fails, passes and cannot tell. The test
suite runs the same with fewer draws (tests/stats/test_gate_simulation.py).

The world: scores with the left tail of HealthBench (deviation 0.345); a case's two answers share
0.82 of the variance, so that differences have the deviation 0.205; all of that is noise of the
answers, so that K repeats divide its variance by K. Themes have HealthBench's shares.

Source: trust.md sections 2.1 to 2.3, of which this repeats the tables.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from medcheck.gate import GateSettings, Proof, rule
from medcheck.stats.paired import Paired, standard_errors

DEVIATION = 0.345
DIFFERENCE = 0.205
THEMES = (1097, 1071, 919, 594, 482, 477, 360)
"""Cases of HealthBench's themes: global health, hedging, communication, and so on."""
SETTINGS = GateSettings()

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Shares of the runs."""

    fail: float
    passed: float
    cannot_tell: float


def left_tailed(draw: np.random.Generator, shape: Sequence[int]) -> Array:
    """Return noise of mean 0 and deviation 1 with a long left tail: skewness -0.8."""
    shape_parameter = 6.25
    drawn = draw.gamma(shape_parameter, size=tuple(shape))
    return np.asarray((shape_parameter - drawn) / shape_parameter**0.5)


def coverage(n: int, *, runs: int, seed: int) -> float:
    """Return how often the 95 % interval of a mean of `n` independent scores holds the truth."""
    values = left_tailed(np.random.default_rng(seed), (runs, n)) * DEVIATION
    return _covered(values, standard_errors(values), units=n)


def cluster_coverage(*, runs: int, seed: int, groups: int = 100, size: int = 5) -> float:
    """Return the same for clusters in which scores correlate by 0.5."""
    draw = np.random.default_rng(seed)
    shared = np.repeat(left_tailed(draw, (runs, groups)), size, axis=1)
    values = (shared + left_tailed(draw, (runs, groups * size))) * DEVIATION / 2**0.5
    names = [number // size for number in range(groups * size)]
    return _covered(values, standard_errors(values, names), units=groups)


def gate(
    n: int,
    *,
    runs: int,
    seed: int,
    drop: float = 0.0,
    theme: int | None = None,
    repeats: int = 1,
) -> Outcome:
    """Return how the gate decides on `n` cases.

    Args:
        n: cases, in themes of HealthBench's shares.
        runs: simulated comparisons.
        seed: of the draws.
        drop: true loss.
        theme: the only theme that has the loss; `None`: all have it.
        repeats: answers per case, on both sides.
    """
    draw = np.random.default_rng(seed)
    sizes = theme_sizes(n)
    # The case's own difficulty cancels out; only the noise of the two answers is left.
    noise = DIFFERENCE / (2 * repeats) ** 0.5
    differences = (left_tailed(draw, (runs, n)) - left_tailed(draw, (runs, n))) * noise
    ends = np.cumsum(sizes)
    hit = slice(0, n) if theme is None else slice(int(ends[theme] - sizes[theme]), int(ends[theme]))
    differences[:, hit] -= drop
    groups = [differences, *np.split(differences, ends[:-1], axis=1)]
    tested = [_proof(group, overall=at == 0) for at, group in enumerate(groups)]
    kept = [group.shape[1] >= SETTINGS.min_cases for group in groups]
    count = {"FAIL": 0, "PASS": 0, "CANNOT TELL": 0}
    for overall, *categories in zip(*tested, strict=True):
        named = {str(at): each for at, each in enumerate(categories, 1) if kept[at]}
        count[rule(overall, named, SETTINGS.alpha).status] += 1
    return Outcome(
        fail=count["FAIL"] / runs,
        passed=count["PASS"] / runs,
        cannot_tell=count["CANNOT TELL"] / runs,
    )


def several(suites: int, *, runs: int, seed: int, shared: bool = True) -> float:
    """Return how often a run of several suites of 60 cases in five categories fails for nothing.

    Args:
        suites: each with a decision of its own; one that fails stops the release.
        runs: simulated runs.
        seed: of the draws.
        shared: whether alpha is divided by the suites, as the gate does.
    """
    draw = np.random.default_rng(seed)
    shape = (runs * suites, 60)
    differences = (left_tailed(draw, shape) - left_tailed(draw, shape)) * DIFFERENCE / 2**0.5
    groups = [differences, *np.split(differences, 5, axis=1)]
    tested = [_proof(group, overall=at == 0) for at, group in enumerate(groups)]
    failed = [
        rule(overall, {str(at): each for at, each in enumerate(rest)}, SETTINGS.alpha,
             shared=suites if shared else 1).status == "FAIL"
        for overall, *rest in zip(*tested, strict=True)
    ]  # fmt: skip
    return float(np.mean(np.array(failed).reshape(runs, suites).any(axis=1)))


def theme_sizes(n: int) -> list[int]:
    """Return how many of `n` cases belong to each theme."""
    ends = np.rint(np.cumsum(THEMES) / sum(THEMES) * n).astype(int)
    return np.diff(ends, prepend=0).tolist()


def _proof(group: Array, *, overall: bool) -> list[Proof]:
    margin = SETTINGS.margin if overall else SETTINGS.category_margin
    n = group.shape[1]
    pairs = zip(group.mean(axis=1).tolist(), standard_errors(group).tolist(), strict=True)
    found = (Paired(mean=mean, error=error, n=n, units=n) for mean, error in pairs)
    return [Proof(p_drop=one.p_below(), p_within=one.p_above(-margin)) for one in found]


def _covered(values: Array, errors: Array, *, units: int) -> float:
    half = float(special.stdtrit(units - 1, 0.975)) * errors
    return float(np.mean(np.abs(values.mean(axis=1)) <= half))


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=2026)
    args = parser.parse_args()
    draws = {"runs": args.runs, "seed": args.seed}
    began = time.monotonic()
    print("coverage of 95 % intervals (goal .935 to .965)")
    for n in (20, 100, 500):
        print(f"  n={n}: {coverage(n, **draws):.3f}")
    print(f"  100 clusters of 5, correlation 0.5: {cluster_coverage(**draws):.3f}")
    print("the gate            FAIL   PASS   CANNOT TELL")
    smallest, large = len(THEMES) - 1, 2
    for n in (35, 100, 200, 500, 1000):
        for repeats in (1, 3):
            for name, how in (
                ("no change", {}),
                ("-0.02", {"drop": 0.02}),
                ("-0.03 (margin)", {"drop": 0.03}),
                ("-0.05", {"drop": 0.05}),
                ("18 % theme -0.10", {"drop": 0.10, "theme": large}),
                ("smallest -0.10", {"drop": 0.10, "theme": smallest}),
            ):
                found = gate(n, repeats=repeats, **how, **draws)
                shares = f"{found.fail:.3f}  {found.passed:.3f}  {found.cannot_tell:.3f}"
                print(f"  n={n} K={repeats} {name:17} {shares}")
    print("runs of several suites of 60 cases, no change: FAIL (alpha for each of them)")
    for suites in (1, 3, 9):
        told = [several(suites, shared=shared, **draws) for shared in (True, False)]
        print(f"  {suites} suites: {told[0]:.3f}  ({told[1]:.3f})")
    print(f"{args.runs} runs each, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
