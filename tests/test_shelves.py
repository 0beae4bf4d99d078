"""A name in YAML finds its module, or the user's own code, or the names that exist."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import medcheck
from medcheck import shelves
from medcheck.errors import ShelfError


@pytest.mark.parametrize("shelf", ["readers", "providers", "graders", "writers"])
def test_names_are_the_file_names(shelf):
    """Each file of a shelf without an underscore is a name, and no other."""
    folder = Path(medcheck.__file__).parent / shelf
    files = {path.stem for path in folder.iterdir() if path.suffix == ".py"}
    assert set(shelves.names(shelf)) == {name for name in files if not name.startswith("_")}
    assert shelves.names(shelf) == sorted(shelves.names(shelf))


def test_a_name_gives_the_object():
    """A known name gives the attribute that its shelf promises."""
    assert callable(shelves.find("writers", "json", "write"))


def test_an_unknown_name_lists_the_known():
    """A slip is answered with the nearest name."""
    with pytest.raises(ShelfError, match=r'unknown grader "rubrik"\. Did you mean "rubric"'):
        shelves.find("graders", "rubrik", "Grader")


def test_helpers_are_no_names():
    """A file with an underscore cannot be named, nor can one outside the shelf."""
    for name in ("_panel", "../client", "__init__"):
        with pytest.raises(ShelfError, match="unknown grader"):
            shelves.find("graders", name, "Grader")


def test_an_optional_attribute_may_be_missing():
    """What a module need not offer is `None` where it does not."""
    assert shelves.has("writers", "json", "write") is not None
    assert shelves.has("writers", "json", "nothing") is None
    assert shelves.has("writers", "unknown", "write") is None


def test_own_code_is_found_in_the_current_folder(tmp_path, monkeypatch):
    """`module:Name` is imported from where the command was started."""
    (tmp_path / "hospital_code.py").write_text("class Grader: pass\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    found = shelves.find("graders", "hospital_code:Grader", "Grader")
    assert found.__module__ == "hospital_code"
    with pytest.raises(ShelfError, match='"hospital_code" has no "Grade"') as caught:
        shelves.find("graders", "hospital_code:Grade", "Grader")
    assert 'Did you mean "Grader"' in str(caught.value)
    sys.modules.pop("hospital_code")


@pytest.mark.parametrize("name", ["absent_code:Grader", ":Grader", "absent.code:Grader"])
def test_own_code_that_is_not_there(name):
    """Code that cannot be imported is named, with what to do."""
    with pytest.raises(ShelfError, match="cannot import"):
        shelves.find("graders", name, "Grader")
