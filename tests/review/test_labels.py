"""Ratings are read from every form people use; what is wrong is told with its place."""

import gzip
import json

import pytest
from review_runs import table

from medcheck.errors import DatasetError
from medcheck.review.labels import read

ROWS = [
    {"item": "r1", "verdict": "met", "comment": "ok", "rater": "Dr. Li"},
    {"item": "r2", "verdict": "", "comment": "", "rater": "Dr. Li"},
    {"item": "r3", "verdict": "无法判断", "comment": "有歧义", "rater": "李医生"},
]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "xlsx"])
def test_forms(tmp_path, ending):
    """Workbook, CSV and JSON lines say the same; a row without a rating is counted as blank."""
    path = table(tmp_path / f"a.{ending}", ROWS)
    found = read([path])
    told = [(each.item, each.value, each.comment, each.rater) for each in found.labels]
    assert told == [("r1", "met", "ok", "Dr. Li"), ("r3", "无法判断", "有歧义", "李医生")]
    assert found.blank == 1
    rows = (1, 3) if ending == "jsonl" else (2, 4)
    assert [each.where for each in found.labels] == [f"{path}:{row}" for row in rows]


@pytest.mark.parametrize(
    "columns",
    [
        ("rater", "note", "verdict", "extra", "item"),
        ("评审人", "备注", "判定", "额外", "编号"),
        (" Rater ", "NOTES", "Label", "x", "ITEM_ID"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "jsonl", "xlsx"])
def test_columns_of_any_order_and_name(tmp_path, columns, ending):
    """Columns are found by name: moved, renamed in Chinese, and among others."""
    values = ("A", "why", "yes", "whatever", "r9")
    path = table(tmp_path / f"a.{ending}", [dict(zip(columns, values, strict=True))])
    (found,) = read([path]).labels
    assert (found.rater, found.comment, found.value, found.item) == ("A", "why", "yes", "r9")


def test_plain_files(tmp_path):
    """A plain file names case, model and criterion; numbers and true or false may be JSON's own."""
    rows = [
        {"case_id": "MK-1-1", "model": "m", "rater": "p1", "score": 4},
        {"case_id": "MK-1-1", "model": "m", "criterion": "c1", "verdict": True, "tags": ["x"]},
        {"case_id": 7, "score": 3.0, "repeat": 2, "suite": "s"},
    ]
    first, second, third = read([table(tmp_path / "a.jsonl", rows)]).labels
    assert (first.case, first.model, first.value, first.rater) == ("MK-1-1", "m", "4", "p1")
    assert (second.criterion, second.value) == ("c1", "true")
    assert (third.case, third.value, third.repeat, third.suite) == ("7", "3", "2", "s")


def test_the_file_names_the_rater(tmp_path):
    """Without a column the file's name stands for the person, a dotted one as a whole."""
    for name in ("review.wang.csv", "review.li.csv"):
        table(tmp_path / name, [{"item": "r1", "verdict": "met"}])
    packed = tmp_path / "zhao.jsonl.gz"
    packed.write_bytes(gzip.compress(b'{"item": "r1", "verdict": "met"}\n'))
    paths = [tmp_path / "review.wang.csv", tmp_path / "review.li.csv", packed]
    assert [each.rater for each in read(paths).labels] == ["review.wang", "review.li", "zhao"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_as_spreadsheets_save_it(tmp_path, delimiter):
    """A mark at the beginning, other delimiters, empty lines and quoted line ends are read."""
    text = 'item,verdict,comment\r\n\r\nr1,met,"a\nb"\r\nr2,no,\'=1+1\r\n'
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace(",", delimiter).encode())
    first, second = read([path]).labels
    assert (first.where, first.comment) == (f"{path}:3", "a\nb")
    assert (second.where, second.comment) == (f"{path}:4", "=1+1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("verdict,rater\nmet,a\n", r"a\.csv:1: no column names the point. Found: verdict, rater"),
        ("item,rater\nr1,a\n", r"a\.csv:1: no column holds the rating. Found: item, rater"),
        ("", r"a\.csv:1: no column names the point. Found: none"),
        ("item,verdict,Verdict\nr1,met,met\n", r'a\.csv:1: column "verdict" stands twice'),
        ("item,verdict\n,met\n", r"a\.csv:2: neither an item nor a case is named"),
        ("item,verdict,score\nr1,met,3\n", r'a\.csv:2: verdict "met" and score "3" in one row'),
        ("item,verdict,met\nr1,yes,no\n", r'a\.csv:2: verdict "yes" and met "no" in one row'),
        ("item,verdict\nr1,met,lost\n", r"a\.csv:2: 3 cells under 2 columns"),
        ('item,verdict\n"r1,met\n', r"a\.csv:\d+: not CSV"),
        (b"item,verdict\nr1,\xb7\xfb\xba\xcf\n", r'a\.csv: byte 17 is not UTF-8. Save it as "CSV'),
    ],
)
def test_wrong_tables(tmp_path, text, message):
    """A table that cannot hold ratings, or a row that contradicts itself, is told by its place."""
    path = tmp_path / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DatasetError, match=message):
        read([path])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", r"a\.jsonl:2: the line is \[1\], expected an object"),
        ('{"item": "r1"}', r"a\.jsonl:2: no column holds the rating"),
        ('{"item": ["r1"], "verdict": "met"}', r'a\.jsonl:2: field "item" is \["r1"\]'),
        ('{"item": "r1", "verdict": NaN}', r"a\.jsonl:2: NaN is not a JSON number"),
    ],
)
def test_wrong_lines(tmp_path, line, message):
    """A wrong JSON line is told with its number."""
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"item": "r0", "verdict": "met"}) + f"\n{line}\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        read([path])


