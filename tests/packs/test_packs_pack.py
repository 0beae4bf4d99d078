"""A pack is read without trusting it: hostile zips are refused, the rest is handed out by name."""

import stat
import zipfile

import pytest
from medbench_packs import checked, errors, rows_of, zipped

from medcheck.errors import DatasetError
from medcheck.packs import pack as reading
from medcheck.packs.pack import open_pack


def texts(path):
    """Return the messages of E1, and check that nothing else is said of an unsafe pack."""
    found = open_pack(path).findings
    assert {each.rule for each in found} <= {"E1"}
    return [each.message for each in found if each.severity == "error"]


def entries(path, *given):
    """Write a zip of these entries (name or ZipInfo, bytes)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in given:
            archive.writestr(name, data)
    return path


def test_a_good_pack(tmp_path):
    """The files of a zip come by their name below the top folder, with nothing to find."""
    path = zipped(tmp_path / "p.zip", "agent", rows_of("agent"))
    found = open_pack(path)
    assert found.folder == "MedBench_Agent"
    assert found.findings == ()
    assert len(found.files) == 14
    assert found.files["MedCOT.jsonl"]().startswith(b'{"question"')


def test_no_zip(tmp_path):
    """What is no zip is E1; what is not there is an error of the command."""
    (tmp_path / "p.zip").write_bytes(b"PK\x03\x04 but no more")
    assert "cannot be opened" in texts(tmp_path / "p.zip")[0]
    with pytest.raises(DatasetError, match="no such file"):
        open_pack(tmp_path / "q.zip")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MedBench_Agent/../../evil.jsonl", "leads out"),
        ("/etc/passwd", "relative path"),
        ("C:/evil.jsonl", "relative path"),
    ],
)
def test_paths_that_lead_out(tmp_path, name, said):
    """A path that leads out of the zip makes the whole zip unread."""
    path = entries(tmp_path / "p.zip", ("MedBench_Agent/MedCOT.jsonl", b"{}\n"), (name, b"x"))
    assert said in texts(path)[0]
    assert open_pack(path).files == {}
    assert errors(checked(path)) == [("E1", "", None)]


def test_backslashes(tmp_path):
    """A backslash in a name is no separator but a fault, on every system."""
    path = entries(tmp_path / "p.zip", ("MedBench_Agent/x.jsonl", b"{}\n"))
    data = path.read_bytes().replace(b"MedBench_Agent/x", b"MedBench_Agent\\x")
    path.write_bytes(data)
    assert "relative path" in texts(path)[0]


def test_links(tmp_path):
    """A symbolic link in a zip is refused."""
    link = zipfile.ZipInfo("MedBench_Agent/MedCOT.jsonl")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "link" in texts(entries(tmp_path / "p.zip", (link, b"/etc/passwd")))[0]


def test_a_bomb(tmp_path):
    """An entry that unpacks to more than 200 times its size is not unpacked."""
    path = entries(tmp_path / "p.zip", ("MedBench_Agent/MedCOT.jsonl", b"0" * 3_000_000))
    assert "more than 200 times" in texts(path)[0]


def test_too_large(tmp_path, monkeypatch):
    """A zip above the limit is not opened, one that unpacks to more is not read."""
    path = zipped(tmp_path / "p.zip", "agent", rows_of("agent"))
    monkeypatch.setattr(reading, "MAX_BYTES", path.stat().st_size)
    assert "unpacks to" in texts(path)[0]
    monkeypatch.setattr(reading, "MAX_BYTES", path.stat().st_size - 1)
    assert "the zip has" in texts(path)[0]


def test_too_many_entries(tmp_path, monkeypatch):
    """A zip of thousands of entries is refused."""
    monkeypatch.setattr(reading, "MAX_ENTRIES", 13)
    assert "14 entries" in texts(zipped(tmp_path / "p.zip", "agent", rows_of("agent")))[0]


def test_nested_zip(tmp_path):
    """A zip inside the zip is found by its content, whatever its name."""
    inner = zipped(tmp_path / "inner.zip", "agent", {"MedCOT.jsonl": []}).read_bytes()
    path = zipped(tmp_path / "p.zip", "agent", {"MedCOT.jsonl": inner})
    assert texts(path) == ["a zip inside the zip"]


def test_the_same_name_twice(tmp_path):
    """Two entries of one name are refused: readers disagree on which one counts."""
    name = "MedBench_Agent/MedCOT.jsonl"
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = entries(tmp_path / "p.zip", (name, b"{}\n"), (name, b"{}\n"))
    assert "stands 2 times" in texts(path)[0]


def test_encrypted_and_other_methods(tmp_path):
    """Encrypted entries and methods other than deflate are refused."""
    with zipfile.ZipFile(tmp_path / "p.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("MedBench_Agent/MedCOT.jsonl", b"{}\n")
    assert "another method" in texts(tmp_path / "p.zip")[0]
    path = zipped(tmp_path / "q.zip", "agent", {"MedCOT.jsonl": []})
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "encrypted" in texts(path)[0]


def test_damaged_content(tmp_path):
    """Content that does not match its checksum is E1 at its file."""
    path = entries(tmp_path / "p.zip", ("MedBench_Agent/MedCOT.jsonl", b"abcdefgh" * 9))
    data = bytearray(path.read_bytes())
    start = data.index(b"MedCOT.jsonl") + len("MedCOT.jsonl")
    data[start + 4] ^= 0xFF
    path.write_bytes(data)
    [finding] = open_pack(path).findings
    assert (finding.rule, finding.file) == ("E1", "MedCOT.jsonl")
    assert "cannot be unpacked" in finding.message


@pytest.mark.parametrize("folder", ["Results", "MedBench/x"])
def test_the_top_folder(tmp_path, folder):
    """Another top folder than a track's is an error."""
    path = zipped(tmp_path / "p.zip", "agent", rows_of("agent"), folder=folder)
    assert next(rule for rule, *_ in errors(checked(path, track="agent"))) in ("E1", "E2")


