"""A pack is written whole, private, and the same each time."""

import json
import stat
import zipfile

import pytest

from medcheck.errors import WriterError
from medcheck.packs.archive import line_of, row_of, write_lines, write_pack
from medcheck.packs.findings import LAYOUTS

QUESTION = {"other": {"source": "s", "id": 1}, "question": "问", "answer": ""}


def test_the_zip(tmp_path):
    """The folder's own entry comes first, then the files, deflated, of 1980, for their owner."""
    path = write_pack(tmp_path / "new" / "p.zip", "MedBench", [("a.jsonl", [b"1\n", b"2\n"])])
    with zipfile.ZipFile(path) as archive:
        folder, file = archive.infolist()
        assert (folder.filename, file.filename) == ("MedBench/", "MedBench/a.jsonl")
        assert folder.is_dir()
        assert file.compress_type == zipfile.ZIP_DEFLATED
        assert file.date_time == (1980, 1, 1, 0, 0, 0)
        assert archive.read(file) == b"1\n2\n"
        assert archive.testzip() is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = write_pack(tmp_path / "q.zip", "MedBench", [("a.jsonl", [b"1\n", b"2\n"])])
    assert again.read_bytes() == path.read_bytes()


def test_a_failure_leaves_what_was_there(tmp_path):
    """An error while rows come leaves the old pack and no part of the new one."""

    def rows():
        yield b"1\n"
        raise OSError(28, "No space left on device")

    (tmp_path / "p.zip").write_bytes(b"old")
    with pytest.raises(WriterError, match="No space left"):
        write_pack(tmp_path / "p.zip", "MedBench", [("a.jsonl", rows())])
    assert [path.name for path in tmp_path.iterdir()] == ["p.zip"]
    assert (tmp_path / "p.zip").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("track", "keys"),
    [
        ("old", ["question", "answer", "other", "options"]),
        ("v4", ["question", "answer", "other", "options"]),
        ("agent", ["question", "answer", "other"]),
        ("vlm", ["question", "answer", "img_path", "other"]),
    ],
)
def test_rows(track, keys):
    """Keys come in the track's order, values untouched, options null where there are none."""
    record = {"img_path": "a.png", **QUESTION} if track == "vlm" else QUESTION
    row = json.loads(row_of(record, "答", LAYOUTS[track]))
    assert list(row) == keys
    assert row["answer"] == "答"
    assert list(row["other"]) == ["source", "id"]
    assert row.get("options") is None
    assert json.loads(row_of({**QUESTION, "options": ["A"]}, None, LAYOUTS["old"]))["options"] == [
        "A"
    ]


def test_characters():
    """Chinese is written as it is, a line separator too, a lone surrogate as its escape."""
    assert line_of({"a": "问\u2028"}) == '{"a": "问\u2028"}\n'.encode()
    assert line_of({"a": "\ud800"}) == b'{"a": "\\ud800"}\n'


def test_lines(tmp_path):
    """Lines of text are written as a whole too."""
    assert write_lines(tmp_path / "l", ["一", "\ud800"]).read_bytes() == "一\n\\ud800\n".encode()
