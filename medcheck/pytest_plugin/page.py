"""pytest-html: two columns and a table of categories; whatever comes from data is escaped."""

from __future__ import annotations

from html import escape
from typing import Any

import pytest

from medcheck.pytest_plugin.ending import conclude
from medcheck.pytest_plugin.state import state_of


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_header(cells: list[str]) -> None:
    """Add the columns."""
    cells.insert(2, '<th class="sortable" data-column-type="score">Score</th>')
    cells.insert(3, '<th class="sortable" data-column-type="category">Category</th>')


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_row(report: Any, cells: list[str]) -> None:
    """Fill the columns; an answer that was not measured shows its state, never a number."""
    known = dict(getattr(report, "user_properties", ()))
    score = known.get("medcheck.score")
    shown = known.get("medcheck.state", "") if score is None else f"{score:.3f}"
    cells.insert(2, f'<td class="col-score">{escape(str(shown))}</td>')
    cells.insert(
        3, f'<td class="col-category">{escape(str(known.get("medcheck.category", "")))}</td>'
    )


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_summary(prefix: list[str], session: pytest.Session) -> None:
    """Put the short table above the results."""
    ending = conclude(state_of(session.config))
    if ending is None:
        return
    from medcheck.summary import short_rows
    from medcheck.writers.markdown import number, span

    if not ending.summary.complete:
        prefix.append("<p><strong>INCOMPLETE: not a result.</strong></p>")
    head = ("suite", "model", "group", "score", "95 % interval", "n", "not measured")
    rows = [_cells("th", head)]
    for row in short_rows(ending.summary):
        shown = (row.suite, row.model, row.group, number(row.value), span(row.ci95))
        rows.append(_cells("td", (*shown, str(row.n), str(row.ungraded))))
    prefix.append(f"<h2>medcheck</h2><table>{''.join(rows)}</table>")


def _cells(tag: str, texts: tuple[str, ...]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(text)}</{tag}>' for text in texts)}</tr>"
