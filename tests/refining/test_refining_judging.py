"""A version is measured on both samples by the same judge, and its bound is no illusion."""

from __future__ import annotations

from dataclasses import replace

import pytest
from refine_runs import pairs, ratings, result

from medcheck.refining.judging import conditions_of, lower_bound, measure, sampled, usability_of
from medcheck.stats.human import agreement_table
from medcheck.types import Run

TOLD = {
    "protocol": "strict",
    "judges": ["j"],
    "usability": {"runs": 1},
    "compared": {"prompts": {"prompt p": "1"}, "judges": {"j": ["replay"]}, "grader": {}},
}


def run_of(*results):
    """Return a run of suite `s`."""
    return Run(id="r", started="", settings={}, versions={}, results=results, suites={"s": TOLD})


def bound(*counts):
    (found,) = agreement_table(pairs(*counts), seed=0)
    return lower_bound(found)


def test_few_conversations_have_no_bound():
    """Below twenty conversations no interval ends a refinement."""
    assert bound(9, 0, 1, 9) is None
    assert bound(9, 0, 1, 10) is not None


def test_full_agreement_is_not_certain():
    """Where no resample differs the bound is exact, grows with n, and is never 1."""
    few, many = bound(10, 0, 0, 10), bound(100, 0, 0, 100)
    assert few == pytest.approx((0.025 ** (1 / 20) - 0.5) / 0.5)
    assert few < many < 1


def test_one_verdict_throughout_has_no_bound():
    """Kappa is not defined where judge and people never vary."""
    assert bound(30, 0, 0, 0) is None


def test_both_sides_are_measured_apart():
    """Each side has its own pairs; lost and unrated answers are counted, not judged."""
    run = run_of(
        result("a", [5]),
        result("b", [2]),
        result("c", [5]),
        result("d", [5], state="judge_error"),
        result("e", [5]),
    )
    said = ratings({"a": 5, "b": 1, "c": 1, "d": 5})
    samples = {"calibration": ("a", "b"), "validation": ("c", "d", "e")}
    found = measure(run, said, "s", samples=samples, seed=0)
    assert (found["calibration"].pairs, found["calibration"].kappa) == (2, 1.0)
    held = found["validation"]
    assert (held.pairs, held.lost, held.unrated, held.pooled.counts.fp) == (1, 1, 1, 1)
    empty = measure(run, said, "s", samples={"calibration": (), "validation": ()}, seed=0)
    assert (empty["validation"].kappa, empty["validation"].low) == (None, None)


def test_only_the_samples_are_judged_again():
    """Other cases and other suites of the run cost nothing."""
    other = replace(result("a", [5]), suite="t")
    run = replace(run_of(result("a", [5]), result("b", [5]), other), suites={"s": TOLD, "t": TOLD})
    found = sampled(run, "s", {"a"})
    assert [(r.suite, r.case_id) for r in found.results] == [("s", "a")]
    assert list(found.suites) == ["s"]


def test_conditions_are_all_but_checklists_and_guidance():
    """Edits leave the conditions as they are; another judge, prompt or setting does not."""
    compared = TOLD["compared"]
    edited = {**compared, "prompts": {"prompt p": "1", "revised checklists": "2"},
              "grader": {"checklists": {"a": "b"}, "guidance": {}}}  # fmt: skip
    assert conditions_of({**TOLD, "compared": edited}) == conditions_of(TOLD)
    for more in (
        {"judges": ["k"]},
        {"protocol": "official"},
        {"compared": {**compared, "prompts": {"prompt p": "2"}}},
        {"compared": {**compared, "grader": {"judge_repeats": 5}}},
        {"compared": {**compared, "judges": {"j": ["openai"]}}},
    ):
        assert conditions_of({**TOLD, **more}) != conditions_of(TOLD)


def test_the_threshold_is_the_runs_own():
    """The rules that a run was made with decide what is usable."""
    found = replace(run_of(), suites={"s": {"usability": {"usable_at": 3, "runs": 2}}})
    rules, runs = usability_of(found, "s")
    assert (rules.usable_at, runs) == (3, 2)
