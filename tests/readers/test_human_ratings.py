"""Ratings of people are read from workbooks, CSV and JSON lines alike, or refused by row."""

import json

import openpyxl
import pytest
from workbooks import saved

from medcheck.errors import DatasetError
from medcheck.readers._human_ratings import load_all, load_ratings
from medcheck.stats.human import Rating

HEADER = ["case_id", "rater", "score", "usable", "model", "repeat", "note"]
ROWS = [
    ["MK-5-1", "甲", 4, None, "m", 1, "好"],
    ["MK-5-1", "乙", 3, None, "m", 1, None],
    ["MK-5-2", "甲", None, "否", "m", 2, None],
    ["MK-5-3", "甲", 5, "不可用", None, None, None],
]
EXPECTED = (
    Rating(case_id="MK-5-1", rater="甲", score=4, usable=True, model="m"),
    Rating(case_id="MK-5-1", rater="乙", score=3, usable=False, model="m"),
    Rating(case_id="MK-5-2", rater="甲", usable=False, model="m", repeat=2),
    Rating(case_id="MK-5-3", rater="甲", score=5, usable=False),
)
TEXT = ["instruction_following", "correctness", "effectiveness", "readability", "safety"]


def write(folder, kind, header=HEADER, rows=ROWS):
    """Write ratings as a file of a kind."""
    path = folder / f"ratings.{kind}"
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for row in [header, *rows]:
            book.active.append(row)
        saved(book, path)
    elif kind == "csv":
        lines = [header, *rows]
        text = "\r\n".join(",".join("" if c is None else str(c) for c in line) for line in lines)
        path.write_text(text, encoding="utf-8-sig", newline="")
    else:
        lines = [dict(zip(header, row, strict=True)) for row in rows]
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
        path.write_text(text, encoding="utf-8")
    return path


KINDS = pytest.mark.parametrize("kind", ["xlsx", "csv", "jsonl"])


@KINDS
def test_all_kinds_say_the_same(tmp_path, kind):
    """The same ratings come out of each kind of file; other columns pass."""
    assert load_ratings(write(tmp_path, kind)) == EXPECTED


@KINDS
def test_chinese_headers(tmp_path, kind):
    """Columns may have their Chinese names."""
    path = write(tmp_path, kind, ["题号", "专家", "是否可用"], [["MK-5-1", "甲", "可用"]])
    assert load_ratings(path) == (Rating(case_id="MK-5-1", rater="甲", usable=True),)


def test_files_without_raters_are_one_person_each(tmp_path):
    """Whose name stands nowhere has the file's, so that two files are two people."""
    for name in ("li", "wang"):
        (tmp_path / f"{name}.csv").write_text("id,score\na,4\n", encoding="utf-8")
    found = load_all([tmp_path / "li.csv", tmp_path / "wang.csv"])
    assert [(each.rater, each.where) for each in found] == [
        ("li", f"{tmp_path / 'li.csv'}:2"), ("wang", f"{tmp_path / 'wang.csv'}:2"),
    ]  # fmt: skip


@pytest.mark.parametrize("model", ["m", ""])
def test_a_person_rates_an_answer_once_in_all_files(tmp_path, model):
    """The same rating in two files is an error with both places, whoever leaves the model out."""
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("id,rater,model,score\na,甲,m,4\na,甲,n,4\n", encoding="utf-8")
    two.write_text(f"id,rater,model,score\na,甲,{model},4\nb,甲,,3\n", encoding="utf-8")
    with pytest.raises(DatasetError) as caught:
        load_all([one, two])
    assert str(caught.value).startswith(f'{two}:2: "甲" rated "a" already, at {one}:2.')
    with pytest.raises(DatasetError, match="already"):
        load_all([one, one])
    assert len(load_all([one])) == 2


@KINDS
def test_generated_texts(tmp_path, kind):
    """Five dimensions give the level and the verdict of appendix D, and safety vetoes."""
    rows = [["MTG-1-1", 5, 5, 3, 3, 1], ["MTG-2-1", 5, 5, 5, 5, 0], ["MTG-3-1", 4, 4, 3, 3, 1]]
    found = load_ratings(write(tmp_path, kind, ["id", *TEXT], rows))
    assert [(rating.level, rating.usable, rating.score) for rating in found] == [
        (5, True, None), (7, False, None), (4, False, None),
    ]  # fmt: skip


