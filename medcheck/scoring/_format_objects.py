"""Formats whose answer is JSON or a Python literal: the shape that each set asks for."""

from __future__ import annotations

import re
from typing import Any

from medcheck.scoring._format_json import json_value
from medcheck.scoring._reading import Reading, recoverable

INSURANCE_KEYS = (
    "总费用",
    "纳入报销范围金额",
    "医保报销金额",
    "乙类项目自负金额",
    "完全自费金额",
    "个人支付总金额",
    "结算后起付线剩余",
)
_EVENT = ("主体词", "发生状态", "描述词", "解剖部位")
_STATES = ("", "不确定", "否定")
_ERRORS = re.compile(r"候选问题列表[:：]\s*\{([^{}]*)\}")
_LESIONS = re.compile(r"病变类别[:：]\s*([^\n]+)")
_FIELDS = re.compile(r"需要提取的实体字段[:：]?\s*\n((?:[ \t]*[-•·][^\n]*\n?)+)")
_NO_LESION = "无病变"
_BOX = 4
_GRID = 1000
_LARGEST = 1e15
"""No amount or place is larger; NaN and numbers too long for a float are not smaller."""


def events(_question: str, answer: str) -> Reading:
    """Read a list of clinical events."""
    reading = json_value(answer, _event_problem, python=True)
    if reading.state == "fail" and answer.startswith("{"):
        one = json_value(f"[{answer}]", _event_problem, python=True)
        return recoverable(one.value, "one event without its list") if one.usable else reading
    return reading


def record_dict(_question: str, answer: str) -> Reading:
    """Read a flat record: names with texts or numbers."""
    return json_value(answer, _flat_problem, python=True)


def insurance_json(_question: str, answer: str) -> Reading:
    """Read the seven amounts of an insurance bill."""
    return json_value(answer, _insurance_problem)


def fields_json(question: str, answer: str) -> Reading:
    """Read the fields that the item lists."""
    wanted = fields_of(question)
    return json_value(answer, lambda value: _keys_problem(value, wanted))


def plan_json(_question: str, answer: str) -> Reading:
    """Read diagnosis, its grounds and a plan."""
    return json_value(answer, lambda value: _keys_problem(value, ("诊断", "诊断依据", "治疗方案")))


def treatment_json(_question: str, answer: str) -> Reading:
    """Read diagnosis and plan."""
    return json_value(answer, lambda value: _keys_problem(value, ("诊断", "治疗方案")))


def ocr_json(_question: str, answer: str) -> Reading:
    """Read the two parts of a report; the prompt asks for a code fence."""
    keys = ("影像描述", "影像诊断")
    return json_value(answer, lambda value: _keys_problem(value, keys, text=True), fence="strict")


def numbered_json(_question: str, answer: str) -> Reading:
    """Read diagnoses numbered from 1, each with its grounds."""
    return json_value(answer, _numbered_problem)


def report_errors(question: str, answer: str) -> Reading:
    """Read errors of a report by type: the prompt asks for an object and shows a list."""
    found = _ERRORS.search(question)
    types = re.findall(r"['‘\"]([^'’\"]+)['’\"]", found.group(1)) if found else []
    reading = json_value(answer, lambda value: _errors_problem(value, types), fence="strict")
    if not reading.usable:
        return reading
    pairs = reading.value.items() if isinstance(reading.value, dict) else map(_pair, reading.value)
    return Reading(state=reading.state, why=reading.why, value=tuple(pairs))


def boxes(question: str, answer: str) -> Reading:
    """Read lesions, each with one label of the item's list and a box of the 0 to 1000 grid."""
    found = _LESIONS.search(question)
    labels = re.split("[、,，]", found.group(1).strip()) if found else []
    return json_value(answer, lambda value: _boxes_problem(value, labels))


def fields_of(question: str) -> tuple[str, ...]:
    """Return the names of the fields that an extraction item lists, without their bullets."""
    found = _FIELDS.search(question)
    lines = found.group(1).splitlines() if found else []
    return tuple(line.strip().lstrip("-•·").strip() for line in lines if line.strip())


def _keys_problem(value: Any, wanted: tuple[str, ...], *, text: bool = False) -> str | None:
    if not isinstance(value, dict):
        return "not an object"
    if missing := [name for name in wanted if name not in value]:
        return f"missing {missing[0]}"
    if extra := [name for name in value if name not in wanted]:
        return f"unknown {extra[0]}"
    if text and not all(isinstance(part, str) for part in value.values()):
        return "text values"
    return None


def _event_problem(value: Any) -> str | None:
    if not isinstance(value, list):
        return "not a list"
    for event in value:
        if not isinstance(event, dict) or set(event) != set(_EVENT):
            return "event keys"
        if event["发生状态"] not in _STATES:
            return "发生状态 value"
        for name in ("描述词", "解剖部位"):
            parts = event[name]
            if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
                return "list fields"
    return None


def _flat_problem(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "not an object"
    flat = all(isinstance(part, (str, int, float)) for part in value.values())
    return None if flat else "nested values"


def _insurance_problem(value: Any) -> str | None:
    wrong = _keys_problem(value, INSURANCE_KEYS)
    if wrong:
        return wrong
    odd = [name for name, amount in value.items() if not _number(amount)]
    return f"{odd[0]} is no number" if odd else None


def _number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < _LARGEST


def _numbered_problem(value: Any) -> str | None:
    if not isinstance(value, list) or not value:
        return "not a list"
    for number, item in enumerate(value, start=1):
        if not isinstance(item, dict) or set(item) != {f"鉴别诊断{number}", f"诊断依据{number}"}:
            return f"keys of item {number}"
    return None


def _errors_problem(value: Any, types: list[str]) -> str | None:
    if isinstance(value, list):
        if not all(
            isinstance(item, dict) and set(item) == {"错误类型", "修改建议"} for item in value
        ):
            return "error keys"
        named = [item["错误类型"] for item in value]
    elif isinstance(value, dict):
        named = list(value)
    else:
        return "neither object nor list"
    unknown = [name for name in named if types and name not in types]
    return f"type not in list: {unknown[0]}" if unknown else None


def _pair(item: dict[str, str]) -> tuple[str, str]:
    return item["错误类型"], item["修改建议"]


def _boxes_problem(value: Any, labels: list[str]) -> str | None:
    if not isinstance(value, list) or not value:
        return "not a list"
    for item in value:
        if not isinstance(item, dict) or set(item) != {"类别", "边界框"}:
            return "lesion keys"
        named = item["类别"]
        if not isinstance(named, list) or len(named) != 1 or (labels and named[0] not in labels):
            return "label not in list"
        if wrong := _box_problem(item["边界框"], empty=named[0] == _NO_LESION):
            return wrong
    return "no lesion beside others" if _mixed(value) else None


def _box_problem(box: Any, *, empty: bool) -> str | None:
    if empty:
        return None if box == [] else "box without lesion"
    if not isinstance(box, list) or len(box) != _BOX or not all(_number(side) for side in box):
        return "box is not four numbers"
    if not all(0 <= side <= _GRID for side in box):
        return "box outside 0 to 1000"
    return None if box[0] < box[2] and box[1] < box[3] else "box order"


def _mixed(value: list[dict[str, Any]]) -> bool:
    return len(value) > 1 and any(item["类别"] == [_NO_LESION] for item in value)
