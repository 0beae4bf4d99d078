"""Rows of MedBench become cases that keep all they need to be given back."""

from __future__ import annotations

import hashlib
import json

import pytest
from drawings import pdf, png

from medcheck.errors import DatasetError, SettingsError
from medcheck.readers.medbench import OPTIONS, PROTOCOL, read
from medcheck.scoring.medbench_sets import TRACKS


def rows(path, *found):
    """Write rows."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found)
    path.write_text(text, encoding="utf-8")
    return path


def row(question="哪项?\nA. 甲\nB. 乙", **more):
    """Return a row."""
    return {"question": question, "answer": "", "other": {"id": 7, "source": "S"}, **more}


def test_a_row_becomes_a_case(tmp_path):
    """Identity, tags, hash and the untouched record are kept; no gold is invented."""
    path = rows(tmp_path / "MedExam.jsonl", row(), row("又?\nA. 甲\nB. 乙"))
    first, second = read(path, {"track": "v4"})
    assert [first.id, second.id] == ["MedExam-1", "MedExam-2"]
    assert first.messages[0].text == row()["question"]
    assert first.tags == (
        "set:MedExam", "dimension:医学知识问答", "task:single choice", "format:angle_letter",
        "group:MedExam-7",
    )  # fmt: skip
    assert first.category == ("医学知识问答", "MedExam")
    known = first.labels["medbench"]
    assert (known["track"], known["set"], known["line"]) == ("v4", "MedExam", 1)
    assert known["record"] == first.origin.record == row()
    assert known["question"] == hashlib.sha256(row()["question"].encode()).hexdigest()[:16]
    assert first.references == ()
    assert "gold" not in first.labels


def test_sets_come_in_the_platforms_order(tmp_path):
    """A folder's sets come in one order, whatever its file system says; some can be chosen."""
    for name in ("SMDoc", "DDx-advanced", "MedHC"):
        rows(tmp_path / f"{name}.jsonl", row())
    ids = [case.id for case in read(tmp_path, {"track": "v4"})]
    assert ids == ["DDx-advanced-1", "MedHC-1", "SMDoc-1"]
    chosen = read(tmp_path, {"track": "v4", "sets": ["SMDoc"]})
    assert [case.id for case in chosen] == ["SMDoc-1"]


def test_groups_are_for_shuffled_copies_only(tmp_path):
    """An id groups rows in circular sets, and nowhere else."""
    [case] = read(rows(tmp_path / "MedHC.jsonl", row()), {"track": "v4"})
    assert not [tag for tag in case.tags if tag.startswith("group:")]
    assert "circular" not in case.labels


def test_copies_know_how_many_they_are(tmp_path):
    """Each row of a circular set says how many its question has, whatever is chosen later."""
    path = rows(tmp_path / "MedExam.jsonl", row(), row(other={"id": 8, "source": "S"}), row())
    copies = [case.labels["circular"]["copies"] for case in read(path, {"track": "v4"})]
    assert copies == [2, 1, 2]


def test_a_filled_answer_is_gold(tmp_path):
    """Gold that a user adds becomes reference and label."""
    [case] = read(rows(tmp_path / "MedExam.jsonl", row(answer="<A>")), {"track": "v4"})
    assert case.references == ("<A>",)
    assert case.labels["gold"] == "<A>"


def test_key_points_are_gold(tmp_path):
    """A list of texts is the key points of a free text: each a reference, and all the gold."""
    [case] = read(rows(tmp_path / "MedHC.jsonl", row(answer=["多休息", "多饮水"])), {"track": "v4"})
    assert case.references == ("多休息", "多饮水")
    assert case.labels["gold"] == ["多休息", "多饮水"]


@pytest.mark.parametrize("answer", [[], ["多休息", " "], ["多休息", 1], 0, {"a": 1}])
def test_other_gold_is_an_error(answer, tmp_path):
    """Gold that is neither a text nor a list of filled texts is told with its line."""
    with pytest.raises(DatasetError, match=r"MedHC.jsonl:1: answer"):
        list(read(rows(tmp_path / "MedHC.jsonl", row(answer=answer)), {"track": "v4"}))


def test_old_rows_carry_options(tmp_path):
    """The old track's extra fields and null answers are read."""
    found = row(options=["A 甲"], answer=None)
    [case] = read(rows(tmp_path / "SMDoc_test.jsonl", found), {"track": "old"})
    assert case.id == "SMDoc-1"


def test_pictures_come_in_order(tmp_path):
    """Pictures of all shapes are read in order; several are named below the question."""
    for number in (1, 2):
        (tmp_path / f"{number}.png").write_bytes(png(number, 1))
    path = rows(
        tmp_path / "MedVQA.jsonl",
        row("看图", img_path="1.png"),
        row("看图", img_path=["2.png", "1.png"]),
        row("看图", img_path=[["1.png", "1.png"]]),
    )
    one, two, nested = read(path, {"track": "vlm"})
    assert one.messages[0].text == "看图"
    assert [image.path[-5:] for image in two.messages[0].images] == ["2.png", "1.png"]
    assert two.messages[0].text == "看图\n\n（附图依次为：图1、图2）"
    assert len(nested.messages[0].images) == 2
    plain = list(read(path, {"track": "vlm", "image_labels": False}))
    assert plain[1].messages[0].text == "看图"


def test_pdf_pages_are_pictures(tmp_path):
    """Each page of a PDF is a picture, and that it was drawn is recorded."""
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    (tmp_path / "a.pdf").write_bytes(pdf(pages=2))
    path = rows(tmp_path / "MedOCR.jsonl", row(img_path="a.pdf"))
    [case] = read(path, {"track": "vlm", "cache": str(tmp_path / "cache")})
    assert [image.mime for image in case.messages[0].images] == ["image/png"] * 2
    assert case.labels["medbench"]["pictures"] == ["a.pdf: 2 page(s) drawn"]


def test_all_errors_are_reported_with_their_lines(tmp_path):
    """Every wrong row is named, and no case comes after the first."""
    path = rows(
        tmp_path / "MedVQA.jsonl",
        row(img_path="absent.png"),
        row(img_path="../x.png"),
        row(""),
        {"question": "q"},
        row(other=None),
        row(answer=3),
        row(),
        row(more=1),
    )
    with pytest.raises(DatasetError) as caught:
        list(read(path, {"track": "vlm"}))
    found = str(caught.value).splitlines()
    assert [line.split(":")[1] for line in found] == list("12345678")
    for line, part in zip(
        found,
        ("cannot be read", "leads out", "question is", "lacks the field", "other is",
         "answer is 3", "img_path is null", 'unknown field "more"'),
        strict=True,
    ):  # fmt: skip
        assert part in line


@pytest.mark.parametrize(
    ("options", "error", "part"),
    [
        ({}, DatasetError, "option track"),
        ({"track": "v3"}, SettingsError, "v4"),
        ({"track": "v4", "sets": ["MedExm"]}, SettingsError, "MedExam"),
        ({"track": "v4", "set": "MedExm"}, SettingsError, "MedExam"),
    ],
)
def test_wrong_options_are_refused(tmp_path, options, error, part):
    """Track and sets must exist."""
    with pytest.raises(error, match=part):
        list(read(rows(tmp_path / "MedHC.jsonl", row()), options))


def test_the_contract_of_the_shelf():
    """The reader tells its protocol and its options."""
    assert PROTOCOL == "strict"
    assert OPTIONS["properties"]["track"]["enum"] == list(TRACKS)
