"""The rubric lint finds what the original let pass, and leaves good rubrics alone."""

import pytest

from medcheck.readers._rubric_lint import Place, findings, type_of
from medcheck.scoring.gaps import WEIGHTS


def rules(*points):
    """Return severity and rule of each finding."""
    place = Place(row=3, column="rubrics")
    return [(f.severity, f.rule) for f in findings(points, place, levels=WEIGHTS)]


def point(number=1, claim="说明剂量", level="A1", **more):
    kind = "negative" if level.startswith("S") else "positive"
    return {"id": number, "claim": claim, "level": level, "type": kind, **more}


def flaw(claim):
    return point(claim=claim, level="S2")


def test_a_good_rubric():
    """A rubric without doubts has no findings."""
    assert not rules(point(), point(2, "随访"), {**flaw("把剂量说成 50 mg"), "id": 3})


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([point(level="A4")], [("warning", "unknown_level")]),
        ([point(type=None)], [("warning", "missing_type")]),
        ([point(level="S1", type="")], [("warning", "missing_type")]),
        ([point(level="Q1", type=None)], [("warning", "unknown_level"), ("error", "missing_type")]),
        ([point(type="both")], [("error", "missing_type")]),
        ([point(type="negative")], [("error", "contradictory_type")]),
        ([point(level="S1", type="positive")], [("error", "contradictory_type")]),
        ([point(), point(claim="x")], [("error", "duplicate_id")]),
        ([point(), point("1", "x")], [("error", "duplicate_id")]),
        ([point(), point(2, " 说明剂量 ")], [("warning", "duplicate_claim")]),
    ],
)
def test_levels_types_and_repeats(points, expected):
    """Unknown levels and repeated claims are warnings; what has two meanings is an error."""
    assert rules(*points) == expected


@pytest.mark.parametrize(
    "claim",
    [
        "遗漏了部分高危征象",
        "完全未提及随访",
        "没有说明禁忌",
        "Leaves out the warning signs",
        "Fails to mention the dose",
        "The answer does not mention kidney function",
        "Gives the dose without mentioning the interval",
    ],
)
def test_omissions(claim):
    """A flaw that lies in leaving something out punishes a missed requirement twice."""
    assert rules(flaw(claim)) == [("warning", "restates_positive")]
    assert not rules(point(claim=claim))


@pytest.mark.parametrize(
    "claim",
    [
        "不应使用 ACE 抑制剂",
        "在急性期不应延误评估",
        "避免使用培美曲塞",
        "Do not stop the tablets",
        "Should not delay the ECG",
        "Antibiotics must not be given at once",
    ],
)
def test_instructions(claim):
    """A flaw that is worded as advice has two meanings of met."""
    assert rules(flaw(claim)) == [("warning", "instruction")]
    assert not rules(point(claim=claim))


@pytest.mark.parametrize(
    "claim",
    [
        "错误地认为不应手术",
        "建议患者不要就医",
        "声称必须每天做 CT",
        "Claims that patients should not be seen by a doctor",
        "Recommends a dose of 500 mg",
        "将典型的良性特征错误地解读为恶性征象",
    ],
)
def test_flaws_that_quote_advice(claim):
    """A flaw that describes what the answer says wrongly is no instruction."""
    assert not rules(flaw(claim))


def test_type_of():
    """The type, where it is left out, is that of the level's letter."""
    assert type_of({"level": " S3 "}) == "negative"
    assert type_of({"level": "A4"}) == "positive"
    assert type_of({"level": "A1", "type": "negative"}) == "negative"
    assert type_of({"level": "A1", "type": "no"}) is None
    assert type_of({"level": "Z"}) is None