@pytest.mark.parametrize("name", ["no.csv", "no.jsonl", "no.xlsx"])
def test_missing_files(tmp_path, name):
    """A file that is not there is told by its name."""
    with pytest.raises(DatasetError, match=rf"{name}: no such file"):
        read([tmp_path / name])


def test_all_errors_are_told(tmp_path):
    """Errors of all rows and files come together; beyond fifty they are counted."""
    rows = [{"item": "", "verdict": "met"} for _ in range(70)]
    paths = [table(tmp_path / name, rows) for name in ("a.csv", "b.csv")]
    with pytest.raises(DatasetError) as raised:
        read(paths)
    told = str(raised.value).splitlines()
    assert len(told) == 51
    assert told[0].startswith(f"{paths[0]}:2: neither")
    assert told[-1] == "90 more errors."


WHOLE = (
    {"usable": "yes"},
    {"是否可用": "否"},
    {"instruction_following": 5, "correctness": 5, "effectiveness": 3, "readability": 3,
     "safety": 1},
)  # fmt: skip


@pytest.mark.parametrize("rating", WHOLE)
@pytest.mark.parametrize("score", [None, ""])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "xlsx"])
def test_ratings_of_whole_answers_are_not_blank(tmp_path, rating, score, ending):
    """Verdicts of usable and dimensions are no score: the row is refused, and told who reads it."""
    row = {"case_id": "MTG-1-1", **rating} | ({} if score is None else {"score": score})
    rows = [row] if score is None else [{**row, "score": 4}, row]
    with pytest.raises(DatasetError, match="are read with --usable") as caught:
        read([table(tmp_path / f"a.{ending}", rows)])
    assert str(tmp_path / f"a.{ending}:") in str(caught.value)


def test_a_score_beside_usable_is_read(tmp_path):
    """A row with a score may say usable as well; other people's columns pass in a blank row."""
    rows = [{"case_id": "a", "score": 4, "usable": "yes", "safety": ""},
            {"case_id": "a", "score": "", "usable": "", "safety": "1"}]  # fmt: skip
    found = read([table(tmp_path / "a.csv", rows)])
    assert ([each.value for each in found.labels], found.blank) == (["4"], 1)
