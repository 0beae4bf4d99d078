"""Labels are read from the list that the item shows."""

from __future__ import annotations

import pytest

from medcheck.scoring import _format_labels as labels

CLASSES = "类别名称列表如：\n[Age, Disease, Disease or Symptom]\n类型名称：\n"
WARDS = "候选科室列表如下：{'妇科', '普外科', '小儿普外科'}\n"
ITEM_WARDS = "假定医院有以下科室：妇科、胸外科、血液科。请推荐"
QUALITY = "问题类型：伪影、偏中心。"
RX = "处方无问题：都好\n重复给药：同类药\n超说明书用药：超出\n**[输出格式]**\n"
BILL = "请从以下错误类型选择（若适用）：重复收费违规、拆分收费违规"
TERMS = "候选标准词：\n糖尿病\n膜性肾病\n归一化术语：\n"


@pytest.mark.parametrize(
    ("answer", "state", "value"),
    [
        ("Disease", "strict", "Disease"),
        ("<Disease>", "recoverable", "Disease"),
        ("类型名称：\nAge", "recoverable", "Age"),
        ("这是 Disease or Symptom 类", "recoverable", "Disease or Symptom"),
        ("Age 或 Disease", "fail", None),
        ("Diseases", "fail", None),
    ],
)
def test_one_class(answer, state, value):
    """One class of the list, alone or the only one named; longer names win over their parts."""
    found = labels.listed_label(CLASSES, answer)
    assert (found.state, found.value) == (state, value)


@pytest.mark.parametrize(
    ("rule", "question", "answer", "state"),
    [
        (labels.intent, "预定义的意图识别：预约挂号、用药咨询\n", "预约挂号", "strict"),
        (labels.intent, "预定义的意图识别：预约挂号、用药咨询\n", "属于挂号", "fail"),
        (labels.candidate, "候选诊断：脑膜瘤、垂体瘤", "脑膜瘤", "strict"),
        (labels.candidate, "候选诊断：脑膜瘤、垂体瘤", "诊断：**脑膜瘤**", "recoverable"),
        (labels.listed_line, TERMS, "膜性肾病", "strict"),
        (labels.listed_line, TERMS, "肾病", "fail"),
        (labels.departments_bar, WARDS, "妇科|普外科", "strict"),
        (labels.departments_bar, WARDS, "推荐科室：妇科、普外科", "recoverable"),
        (labels.departments_bar, WARDS, "<妇科>", "recoverable"),
        (labels.departments_bar, WARDS, "妇科|儿科", "fail"),
        (labels.departments_bar, WARDS, "。", "fail"),
        (labels.departments_listed, ITEM_WARDS, "妇科、血液科", "strict"),
        (labels.departments_listed, ITEM_WARDS, "妇科,血液科", "recoverable"),
        (labels.quality_labels, QUALITY, "伪影|偏中心", "strict"),
        (labels.quality_labels, QUALITY, "无问题", "strict"),
        (labels.prescription, RX, "处方无问题", "strict"),
        (labels.prescription, RX, "问题类型: 重复给药;超说明书用药\n干预建议: 停一种", "strict"),
        (labels.prescription, RX, "审核：\n问题类型：重复给药\n干预建议：停", "recoverable"),
        (labels.prescription, RX, "问题类型: 别的\n干预建议: 停", "fail"),
        (labels.prescription, RX, "问题类型: 重复给药", "fail"),
        (labels.insurance_verdict, BILL, "不能通过。属于重复收费违规。", "strict"),
        (labels.insurance_verdict, BILL, "审核结论：能通过。", "recoverable"),
        (labels.insurance_verdict, BILL, "不能通过。", "fail"),
        (labels.insurance_verdict, BILL, "合规", "fail"),
    ],
)
def test_lists(rule, question, answer, state):
    """Each set has its list, its separator, and its way to say that nothing is wrong."""
    assert rule(question, answer).state == state


@pytest.mark.parametrize(
    ("answer", "state", "value"),
    [
        ('{"预测结局": "好转", "理由": "x"}', "strict", "好转"),
        ('{"answer": {"预测结局": "好转", "理由": "x"}}', "strict", "好转"),
        ("预测结局：治愈\n理由：x", "strict", "治愈"),
        ('"question": {"x"}, "answer": {"预测结局": "死亡"}', "strict", "死亡"),
        ('### answer\n{"预测结局": "未愈", "理由": "x"}', "recoverable", "未愈"),
        ("预测结局：治愈。预测结局：死亡。", "fail", None),
        ("会好的", "fail", None),
    ],
)
def test_outcomes(answer, state, value):
    """Exactly one of four outcomes, in JSON or behind its label."""
    found = labels.outcome("", answer)
    assert (found.state, found.value) == (state, value)


@pytest.mark.parametrize(
    ("question", "size", "state"),
    [
        ("写科普，500字内。", 500, "strict"),
        ("写科普，500字内。", 501, "fail"),
        ("字数400字左右。", 480, "strict"),
        ("字数400字左右。", 481, "fail"),
        ("写摘要", 5000, "strict"),
    ],
)
def test_length(question, size, state):
    """White space does not count; `about` leaves a fifth more room; no limit is no limit."""
    assert labels.length(question, "字 " * size).state == state


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("意图是挂号", "挂号"),
        ("我认为属于退号。", "退号"),
        ("意图不是挂号", None),
        ("是挂号，不是退号", "挂号"),
        ("用户想取消挂号", None),
        ("意图是特需挂号", None),
    ],
)
def test_a_label_in_a_chinese_sentence(answer, value):
    """A label is read behind a verb, without a space; not where it is denied or part of a word."""
    assert labels.intent("预定义的意图识别：挂号、退号、查询", answer).value == value


@pytest.mark.parametrize("answer", ["并不属于用药咨询", "排除：用药咨询", "非用药咨询"])
def test_a_denied_label_is_none(answer):
    """A label is not read where the words before it deny it."""
    assert labels.intent("预定义的意图识别：预约挂号、用药咨询\n", answer).state == "fail"


@pytest.mark.parametrize(
    "answer", ["预测结局：治愈或好转", "预测结局：治愈/死亡", "预测结局：治愈（或好转）"]
)
def test_two_outcomes_are_none(answer):
    """Outcomes that are joined are no single one."""
    assert labels.outcome("", answer).state == "fail"


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("可能，不确定", None),
        ("功能，正常", None),
        ("可能通过", None),
        ("不能确定，重复收费违规", None),
        ("该账单能通过", ("能",)),
        ("结论为能，合规", ("能",)),
        ("**能**", ("能",)),
    ],
)
def test_words_that_end_in_a_verdict_are_none(answer, value):
    """能 is a verdict where it stands for itself, not in 可能 or 功能."""
    assert labels.insurance_verdict(BILL, answer).value == value
