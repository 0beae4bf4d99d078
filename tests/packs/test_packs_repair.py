"""`--fix` does what it may and logs it, all else stays byte by byte; answers come back in place."""

import json
import zipfile

import pytest
from medbench_packs import checked, errors, lines, questions, rows_of, zipped

from medcheck.errors import SettingsError
from medcheck.packs.repair import log_of, repair, without_thinking
from medcheck.packs.rerun import rows_again

FILE = "MedCOT.jsonl"


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Return the agent track's question files."""
    return questions(tmp_path_factory.mktemp("questions"), "agent")


def content(path, name=FILE, folder="MedBench_Agent"):
    """Return a file of a zip."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(f"{folder}/{name}")


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        ("<think>a\nb</think>\n\n<C>", "<C>"),
        ("想好了。</think>\n<C>", "<C>"),
        ("<THINK>a</THINK>一<think>b</think>二", "一二"),
        ("<think>没有完 <C>", None),
        ("<think>只有想</think> \n", None),
        ("一</think>二</think>三", "三"),
        ("<think>一<think>二</think>三", "三"),
        (" 先说。\n<think>想</think>\n再说。", " 先说。\n再说。"),
        ("<thinking>想</thinking><C>", "<C>"),
        ("◁think▷想◁/think▷<C>", "<C>"),
    ],
)
def test_think_blocks(answer, rest):
    """Think blocks go, with what stands before a lone end tag; never the whole answer."""
    assert without_thinking(answer) == rest


def test_what_it_repairs(tmp_path, asked):
    """Keys, options, think blocks and line ends are repaired, each in the log with its line."""
    files = rows_of("agent")
    rows = files[FILE]
    rows[0]["options"] = None
    rows[1] = {key: rows[1][key] for key in ("answer", "other", "question")}
    rows[2]["answer"] = "<think>嗯</think>好。"
    rows[3]["answer"] = "  原样  "
    files[FILE] = lines(rows).replace(b"\n", b"\r\n")
    found = checked(zipped(tmp_path / "p.zip", "agent", files), asked)
    path, changes = repair(found, tmp_path / "out.zip")
    assert [(change.line, change.what.split()[0]) for change in changes] == [
        (None, "line"),
        (1, "key"),
        (2, "keys"),
        (3, "think"),
    ]
    assert json.loads(next(iter(log_of(changes))))["file"] == f"MedBench_Agent/{FILE}"
    assert errors(checked(path, asked)) == []
    new = [json.loads(line) for line in content(path).split(b"\n")[:-1]]
    assert b"\r" not in content(path)
    assert list(new[1]) == ["question", "answer", "other"]
    assert new[2]["answer"] == "好。"
    assert new[3]["answer"] == "  原样  "
    assert content(path, "MedDBOps.jsonl") == lines(files["MedDBOps.jsonl"])


def test_what_it_leaves(tmp_path, asked):
    """Broken lines, conflict markers, wrong rows, other keys and surplus files stay as they are."""
    files = rows_of("agent")
    rows = files[FILE]
    rows[0] = b"<<<<<<< HEAD\n"
    rows[1] = b'{"question": \n'
    rows[2]["model"] = "m"
    rows[3] = json.dumps(rows[3]).encode() + b"\n"  # escapes are another way to say the same
    rows.append(rows[4])
    files["notes.txt"] = b"mine"
    found = checked(zipped(tmp_path / "p.zip", "agent", files), asked)
    path, changes = repair(found, tmp_path / "out.zip")
    assert changes == ()
    assert content(path) == lines(rows)
    assert content(path, "notes.txt") == b"mine"
    assert errors(checked(path, asked)) == errors(found)


def test_options_come_back(tmp_path):
    """A row of the old track that lacks options gets the question file's."""
    folder = questions(tmp_path / "q", "old")
    files = rows_of("old")
    del files["MedHC_test.jsonl"][0]["options"]
    path, changes = repair(
        checked(zipped(tmp_path / "p.zip", "old", files), folder), tmp_path / "out.zip"
    )
    assert [change.what for change in changes] == ['key "options" added']
    assert content(path, "MedHC_test.jsonl", "MedBench") == lines(
        rows_of("old")["MedHC_test.jsonl"]
    )


