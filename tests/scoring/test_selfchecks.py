"""Self-checks find what cannot be so, without gold."""

from __future__ import annotations

import pytest

from medcheck.scoring._format_objects import INSURANCE_KEYS
from medcheck.scoring.selfchecks import CHECKS, arithmetic, grounding

QUESTION = (
    "门诊病历：\n主诉：右 髋疼痛2天。T 37.2℃\n\n需要提取的实体字段：\n- 主诉\n- 体温\n- 压痛\n"
)


def bill(**changed):
    """Return a bill that adds up: 100 in all, 60 paid by the insurance."""
    amounts = dict(zip(INSURANCE_KEYS, (100, 80, 60, 15, 5, 40, 0), strict=True))
    return {**amounts, **changed}


@pytest.mark.parametrize(
    ("changed", "severities"),
    [
        ({}, []),
        ({"个人支付总金额": 40.04}, []),
        ({"个人支付总金额": 41}, ["error"]),
        ({"纳入报销范围金额": 70}, ["warning"]),
        ({"总费用": 101}, ["error", "warning"]),
    ],
)
def test_bills_add_up(changed, severities):
    """A wrong share of the patient is an error; parts that miss the total are a warning."""
    assert [finding.severity for finding in arithmetic(bill(**changed))] == severities


def test_values_stand_in_the_record():
    """Values are looked for in the record alone, spaces and width aside; unknowns are left out."""
    found = grounding(QUESTION, {"主诉": "右髋疼痛２天", "体温": 37.2, "压痛": "有"})
    assert (found.checked, found.missing, found.share) == (2, (), 1.0)
    # 压痛 stands in the list of fields, which is no record
    assert grounding(QUESTION, {"压痛": "压痛"}).missing == ("压痛",)
    assert grounding(QUESTION, {"压痛": "未知"}).share is None


def test_checks_by_name():
    """Checks of values pass over answers without one."""
    assert CHECKS["arithmetic"]("", "", None) == ()
    assert CHECKS["arithmetic"]("", "", bill(总费用=1))[0].severity == "error"
    assert CHECKS["grounding"](QUESTION, "", None) == ()
    assert CHECKS["grounding"](QUESTION, "", {"主诉": "头痛"})[0].severity == "warning"
    assert CHECKS["agent_ids"]("Agent0：a", "Agent9", None)[0].severity == "error"
