"""Checklists become core and secondary demands, and no words are lost."""

import pytest

from medcheck.scoring.requirements import REFERENCE_ONLY, Requirements, requirements


@pytest.mark.parametrize(
    ("core", "secondary"),
    [
        ("核心需求：", "次要需求："),
        ("一、核心需求：", "二、次要需求："),
        ("一、核心需求", "二、次要需求"),
        ("**核心需求**:", "## 次要需求："),
        ("Core requirements:", "Secondary requirement:"),
    ],
)
def test_headings(core, secondary):
    """Every heading of the data, and our English ones, opens its part."""
    found = requirements(f"{core}\n1. 说明甲\n2、说明乙\n\n{secondary}\n1. 建议丙")
    assert found == Requirements(core=("说明甲", "说明乙"), secondary=("建议丙",))
    assert found.points == (
        ("core", 1, "说明甲"), ("core", 2, "说明乙"), ("secondary", 1, "建议丙"),
    )  # fmt: skip


def test_sub_points_stay_with_their_demand():
    """Lines below a numbered demand, and bullets below any, belong to it."""
    core = "核心需求：\n1. 列出法条，包括：\n- 民法典\n第一千条\n2. 说明原则\n"
    found = requirements(f"{core}次要需求：\n解释\n• 例子\n建议")
    assert found.core == ("列出法条，包括：\n- 民法典\n第一千条", "说明原则")
    assert found.secondary == ("解释\n• 例子", "建议")


def test_a_dose_is_no_number_of_a_demand():
    """A line that begins with a decimal number is not numbered."""
    found = requirements("核心需求：\n剂量为\n1.5 mg 每日\n12) 随访")
    assert found.core == ("剂量为", "1.5 mg 每日", "随访")


def test_text_beside_the_headings_is_kept():
    """Text before the first heading is kept; text after a colon opens the part."""
    found = requirements("总则\n核心需求：说明甲\n次要需求：\n")
    assert found == Requirements(core=("说明甲",), preamble="总则")


def test_a_sentence_about_demands_is_no_heading():
    """Words of a heading inside a sentence open nothing."""
    text = "1. 满足患者的核心需求并解释\n2. 次要需求可以省略"
    assert requirements(text).core == ("满足患者的核心需求并解释", "次要需求可以省略")


def test_without_headings_all_is_core():
    """A plain list is the core."""
    assert requirements("1. 甲\n2. 乙") == Requirements(core=("甲", "乙"))


@pytest.mark.parametrize("text", [None, "", " \n", REFERENCE_ONLY])
def test_no_checklist_holds_no_demand(text):
    """What stands in the place of a checklist is none."""
    assert requirements(text) == Requirements()
