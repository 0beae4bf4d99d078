"""What every run leaves in its folder."""

from __future__ import annotations

from pathlib import Path

from medcheck import shelves
from medcheck.summary import Summary
from medcheck.types import Run

FILES = {
    "jsonl": "results.jsonl",
    "json": "summary.json",
    "markdown": "summary.md",
    "html": "report.html",
}
"""File by writer."""


def write_all(run: Run, summary: Summary, folder: Path) -> tuple[Path, ...]:
    """Write the files that every run leaves; return their paths."""
    return tuple(
        shelves.find("writers", name, "write")(run, summary, folder / file)
        for name, file in FILES.items()
    )
