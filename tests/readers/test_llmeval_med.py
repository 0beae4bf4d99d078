"""LLMEval-Med items become cases: what is absent stays absent, rounds follow each other."""

import json
from pathlib import Path

import pytest

from medcheck.errors import DatasetError
from medcheck.graders.checklist import OPTIONS as GRADER_OPTIONS
from medcheck.readers.llmeval_med import DEFAULTS, OPTIONS, SAFETY, read, records
from medcheck.scoring.requirements import REFERENCE_ONLY
from medcheck.suites.schema import schema

CHECKLIST = "核心需求：\n1. 说明甲\n次要需求：\n1. 建议乙"
ITEM = {
    "category1": "医疗知识", "category2": "药物相关", "scene": "药物相关_用法用量", "round": 1,
    "problem": "布洛芬怎么吃?", "groupCode": 5, "sanswer": "遵医嘱。", "difficulty": "中",
    "checklist": CHECKLIST,
}  # fmt: skip


def write(folder: Path, data, name="dataset.json"):
    """Write a data set; a text is written as it is."""
    path = folder / name
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    return path


def load(folder, *items, category="医疗知识", options=None):
    """Return the cases of items of one category; each changes `ITEM`."""
    made = [{k: v for k, v in {**ITEM, **item}.items() if v is not ...} for item in items]
    return list(read(write(folder, {category: made}), options or {}))


def test_an_item_is_a_case(tmp_path):
    """Id, question, reference, checklist, category and tags stand where the grader looks."""
    [case] = load(tmp_path, {})
    assert case.id == "MK-5-1"
    assert [(m.role, m.text) for m in case.messages] == [("user", "布洛芬怎么吃?")]
    assert case.references == ("遵医嘱。",)
    [criterion] = case.criteria
    assert (criterion.id, criterion.text) == ("score", CHECKLIST)
    assert (criterion.points, criterion.scale) == (1, (1, 5))
    assert case.category == ("医疗知识", "药物相关")
    assert case.tags == (
        "category:医疗知识", "subcategory:药物相关", "difficulty:中", "turn:single",
    )  # fmt: skip
    assert case.follows is None
    assert case.answers == {}
    assert case.origin.record["scene"] == "药物相关_用法用量"


def test_nan_is_absent(tmp_path):
    """A bare NaN is nothing: no text of it reaches a case, in any field that may be absent."""
    for name in ("sanswer", "checklist", "difficulty", "scene", "category1"):
        [case] = load(tmp_path, {name: float("nan")})
        assert ": NaN" in (tmp_path / "dataset.json").read_text(encoding="utf-8")
        said = (case.messages, case.criteria, case.references, case.tags, case.origin.record)
        assert "nan" not in repr(said).lower()
    [bare] = load(tmp_path, {"checklist": float("nan"), "difficulty": None})
    assert bare.criteria[0].text == REFERENCE_ONLY
    assert not any(tag.startswith("difficulty") for tag in bare.tags)
    [silent] = load(tmp_path, {"sanswer": float("nan")})
    assert silent.references == ()


@pytest.mark.parametrize("text", ["/", " / ", "", " ", "nan", "NaN", "None"])
def test_placeholders_are_absent(tmp_path, text):
    """A slash, or NaN as a text, is neither a reference nor a checklist."""
    [case] = load(tmp_path, {"sanswer": text})
    assert case.references == ()
    [case] = load(tmp_path, {"checklist": text, "difficulty": text})
    assert case.criteria[0].text == REFERENCE_ONLY
    assert not any(tag.startswith("difficulty") for tag in case.tags)


def test_what_copying_tools_write(tmp_path):
    """Numbers as 1.0 or as digits, a group 0, a byte order mark and a numbered difficulty load."""
    made = {"groupCode": 0.0, "difficulty": 3}
    data = {"医疗知识": [{**ITEM, **made, "round": 1.0}, {**ITEM, **made, "round": "2"}]}
    path = tmp_path / "d.json"
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8-sig")
    first, second = read(path, {})
    assert (first.id, second.id, second.follows) == ("MK-0-1", "MK-0-2", "MK-0-1")
    assert "difficulty:3" in first.tags


