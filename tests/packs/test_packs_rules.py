"""Each rule E2 to E9 finds its fault, at its file and line, and nothing else."""

import json

import pytest
from medbench_packs import checked, errors, lines, questions, rows_of, warned, zipped

from medcheck.packs.rules import read_rows, settled

FILE = "MedCOT.jsonl"


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Return the agent track's question files."""
    return questions(tmp_path_factory.mktemp("questions"), "agent")


@pytest.fixture
def found(tmp_path, asked):
    """Return a function that checks a pack whose MedCOT is changed in place."""

    def check(change, *, track="agent", folder=None):
        files = rows_of(track)
        change(files[FILE])
        return checked(zipped(tmp_path / "p.zip", track, files), folder or asked)

    return check


def test_no_fault(found):
    """A pack that repeats its questions has no error."""
    assert errors(found(lambda rows: None)) == []


def test_e2(tmp_path, asked):
    """E2: a missing file, a surplus file, and the old track's name on a new one."""
    files = rows_of("agent")
    files["MedCOT_test.jsonl"] = files.pop(FILE)
    found = checked(zipped(tmp_path / "p.zip", "agent", files), asked)
    assert errors(found) == [("E2", "MedCOT_test.jsonl", None), ("E2", FILE, None)]


def test_e3(found):
    """E3: the byte that is not UTF-8 is named by its offset in the file."""

    def cut(rows):
        line = lines([rows[4]])
        rows[4] = line[:-20].rstrip(b"\x80") + b"\xe5\n"

    wrong = found(cut)
    assert ("E3", FILE, 5) in errors(wrong)
    assert ("E7", FILE, 5) in errors(wrong)
    message = next(each.message for each in wrong.findings if each.rule == "E3")
    offset = int(message.split()[1])
    files = rows_of("agent")
    cut(files[FILE])
    assert lines(files[FILE])[offset] == 0xE5


def test_e3_byte_order_mark(found):
    """A byte order mark is a warning and does not spoil the first row."""
    wrong = found(lambda rows: rows.insert(0, b"\xef\xbb\xbf"))
    assert errors(wrong) == []
    assert warned(wrong, "E3") == [1]


def test_lines_end_at_newlines_only(found):
    """U+2028, U+0085 and a carriage return inside an answer cut no row."""

    def change(rows):
        rows[0]["answer"] = "一\u2028二\x85三\r四。"

    assert errors(found(change)) == []


def test_windows_line_ends(tmp_path, asked):
    """CRLF is taken, as the platform takes it, and shown."""
    files = {name: lines(rows).replace(b"\n", b"\r\n") for name, rows in rows_of("agent").items()}
    found = checked(zipped(tmp_path / "p.zip", "agent", files), asked)
    assert errors(found) == []
    assert {each.ends for each in found.sets} == {"CRLF"}


@pytest.mark.parametrize(
    "line", [b'{"question": "a"\n', b"[1]\n", b"\n", b'{"a": 1, "a": 2}\n', b'{"a": NaN}\n']
)
def test_e4(found, line):
    """E4: what is no JSON object, is blank, or holds a key twice."""

    def change(rows):
        rows[7] = line

    assert ("E4", FILE, 8) in errors(found(change))


def test_e5(found):
    """E5: each conflict marker, at its line; a row that is there twice is E7."""

    def change(rows):
        mine = [*rows]
        rows[:] = [b"<<<<<<< HEAD\n", *mine, b"=======\n", *mine, b">>>>>>> theirs\n"]

    wrong = errors(found(change))
    assert [line for rule, _, line in wrong if rule == "E5"] == [1, 32, 63]
    assert len([line for rule, _, line in wrong if rule == "E7"]) == 30
    assert ("E6", FILE, 33) in wrong


def test_e6_and_missing_rows(found):
    """E6 counts; E7 names the line where each missing row should stand."""
    wrong = errors(found(lambda rows: rows.__delitem__(slice(2, 4))))
    assert wrong == [("E7", FILE, 3), ("E7", FILE, 4), ("E6", FILE, 29)]


def test_e6_without_questions(tmp_path):
    """Without question files the set list says how many rows there must be."""
    files = rows_of("agent")
    files[FILE].pop()
    assert errors(checked(zipped(tmp_path / "p.zip", "agent", files))) == [("E6", FILE, 30)]


def test_e7_reordered(found):
    """E7: one row that moved is one finding, not thirty."""

    def change(rows):
        rows.insert(20, rows.pop(3))

    wrong = found(change)
    assert errors(wrong) == [("E7", FILE, 21)]
    assert any("belongs on line 4" in each.message for each in wrong.findings)


