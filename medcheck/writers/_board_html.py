"""The leaderboard as one self-contained page without a script: tables, and cost against quality.

Tables come from `_board`, the drawing from `_board_plot`; markup stands in pages/.
"""

from __future__ import annotations

from pathlib import Path

from medcheck.writers import _board
from medcheck.writers._board_plot import plot
from medcheck.writers._pages import write_page


def write(sheet: _board.Sheet, path: Path) -> Path:
    """Write the page.

    Raises:
        WriterError: the file cannot be written.
    """
    known = {point.label for point in sheet.points}
    return write_page(
        "leaderboard.html.j2",
        path,
        tables=_board.tables(sheet),
        notes=tuple(_board.notes(sheet)),
        plot=plot(sheet.points),
        unpriced=[who.label for who in sheet.board.contestants if who.label not in known],
        basis=_board.BASIS[sheet.costing],
    )
