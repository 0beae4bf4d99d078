"""Self-contained pages without a script: one style sheet, named by hash, nothing to load."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from medcheck.writers._files import replaced

_PAGES = Path(__file__).parent / "pages"
_STYLES = ("report.css", "leaderboard.css")


def write_page(template: str, path: Path, **values: Any) -> Path:
    """Write a page of `pages/`; everything in `values` is escaped.

    Raises:
        WriterError: the file cannot be written.
    """
    style = "\n".join((_PAGES / name).read_text(encoding="utf-8") for name in _STYLES)
    environment = Environment(
        loader=FileSystemLoader(_PAGES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(template).render(
        **values,
        # Our own file, without anything from data.
        style=Markup(style),  # noqa: S704
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    with replaced(path) as file:
        file.write(text)
    return path
