"""Files named by a suite stay inside its folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from medcheck.errors import DatasetError
from medcheck.suites.files import inside, sha256_of


def test_a_path_below_the_folder(tmp_path: Path) -> None:
    """A relative path below the folder is joined; the file need not exist."""
    assert inside(tmp_path, "data/x.jsonl") == tmp_path / "data" / "x.jsonl"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "~/x",
        "C:/x",
        "C:\\x",
        "\\\\host\\x",
        "../x",
        "a/../../x",
        "a/../x",
        "a\\..\\x",
    ],
)
def test_paths_that_lead_away(tmp_path: Path, name: str) -> None:
    """No absolute path and no `..`, in either spelling of the separators."""
    with pytest.raises(DatasetError, match="suite's folder"):
        inside(tmp_path, name)


def test_links_out_of_the_folder(tmp_path: Path) -> None:
    """A link to a file or through a folder outside is refused; one inside is followed."""
    folder = tmp_path / "suite"
    folder.mkdir()
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    (folder / "own").write_text("x", encoding="utf-8")
    (folder / "file").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "inner").symlink_to(folder / "own")

    for name in ("file", "folder/secret", "folder"):
        with pytest.raises(DatasetError, match="is a link out of the suite's folder"):
            inside(folder, name)
    assert inside(folder, "inner").read_text(encoding="utf-8") == "x"


def test_only_regular_files(tmp_path: Path) -> None:
    """A folder and a pipe are no files to read."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    for name in ("folder", "pipe"):
        with pytest.raises(
            DatasetError, match=f'path "{name}" is not a regular file. Name a file.'
        ):
            inside(tmp_path, name)


def test_sha256(tmp_path: Path) -> None:
    """The sha256 is that of the whole content, however long."""
    content = b"x" * 3_000_000
    (tmp_path / "x").write_bytes(content)
    assert sha256_of(tmp_path / "x") == hashlib.sha256(content).hexdigest()
