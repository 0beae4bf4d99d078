"""`medcheck fetch` of sets that no version is pinned of."""

from __future__ import annotations

import pytest

from medcheck.__main__ import main
from medcheck.errors import DatasetError
from medcheck.fetching import fetch, sources

UNPINNED = [name for name, source in sources().items() if not source.files and not source.folders]


@pytest.mark.parametrize("name", UNPINNED)
def test_it_is_refused_with_what_to_do(name, tmp_path):
    """A set without a pinned file is refused, and its note says where the file goes."""
    source = sources()[name]
    for origin in (None, str(tmp_path)):
        with pytest.raises(DatasetError, match="cannot be fetched: no version") as caught:
            fetch(source, folder=tmp_path / "data", origin=origin)
        assert caught.value.hint == source.note
    assert "cases/data/medhelm/" in source.note
    assert not (tmp_path / "data").exists()


def test_the_command_says_so(tmp_path, monkeypatch, capsys):
    """The command fails, and prints the note."""
    monkeypatch.chdir(tmp_path)
    assert main(["fetch", "medhelm_medcalc_bench"]) != 0
    said = capsys.readouterr()
    assert "cannot be fetched: no version is pinned." in said.out + said.err
    assert "cases/data/medhelm/medcalc_test.csv" in said.out + said.err
