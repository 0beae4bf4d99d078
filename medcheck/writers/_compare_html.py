"""Two runs beside each other as one self-contained page without a script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from medcheck.writers._files import replaced

_PAGES = Path(__file__).parent / "pages"


def write(parts: Sequence[Any], path: Path) -> Path:
    """Write the page.

    Args:
        parts: each with `title`, `told` (lines) and `tables` (`title`, `head`, `rows`).
        path: of the page.

    Raises:
        WriterError: the file cannot be written.
    """
    names = ("report.css", "leaderboard.css")
    style = "\n".join((_PAGES / name).read_text(encoding="utf-8") for name in names)
    environment = Environment(
        loader=FileSystemLoader(_PAGES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("compare.html.j2").render(
        parts=parts,
        # Our own file, without anything from data.
        style=Markup(style),  # noqa: S704
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    with replaced(path) as file:
        file.write(page)
    return path