def test_further_fields_pass(tmp_path):
    """A field that nothing reads is kept with the item and says nothing to a judge."""
    further = {"foo": [1], "model_answer_score1": 4, "source": None}
    [case] = load(tmp_path, further)
    [plain] = load(tmp_path, {})
    assert case.origin.record["foo"] == [1]
    assert (case.criteria, case.tags, case.answers) == (plain.criteria, plain.tags, plain.answers)


def test_items_are_given_back(tmp_path):
    """Items come by case id with all their fields; both texts are there, empty if absent."""
    data = {"医疗知识": [{**ITEM, "foo": 1, "checklist": float("nan")}]}
    assert records(write(tmp_path, data)) == {"MK-5-1": {**ITEM, "foo": 1, "checklist": ""}}


def test_numbers_become_texts(tmp_path):
    """A reference that is a number is its text."""
    [case] = load(tmp_path, {"sanswer": 131})
    assert case.references == ("131",)


def test_the_reference_of_safety_is_a_checklist(tmp_path):
    """In safety and ethics the reference holds the demands, and no answer."""
    [case] = load(tmp_path, {"sanswer": CHECKLIST, "checklist": ...}, category=SAFETY)
    assert case.criteria[0].text == CHECKLIST
    assert case.references == ()
    [other] = load(tmp_path, {"checklist": ...})
    assert other.criteria[0].text == REFERENCE_ONLY


def test_the_outer_category_wins(tmp_path):
    """An item's own category1 may say something else."""
    [case] = load(tmp_path, {"category1": "一般语言理解"}, category="医疗语言理解")
    assert case.category[0] == "医疗语言理解"
    assert case.id == "MLU-5-1"


def test_rounds_follow_each_other(tmp_path):
    """Each round holds its own question and follows the one before; groups do not mix."""
    cases = load(
        tmp_path, {}, {"round": 2, "problem": "一天几次?"}, {"groupCode": 6}, {"round": 3},
    )  # fmt: skip
    assert [case.id for case in cases] == ["MK-5-1", "MK-5-2", "MK-6-1", "MK-5-3"]
    assert [case.follows for case in cases] == [None, "MK-5-1", None, "MK-5-2"]
    assert cases[1].messages[0].text == "一天几次?"
    assert len(cases[1].messages) == 1
    assert cases[1].tags[-2:] == ("turn:multi", "round:2")
    assert cases[0].tags[-2:] == ("turn:multi", "round:1")
    assert cases[2].tags[-1] == "turn:single"


def test_answers_come_along(tmp_path):
    """The answer in an output of the original is an answer; further fields are named."""
    [case] = load(tmp_path, {"model_answer": "每日三次。", "model_answer_score": "4"})
    assert case.answers == {"model_answer": ("每日三次。",)}
    [none] = load(tmp_path, {"model_answer": None})
    assert none.answers == {}
    options = {"answer_columns": ["qwen"]}
    [own] = load(tmp_path, {"qwen": "甲", "model_answer": "乙"}, options=options)
    assert own.answers == {"model_answer": ("乙",), "qwen": ("甲",)}


