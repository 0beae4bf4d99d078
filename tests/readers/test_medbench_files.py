"""Question files are found in folders, zips and alone; names cannot lead out of them."""

from __future__ import annotations

import gzip
import zipfile

import pytest

from medcheck.errors import DatasetError
from medcheck.readers._medbench_files import opened, safe_name
from medcheck.scoring.medbench_sets import sets_of

ROW = b'{"question": "q", "other": {}}\n'


def found(path, track, only=None):
    """Return what a path holds."""
    cache = path.parent / "cache"
    return opened(path, sets_of(track), only=only, cache=cache)


def lines(data, name):
    """Return the lines of a set."""
    return [line for _, line in data.files[name][1]()]


def test_folders_are_searched(tmp_path):
    """Files stand in the folder or below it, plain or gzipped; others are passed over."""
    (tmp_path / "SMDoc").mkdir()
    (tmp_path / "SMDoc" / "SMDoc_test.jsonl").write_bytes(ROW)
    (tmp_path / "MedHC_test.jsonl.gz").write_bytes(gzip.compress(ROW))
    (tmp_path / "test.jsonl").write_bytes(b"stray")
    data = found(tmp_path, "old")
    assert set(data.files) == {"SMDoc", "MedHC"}
    assert lines(data, "MedHC") == lines(data, "SMDoc") == [ROW]


def test_two_files_for_a_set_are_an_error(tmp_path):
    """Which of two files counts is not guessed."""
    for name in ("MedHC.jsonl", "MedHC_test.jsonl"):
        (tmp_path / name).write_bytes(ROW)
    with pytest.raises(DatasetError, match="two files for the set MedHC"):
        found(tmp_path, "old")


def test_nothing_found_is_an_error(tmp_path):
    """A folder without question files, a missing path and an unknown file are errors."""
    with pytest.raises(DatasetError, match="no question file of this track"):
        found(tmp_path, "v4")
    with pytest.raises(DatasetError, match="no such file"):
        found(tmp_path / "x", "v4")
    (tmp_path / "mine.jsonl").write_bytes(ROW)
    with pytest.raises(DatasetError, match="option set"):
        found(tmp_path / "mine.jsonl", "v4")
    assert lines(found(tmp_path / "mine.jsonl", "v4", "MedHC"), "MedHC") == [ROW]


def archive(path, members):
    """Write a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def test_zips_are_read_in_place(tmp_path):
    """A zip is read without being unpacked; its pictures are found below its top folder."""
    members = {"top/MedHC.jsonl": ROW * 2, "top/a/b.png": b"png", "top/SMDoc.jsonl.gz": b"no gzip"}
    data = found(archive(tmp_path / "x.zip", members), "v4")
    assert lines(data, "MedHC") == [ROW.rstrip()] * 2
    assert data.picture("a/b.png").read_bytes() == b"png"
    with pytest.raises(DatasetError, match="not in the zip"):
        data.picture("a/c.png")
    with pytest.raises(DatasetError, match="not a gzip file"):
        lines(data, "SMDoc")


def test_hostile_zips_are_refused(tmp_path):
    """A name that climbs, and a zip that unpacks to far too much, are errors."""
    with pytest.raises(DatasetError, match="leads out"):
        found(archive(tmp_path / "a.zip", {"../MedHC.jsonl": ROW}), "v4")
    bomb = archive(tmp_path / "b.zip", {"MedHC.jsonl": b"0" * 50_000_000})
    with pytest.raises(DatasetError, match="too many"):
        found(bomb, "v4")


@pytest.mark.parametrize("name", ["/a", "~/a", "../a", "a/../../b", "C:\\a", "\\a", "a\0b"])
def test_names_stay_inside(name):
    """Absolute paths and climbing ones are refused."""
    with pytest.raises(DatasetError, match="leads out"):
        safe_name(name)


def test_links_stay_inside(tmp_path):
    """A link out of the folder, and something that is no file, are refused."""
    (tmp_path / "data").mkdir()
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "data" / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "data" / "folder.png").mkdir()
    (tmp_path / "data" / "MedHC.jsonl").write_bytes(ROW)
    data = found(tmp_path / "data", "v4")
    with pytest.raises(DatasetError, match="link out"):
        data.picture("link.png")
    with pytest.raises(DatasetError, match="not a regular file"):
        data.picture("folder.png")
    assert safe_name("a\\b.png") == "a/b.png"
