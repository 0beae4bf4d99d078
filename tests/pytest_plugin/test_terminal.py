"""What the terminal shows: the summary, lines between, nothing more."""

from __future__ import annotations

import unicodedata

import pytest
from servers import Server
from sessions import FIRST, GOOD, JUDGED, Sessions, endpoint, judging

SOON = """
def pytest_configure():
    from medcheck.pytest_plugin import terminal
    terminal.PROGRESS_SECONDS = 0.0
"""


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def test_the_summary(sessions: Sessions, workers: int) -> None:
    """Scores by group with their interval and n, usage by role, what this run sent, the files."""
    sessions.suite(JUDGED)
    with Server(judging("question a")) as server:
        sessions.models(m=endpoint(server), judge=endpoint(server))
        done = sessions.run("--model=m", "--run=r", workers=workers, code=0).calm()
    done.ran.stdout.fnmatch_lines(
        [
            "=* medcheck r =*",
            "suite *model *group *score *raw *95 % of raw *n *not measured",
            "judged *m *overall *0.500 *0.500 *to* *2 *0",
            "judge judge: 2 replies, 0 input and 0 output tokens, cost unknown",
            "model m: 2 replies, 0 input and 0 output tokens, cost unknown",
            "this run: 4 requests sent, 0 replies reused, 0 failed, 0 retried, spent unknown",
            "wrote reports/r/results.jsonl",
            "*2 passed in *",
        ]
    )
    assert done.text.count("medcheck r") == 1


def test_columns_of_chinese_text(sessions: Sessions) -> None:
    """Columns stay aligned where a name holds wide characters."""
    sessions.suite(GOOD.replace("suite: good", "suite: 急诊分诊"))
    done = sessions.run("--model=echo", code=0)
    [head] = [line for line in done.lines if line.startswith("suite ")]
    [row] = [line for line in done.lines if line.startswith("急诊分诊")]
    assert width(row.partition("echo")[0]) == width(head.partition("model")[0])


def test_a_line_now_and_then(sessions: Sessions, workers: int) -> None:
    """While cases run, a line tells how many are done; `-q` leaves it out."""
    sessions.suite(FIRST)
    sessions.write("conftest.py", SOON)
    done = sessions.run("--model=echo", workers=workers, code=1)
    done.ran.stdout.fnmatch_lines(
        ["medcheck: 1 of 3 cases, 1 replies", "medcheck: 3 of 3 cases, 3 replies"]
    )
    assert "of 3 cases," not in sessions.run("--model=echo", "-q", workers=workers, code=1).text


def test_no_colors(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is respected, --color=yes too."""
    sessions.suite("suite: s\ncases: [{id: x, prompt: q, checks: [{contains: ok}]}]\n")
    common = ("--model=demo,gone", "-p", "no:terminalprogress")
    with Server("ok") as server:
        sessions.models(gone=endpoint(server))
        common = ("--model=gone", "--responses=only")
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b[" not in sessions.run(*common, code=12).text
        monkeypatch.delenv("NO_COLOR")
        colored = sessions.run(*common, "--color=yes", code=12).text
    assert "\x1b[31mgone: not measured: 1 model_error" in colored


def test_without_a_terminal(sessions: Sessions, workers: int) -> None:
    """With `-p no:terminal` the run still ends in its files and its status."""
    sessions.suite(FIRST)
    sessions.run("--model=echo", "-p", "no:terminal", workers=workers, code=1)
    assert len(sessions.results()) == 3