WRONG = [
    ({"round": 0}, "round is 0, expected a whole number from 1"),
    ({"round": True}, "round is true"),
    ({"round": "1.5"}, 'round is "1.5"'),
    ({"round": 1.5}, "round is 1.5"),
    ({"groupCode": -1}, "groupCode is -1, expected a whole number from 0"),
    ({"groupCode": "x"}, 'groupCode is "x"'),
    ({"round": ...}, "round is null"),
    ({"groupCode": 1.5}, "groupCode is 1.5"),
    ({"problem": ""}, 'problem is "", expected a text'),
    ({"problem": float("nan")}, 'lacks the field "problem"'),
    ({"problem": ["x"]}, "problem is"),
    ({"category2": None}, 'lacks the field "category2"'),
    ({"sanswer": True}, "sanswer is true, expected a text"),
    ({"checklist": {}}, "checklist is {}, expected a text"),
    ({"difficulty": []}, "difficulty is [], expected a text"),
    ({"model_answer": 3}, "model_answer is 3, expected a text"),
    ({"sanswer": float("nan"), "checklist": ""}, "neither sanswer nor checklist"),
    ({"sanswer": ..., "sanser": "x"}, 'unknown field "sanser". Did you mean "sanswer"?'),
    (
        {"checklist": ..., "check_list": "x"},
        'unknown field "check_list". Did you mean "checklist"?',
    ),
    ({"round": 2}, "round 2 of groupCode 5 has no round before it"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[text for _, text in WRONG])
def test_wrong_items_are_named(tmp_path, change, message):
    """A wrong item is an error with its place in the file."""
    with pytest.raises(DatasetError) as caught:
        load(tmp_path, {"groupCode": 4}, change)
    assert message in str(caught.value)
    assert "dataset.json: 医疗知识[1]" in str(caught.value)


def test_all_errors_at_once(tmp_path):
    """Every wrong item is named, not only the first."""
    with pytest.raises(DatasetError) as caught:
        load(tmp_path, {"problem": ""}, {"groupCode": 6}, {"groupCode": 7, "sanswer": []}, {})
    text = str(caught.value)
    assert "医疗知识[0]" in text
    assert "医疗知识[2]" in text
    assert text.count("\n") >= 1


def test_keys_are_unique(tmp_path):
    """The same group and round twice is an error, unless the categories differ."""
    with pytest.raises(DatasetError, match=r"those of 医疗知识\[0\] already"):
        load(tmp_path, {}, {})
    data = {"医疗知识": [ITEM], "医疗推理": [ITEM]}
    cases = list(read(write(tmp_path, data), {}))
    assert [case.id for case in cases] == ["MK-5-1", "MR-5-1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "not a JSON object of lists"),
        ("{}", "not a JSON object of lists"),
        ('{"医学": []}', "unknown category"),
        ('{"医疗知识": 3}', "3, expected a list"),
        ('{"医疗知识": [3]}', "the item is 3, expected an object"),
        ('{"医疗知识": [],\n "医疗推理": [}', r"dataset.json:2: not JSON"),
        ('{"医疗知识": [{"round": 1, "round": 1}]}', 'key "round" stands twice'),
        ('{"医疗知识": [{"round": Infinity}]}', "Infinity is not a JSON number"),
        ('{"医疗知识": ' + "[" * 100_000, "cannot read the file"),
    ],
)
def test_wrong_files_are_refused(tmp_path, text, message):
    """A file of another shape, repeated keys and infinities are errors with their place."""
    with pytest.raises(DatasetError, match=message) as caught:
        list(read(write(tmp_path, text), {}))
    assert "dataset.json" in str(caught.value)


def test_missing_file_names_the_command(tmp_path):
    """Where the file is not there the user is told how to get it."""
    with pytest.raises(DatasetError, match="medcheck fetch llmeval_med"):
        list(read(tmp_path / "none.json", {}))


def test_not_utf8(tmp_path):
    """A file in another encoding is an error, not garbled text."""
    path = tmp_path / "d.json"
    path.write_bytes('{"医疗知识": []}'.encode("gbk"))
    with pytest.raises(DatasetError, match="cannot read the file"):
        list(read(path, {}))


def test_defaults_fit_the_schema():
    """What a suite may leave out is what a suite could have written."""
    properties = schema()["properties"]
    assert set(DEFAULTS) <= set(properties)
    assert DEFAULTS["summary"]["measure"] in properties["summary"]["properties"]["measure"]["enum"]
    assert DEFAULTS["grader"]["name"] == "checklist"
    assert GRADER_OPTIONS["type"] == OPTIONS["type"] == "object"
