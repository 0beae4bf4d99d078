"""Demands that contradict each other are found in a question's own words, and only there."""

from __future__ import annotations

import pytest

from medcheck.readers import _medbench_lint as lint


@pytest.mark.parametrize(
    "text",
    [
        "注意：禁止输出json格式结果，直接输出文本",
        "请勿使用 JSON。",
        "不要以json格式回答",
        "只输出纯文本",
        "Do not answer in JSON.",
        "Answer without JSON",
        "Plain text only.",
        "严禁JSON",
        "禁止JSON格式",
        "禁止任何JSON",
        "严禁输出JSON",
        "不要出现JSON",
        "禁用JSON",
        "JSON格式被禁止",
        "JSON is forbidden",
        "Answers must not be JSON.",
    ],
)
def test_bans(text):
    """Words that forbid JSON are found, and are no demand for it."""
    assert lint.ban_of_json(text)
    assert lint.demand_of_json(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "请以JSON格式输出",
        "不要输出JSON以外的任何内容，严格遵守 JSON 格式",
        "不要在JSON前后添加说明，输出JSON数组",
        "Return JSON. Do not use JSON keys of your own.",
        "输出格式为：```json{}```",
        "All answers must be JSON.",
        "JSON only",
        "不要使用JSON代码块标记",
        "严禁JSON以外的内容，请输出JSON",
    ],
)
def test_demands(text):
    """Words that demand JSON are found, and a limit to it is no ban."""
    assert lint.demand_of_json(text)
    assert lint.ban_of_json(text) is None


def test_neither():
    """Ordinary words are neither."""
    assert lint.ban_of_json("You are a helpful assistant.") is None
    assert lint.demand_of_json("文件 drugs.json 里有什么？") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("只输出选项字母，不要输出其他内容", True),
        ("仅回答一个字母", True),
        ("Answer with the letter only.", True),
        ("Reply with only the option letter.", True),
        ("只输出选项的内容", False),
        ("You are a helpful assistant.", False),
        ("Write a letter to the patient.", False),
    ],
)
def test_letters_only(text, found):
    """Words that leave room for a letter alone are found; an option's text is none."""
    assert (lint.demand_of_letters(text) is not None) == found


@pytest.mark.parametrize(
    ("template", "wrong"),
    [
        ('{"诊断": "", "依据": "",}', "comma before its closing bracket"),
        ('{"诊断": "" "依据": ""}', "no valid JSON"),
        ('{"诊断": [1, 2}', "no valid JSON"),
        ('{"诊断": "" 如上', "no valid JSON"),
        ('区间[0, 1)内，{"诊断": ""}', None),
        ('{"诊断": ""}', None),
        ('[{"病1": "…"},\n...\n{"病n": ".."}]', None),
        ('{"错误1": "建议1", "错误2": "建议2", ...}', None),
        ('[{"类别": ["x"], "边界框": [x1, y1, x2, y2]}]', None),
        ("{'a': 1, \"b\": 2}", None),
        ('{"a": "逗号,}在字里"}', None),
    ],
)
def test_templates(template, wrong):
    """A template that no parser takes is told; stand-ins and Python literals are not."""
    found = lint.json_template(f"按JSON格式输出：\n{template}")
    assert (wrong in found) if wrong else found is None
    assert lint.json_template(f"如下：\n{template}") is None


def test_a_dict_and_a_list():
    """Two kinds of nothing are a contradiction, one is none."""
    assert lint.dict_and_list("没有则输出空dict。没有问题则输出为空列表")
    assert lint.dict_and_list("没有则输出空列表") is None


def test_another_mark():
    """An example that shows the ASCII mark contradicts the Chinese one that is asked for."""
    assert lint.other_mark("以中文分号分隔，例如：剂量不合理;重复给药") == (
        'asks for the Chinese "；" and shows ";"'
    )
    assert lint.other_mark("以中文分号分隔，例如：剂量不合理；重复给药") is None
    assert lint.other_mark("以中文分号分隔") is None


def test_strange_examples():
    """Labels of examples must be among those listed; what stands before the examples is free."""
    task = '类别：甲、乙\n输出要求："类别": ["丙"]\n输出示例：[{{"类别": ["{}"]}}]'
    assert lint.strange_examples(task.format("丁")).endswith("does not list: 丁")
    assert lint.strange_examples(task.format("甲")) is None
    assert lint.strange_examples("类别：甲、乙") is None


@pytest.mark.parametrize(
    ("question", "glued"),
    [
        ("A.维生素CB.亚硫酸氢钠C.碳酸氢钠", True),
        ("A.维生素C B.亚硫酸氢钠 C.碳酸氢钠", False),
        ("A. 甲\nB. 查TSH、血糖\nC. 丙", False),
        ("A. 甲\nB. aVF.导联\nC. 丙", False),
    ],
)
def test_glued_options(question, glued):
    """A letter that could belong to the option before is told; abbreviations are not."""
    assert (lint.glued_options(question) is not None) == glued
