"""Two runs beside each other as a page; markup stands in pages/compare.html.j2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medcheck.writers._pages import write_page


def write(parts: Sequence[Any], path: Path) -> Path:
    """Write the page.

    Args:
        parts: each with `title`, `told` (lines) and `tables` (`title`, `head`, `rows`).
        path: of the page.

    Raises:
        WriterError: the file cannot be written.
    """
    return write_page("compare.html.j2", path, parts=parts)
