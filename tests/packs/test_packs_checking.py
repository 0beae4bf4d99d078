"""A whole pack: its track is seen, every set has its line, what is not checked is not claimed."""

import pytest
from medbench_packs import checked, errors, lines, questions, rows_of, zipped

from medcheck.errors import SettingsError
from medcheck.packs.checking import layout_of
from medcheck.packs.copies import copies_of, split_groups
from medcheck.packs.findings import LAYOUTS, RULES, Finding, track_of
from medcheck.packs.pack import open_pack
from medcheck.packs.questions import Question
from medcheck.packs.rules import read_rows
from medcheck.scoring.medbench_sets import TRACKS, set_of


@pytest.mark.parametrize("track", TRACKS)
def test_a_whole_pack_of_each_track(tmp_path, track):
    """A pack with all rows of a track has no error, with its question files and without."""
    path = zipped(tmp_path / "p.zip", track, rows_of(track))
    for folder in (None, questions(tmp_path / "q", track)):
        found = checked(path, folder)
        assert found.layout.track == track
        assert errors(found) == []
        assert found.clean
        assert all(len(each.rows) == each.expected == each.answered for each in found.sets)


def test_the_track_is_seen():
    """The folder's name decides, then the files; names that several tracks share do not."""
    assert track_of("MedBench_VLM_QA", ()) == "vlm"
    assert track_of("mine", ["MedTreat_test.jsonl"]) == "old"
    assert track_of(None, ["MedDBOps.jsonl", "MedCOT.jsonl"]) == "agent"
    assert track_of(None, ["notes.txt"]) is None


def test_the_track_is_named(tmp_path):
    """A folder of any name is checked as the track that is named; an unknown track is refused."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_bytes(b"x")
    pack = open_pack(tmp_path / "mine")
    with pytest.raises(SettingsError, match="--track"):
        layout_of(pack)
    assert layout_of(pack, "agent").folder == "MedBench_Agent"
    with pytest.raises(SettingsError, match='"v5"'):
        layout_of(pack, "v5")


def test_another_track_than_the_folder_says(tmp_path):
    """A folder name of another track is E1."""
    path = zipped(tmp_path / "p.zip", "agent", rows_of("agent"), folder="MedBench_LLM")
    assert errors(checked(path, track="agent")) == [("E1", "", None)]


def test_a_folder_of_another_name(tmp_path):
    """Before it is packed, the folder may have any name."""
    (tmp_path / "mine").mkdir()
    for name, rows in rows_of("agent").items():
        (tmp_path / "mine" / name).write_bytes(lines(rows))
    assert errors(checked(tmp_path / "mine")) == []


def test_a_file_that_cannot_be_unpacked(tmp_path):
    """A damaged file is E1 and counts as a set that is not there."""
    path = zipped(tmp_path / "p.zip", "agent", rows_of("agent"))
    data = bytearray(path.read_bytes())
    data[data.index(b"MedCOT.jsonl") + len("MedCOT.jsonl") + 40] ^= 0xFF
    path.write_bytes(data)
    found = checked(path)
    assert {rule for rule, *_ in errors(found)} == {"E1"}
    assert next(each for each in found.sets if each.info.name == "MedCOT").rows is None


def test_questions_that_are_no_questions_of_the_set_crash_nothing(tmp_path):
    """A pack whose questions are all replaced is a pack of unknown rows."""
    for track in TRACKS:
        files = rows_of(track)
        for rows in files.values():
            for row in rows:
                row["question"] = "?"
        found = checked(zipped(tmp_path / f"{track}.zip", track, files))
        assert errors(found) == []


def test_findings_read_well():
    """A finding says where, how bad, which rule and what."""
    finding = Finding(rule="E8n", severity="warning", file="a.jsonl", message="m", line=3, id="7")
    assert str(finding) == "a.jsonl:3: warning E8n (id 7): m"
    assert str(Finding(rule="E1", severity="error", file="", message="m")) == "pack: error E1: m"
    assert [rule for rule in RULES if rule[0] == "E"] == [
        *(f"E{n}" for n in range(1, 9)),
        "E8n",
        "E9",
    ]


def test_layouts():
    """The old track's files end with _test, no other's do; 82 files in all."""
    names = {track: list(layout.files()) for track, layout in LAYOUTS.items()}
    assert all(
        name.endswith("_test.jsonl") == (track == "old") for track in names for name in names[track]
    )
    assert {track: len(files) for track, files in names.items()} == {
        "old": 20, "v4": 38, "vlm": 10, "agent": 14,
    }  # fmt: skip


def test_copies_without_an_id():
    """A row without an id is no copy of anything."""
    info = set_of("v4", "MedExam")
    rows, _ = read_rows("f", b'{"question": "q", "answer": "<A>", "other": {}}\n')
    assert list(copies_of(info, rows)) == []
    assert list(split_groups(info, rows)) == []


def test_incomplete_groups_are_left_out(tmp_path):
    """A group that lacks a copy says nothing of consistency, by the set list as by the question
    file, and is counted beside the whole ones; a null among whole copies is no agreement."""
    files = rows_of("v4")
    rows = files["MedExam.jsonl"]
    for row in rows:
        row["answer"] = "<A>"
    rows[0]["answer"] = None
    del rows[6:10]  # what is left of question 2 agrees with itself
    path = zipped(tmp_path / "p.zip", "v4", files)
    for folder in (None, questions(tmp_path / "q", "v4")):
        sets = {each.info.name: each for each in checked(path, folder).sets}
        copies = sets["MedExam"].copies
        assert (copies.groups, copies.consistent, copies.undecided) == (29, 0, 1)


def test_sets_with_groups_of_several_sizes(tmp_path):
    """Where questions have 2 or 4 copies only the question file tells whether all are there."""
    info = set_of("old", "DrugCA")
    data = lines([{"question": f"q{n}", "answer": "<A>", "other": {"id": n}} for n in (1, 1, 2)])
    rows, _ = read_rows("f", data)
    assert {copy.of for _, copy in copies_of(info, rows)} == {None}
    asked = [Question(line=n, record={"other": {"id": n}}, key="") for n in (1, 1, 2, 2)]
    assert [copy.of for _, copy in copies_of(info, rows, asked)] == [2, 2, 2]


def test_one_set_alone(tmp_path):
    """Of one file its own set is checked, and no other is missed."""
    asked = questions(tmp_path / "q", "agent")
    rows = rows_of("agent")["MedCOT.jsonl"]
    path = tmp_path / "MedCOT.jsonl"
    path.write_bytes(lines(rows))
    assert errors(checked(path, asked)) == []
    path.write_bytes(lines(rows[:29]))
    found = checked(path, asked)
    assert [each.info.name for each in found.sets] == ["MedCOT"]
    assert [(rule, line) for rule, _, line in errors(found)] == [("E6", 30), ("E7", 30)]
