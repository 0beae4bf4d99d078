"""Values are compared with gold by the measure of their set."""

from __future__ import annotations

import sys

import pytest

from medcheck.errors import SettingsError
from medcheck.scoring.gold import (
    Counts,
    box_score,
    compared,
    iou,
    items,
    macro_f1,
    measure_of,
    micro_f1,
    rouge_l,
    tokens,
)


@pytest.mark.parametrize(
    ("rule", "given", "wanted", "value"),
    [
        ("letter", "A", "A", 1.0),
        ("letter", "A", "B", 0.0),
        ("comma_letters", "AC", "ACD", 0.0),
        ("angle_letters", "AC", "ACD", 0.8),
        ("departments_listed", ("妇科", "血液科"), ("血液科", "妇科"), 1.0),
        ("departments_bar", ("妇科",), ("妇科", "血液科"), 2 / 3),
        ("fields_json", {"a": "37.0", "b": " 有"}, {"a": 37, "b": "无"}, 0.5),
        ("insurance_json", {"a": 1, "b": 2.5}, {"a": 1.0, "b": 2.5}, 1.0),
        ("entities", (("药物", "甲"), ("疾病", "乙")), (("药物", "甲"),), 2 / 3),
        ("entities", (), (), 1.0),
        ("relations", (("病因", "a", "b"),), (("病因", "b", "a"),), 0.0),
        ("report_errors", (("错别字", "改一"),), (("错别字", "改二"),), 1.0),
        ("prescription", ("重复给药",), ("重复给药",), 1.0),
        ("outcome", "治愈", " 治愈", 1.0),
        ("record_dict", {"a": 10**400, "b": float("nan")}, {"a": 10**400, "b": 1}, 0.5),
        ("fields_json", {"a": None, "b": ["x", "y"]}, {"a": None, "b": ["y", "x"]}, 1.0),
        ("boxes", [{"类别": ["无病变"], "边界框": []}], [{"类别": ["无病变"], "边界框": []}], 1.0),
    ],
)
def test_measures(rule, given, wanted, value):
    """Exact sets, shares of fields, and F1, by format."""
    assert compared(rule, given, wanted) == pytest.approx(value)


def test_events_compare_as_wholes():
    """An event agrees when all its parts do, in any order of its lists."""
    one = {"主体词": "痛", "发生状态": "", "描述词": ["a", "b"], "解剖部位": []}
    assert compared("events", [one], [{**one, "描述词": ["b", "a"]}]) == 1.0
    assert compared("events", [one], [{**one, "发生状态": "否定"}]) == 0.0


def test_a_measure_can_be_chosen():
    """The measure of a format can be replaced."""
    assert measure_of("comma_letters") == "exact"
    assert compared("comma_letters", "AC", "ACD", measure="f1") == pytest.approx(0.8)
    assert compared("departments_bar", ("a",), ("a", "b"), measure="exact") == 0.0


def test_micro_and_macro():
    """Micro F1 pools things, macro F1 averages kinds; nothing is None."""
    pairs = [
        (frozenset({("a", "1"), ("a", "2")}), frozenset({("a", "1"), ("a", "2")})),
        (frozenset({("b", "1")}), frozenset({("b", "2")})),
    ]
    assert micro_f1(pairs) == pytest.approx(2 / 3)
    assert macro_f1(pairs) == pytest.approx(0.5)
    assert micro_f1([]) is None
    assert macro_f1([]) is None
    assert Counts(hits=0, given=0, wanted=0).f1 == 1.0


def test_missing_values_hold_nothing():
    """An answer that was not read holds no things."""
    assert items("entities", None) == frozenset()


def test_overlap_of_boxes():
    """Shared by joint area; boxes apart share nothing."""
    assert iou((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert iou((0, 0, 1, 1), (2, 2, 3, 3)) == 0.0
    assert iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0.0


def lesion(label, *box):
    """Return one lesion."""
    return {"类别": [label], "边界框": list(box)}


@pytest.mark.parametrize(
    ("given", "wanted", "value"),
    [
        ([lesion("无病变")], [lesion("无病变")], 1.0),
        ([lesion("无病变")], [lesion("肝癌", 0, 0, 2, 2)], 0.0),
        ([lesion("肝癌", 0, 0, 2, 2)], [lesion("肝癌", 0, 0, 2, 2)], 1.0),
        ([lesion("肺癌", 0, 0, 2, 2)], [lesion("肝癌", 0, 0, 2, 2)], 0.0),
        (
            [lesion("肝癌", 0, 0, 2, 2), lesion("肝癌", 5, 5, 6, 6)],
            [lesion("肝癌", 0, 0, 2, 2)],
            0.5,
        ),
        (
            [lesion("肝癌", 5, 5, 6, 6), lesion("肝癌", 0, 0, 2, 2)],
            [lesion("肝癌", 0, 0, 2, 2), lesion("肝癌", 5, 5, 6, 6)],
            1.0,
        ),
    ],
)
def test_lesions(given, wanted, value):
    """Lesions of one label are paired; missed and invented ones count as nothing."""
    assert box_score(given, wanted) == pytest.approx(value)


def test_rouge_by_characters():
    """Chinese is compared by characters, Latin by words, whatever stands between."""
    pytest.importorskip("rapidfuzz", reason="the extra metrics is not installed")
    assert tokens("患者 T37.5，CT示：ＯＫ") == ["患", "者", "t", "37.5", "ct", "示", "ok"]
    assert rouge_l("头痛三天", "头痛3天") == pytest.approx(0.75)
    assert rouge_l("a b c d", "a c d e") == pytest.approx(0.75)
    assert rouge_l("", "") == 1.0
    assert rouge_l("", "痛") == 0.0
    assert compared("record_headings", {"主诉": "头痛"}, {"主诉": "头痛"}) == 1.0
    assert compared("numbered_json", [{"a": "头痛"}, {"b": None}], [{"a": "头痛"}]) == 1.0


def test_rouge_needs_its_package(monkeypatch):
    """Without rapidfuzz the error names what to install."""
    monkeypatch.setitem(sys.modules, "rapidfuzz.distance", None)
    with pytest.raises(SettingsError, match=r"pip install medcheck\[metrics\]"):
        rouge_l("a", "b")
