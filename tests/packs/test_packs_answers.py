"""The answers of a pack come by set and line, nulls included; damage is an error."""

import hashlib
from dataclasses import replace

import pytest
from medbench_packs import lines, questions, rows_of, zipped

from medcheck.errors import DatasetError
from medcheck.packs.answers import load_pack_answers, pack_answers, pack_sha256
from medcheck.packs.findings import LAYOUTS
from medcheck.packs.questions import load_questions
from medcheck.readers.medbench import read


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


def asked_cases(folder, name):
    """Return the cases of a set by their line."""
    cases = read(folder, {"track": "agent", "sets": [name]})
    return {case.labels["medbench"]["line"]: case for case in cases}


def test_a_row_answers_the_question_that_it_repeats(tmp_path):
    """A missing row moves no answer to another question, and its own is not there."""
    cases = asked_cases(questions(tmp_path / "q", "agent"), "MedCOT")
    files = rows_of("agent")
    files["MedCOT.jsonl"][5]["answer"] = None
    del files["MedCOT.jsonl"][3]
    found = pack_answers(zipped(tmp_path / "p.zip", "agent", files))
    assert found.of(cases[3]) == ("第3个回答。",)
    assert found.of(cases[4]) == ()
    assert found.of(cases[5]) == ("第5个回答。",)
    assert found.of(cases[6]) == (None,)
    assert found.has_set(cases[4])


def test_other_cases_are_none_of_a_pack_s(tmp_path):
    """A set that the pack lacks, a shuffled copy, and a case of no track have no row in it."""
    folder = questions(tmp_path / "q", "agent")
    cases = asked_cases(folder, "MedCOT")
    files = rows_of("agent")
    del files["MedDBOps.jsonl"]
    found = pack_answers(zipped(tmp_path / "p.zip", "agent", files))
    lacking = asked_cases(folder, "MedDBOps")[1]
    copy = replace(cases[1], id="MedCOT-1.c2")
    plain = replace(cases[1], labels={})
    for case in (lacking, copy, plain):
        assert not found.has_set(case)
        assert found.of(case) == ()


def test_a_changed_question_is_not_answered(tmp_path):
    """An answer to a question that has changed since is an answer to none."""
    folder = questions(tmp_path / "q", "agent")
    path = folder / "MedCOT.jsonl"
    path.write_bytes(path.read_bytes().replace("第1题".encode(), "第0题".encode()))
    found = pack_answers(zipped(tmp_path / "p.zip", "agent", rows_of("agent")))
    cases = asked_cases(folder, "MedCOT")
    assert (found.of(cases[1]), found.of(cases[2])) == ((), ("第2个回答。",))


def test_equal_questions_in_their_order(tmp_path):
    """Questions that repeat word for word have the answers in the order of the rows."""
    folder = questions(tmp_path / "q", "agent")
    path = folder / "MedCOT.jsonl"
    first, second, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first, second, first, *rest]))
    files = rows_of("agent")
    rows = files["MedCOT.jsonl"]
    rows.insert(1, {**rows[0], "answer": "又一个。"})
    found = pack_answers(zipped(tmp_path / "p.zip", "agent", files))
    cases = asked_cases(folder, "MedCOT")
    assert [found.of(cases[n]) for n in (1, 2, 3)] == [
        ("第1个回答。",), ("第2个回答。",), ("又一个。",),
    ]  # fmt: skip


def test_an_answered_duplicate(tmp_path):
    """A null that comes again with an answer is answered."""
    cases = asked_cases(questions(tmp_path / "q", "agent"), "MedCOT")
    files = rows_of("agent")
    rows = files["MedCOT.jsonl"]
    rows.append(dict(rows[4]))
    rows[4]["answer"] = None
    found = pack_answers(zipped(tmp_path / "p.zip", "agent", files))
    assert found.of(cases[5]) == ("第5个回答。",)
