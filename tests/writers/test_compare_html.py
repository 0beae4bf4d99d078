"""Pages of medcheck.writers._pages: every text is shown, none of it is markup."""

from __future__ import annotations

from html.parser import HTMLParser

from medcheck.comparing import Part
from medcheck.gate.telling import Table
from medcheck.writers._compare_html import write

HOSTILE = "<img src=x onerror=alert(1)>{{ 7*191 }}</script>"


class Reader(HTMLParser):
    """Collects elements and texts."""

    def __init__(self):
        super().__init__()
        self.elements, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def test_hostile_texts_are_only_shown(tmp_path):
    """Titles, lines and cells from data make no element, and nothing on the page can load."""
    table = Table(title=HOSTILE, head=("case", "change"), rows=((HOSTILE, "胸痛"),))
    part = Part(title=HOSTILE, told=(HOSTILE,), tables=(table,))
    text = write([part], tmp_path / "page.html").read_text(encoding="utf-8")
    page = Reader()
    page.feed(text)
    names = {name for name, _ in page.elements}
    assert not names & {"img", "script", "iframe", "link", "object"}
    assert not any(key.startswith("on") for _, attrs in page.elements for key in attrs)
    assert sum(HOSTILE in shown for shown in page.texts) >= 1
    assert "1337" not in text
    assert "胸痛" in text
    assert "default-src 'none'" in text
