"""The answers of a pack come by set and line, nulls included; damage is an error."""

import hashlib

import pytest
from medbench_packs import lines, questions, rows_of, zipped

from medcheck.errors import DatasetError
from medcheck.packs.answers import load_pack_answers, pack_sha256
from medcheck.packs.findings import LAYOUTS
from medcheck.packs.questions import load_questions


def test_all_of_them(tmp_path):
    """Each row gives its answer; a folder gives the same as a zip; sets may be missing."""
    files = rows_of("agent")
    files["MedCOT.jsonl"][2]["answer"] = None
    for row in files["MedDefend.jsonl"]:
        row["answer"] = None
    del files["MedDBOps.jsonl"]
    path = zipped(tmp_path / "p.zip", "agent", files)
    found = load_pack_answers(path)
    assert len(found) == 13 * 30
    assert found["MedCOT", 2] == "第2个回答。"
    assert found["MedCOT", 3] is None
    folder = tmp_path / "MedBench_Agent"
    folder.mkdir()
    for name, rows in files.items():
        (folder / name).write_bytes(lines(rows))
    assert load_pack_answers(str(folder)) == found


def test_lines_of_the_question_file(tmp_path):
    """With the questions, answers of rows that come later have the line where they belong."""
    asked = load_questions(questions(tmp_path / "q", "agent"), LAYOUTS["agent"])
    files = rows_of("agent")
    del files["MedCOT.jsonl"][3]
    path = zipped(tmp_path / "p.zip", "agent", files)
    found = load_pack_answers(path, questions=asked)
    assert ("MedCOT", 4) not in found
    assert found["MedCOT", 5] == "第5个回答。"
    assert load_pack_answers(path)["MedCOT", 4] == "第5个回答。"


def test_damage(tmp_path):
    """Rows that cannot be read are named together, or left out where that is asked for."""
    files = rows_of("agent")
    files["MedCOT.jsonl"][0] = b"{\n"
    files["MedCOT.jsonl"][1]["answer"] = 5
    path = zipped(tmp_path / "p.zip", "agent", files)
    with pytest.raises(DatasetError) as raised:
        load_pack_answers(path)
    assert "MedCOT.jsonl:1: error E4" in str(raised.value)
    assert "MedCOT.jsonl:2: error E8" in str(raised.value)
    found = load_pack_answers(path, damaged=True)
    assert len(found) == 14 * 30 - 2


def test_another_question(tmp_path):
    """An answer to another question than the one on its line is not taken."""
    asked = load_questions(questions(tmp_path / "q", "agent"), LAYOUTS["agent"])
    files = rows_of("agent")
    files["MedCOT.jsonl"][0]["question"] = "?"
    path = zipped(tmp_path / "p.zip", "agent", files)
    with pytest.raises(DatasetError, match="unknown row"):
        load_pack_answers(path, questions=asked)
    assert len(load_pack_answers(path, questions=asked, damaged=True)) == 14 * 30 - 1


def test_what_identifies_a_pack(tmp_path):
    """A changed answer, or a renamed file, is another pack; a copy is the same."""
    seen = set()
    for name, text in (("a", b"1"), ("b", b"1"), ("a", b"2"), ("a", b"1")):
        folder = tmp_path / str(len(list(tmp_path.iterdir()))) / "MedBench_Agent"
        folder.mkdir(parents=True)
        (folder / f"{name}.jsonl").write_bytes(text)
        seen.add(pack_sha256(folder))
    assert len(seen) == 3
    path = zipped(tmp_path / "p.zip", "agent", {"MedCOT.jsonl": b""})
    assert pack_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
