"""Question files are found under the names they have, and the whole one is taken."""

import gzip
import zipfile

import pytest
from medbench_packs import lines, questions, record, zipped

from medcheck.errors import DatasetError
from medcheck.packs.findings import LAYOUTS
from medcheck.packs.questions import id_of, key_of, load_questions, questions_in
from medcheck.scoring.medbench_sets import set_of

OLD = LAYOUTS["old"]
INFO = set_of("old", "MedHC")


def rows(count):
    """Return question lines of MedHC."""
    return lines([record(INFO, number) for number in range(1, count + 1)])


@pytest.mark.parametrize(
    "name",
    ["MedHC.jsonl", "MedHC_test.jsonl", "MedHC/MedHC_test.jsonl", "full/MedHC_test.jsonl.gz",
     "MedHC_questions.jsonl", "MedHC_all_questions.jsonl"],
)  # fmt: skip
def test_names(tmp_path, name):
    """The names of the seed's folders and their gzipped copies are known."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(rows(50)) if name.endswith(".gz") else rows(50))
    found = load_questions(tmp_path, OLD)
    assert [len(each) for each in found.values()] == [50]
    assert found["MedHC"][49].line == 50
    assert found["MedHC"][49].id == "50"


def test_the_whole_file_counts(tmp_path):
    """A file with the set's number of rows wins over an extract, else the longest does."""
    (tmp_path / "MedHC.jsonl").write_bytes(rows(20))
    (tmp_path / "MedHC_test.jsonl").write_bytes(rows(50))
    (tmp_path / "MedHC_questions.jsonl").write_bytes(rows(60))
    assert len(load_questions(tmp_path, OLD)["MedHC"]) == 50
    (tmp_path / "MedHC_test.jsonl").unlink()
    assert len(load_questions(tmp_path, OLD)["MedHC"]) == 60


def test_a_zip(tmp_path):
    """Question files may come as a zip, below any folder."""
    path = zipped(tmp_path / "q.zip", "old", {"MedHC_test.jsonl": rows(50)}, folder="data/x")
    assert len(load_questions(path, OLD)["MedHC"]) == 50


def test_errors(tmp_path):
    """An empty folder, a broken line and a line without a question are named."""
    with pytest.raises(DatasetError, match="no question file of the track old"):
        load_questions(tmp_path, OLD)
    (tmp_path / "MedHC.jsonl").write_bytes(rows(2) + b"{\n")
    with pytest.raises(DatasetError, match=r"MedHC.jsonl:3: not JSON"):
        load_questions(tmp_path, OLD)
    (tmp_path / "MedHC.jsonl").write_bytes(b'{"a": 1}\n')
    with pytest.raises(DatasetError, match="no object with a question"):
        load_questions(tmp_path, OLD)


def test_keys():
    """Rows are the same whatever the order of their keys; 1 is not 1.0 and not \"1\"."""
    row = {"question": "q", "other": {"id": 1, "source": "s"}}
    turned = {"other": {"source": "s", "id": 1}, "question": "q", "answer": "a"}
    assert key_of(row, OLD) == key_of(turned, OLD)
    keys = {key_of({"question": "q", "other": {"id": value}}, OLD) for value in (1, 1.0, "1")}
    assert len(keys) == 3
    assert id_of({"other": {"id": 0}}) == "0"
    assert id_of({"other": "x"}) is None


def test_every_track(tmp_path):
    """All sets of a track are found."""
    for track, layout in LAYOUTS.items():
        folder = questions(tmp_path / track, track)
        assert len(load_questions(folder, layout)) == len(layout.files())


def test_one_file(tmp_path):
    """The questions of one file are read as they lie, in a zip too, also gzipped."""
    data = rows(3)
    (tmp_path / "a!b.jsonl").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "q.zip", "w") as archive:
        archive.writestr("in/MedHC_test.jsonl.gz", gzip.compress(data))
    plain = questions_in(str(tmp_path / "a!b.jsonl"), OLD)
    assert [each.line for each in plain] == [1, 2, 3]
    assert questions_in(f"{tmp_path / 'q.zip'}!in/MedHC_test.jsonl.gz", OLD) == plain
    with pytest.raises(DatasetError, match="cannot be read"):
        questions_in(f"{tmp_path / 'q.zip'}!in/x.jsonl", OLD)
