"""The leaderboard as one self-contained page without a script: tables, and cost against quality.

Tables come from `_board`, the drawing from `_board_plot`; markup stands in pages/.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from medcheck.writers import _board
from medcheck.writers._board_plot import plot
from medcheck.writers._files import replaced

_PAGES = Path(__file__).parent / "pages"


def write(sheet: _board.Sheet, path: Path) -> Path:
    """Write the page.

    Raises:
        WriterError: the file cannot be written.
    """
    style = "\n".join(
        (_PAGES / name).read_text(encoding="utf-8") for name in ("report.css", "leaderboard.css")
    )
    known = {point.label for point in sheet.points}
    page = Environment(
        loader=FileSystemLoader(_PAGES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("leaderboard.html.j2")
    text = page.render(
        tables=_board.tables(sheet),
        notes=tuple(_board.notes(sheet)),
        plot=plot(sheet.points),
        unpriced=[who.label for who in sheet.board.contestants if who.label not in known],
        basis=_board.BASIS[sheet.costing],
        # Our own file, without anything from data.
        style=Markup(style),  # noqa: S704
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    with replaced(path) as file:
        file.write(text)
    return path
