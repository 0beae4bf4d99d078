"""Question files that the user names arrive as a whole, from a folder, a zip or a URL."""

from __future__ import annotations

import stat
import zipfile

import pytest
from medbench_packs import questions
from servers import Reply, Server

from medcheck.__main__ import main
from medcheck.errors import DatasetError
from medcheck.fetching import find
from medcheck.packs.tracks import fetch_tracks
from medcheck.suites.files import sha256_of

SOURCE = find("medbench")


def fetched(tmp_path, origin):
    """Return (place, question files, whether it was there) of each track."""
    found = fetch_tracks(SOURCE, folder=tmp_path / "data", origin=str(origin))
    return [(t.path.name, t.question_files, t.already) for t in found]


@pytest.fixture
def seed(tmp_path):
    """A folder laid out as the published script's, with what does not belong there."""
    top = tmp_path / "repo" / "MedBench"
    questions(top / "new_test_data", "v4")
    questions(top / "Agent_test_data", "agent")
    (top / "test_dataset" / "CMeEE").mkdir(parents=True)
    (top / "test_dataset" / "CMeEE" / "CMeEE_test.jsonl").write_text("{}\n", encoding="utf-8")
    (top / "VLM_test_data" / "images").mkdir(parents=True)
    (top / "VLM_test_data" / "MedVQA.jsonl").write_text("{}\n", encoding="utf-8")
    (top / "VLM_test_data" / "images" / "a.PNG").write_bytes(b"picture")
    (top / "VLM_test_data" / "_pdf_cache").mkdir()
    (top / "VLM_test_data" / "_pdf_cache" / "name_page_1.png").write_bytes(b"page")
    (top / "new_test_data" / "run.py").write_text("print()", encoding="utf-8")
    (top / "new_test_data" / ".env").write_text("KEY=1", encoding="utf-8")
    return tmp_path / "repo"


def zipped(path, folder, *more):
    """Pack a folder, and more entries (name or ZipInfo, bytes)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
        for name, data in more:
            archive.writestr(name, data)
    return path


ALL = [("old", 1, False), ("v4", 38, False), ("vlm", 1, False), ("agent", 14, False)]


def test_the_script_s_folders_are_known(seed, tmp_path):
    """Tracks are found below the folder that is named, and only data is copied."""
    assert fetched(tmp_path, seed) == ALL
    place = tmp_path / "data" / "medbench"
    assert (place / "vlm" / "images" / "a.PNG").read_bytes() == b"picture"
    names = {path.name for path in place.rglob("*")}
    assert not names & {"run.py", ".env", "_pdf_cache"}
    assert not [name for name in names if name.endswith(".part")]
    again = fetched(tmp_path, seed)
    assert all(already for _, _, already in again)


def test_a_track_s_own_folder(seed, tmp_path):
    """The folder of one track may be named itself; folders called v4 hold v4."""
    own = seed / "MedBench" / "new_test_data"
    assert fetched(tmp_path, own) == [("v4", 38, False)]
    other = tmp_path / "mine" / "v4"
    other.parent.mkdir()
    own.rename(other)
    assert fetched(tmp_path, other.parent) == [("v4", 38, True)]


def test_a_zip_and_a_url(seed, tmp_path):
    """A zip is as good as a folder, also from a URL; the result is the same to the byte."""
    path = zipped(tmp_path / "all.zip", seed)
    fetched(tmp_path / "a", seed)
    assert fetched(tmp_path / "b", path) == ALL
    with Server(Reply(body=path.read_bytes())) as server:
        assert fetched(tmp_path / "c", f"{server.address}/all.zip") == ALL
    folders = [tmp_path / name / "data" / "medbench" for name in "abc"]
    assert len({sha256_of(folder) for folder in folders}) == 1


def entry(name, mode):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("../v4/MedHC.jsonl", b"{}"), "leads out of it"),
        (("/v4/MedHC.jsonl", b"{}"), "leads out of it"),
        (("c:/v4/MedHC.jsonl", b"{}"), "leads out of it"),
        ((entry("v4/MedHC.jsonl", stat.S_IFLNK | 0o777), b"/etc/passwd"), "is a link"),
        (("medbench/NEW_TEST_DATA/medhc.jsonl", b"{}"), "is there twice"),
        (("v4/big.jsonl", b"0" * 2_000_000), "unpacks to more than 200 times"),
    ],
)
def test_zips_that_are_not_safe(seed, tmp_path, more, told):
    """Nothing is unpacked of a zip with one entry that is not safe."""
    path = zipped(tmp_path / "bad.zip", seed, more)
    with pytest.raises(DatasetError, match=told):
        fetched(tmp_path, path)
    assert not (tmp_path / "data").exists()


def test_another_version_stays(seed, tmp_path):
    """What is already there is never overwritten by something else."""
    fetched(tmp_path, seed)
    file = tmp_path / "data" / "medbench" / "v4" / "MedHC.jsonl"
    file.write_text("mine\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="another version is already there"):
        fetched(tmp_path, seed)
    assert file.read_text(encoding="utf-8") == "mine\n"
    assert not list((tmp_path / "data" / "medbench").glob(".*"))


@pytest.mark.parametrize(
    ("name", "told"),
    [("absent", "no such file or folder"), ("empty", "no question files"), ("no.zip", "unpacked")],
)
def test_places_without_a_track(tmp_path, name, told):
    """What is missing is said with the names that folders may have."""
    (tmp_path / "empty" / "v4").mkdir(parents=True)
    (tmp_path / "no.zip").write_bytes(b"text")
    with pytest.raises(DatasetError, match=told):
        fetched(tmp_path, tmp_path / name)


def test_two_folders_for_a_track(seed, tmp_path):
    """Which of two versions is meant is not guessed."""
    questions(seed / "v4", "v4")
    with pytest.raises(DatasetError, match="two folders for medbench/v4"):
        fetched(tmp_path, seed)


def test_the_command(seed, tmp_path, monkeypatch, capsys):
    """`medcheck fetch medbench` wants a place, and says that nothing pins what it found there."""
    monkeypatch.chdir(tmp_path)
    assert main(["fetch", "medbench"]) != 0
    assert "medcheck fetch medbench --from PATH|URL" in capsys.readouterr().err
    assert main(["fetch", "medbench", "--from", "repo"]) == 0
    said = capsys.readouterr().out
    assert "cases/data/medbench/v4: copied, 38 of 38 question files" in said
    digest = sha256_of(tmp_path / "cases" / "data" / "medbench" / "v4")
    assert f"sha256 {digest}; nothing pins it" in said
