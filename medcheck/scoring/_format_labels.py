"""Formats of labels from a list that the item shows: one, several, or one with a reason."""

from __future__ import annotations

import re

from medcheck.scoring._format_json import json_value
from medcheck.scoring._reading import Reading, fail, negated, recoverable, strict

_NAMES = re.compile(r"类别名称列表如[:：]\s*\[([^\]]+)\]")
_WARDS = re.compile(r"候选科室列表如下[:：]\s*\{([^{}]+)\}")
_ITEM_WARDS = re.compile(r"假定医院有以下科室[:：]([^。\n]+)")
_CANDIDATES = re.compile(r"候选诊断[:：]\s*([^\n]+)")
_TERMS = re.compile(r"候选标准词[:：]\s*\n(.*?)\n\s*归一化术语[:：]", re.DOTALL)
_INTENTS = re.compile(r"预定义的意图识别[:：]([^\n]+)")
_QUALITY = re.compile(r"问题类型[:：]([^。\n]+)")
_VIOLATIONS = re.compile(r"错误类型(?:中)?选择[^:：\n]*[:：]([^\n]+)")
_RX_TYPES = re.compile(r"(?m)^([^\s:：*（(][^:：\n]{2,25})[:：]")
_RX_FINE = "处方无问题"
_OUTCOMES = ("治愈", "好转", "未愈", "死亡")
_ANY = "治愈|好转|未愈|死亡"
_OUTCOME = re.compile(
    rf"预测结局[\"”'*\s]*[:：]\s*[\"“'*\s]*((?:{_ANY})(?!率)"
    rf"(?:[\s（(]*(?:或者?|/|、|和|与|及|至|到|-|—|~|～|→)+\s*(?:{_ANY}))*)"
)
"""The outcome behind its label, with those that are joined to it."""
_VERDICT = re.compile(
    r"(?<!非)不能(?!确定|判断|判定|明确|排除)|(?<![可才只未不])能(?=通过)"
    r"|(?:(?<![\u4e00-\u9fff])|(?<=[是为论果]))能(?=[，,。；;：:*\s]|$)"
)
"""Whether a bill passes; other words end in 能 too, such as 可能 and 功能."""
_LIMIT = re.compile(r"(\d{2,4})\s*字(左右)?")
_PREFIX = r"(?:推荐科室|类[型别]名称|临床诊断|诊断|意图标签|归一化术语|答案?)[:：]\s*"
_BEFORE = (
    r"(?:(?<!\w)|(?:(?<=[是为选])|(?<=属于)|(?<=考虑))(?=[\u4e00-\u9fff]))"
    "(?<!不是)(?<!不为)(?<!并非)(?<!不考虑)"
)
"""What may stand before a label in a sentence: Chinese has no spaces, yet other words end in it."""
_MARKS = " \t\n<>[]【】()（）《》“”\"'`*。.，,;；"
_ABOUT = 1.2
"""How much longer a text may be where the item says `左右` (about)."""


def listed_label(question: str, answer: str) -> Reading:
    """Read one of the class names that the item lists."""
    return _one(answer, _listed(_NAMES, question, ","), "label inside text", "no single label")


def intent(question: str, answer: str) -> Reading:
    """Read one of the intents that the item lists."""
    return _one(answer, _listed(_INTENTS, question, "、"), "label inside text", "no single label")


def candidate(question: str, answer: str) -> Reading:
    """Read one of the diagnoses that the item lists."""
    names = _listed(_CANDIDATES, question, "、，,")
    return _one(answer, names, "diagnosis inside text", "no single diagnosis")


def listed_line(question: str, answer: str) -> Reading:
    """Read one of the standard terms that stand a line each in the item."""
    blocks = _TERMS.findall(question)
    names = [line.strip() for line in blocks[-1].splitlines() if line.strip()] if blocks else []
    return _one(answer, names, "term inside text", "no single term")


def departments_bar(question: str, answer: str) -> Reading:
    """Read departments with bars between them."""
    return _several(answer, _listed(_WARDS, question, ","), "|")


def departments_listed(question: str, answer: str) -> Reading:
    """Read departments with `、` between them."""
    return _several(answer, _listed(_ITEM_WARDS, question, "、"), "、")


def quality_labels(question: str, answer: str) -> Reading:
    """Read faults of a picture with bars between them, or the label for none."""
    return _several(answer, [*_listed(_QUALITY, question, "、"), "无问题"], "|")