def test_unsafe_packs_are_not_rewritten(tmp_path):
    """A pack that breaks E1 is not copied into a new one."""
    path = zipped(tmp_path / "p.zip", "agent", {FILE: []}, more=[("../x", b"")])
    with pytest.raises(SettingsError, match="E1"):
        repair(checked(path, track="agent"), tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_equal_bytes(tmp_path, asked):
    """The same pack gives the same zip, whatever the day."""
    found = checked(zipped(tmp_path / "p.zip", "agent", rows_of("agent")), asked)
    one, _ = repair(found, tmp_path / "1.zip")
    two, _ = repair(found, tmp_path / "2.zip")
    assert one.read_bytes() == two.read_bytes()


def test_answers_come_back_in_place(tmp_path, asked):
    """A pack with null, missing, broken and doubled rows and a set less becomes whole."""
    files = rows_of("agent")
    whole = {name: lines(rows) for name, rows in files.items()}
    rows = files[FILE]
    rows[0]["answer"] = None
    rows[5] = rows[4]
    rows[8] = b'{"question": "cut\n'
    del rows[20]
    del files["MedDBOps.jsonl"]
    found = checked(zipped(tmp_path / "p.zip", "agent", files), asked)
    again = rows_again(found)
    assert [(row.set, row.line) for row in again if row.set == "MedCOT"] == [
        ("MedCOT", 1), ("MedCOT", 6), ("MedCOT", 9), ("MedCOT", 21),
    ]  # fmt: skip
    assert sum(row.set == "MedDBOps" for row in again) == 30
    answers = {(row.set, row.line): f"第{row.line}个回答。" for row in again}
    path, changes = repair(found, tmp_path / "out.zip", answers)
    assert {name: content(path, name) for name in whole} == whole
    told = [change.what.split(":")[0] for change in changes if change.file.endswith(FILE)]
    assert sorted(told) == [
        "answer asked again", "missing row added", "missing row added", "missing row added",
        "row left out", "row left out",
    ]  # fmt: skip
    assert errors(checked(path, asked)) == []


def test_answers_without_a_place(tmp_path, asked):
    """An answer to a row that no question file has is refused."""
    path = zipped(tmp_path / "p.zip", "agent", rows_of("agent"))
    with pytest.raises(SettingsError, match='"MedCOT-31"'):
        repair(checked(path, asked), tmp_path / "out.zip", {("MedCOT", 31): "a"})


def test_an_answered_duplicate_is_kept(tmp_path, asked):
    """With answers to merge, the copy of a row that has an answer stays, and its null goes."""
    files = rows_of("agent")
    whole = lines(files[FILE])
    rows = files[FILE]
    rows.append(dict(rows[4]))
    rows[4]["answer"] = None
    del rows[9]
    found = checked(zipped(tmp_path / "p.zip", "agent", files), asked)
    path, changes = repair(found, tmp_path / "out.zip", {("MedCOT", 10): "第10个回答。"})
    assert content(path) == whole
    assert [(change.line, change.what.split(":")[0]) for change in changes] == [
        (5, "row left out"), (10, "missing row added"),
    ]  # fmt: skip


def test_a_last_line_without_an_end(tmp_path, asked):
    """A missing end of the last line is told as that, with its line."""
    files = rows_of("agent")
    files[FILE] = lines(files[FILE]).removesuffix(b"\n")
    found = checked(zipped(tmp_path / "p.zip", "agent", files), asked)
    _, changes = repair(found, tmp_path / "out.zip")
    assert [(change.line, change.what) for change in changes] == [
        (30, "line end added to the last line")
    ]