def test_another_threshold(tmp_path):
    """From which score an answer is usable can be said."""
    found = load_ratings(write(tmp_path, "csv"), usable_at=3)
    assert found[1].usable is True


WRONG = [
    (["case_id", "score"], ["", 4], "no case"),
    (["rater", "score"], ["甲", 4], "no case"),
    (["case_id"], ["a"], "neither a score nor a usable"),
    (["case_id", "score"], ["a", 6], "score is 6, expected a number of 1 to 5"),
    (["case_id", "score"], ["a", 0], "score is 0"),
    (["case_id", "score"], ["a", "nan"], 'score is "nan"'),
    (["case_id", "score"], ["a", "good"], 'score is "good"'),
    (["case_id", "usable"], ["a", "maybe"], "usable is"),
    (["case_id", "score", "repeat"], ["a", 4, 0], "repeat is 0, expected a number of 1"),
    (["case_id", "score", "repeat"], ["a", 4, 1.5], "repeat is 1.5, not a whole number"),
    (["case_id", *TEXT[:3]], ["a", 5, 5, 5], "but no readability"),
    (["case_id", *TEXT], ["a", 5, 5, 5, 5, 2], "safety is 2"),
    (["case_id", *TEXT], ["a", 6, 5, 5, 5, 1], "expected a number of 0 to 5"),
    (["case_id", *TEXT], ["a", 4.5, 5, 5, 5, 1], "not a whole number"),
    (["case_id", "usable", *TEXT], ["a", "no", 5, 5, 5, 5, 1], "the dimensions say True"),
    (["case_id", "id", "score"], ["a", "b", 4], "holds the case_id already"),
]


@pytest.mark.parametrize(("header", "row", "message"), WRONG, ids=[text for *_, text in WRONG])
def test_wrong_rows_are_named(tmp_path, header, row, message):
    """A row that cannot be used is an error with its line, in a file of good ones."""
    path = write(tmp_path, "jsonl", header, [row])
    with pytest.raises(DatasetError) as caught:
        load_ratings(path)
    assert message.replace('"', "") in str(caught.value).replace('\\"', "").replace('"', "")
    assert "ratings.jsonl" in str(caught.value)


def test_all_wrong_rows_at_once(tmp_path):
    """Every wrong row is told, with its number in the file."""
    rows = [["a", 4], ["b", 9], ["c", 3], ["d", "x"]]
    with pytest.raises(DatasetError) as caught:
        load_ratings(write(tmp_path, "csv", ["id", "score"], rows))
    assert "ratings.csv:3: score is" in str(caught.value)
    assert "ratings.csv:5: score is" in str(caught.value)


def test_one_rating_a_person(tmp_path):
    """The same person on the same answer twice is an error, not two raters."""
    rows = [["a", "甲", 4], ["a", "甲", 5]]
    with pytest.raises(DatasetError, match='"甲" rated "a" already'):
        load_ratings(write(tmp_path, "csv", ["id", "rater", "score"], rows))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"id,score\n", "no rating"),
        (b"", "no rating"),
        (b"id,score\na,4,5\n", "3 cells for 2 columns"),
        ("题号,评分\na,4\n".encode("gbk"), "CSV UTF-8"),
        (b'id,score\n"a,4\n', "not CSV"),
    ],
)
def test_wrong_csv(tmp_path, text, message):
    """A broken table is refused, not guessed at."""
    path = tmp_path / "ratings.csv"
    path.write_bytes(text)
    with pytest.raises(DatasetError, match=message):
        load_ratings(path)


def test_empty_rows_pass(tmp_path):
    """A row without cells is no rating; a line that is no object is an error."""
    path = tmp_path / "ratings.csv"
    path.write_text("id,score\na,4\n,\n\nb,5\n", encoding="utf-8")
    assert [rating.case_id for rating in load_ratings(path)] == ["a", "b"]
    lines = tmp_path / "ratings.jsonl"
    lines.write_text("[1]\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="expected an object"):
        load_ratings(lines)


def test_at_most_fifty_errors(tmp_path):
    """A file of the wrong kind does not fill the screen."""
    rows = [[f"c{n}", 9] for n in range(80)]
    with pytest.raises(DatasetError) as caught:
        load_ratings(write(tmp_path, "csv", ["id", "score"], rows))
    assert len(str(caught.value).splitlines()) == 50


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.jsonl"])
def test_no_file(tmp_path, name):
    """A file that is not there is told so."""
    with pytest.raises(DatasetError, match=name):
        load_ratings(tmp_path / name)
