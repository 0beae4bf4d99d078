"""Dimension and overall scores follow the track's rule; what is not given stays unknown."""

import pytest

from medcheck.scoring.platform import (
    ScoreRow,
    completed,
    derived_dimensions,
    derived_overall,
    dimension_bounds,
    dimensions_of,
    harmonic,
    mismatches,
)

OLD = dict(zip(dimensions_of("old"), (60, 70, 80, 50, 40), strict=True))


def test_rules():
    """v4 and agent take arithmetic means, old the harmonic one, in which a zero counts fully."""
    v4 = dict.fromkeys(dimensions_of("v4"), 50.0) | {"医疗安全和伦理": 0.0}
    assert derived_overall("v4", v4) == 40
    agent = dict.fromkeys(dimensions_of("agent"), 90.0)
    assert len(agent) == 6
    assert derived_overall("agent", agent) == 90
    assert derived_overall("old", OLD) == pytest.approx(
        5 / (1 / 60 + 1 / 70 + 1 / 80 + 1 / 50 + 1 / 40)
    )
    assert derived_overall("old", {**OLD, "医疗安全和伦理": 0.0}) == 0
    assert harmonic([3.0]) == pytest.approx(3)


def test_sets_make_dimensions():
    """A dimension is the mean of its sets; the three MedRxCheck files are one of them."""
    sets = {"MedSafety": 20.0, "MedEthics": 30.0}
    assert derived_dimensions("v4", sets) == {"医疗安全和伦理": 25}
    assert len(dimensions_of("v4")["医学语言理解"]) == 9
    assert sum(map(len, dimensions_of("v4").values())) == 36
    assert dimension_bounds("v4", sets) == {"医疗安全和伦理": 25}


def test_what_is_missing_is_not_invented():
    """Without one set or dimension, or without a published rule, nothing is derived."""
    assert derived_dimensions("v4", {"MedSafety": 20.0}) == {}
    assert derived_overall("old", {"医学知识问答": 60.0}) is None
    assert derived_dimensions("old", {"MedSafety": 20.0, "DrugCA": 30.0}) == {}
    assert derived_overall("vlm", {}) is None
    assert dimensions_of("vlm") == {}
    assert completed("vlm", ScoreRow(model="m")).overall is None


def test_completed():
    """Figures that follow are filled in, those that were given are kept."""
    row = completed("old", ScoreRow(model="m", dimensions=OLD))
    assert row.overall == pytest.approx(derived_overall("old", OLD))
    kept = completed("old", ScoreRow(model="m", overall=1.0, dimensions=OLD))
    assert kept.overall == 1


def test_mismatches():
    """A figure off by more than 0.1 is named, with the digits that were swapped."""
    dimensions = {"医学知识问答": 71.0, "医学语言生成": 90.2, "复杂医学推理": 70.4,
                  "医学语言理解": 71.9, "医疗安全和伦理": 68.5}  # fmt: skip
    [found] = mismatches("old", ScoreRow(model="m", overall=77.1, dimensions=dimensions))
    assert (found.name, found.given) == ("overall", 77.1)
    assert found.derived == pytest.approx(73.66, abs=0.005)
    assert found.reading == "it fits if 医疗安全和伦理 is read 86.5 instead of 68.5"
    assert str(found).startswith("m: overall is 77.1, its parts give 73.66; it fits")


def test_mismatch_of_a_dimension():
    """A dimension that its sets do not give is named; without one clear reading none is offered."""
    row = ScoreRow(
        model="m", dimensions={"医疗安全和伦理": 80.0}, sets={"MedSafety": 20.0, "MedEthics": 30.0}
    )
    [found] = mismatches("v4", row)
    assert (found.name, found.derived, found.reading) == ("医疗安全和伦理", 25.0, "")


def test_rounding_is_no_mismatch():
    """Parts and totals are rounded to one decimal; 0.1 is within that."""
    row = ScoreRow(
        model="m", dimensions={"医疗安全和伦理": 25.1}, sets={"MedSafety": 20.0, "MedEthics": 30.0}
    )
    assert mismatches("v4", row) == ()