def test_files_beside_the_folder(tmp_path):
    """Files beside the top folder, or a second folder, are named."""
    loose = zipped(tmp_path / "p.zip", "agent", {"MedCOT.jsonl": []}, more=[("x.txt", b"")])
    assert '"x.txt"' in texts(loose)[0]
    second = zipped(tmp_path / "q.zip", "agent", {"MedCOT.jsonl": []}, more=[("b/x.txt", b"")])
    assert '"MedBench_Agent", "b"' in texts(second)[0]
    assert texts(entries(tmp_path / "e.zip")) == ["the zip is empty"]


def test_what_systems_leave(tmp_path):
    """__MACOSX and .DS_Store are warnings, and in nobody's way."""
    more = [("__MACOSX/MedBench_Agent/._MedCOT.jsonl", b"x"), ("MedBench_Agent/.DS_Store", b"x")]
    found = checked(zipped(tmp_path / "p.zip", "agent", rows_of("agent"), more=more))
    assert errors(found) == []
    assert [each.severity for each in found.findings if each.rule == "E1"] == ["warning"] * 2


def test_a_folder(tmp_path):
    """A folder is a pack too, itself or with the track's folder in it; links are not followed."""
    inner = tmp_path / "mine" / "MedBench_Agent"
    inner.mkdir(parents=True)
    (inner / "MedCOT.jsonl").write_bytes(b"{}\n")
    (tmp_path / "secret").write_bytes(b"s")
    (inner / "MedDBOps.jsonl").symlink_to(tmp_path / "secret")
    for path in (inner, tmp_path / "mine"):
        found = open_pack(path)
        assert found.folder == "MedBench_Agent"
        assert list(found.files) == ["MedCOT.jsonl"]
        assert [each.message for each in found.findings] == ["is a link"]


def test_one_file_of_json_lines(tmp_path):
    """A file of one set is a pack of itself; what its name says behind the set's is passed over."""
    path = tmp_path / "MedCOT.some-model.v2.jsonl"
    path.write_bytes(b"x")
    pack = open_pack(path)
    assert (pack.alone, pack.folder, pack.findings) == (True, None, ())
    assert {name: read() for name, read in pack.files.items()} == {"MedCOT.jsonl": b"x"}
