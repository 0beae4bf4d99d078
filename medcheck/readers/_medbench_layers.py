"""Does a PDF page hold text that identifies someone? The text itself is never handed on.

Pages are drawn in `_medbench_pdf`.

Source: medbench.md section 5 (PDFs: what stands outside the crop box).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_WORDS = (
    "姓名",
    "患者姓名",
    "住院号",
    "门诊号",
    "病案号",
    "病历号",
    "登记号",
    "就诊卡号",
    "检查号",
    "影像号",
    "病人ID",
    "床号",
    "身份证号?",
    "联系电话",
    "电话",
    "送检医[生师]",
    "申请医[生师]",
    "报告医[生师]",
    "审核医[生师]",
    "主治医[生师]",
    "检查技师",
)
_IDENTIFIERS = (
    re.compile(rf"(?:{'|'.join(_WORDS)})[:：]?\s*\S"),
    re.compile(
        r"(?:[市省县区州]|大学|附属|人民|中心|中医|第[一二三四五六七八九十\d]+)[\u4e00-\u9fff]{0,12}"
        r"(?:医院|卫生院|保健院)"
    ),
    re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"),
    re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"),
    re.compile(
        r"\b(?:patient(?: name| id)?|name|mrn|date of birth|dob|physician)\s*[:：]\s*\S",
        re.IGNORECASE,
    ),
)


def identifies(text: str) -> bool:
    """Tell whether a text has the marks of naming a patient, a clinician or a hospital."""
    plain = re.sub(r"(?<=[\u4e00-\u9fff])[ \t]+(?=[\u4e00-\u9fff])", "", text)
    return any(pattern.search(plain) for pattern in _IDENTIFIERS)


def doubts(page: Any, number: int) -> Iterator[str]:
    """Yield where page `number` (from 1) holds text that identifies someone.

    Pages are sent as pictures: what stands outside the visible box, or in an invisible layer, is
    not sent, but goes wherever the file goes.
    """
    left, bottom, right, top = page.get_cropbox()
    text = page.get_textpage()
    parts: dict[bool, list[str]] = {True: [], False: []}
    for index in range(text.count_chars()):
        low_x, low_y, high_x, high_y = text.get_charbox(index, loose=True)
        x, y = (low_x + high_x) / 2, (low_y + high_y) / 2
        parts[left <= x <= right and bottom <= y <= top].append(text.get_text_range(index, 1))
    for inside, signs in parts.items():
        if identifies("".join(signs)):
            where = "inside" if inside else "outside"
            yield (
                "its PDF holds a text layer with what looks like identifiers: "
                f"page {number}, {where} the visible box"
            )
