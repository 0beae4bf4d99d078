"""Text that names someone is noticed, whatever its language; ordinary findings are not."""

from __future__ import annotations

import pytest
from drawings import pdf

from medcheck.readers._medbench_layers import doubts, identifies


@pytest.mark.parametrize(
    "text",
    [
        "姓名：某某", "住院号: 0001", "某某市第一人民医院", "报告医生：甲", "电话13800000000",
        "11010119000101001X", "MRN: 12", "Patient name: X", "姓 名：某某",
    ],
)  # fmt: skip
def test_identifiers(text):
    """Labels of identifiers with a value, hospitals, and numbers of persons are found."""
    assert identifies(text)


@pytest.mark.parametrize("text", ["", "双肺纹理清晰，心影不大。", "CT 2024 30mm", "建议到医院复查"])
def test_findings_are_no_identifiers(text):
    """What a report says of a disease names nobody."""
    assert not identifies(text)


def test_inside_and_outside():
    """The visible box decides where a text stands."""
    pdfium = pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    for line, where in ((60, "inside"), (160, "outside")):
        text = (f"1 0 0 1 20 {line} Tm", "(MRN: 12) Tj")
        document = pdfium.PdfDocument(pdf(text=text))
        [told] = doubts(document[0], 3)
        assert told.endswith(f"identifiers: page 3, {where} the visible box")
        document.close()
