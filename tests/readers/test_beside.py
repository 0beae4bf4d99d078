"""What a cell could not hold is whole again, or it is an error; what was cut off is told."""

import json

import pytest
from workbooks import HEADER, row, workbook

from medcheck.errors import DatasetError
from medcheck.readers.gaps import lint, read

JUDGED = (*HEADER, "alpha", "alpha_judged_json", "beta")


def cells(folder, *texts, name="q.cells.jsonl"):
    """Write the texts of long cells beside a workbook."""
    lines = [json.dumps({"sheet": "S", "cell": "A1", "text": text}) + "\n" for text in texts]
    (folder / name).write_text("".join(lines), encoding="utf-8")


def one(folder, *more, header=JUDGED, question="q?", **options):
    """Read a workbook of one row."""
    path = workbook(folder / "q.xlsx", row(1, question, "G1", None, *more), header=header)
    [case] = read(path, options)
    return case


def test_long_cells_are_whole(tmp_path):
    """Question and answers that stand beside the workbook are read from there, by line."""
    cells(tmp_path, "长" * 40_000, "long question?")
    place = "see q.cells.jsonl, line"
    case = one(tmp_path, f"{place} 1", "[]", question=f"{place} 2")
    assert case.answers == {"alpha": ("长" * 40_000,)}
    assert case.messages[0].text == "long question?"


def test_a_long_rubric_is_whole(tmp_path):
    """So are rubrics."""
    points = [{"id": 1, "claim": "长" * 40_000, "level": "A1", "type": "positive"}]
    cells(tmp_path, json.dumps(points))
    path = workbook(tmp_path / "q.xlsx", (1, "q?", "G1", "see q.cells.jsonl, line 1"))
    [case] = read(path, {})
    assert case.criteria[0].text == "长" * 40_000
    assert lint([case]) == ()


def test_the_name_in_the_cell_counts(tmp_path):
    """A workbook under another name keeps the file that its cells name."""
    cells(tmp_path, "whole", name="run7.cells.jsonl")
    assert one(tmp_path, "see run7.cells.jsonl, line 1").answers == {"alpha": ("whole",)}


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("see gone.cells.jsonl, line 1", r"gone\.cells\.jsonl: no such file\. Keep it beside"),
        ("see q.cells.jsonl, line 2", r"q\.cells\.jsonl:2: no such line\. Use the file of this"),
        ("see bad.cells.jsonl, line 1", r'bad\.cells\.jsonl:1: the line lacks the field "text"'),
        ("see odd.cells.jsonl, line 1", r"odd\.cells\.jsonl:1: text is 7, expected a text"),
    ],
)
def test_a_text_that_is_not_there(tmp_path, cell, told):
    """Its place is an error with row and column; the reference is never taken for an answer."""
    cells(tmp_path, "one")
    (tmp_path / "bad.cells.jsonl").write_text("{}\n", encoding="utf-8")
    (tmp_path / "odd.cells.jsonl").write_text('{"text": 7}\n', encoding="utf-8")
    with pytest.raises(DatasetError, match=rf'q\.xlsx:2: column "alpha": .*{told}'):
        one(tmp_path, cell)


def test_columns_that_are_not_read_may_be_lost(tmp_path):
    """Judged columns of an export need no file beside it."""
    case = one(tmp_path, "short", "see gone.cells.jsonl, line 1")
    assert case.answers == {"alpha": ("short",)}


@pytest.mark.parametrize(
    "text",
    ["see ../q.cells.jsonl, line 1", "Please see q.cells.jsonl, line 1", "see q.cells.jsonl"],
)
def test_other_texts_are_texts(tmp_path, text):
    """Only a whole cell that names a file in the same folder is a place."""
    cells(tmp_path, "secret")
    assert one(tmp_path, text).answers == {"alpha": (text,)}


def test_control_characters_come_back(tmp_path):
    r"""In an exported column `\u0007` is the character again; in any other it is what it says."""
    text = r"a\u0007b\u000d c\u0041 \u000a"
    case = one(tmp_path, text, "[]", text, question=r"q\u0007?")
    assert case.answers["alpha"] == ("a\x07b\r c\\u0041 \\u000a",)
    assert case.answers["beta"] == (text,)
    assert case.messages[0].text == "q\x07?"
    plain = one(tmp_path, text, header=(*HEADER, "alpha"), question=r"q\u0007?")
    assert (plain.answers["alpha"], plain.messages[0].text) == ((text,), r"q\u0007?")


@pytest.mark.parametrize("text", ["长" * 32_767, "\U0001f600" * 16_383 + "a"])
def test_an_answer_that_fills_its_cell(tmp_path, text):
    """It is a warning with row and column: Excel cut it off, as it counts characters."""
    case = one(tmp_path, "short", None, text)
    [found] = lint([case])
    assert (found.rule, found.row, found.column, found.severity) == (
        "cut_off", 2, "beta", "warning",
    )  # fmt: skip
    assert "32,767" in str(found)
    assert lint([one(tmp_path, "short", None, text[:-1])]) == ()


def test_names_of_the_readme(tmp_path):
    """Rubrics may be called `final_merged_json` and the category `category`, without an option."""
    header = ("question", "final_merged_json", "category", "gpt_5_answer")
    path = workbook(tmp_path / "q.xlsx", ("q?", row()[3], "G2", "a"), header=header)
    [case] = read(path, {})
    assert case.tags == ("grounding:G2", "perturbation:P0")
    assert case.category == ("G2",)
    assert case.answers == {"gpt_5_answer": ("a",)}
    assert len(case.criteria) == 3
    path = workbook(tmp_path / "q.xlsx", ("q?", "x"), header=("question", "other"))
    with pytest.raises(DatasetError, match=r'no column "rubrics".*There are: question, other'):
        list(read(path, {}))


def test_an_id_that_is_whole(tmp_path):
    """An index that begins with the prefix is the case id, as our export writes variants."""
    path = workbook(tmp_path / "q.xlsx", row("mine-001-p1"), row("x"), row(7))
    assert [case.id for case in read(path, {"prefix": "mine"})] == [
        "mine-001-p1", "mine-x", "mine-007",
    ]  # fmt: skip
