"""Tables of platform scores are read strictly: known names, numbers of 0 to 100."""

import json

import pytest

from medcheck.errors import DatasetError, SettingsError
from medcheck.packs.scores import read_scores


def test_csv(tmp_path):
    """Columns are dimensions, sets and the overall score; an empty cell is no score."""
    path = tmp_path / "t.csv"
    text = "model,overall,医疗安全和伦理,MedSafety,MedRxCheck\nm1,61.5,20,16.7,\nm2,,,0,58.7\n"
    path.write_text("\ufeff" + text, encoding="utf-8")
    one, two = read_scores(str(path), "v4")
    assert (one.overall, one.dimensions, one.sets) == (
        61.5, {"医疗安全和伦理": 20.0}, {"MedSafety": 16.7},
    )  # fmt: skip
    assert (two.overall, two.dimensions, two.sets) == (
        None,
        {},
        {"MedSafety": 0, "MedRxCheck": 58.7},
    )


def test_json(tmp_path):
    """A list of models, at the top or under a name."""
    rows = [{"model": "m", "overall": 50, "dimensions": None, "datasets": {"MedExam": 3}}]
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"a": {"b": rows}}), encoding="utf-8")
    [row] = read_scores(f"{path}#a.b", "v4")
    assert (row.model, row.overall, row.dimensions, row.sets) == ("m", 50.0, {}, {"MedExam": 3.0})
    with pytest.raises(DatasetError, match="Name the list"):
        read_scores(str(path), "v4")
    with pytest.raises(DatasetError, match='lacks the field "c"'):
        read_scores(f"{path}#c", "v4")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,overall\nm,1\n", 'no column "model"'),
        ("model,MedExams\nm,1\n", 'Did you mean "MedExam"'),
        ("model,overall\nm,high\n", "not a number"),
        ("model,overall\nm,101\n", "from 0 to 100"),
        ("model,overall\nm,nan\n", "from 0 to 100"),
        ("model,overall\nm\n", "as many cells"),
        ("model,overall\nm,1,2\n", "as many cells"),
        ("model,overall\n,1\n", "expected a text"),
        ("model,overall\nm,1\nn,2\nm,3\n", 'the model "m" has two rows'),
    ],
)
def test_wrong_tables(tmp_path, text, said):
    """What is wrong is named with the file."""
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=said) as raised:
        read_scores(str(path), "v4")
    assert "t.csv" in str(raised.value)


@pytest.mark.parametrize(
    "row", [{"overall": 1}, {"model": "m", "overall": "1"}, {"model": "m", "datasets": {"X": 1}},
            {"model": "m", "overall": True}]
)  # fmt: skip
def test_wrong_rows(tmp_path, row):
    """A row without a model, a score that is no number, an unknown set."""
    path = tmp_path / "t.json"
    path.write_text(json.dumps([row]), encoding="utf-8")
    with pytest.raises(DatasetError):
        read_scores(str(path), "v4")


def test_no_file_and_no_track(tmp_path):
    """A file that is not there, one that is not UTF-8, a track that is none."""
    with pytest.raises(DatasetError, match="cannot be read"):
        read_scores(str(tmp_path / "t.csv"), "v4")
    (tmp_path / "t.csv").write_bytes(b"\xff")
    with pytest.raises(DatasetError, match="not UTF-8"):
        read_scores(str(tmp_path / "t.csv"), "v4")
    (tmp_path / "t.json").write_bytes(b"{")
    with pytest.raises(DatasetError, match="not JSON"):
        read_scores(str(tmp_path / "t.json"), "v4")
    with pytest.raises(SettingsError, match="unknown track"):
        read_scores(str(tmp_path / "t.csv"), "v9")
