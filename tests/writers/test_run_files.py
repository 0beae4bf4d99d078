"""What every run leaves in its folder."""

from __future__ import annotations

from medcheck.summary import summarize
from medcheck.types import Run
from medcheck.writers._run_files import FILES, write_all


def test_every_file_is_written(tmp_path):
    """All files stand in the folder under their fixed names, whatever the run came to."""
    run = Run(id="r", started="2026-01-01T00:00:00+00:00", settings={}, versions={})
    written = write_all(run, summarize(run), tmp_path / "r")
    assert [path.name for path in written] == list(FILES.values())
    assert all(path.stat().st_size for path in written if path.name != "results.jsonl")