def test_e7_duplicate_and_unknown(found):
    """E7: a row twice, a question that is none, and another `other`, each in its words."""

    def change(rows):
        rows[5] = rows[4]
        rows[9]["question"] += " "
        rows[11]["other"]["id"] = 99

    messages = [each.message for each in found(change).findings if each.rule == "E7"]
    assert sum("duplicate" in text for text in messages) == 1
    assert sum("no such question" in text for text in messages) == 1
    assert sum("other differs" in text for text in messages) == 1
    assert sum("missing" in text for text in messages) == 3


def test_e7_image_paths(tmp_path):
    """E7: in the vision track img_path must be repeated too."""
    files = rows_of("vlm")
    files["MedVQA.jsonl"][2]["img_path"] = ["MedVQA/4.png"]
    path = zipped(tmp_path / "p.zip", "vlm", files)
    wrong = errors(checked(path, questions(tmp_path / "q", "vlm")))
    assert ("E7", "MedVQA.jsonl", 3) in wrong


def test_equal_questions_are_no_duplicates(tmp_path):
    """Copies of a prompt within a circular set are taken in their order."""
    folder = questions(tmp_path / "q", "v4")
    files = rows_of("v4")
    first = json.loads((folder / "MedExam.jsonl").read_text(encoding="utf-8").splitlines()[0])
    text = (folder / "MedExam.jsonl").read_text(encoding="utf-8").split("\n")
    text[2] = text[0]
    (folder / "MedExam.jsonl").write_text("\n".join(text), encoding="utf-8")
    files["MedExam.jsonl"][2]["question"] = first["question"]
    assert errors(checked(zipped(tmp_path / "p.zip", "v4", files), folder)) == []


def test_e8(found):
    """E8: no answer key, or an answer that is no text."""

    def change(rows):
        del rows[0]["answer"]
        rows[1]["answer"] = ["a"]

    assert errors(found(change)) == [("E8", FILE, 1), ("E8", FILE, 2)]


def test_e8n(found):
    """E8n: null and blank answers are warnings, each with its line and id."""

    def change(rows):
        rows[0]["answer"] = None
        rows[1]["answer"] = " \n"

    wrong = found(change)
    assert errors(wrong) == []
    assert [(each.line, each.id) for each in wrong.findings if each.rule == "E8n"] == [
        (1, "1"),
        (2, "2"),
    ]


def test_a_set_of_nulls(found):
    """A set without any answer is an error: it makes a dimension 0."""

    def change(rows):
        for row in rows:
            row["answer"] = None

    assert errors(found(change)) == [("E8", FILE, 1)]


def test_e9(found):
    """E9: a key that is missing, and one that the track does not know."""

    def change(rows):
        rows[0]["options"] = None
        rows[1]["model"] = "m"

    assert errors(found(change)) == [("E9", FILE, 1), ("E9", FILE, 2)]

    def lack(rows):
        del rows[2]["other"]

    assert ("E9", FILE, 3) in errors(found(lack))


def test_options_are_taken_in_the_text_tracks(tmp_path):
    """The old and v4 tracks may have options, and may lack them."""
    for track in ("old", "v4"):
        files = rows_of(track)
        for rows in files.values():
            for row in rows[::2]:
                del row["options"]
        path = zipped(tmp_path / f"{track}.zip", track, files)
        assert errors(checked(path, questions(tmp_path / track, track))) == []


def test_a_last_line_without_an_end():
    """The newline at the end of a file is not needed."""
    rows, found = read_rows("f", b'{"a": 1}\n{"a": 2}')
    assert [row.line for row in rows] == [1, 2]
    assert found == ()


def test_answers_settle_where_they_are_needed(found):
    """An answered copy takes a null's place; of two nulls the first keeps it; findings stay."""

    def change(rows):
        rows += [dict(rows[2]), dict(rows[3]), {**rows[4], "answer": None}]
        rows[2]["answer"] = None
        rows[4]["answer"] = None

    pack = found(change)
    rows = next(each for each in pack.sets if each.info.name == "MedCOT").rows
    assert [row.place for row in rows[30:]] == [None] * 3
    better = settled(rows, pack.layout)
    assert [row.place for row in better[30:]] == [2, None, None]
    assert [row.place for row in better[:6]] == [0, 1, None, 3, 4, 5]
    assert [line for rule, _, line in errors(pack) if rule == "E7"] == [31, 32, 33]
