"""The page of the leaderboard: self-contained, safe, and drawn."""

from __future__ import annotations

import re

import pytest
from board_runs import PRICES, THREE, run_of, sheet_of

from medcheck.errors import WriterError
from medcheck.writers import _board, _board_html

NASTY = "<script>alert(1)</script>"


def page(tmp_path, sheet):
    return _board_html.write(sheet, tmp_path / "board.html").read_text(encoding="utf-8")


def test_the_page_shows_all_tables(tmp_path):
    """All tables, notes and the drawing with its front stand on the page."""
    sheet = sheet_of(published_rows=True)
    text = page(tmp_path, sheet)
    for table in _board.tables(sheet):
        assert f"<bdi>{table.title}</bdi>" in text
    assert text.count('<circle class="mark') == 3
    assert text.count('<circle class="mark best') == 1
    assert "where nothing is both cheaper and better: b." in text
    assert "published, not re-run" in text


def test_the_page_loads_nothing(tmp_path):
    """No script, no address: the policy forbids both, and there are none."""
    text = page(tmp_path, sheet_of())
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert not re.search(r"(src|href)=|url\(|@import", text)


def test_data_is_no_markup(tmp_path):
    """Names from data are shown as text, in tables and in the drawing."""
    run = run_of({NASTY: {NASTY: [0.9, 0.8], '"a"': [0.1, 0.2]}})
    text = page(tmp_path, sheet_of(run))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert 'aria-label="&lt;script' in text


def test_what_is_not_drawn_is_named(tmp_path):
    """A model whose cost is not known is named below the drawing, not drawn at 0."""
    run = run_of(THREE, cost={**PRICES, "c": None})
    text = page(tmp_path, sheet_of(run))
    assert text.count('<circle class="mark') == 2
    assert re.search(r"Not drawn[^<]*: c\.", text)


def test_nothing_to_draw(tmp_path):
    """Without any cost there is no drawing, and all are named."""
    run = run_of(THREE, cost=dict.fromkeys("abc"))
    text = page(tmp_path, sheet_of(run))
    assert "<circle" not in text
    assert re.search(r"Not drawn[^<]*: b, a, c\.", text)


def test_equal_sheets_give_equal_pages(tmp_path):
    """The page holds no time of writing."""
    assert page(tmp_path, sheet_of()) == page(tmp_path, sheet_of())


def test_a_folder_in_the_way(tmp_path):
    """What cannot be written is an error with a place."""
    (tmp_path / "board.html").mkdir()
    with pytest.raises(WriterError):
        page(tmp_path, sheet_of())


def test_a_browser_shows_it(tmp_path, tab):
    """A real browser applies the style, draws the marks and complains of nothing."""
    path = _board_html.write(sheet_of(published_rows=True), tmp_path / "board.html")
    tab.events.clear()
    tab.call("Page.navigate", url=path.as_uri())
    tab.wait("document.readyState === 'complete' && document.querySelector('.scatter .best')")
    assert tab.went_wrong() == []
    assert tab.run("document.querySelectorAll('.scatter .mark').length") == 3
    # The style was applied: a mark of the front is filled with its own color.
    fill = "getComputedStyle(document.querySelector('.scatter .best')).fill"
    assert tab.run(fill) not in ("rgb(0, 0, 0)", "none")
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
