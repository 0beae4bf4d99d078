"""pytest-html's page: two columns and a table of ours, and nothing that data could smuggle in."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from sessions import ALONE, FIRST, ONE, Sessions

EVIL = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"


def page_data(text: str) -> Any:
    """Return what the page's script is given."""
    found = re.search(r'data-jsonblob="([^"]*)"', text)
    assert found
    return json.loads(html.unescape(found[1]))


def test_the_page(sessions: Sessions, workers: int) -> None:
    """Each case with score and category, the short table above; failures as text."""
    suite = FIRST.replace("id: fever,", "id: fever, category: [急诊, 发热],")
    sessions.suite(suite)
    options = ("--model=echo", "--html=x.html", "--self-contained-html")
    sessions.run(*options, workers=workers, code=1).calm()
    text = (sessions.path / "x.html").read_text(encoding="utf-8")
    rows = {name: test[0] for name, test in page_data(text)["tests"].items()}
    cells = {name.partition("::")[2]: row["resultsTableRow"] for name, row in rows.items()}
    assert cells["fever"][2:4] == [
        '<td class="col-score">1.000</td>',
        '<td class="col-category">急诊; 发热</td>',
    ]
    assert cells["low"][2] == '<td class="col-score">0.000</td>'
    assert "below pass_at" in rows["cases/a.yaml::low"]["log"]
    assert "<h2>medcheck</h2><table>" in text
    assert "<td>theme:hedging</td><td>1.000</td>" in text


@ALONE
def test_hostile_texts(sessions: Sessions, workers: int) -> None:
    """Markup in tags, categories, titles, model names and failures reaches the page as text."""
    quoted = json.dumps([EVIL, SCRIPT])
    tags = json.dumps([f"theme:{EVIL}", SCRIPT])
    sessions.suite(
        f"suite: evil\ntitle: {json.dumps(EVIL)}\nsummary: {{by: [theme]}}\ncases:\n"
        f"  - {{id: a, tags: {tags}, category: {quoted}, prompt: {json.dumps(EVIL)}, {ONE}}}\n"
        f"  - {{id: b, tags: {tags}, prompt: {json.dumps(SCRIPT)}, pass_at: 1, "
        f"checks: [{{contains: never, text: {json.dumps(EVIL + SCRIPT)}}}]}}\n"
    )
    name = f"m{EVIL}"
    sessions.models(**{name: {"provider": "echo"}})
    options = (f"--model={name}", "--html=x.html", "--self-contained-html", "--run=r")
    sessions.run(*options, workers=workers, code=1).calm()
    text = (sessions.path / "x.html").read_text(encoding="utf-8")
    for test in page_data(text)["tests"].values():
        for row in test:
            shown = "".join(row["resultsTableRow"]) + row["log"] + row["testId"]
            assert "<img" not in shown
            assert "<script" not in shown
    body = text.partition("<body>")[2]
    assert EVIL not in body
    assert SCRIPT not in body
    own = (sessions.folder("r") / "report.html").read_text(encoding="utf-8")
    assert EVIL not in own
    assert SCRIPT not in own


def test_a_page_beside_an_error(sessions: Sessions) -> None:
    """A case that was not measured shows its state, and the page says that it is no result."""
    sessions.suite(FIRST)
    options = ("--model=echo", "--responses=only", "--html=x.html", "--self-contained-html")
    sessions.run(*options, code=12).calm()
    text = (sessions.path / "x.html").read_text(encoding="utf-8")
    assert "INCOMPLETE: not a result." in text
    rows = [test[0]["resultsTableRow"] for test in page_data(text)["tests"].values()]
    assert {row[2] for row in rows} == {'<td class="col-score">model_error</td>'}


def test_a_page_without_cases(sessions: Sessions) -> None:
    """A session of ordinary tests keeps pytest-html's page as it is."""
    sessions.write("test_own.py", "def test_own(): pass\n")
    sessions.run("--html=x.html", "--self-contained-html", code=0).calm()
    text = (sessions.path / "x.html").read_text(encoding="utf-8")
    assert "medcheck</h2>" not in text
    assert "col-score" not in html.unescape(text)
