"""`summary.md` shows the tables; no text from data becomes markup."""

from __future__ import annotations

import pytest
from report_runs import row, run_of

from medcheck.writers.markdown import escaped, lines, number, span, write


def test_the_tables_of_a_pull_request(tmp_path):
    """Each row says score, interval and how many answers it rests on."""
    text = write(*run_of(), tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "| alpha | overall | 0.500 | 0.500 | 0.400 to 0.600 | 10 |  |" in text
    assert "## triage (official protocol)" in text
    assert "| model alpha | 3 | 10 | 5 | $0.2500 |" in text
    assert "| judge judge-1 | 3 | 10 | 5 | unknown |" in text
    assert "Run: complete." in text


def test_an_incomplete_run_says_so_first():
    """Nobody takes the numbers of an incomplete run for a result."""
    found = lines(*run_of(complete=False, rows=(row(ungraded=3),), notes=("3 missing",)))
    assert "INCOMPLETE" in found[2]
    assert "- 3 missing" in found
    assert any(line.endswith("| 10 | 3 |") for line in found)


def test_a_missing_number_is_words():
    """What was not measured is never a 0."""
    assert number(None) == "not measured"
    assert number(0.0) == "0.000"
    assert span(None) == "-"
    [line] = [part for part in lines(*run_of(rows=(row(value=None, raw=None, ci95=None),)))
              if part.startswith("| alpha")]  # fmt: skip
    assert "| not measured | not measured | - |" in line


def test_only_the_short_rows_are_shown():
    """Groups that the suite did not name stay out of the short table."""
    rows = (row(), row(group="theme:a"), row(group="lang:zh"))
    text = "\n".join(lines(*run_of(rows=rows)))
    assert "theme:a" in text
    assert "lang:zh" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a | b", r"a \| b"),
        ("<img src=x onerror=alert(1)>", r"\<img src=x onerror=alert(1)\>"),
        ("[x](javascript:y)", r"\[x\](javascript:y)"),
        ("a\n# b", r"a \# b"),
        ("&lt;script&gt;", r"\&lt;script\&gt;"),
        ("a_b*c`d~e!", r"a\_b\*c\`d\~e\!"),
        ("\\|", r"\\\|"),
        ("胸痛  急诊\u2028x", "胸痛 急诊 x"),
    ],
)
def test_texts_are_shown_as_they_are(text, shown):
    """Markdown and HTML in a name stay text, on one line."""
    assert escaped(text) == shown


def test_hostile_names_keep_the_table():
    """A model named like markup changes no cell but its own."""
    hostile = "x | <script>|\n| y"
    rows = (row(hostile), row("beta"))
    found = lines(*run_of(rows=rows, models=(hostile, "beta")))
    table = [line for line in found if line.startswith("| ")]
    assert all(line.replace("\\|", "").count("|") == 8 for line in table[:4])