def outcome(_question: str, answer: str) -> Reading:
    """Read the predicted outcome, from JSON or from labelled text."""
    inner = json_value(answer, lambda value: None if _outcome_in(value) else "outcome")
    if inner.state == "strict":
        return strict(_outcome_in(inner.value))
    named = {each for found in _OUTCOME.findall(answer) for each in re.findall(_ANY, found)}
    if len(named) != 1:
        return fail("no single outcome")
    value = named.pop()
    if re.match(r'"?预测结局', answer):
        return strict(value, "label+reason text")
    # the prompt shows `"question": {...}, "answer": {...}` without braces around: no valid JSON
    if answer.startswith(('"', "{")):
        return strict(value)
    return recoverable(value, "outcome inside text")


def prescription(question: str, answer: str) -> Reading:
    """Read the kinds of problems in a prescription, or that there is none."""
    if answer.strip("。. \n*") == _RX_FINE:
        return strict((_RX_FINE,))
    found = re.search(r"问题类型[*\s]*[:：]\s*([^\n]+)", answer)
    if not found or not re.search(r"干预建议[*\s]*[:：]", answer):
        return fail("no 问题类型 and 干预建议")
    named = [part.strip(_MARKS) for part in re.split("[;；]", found.group(1))]
    known = set(_RX_TYPES.findall(question))
    if unknown := [name for name in named if name and name not in known]:
        return fail(f"type not in list: {unknown[0]}")
    value = tuple(dict.fromkeys(name for name in named if name))
    return strict(value) if found.start() == 0 else recoverable(value, "text before 问题类型")


def insurance_verdict(question: str, answer: str) -> Reading:
    """Read whether a bill passes (`能`, `不能`), and the kinds of violation named from the list."""
    verdicts = _VERDICT.findall(answer)
    if not verdicts:
        return fail("neither 能 nor 不能")
    kinds = tuple(name for name in _listed(_VIOLATIONS, question, "、，,") if name in answer)
    if verdicts[0] == "不能" and not kinds:
        return fail("no listed violation")
    value = (verdicts[0], *kinds)
    first = answer.lstrip(_MARKS).startswith(verdicts[0])
    return strict(value) if first else recoverable(value, "verdict inside text")


def length(question: str, answer: str) -> Reading:
    """Read a text that is no longer than the item allows, white space not counted."""
    limits = [int(most) * (_ABOUT if about else 1) for most, about in _LIMIT.findall(question)]
    size = len(re.sub(r"\s", "", answer))
    return fail("too long") if limits and size > limits[-1] else strict(answer)


def _listed(pattern: re.Pattern[str], question: str, marks: str) -> list[str]:
    """Return the names in the last list of a kind that the item shows."""
    found = pattern.findall(question)
    names = re.split(f"[{marks}]", found[-1]) if found else []
    return [name for part in names if (name := part.strip(_MARKS))]


def _one(answer: str, names: list[str], inside: str, wrong: str) -> Reading:
    if answer in names:
        return strict(answer)
    if (bare := answer.strip(_MARKS)) in names:
        return recoverable(bare, "bracket/punctuation")
    named = [name for name in names if _says(answer, name)]
    longest = [n for n in named if not any(n != other and n in other for other in named)]
    return recoverable(longest[0], inside) if len(longest) == 1 else fail(wrong)


def _says(answer: str, name: str) -> bool:
    found = re.finditer(rf"{_BEFORE}{re.escape(name)}(?!\w)", answer)
    return any(not negated(answer[: each.start()]) for each in found)


def _several(answer: str, names: list[str], mark: str) -> Reading:
    if not set(parts := answer.split(mark)) - set(names):
        return strict(tuple(dict.fromkeys(parts)))
    plain = re.sub(f"^{_PREFIX}", "", answer.strip(_MARKS))
    found = [p for part in re.split(r"[|｜、,，;；\n]", plain) if (p := part.strip(_MARKS))]
    if unknown := [part for part in found if part not in names]:
        return fail(f"entry not in list: {unknown[0]}")
    if not found:
        return fail("no entry")
    return recoverable(tuple(dict.fromkeys(found)), "separator, label or bracket differs")


def _outcome_in(value: object) -> str | None:
    """Return the outcome in an object, or in the object under its `answer`."""
    if isinstance(value, dict):
        inner = value.get("预测结局")
        if isinstance(inner, str) and inner in _OUTCOMES:
            return inner
        return _outcome_in(value.get("answer"))
    return None
