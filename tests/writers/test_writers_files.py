"""medcheck.writers._files: whole and private files."""

from __future__ import annotations

import pytest

from medcheck.errors import WriterError
from medcheck.writers._files import replaced


def test_file_is_private_and_in_a_new_folder(tmp_path):
    """A report is readable by its owner only, wherever it is written."""
    path = tmp_path / "new" / "report.html"
    with replaced(path) as file:
        file.write("text")
    assert path.read_text(encoding="utf-8") == "text"
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_failure_keeps_the_old_file(tmp_path):
    """A report that breaks off leaves the former one as it was, and no rest beside it."""
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    def broken():
        with replaced(path) as file:
            file.write("new")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_unwritable_place_is_an_error_for_users(tmp_path):
    """A place that cannot be written is named, with what to do."""
    blocker = tmp_path / "file"
    blocker.write_text("", encoding="utf-8")
    with pytest.raises(WriterError, match="cannot write the report") as caught:
        replaced(blocker / "report.html").__enter__()
    assert str(blocker / "report.html") in str(caught.value)
    assert "--reports" in str(caught.value)


def test_lone_surrogates_are_escaped(tmp_path):
    """Text that UTF-8 cannot hold does not break a report."""
    path = tmp_path / "report.txt"
    with replaced(path) as file:
        file.write("a\ud800b")
    assert path.read_text(encoding="utf-8") == "a\\ud800b"
