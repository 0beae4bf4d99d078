"""`summary.md` shows the tables; no text from data becomes markup."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_runs import RESCUE, WAIT, result, row, run_of, verdict

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


def test_equal_scores_promise_no_certainty():
    """Where all scores are equal there is no interval of width 0: no spread was seen."""
    assert span((1.0, 1.0)) == span((0.1, 0.1 + 1e-17)) == "no spread seen"
    assert span((0.4, 0.6)) == "0.400 to 0.600"


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


def test_harm_and_failures_stand_first():
    """Zero-tolerance harm and cases below `pass_at` are counted and named before any score."""
    harm = (verdict(RESCUE, "met"), verdict(WAIT, "met"))
    results = (
        result("a|b", verdicts=harm, repeat=1),
        result("a|b", repeat=2),
        result("low", value=0.2, pass_at=0.5, position=1),
        result("low", value=0.6, pass_at=0.5, position=1, repeat=2),
        result("fine", value=0.9, pass_at=0.5, position=2),
        result("lost", value=None, pass_at=0.5, position=3),
    )
    found = lines(*run_of(results=results))
    at = found.index("## Failed cases")
    assert found[at + 2] == (r"- **alpha: zero-tolerance criteria met in 1 answers**: triage::a\|b")
    assert found[at + 3] == r"- alpha: 1 of 2 cases below pass\_at: triage::low"
    assert at < found.index("## triage (official protocol)")
    assert "## Failed cases" not in lines(*run_of(results=results[4:]))


def test_long_lists_of_failures_are_cut():
    """A line names twenty cases, and says how many more there are."""
    results = [result(f"c{n}", value=0.1, pass_at=0.5, position=n) for n in range(23)]
    [line] = [line for line in lines(*run_of(results=results)) if "below" in line]
    assert line.endswith("triage::c19 and 3 more")


def test_why_a_run_was_stopped_stands_at_its_top():
    """A stop is told once, however many processes had it."""
    run, summary = run_of()
    run = replace(run, meta={"stopped:gw0": "no money.", "stopped:gw1": "no money."})
    found = "\n".join(lines(run, summary))
    assert found.count("**The run was stopped:** no money.") == 1


@pytest.mark.parametrize(
    ("raw", "ci95", "loose"),
    [(0.7, (-3.0, 4.5), True), (0.9, (0.7, 1.1), True), (4.2, (3.0, 5.3), True),
     (4.2, (3.0, 4.9), False), (0.5, (0.4, 0.6), False), (-0.1, (-0.5, 0.3), False),
     (12.0, (5.0, 19.0), False)],
)  # fmt: skip
def test_an_interval_beyond_what_is_possible_is_explained(raw, ci95, loose):
    """Such an interval has a star, and the table a footnote that says why."""
    found = lines(*run_of(rows=(row(raw=raw, ci95=ci95),)))
    assert any(line.startswith(r"\* t interval of few cases") for line in found) == loose
    assert any(r" \* |" in line for line in found) == loose
