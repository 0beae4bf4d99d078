"""Labelled lines are read under their headings."""

from __future__ import annotations

import pytest

from medcheck.scoring import _format_lines as lines

RECORD = "要求输出格式为：\n主诉：“” \n现病史：“”\n既往史：“” \n\n任务示例：\n"
NAMED = {"药物": "阿司匹林, 甲、乙胶囊", "医院科室": "儿科、内科", "症状和体征": "“发热”"}
ENTITY_LINES = "\n".join(f"{kind}：{NAMED.get(kind, '')}" for kind in lines._ENTITIES)


@pytest.mark.parametrize(
    ("answer", "state", "why"),
    [
        ("主诉：痛\n现病史：三天\n既往史：无", "strict", None),
        ("主诉：痛\n既往史：无\n现病史：三天", "strict", None),
        ("报告：\n主诉：痛\n现病史：三天\n既往史：无", "recoverable", lines._AROUND),
        ("**主诉**：痛\n## 现病史：三天\n- 既往史: 无", "recoverable", lines._AROUND),
        ("主诉：痛\n现病史：三天", "fail", "missing heading 既往史"),
    ],
)
def test_records(answer, state, why):
    """The headings that the item shows begin a line each, the first one the answer."""
    found = lines.record_headings(RECORD, answer)
    assert (found.state, found.why) == (state, why)


def test_parts_are_read():
    """The text under each heading is the value, decoration taken away."""
    found = lines.record_headings(RECORD, "**主诉**：痛\n不适\n现病史：三天\n既往史：无")
    assert found.value == {"主诉": "痛\n不适", "现病史": "三天", "既往史": "无"}


@pytest.mark.parametrize(
    ("answer", "state", "why"),
    [
        ("诊断：甲\n诊断依据：乙\n需立即完善的检查：丙", "strict", None),
        ("### 诊断\n甲\n### 诊断依据\n乙\n### 需立即完善的检查\n丙", "recoverable",
         "headings without colon/line start"),
        ("诊断依据：乙\n诊断：甲\n需立即完善的检查：丙", "recoverable", "headings out of order"),
        ("输出诊断、诊断依据、需立即完善的检查。", "fail",
         "missing heading 诊断/诊断依据/需立即完善的检查"),
    ],
)  # fmt: skip
def test_order_counts_in_the_clinic(answer, state, why):
    """Some sets fix the order; headings quoted in a sentence are none."""
    found = lines.clinic_headings("", answer)
    assert (found.state, found.why) == (state, why)


def test_other_fixed_headings():
    """Two more sets have headings of their own."""
    assert lines.diagnosis_headings("", "初步诊断：甲\n诊断依据：乙").state == "strict"
    assert lines.image_headings("", "影像表现：甲\n\n诊断意见：乙").state == "strict"


def test_entities_are_pairs():
    """Entities are read by kind, without quotes; a line with commas is not split elsewhere."""
    found = lines.entities("", ENTITY_LINES)
    assert found.state == "strict"
    assert found.value == (
        ("药物", "阿司匹林"), ("药物", "甲、乙胶囊"), ("医院科室", "儿科"), ("医院科室", "内科"),
        ("症状和体征", "发热"),
    )  # fmt: skip
    assert lines.entities("", "身体部位：肺").why == "missing heading 药物/医疗设备/医院科室"


def test_relations_are_triples():
    """Relations stand a line each; other lines are passed over, none at all is a failure."""
    one = "关系类型：病因，头实体：“肺炎”，尾实体：细菌。"
    assert lines.relations("", one).value == (("病因", "肺炎", "细菌"),)
    assert lines.relations("", f"关系识别：\n{one}\n{one}").state == "recoverable"
    assert lines.relations("", "无").why == "no relation line"


def test_a_fence_is_no_entity():
    """The fence around labelled lines closes behind the last entity and is no part of it."""
    named = {**NAMED, "疾病": "肺炎"}
    text = "\n".join(f"{kind}：{named.get(kind, '')}" for kind in lines._ENTITIES)
    found = lines.entities("", f"```\n{text}\n```")
    assert found.state == "recoverable"
    assert found.value == lines.entities("", text).value
    assert ("疾病", "肺炎") in found.value
