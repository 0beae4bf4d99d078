"""The taxonomy: its published counts, what is known of each benchmark, and what cases touch."""

from collections import Counter

import pytest

from medcheck.errors import SettingsError
from medcheck.scoring import taxonomy


def test_counts():
    """Categories, subcategories, tasks and benchmarks are as many as published."""
    categories = taxonomy.categories()
    assert [category.tasks for category in categories] == [28, 24, 22, 26, 21]
    assert sum(category.tasks for category in categories) == 121
    assert [len(category.subcategories) for category in categories] == [4, 4, 5, 5, 4]
    found = taxonomy.benchmarks()
    assert len({benchmark.id for benchmark in found}) == len(found) == 37
    assert sum(benchmark.first_35 for benchmark in found) == 35
    assert Counter(benchmark.access for benchmark in found) == {
        "public": 16, "private": 14, "gated": 7,
    }  # fmt: skip


def test_types_and_metrics():
    """13 benchmarks are marked by jurors on three criteria from 1 to 5; the others are 0 to 1."""
    jury = [found for found in taxonomy.benchmarks() if found.metric == taxonomy.JURY]
    assert len(jury) == 13
    assert {found.scale for found in jury} == {(1.0, 5.0)}
    assert {len(found.criteria) for found in jury} == {3}
    others = [found for found in taxonomy.benchmarks() if found.metric != taxonomy.JURY]
    assert {(found.scale, found.criteria) for found in others} == {((0.0, 1.0), ())}
    assert Counter(found.type for found in taxonomy.benchmarks()) == {
        "calculation": 1, "classification": 16, "coding": 1, "extraction": 1, "mcq": 5, "open": 7,
        "sql": 1, "summarisation": 5,
    }  # fmt: skip


def test_origin_is_never_guessed():
    """What no source says is unknown, and everything else names what it rests on."""
    found = taxonomy.benchmarks()
    assert {benchmark.origin for benchmark in found} <= {
        "existing", "reformulated", "new", "unknown",
    }  # fmt: skip
    assert all(
        (benchmark.because is None) == (benchmark.origin == "unknown") for benchmark in found
    )
    existing = [b for b in found if b.origin == "existing" and b.first_35]
    assert len(existing) <= 17
    assert all(b.origin == "unknown" for b in found if b.access == "private")


def test_lookup():
    """An id and a name lead to the same path; a mistyped one names the nearest."""
    path = ("clinical_decision_support", "planning_treatments")
    assert taxonomy.benchmark("Medec") is taxonomy.benchmark("medec")
    assert taxonomy.benchmark("medec").path == path
    for name in ("medec", "planning_treatments", "Planning Treatments"):
        assert taxonomy.path_of(name) == path
    assert taxonomy.path_of("Clinical Decision Support") == path[:1]
    assert taxonomy.title(path) == ("Clinical Decision Support", "Planning Treatments")
    assert taxonomy.title(("own",)) == ("own",)
    with pytest.raises(SettingsError, match=r'"medek".*Did you mean "medec"'):
        taxonomy.benchmark("medek")
    with pytest.raises(SettingsError, match="planning_treatments"):
        taxonomy.path_of("planing_treatments")


def test_coverage():
    """Cases count for their subcategory, in ids or names; what is missing or outside is told."""
    found = taxonomy.coverage(
        [
            ("clinical_decision_support", "planning_treatments"),
            ("Clinical Decision Support", "Planning Treatments", "deeper"),
            ("administration_and_workflow",),
            ("administration_and_workflow", "planning_treatments"),
            ("planning_treatments",),
            ("hedging",),
            (),
        ]
    )
    assert found.cases == {("clinical_decision_support", "planning_treatments"): 2}
    assert found.categories == ("clinical_decision_support", "administration_and_workflow")
    assert (found.touched, len(found.missing), found.vague, found.outside) == (1, 21, 1, 4)


def test_full_coverage():
    """A case for each benchmark touches all 22 subcategories."""
    found = taxonomy.coverage(benchmark.path for benchmark in taxonomy.benchmarks())
    assert (found.touched, found.missing, found.outside) == (22, (), 0)
    assert sum(found.cases.values()) == 37
