"""Each JSON set has its own shape."""

from __future__ import annotations

import json

import pytest

from medcheck.scoring import _format_objects as objects

EVENT = {"主体词": "咳嗽", "发生状态": "", "描述词": ["阵发性"], "解剖部位": []}
BILL = dict.fromkeys(objects.INSURANCE_KEYS, 1.5)
FIELDS = "请提取\n需要提取的实体字段：\n- 主诉\n- 4字试验\n- 体温(℃)\n"
LESIONS = "病变类别：肝癌、肺癌、无病变\n输出"
ERRORS = "候选问题列表：{'错别字', '单位错误'}\n"


def state(rule, value, question=""):
    """Return state and reason of a value as JSON."""
    found = rule(question, json.dumps(value, ensure_ascii=False))
    return found.state, found.why


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([EVENT], ("strict", None)),
        ([], ("strict", None)),
        (EVENT, ("recoverable", "one event without its list")),
        ([{**EVENT, "发生状态": "确定"}], ("fail", "schema: 发生状态 value")),
        ([{**EVENT, "描述词": "x"}], ("fail", "schema: list fields")),
        ([{"主体词": "咳嗽"}], ("fail", "schema: event keys")),
    ],
)
def test_events(value, expected):
    """Events have four fields; their state is empty, uncertain or denied."""
    assert state(objects.events, value) == expected


def test_numbered_events_are_read():
    """Events that stand one by one in a text are read as their list."""
    answer = "\n".join(f"{n}. {json.dumps(EVENT, ensure_ascii=False)}" for n in (1, 2))
    found = objects.events("", answer)
    assert (found.state, found.value) == ("recoverable", [EVENT, EVENT])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (BILL, "strict"),
        ({**BILL, "总费用": "1.5"}, "fail"),
        ({**BILL, "总费用": True}, "fail"),
        ({**BILL, "总费用": float("nan")}, "fail"),
        ({**BILL, "总费用": 10**400}, "fail"),
        ({**BILL, "x": 1}, "fail"),
        ({"总费用": 1}, "fail"),
    ],
)
def test_bills(value, expected):
    """A bill has exactly seven amounts, and they are numbers."""
    assert state(objects.insurance_json, value)[0] == expected


def test_field_names_keep_their_digits():
    """Only the bullet is taken from a field's name: 4字试验 is a name."""
    assert objects.fields_of(FIELDS) == ("主诉", "4字试验", "体温(℃)")
    full = {"主诉": "痛", "4字试验": "+", "体温(℃)": 37}
    assert state(objects.fields_json, full, FIELDS) == ("strict", None)
    del full["4字试验"]
    assert state(objects.fields_json, full, FIELDS) == ("fail", "schema: missing 4字试验")


def test_numbered_diagnoses():
    """Diagnoses are numbered from 1 without a gap."""
    good = [{"鉴别诊断1": "a", "诊断依据1": "b"}, {"鉴别诊断2": "c", "诊断依据2": "d"}]
    assert state(objects.numbered_json, good)[0] == "strict"
    assert state(objects.numbered_json, good[1:])[0] == "fail"


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (objects.plan_json, {"诊断": "a", "诊断依据": "b", "治疗方案": "c"}, "strict"),
        (objects.plan_json, {"诊断": "a"}, "fail"),
        (objects.treatment_json, {"诊断": "a", "治疗方案": ["c"]}, "strict"),
        (objects.record_dict, {"Her2": 0, "Ki67": "80%+"}, "strict"),
        (objects.record_dict, {"Her2": {}}, "fail"),
        (objects.ocr_json, {"影像描述": "a", "影像诊断": "b"}, "strict"),
        (objects.ocr_json, {"影像描述": "a", "影像诊断": 1}, "fail"),
    ],
)
def test_plain_shapes(rule, value, expected):
    """Other shapes are fixed keys, or any flat record."""
    assert state(rule, value)[0] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"错别字": "描述：改"}, (("错别字", "描述：改"),)),
        ([{"错误类型": "错别字", "修改建议": "描述：改"}], (("错别字", "描述：改"),)),
        ([], ()),
        ({}, ()),
        ({"别的": "x"}, None),
        ([{"类型": "错别字"}], None),
        ("错别字", None),
        (7, None),
    ],
)
def test_report_errors(value, expected):
    """Both shapes that the prompt shows are read alike; other types are refused."""
    assert objects.report_errors(ERRORS, json.dumps(value, ensure_ascii=False)).value == expected


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([{"类别": ["肝癌"], "边界框": [1, 2, 3, 4]}], None),
        ([{"类别": ["无病变"], "边界框": []}], None),
        ([{"类别": ["无病变"], "边界框": [1, 2, 3, 4]}], "schema: box without lesion"),
        ([{"类别": ["肝癌"], "边界框": [3, 2, 1, 4]}], "schema: box order"),
        ([{"类别": ["肝癌"], "边界框": [1, 2, 3, 1001]}], "schema: box outside 0 to 1000"),
        ([{"类别": ["肝癌"], "边界框": [1, 2, 3]}], "schema: box is not four numbers"),
        ([{"类别": ["胃癌"], "边界框": [1, 2, 3, 4]}], "schema: label not in list"),
        ([{"类别": ["肝癌"]}], "schema: lesion keys"),
        (
            [{"类别": ["无病变"], "边界框": []}, {"类别": ["肝癌"], "边界框": [1, 2, 3, 4]}],
            "schema: no lesion beside others",
        ),
    ],
)
def test_boxes(value, why):
    """A box lies in the grid, its corners in order, its label in the item's list."""
    assert state(objects.boxes, value, LESIONS)[1] == why
