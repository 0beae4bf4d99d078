"""What the terminal shows: the summary, lines between, nothing more."""

from __future__ import annotations

import json
import unicodedata

import pytest
from servers import Server
from sessions import ALONE, FIRST, GOOD, JUDGED, Sessions, endpoint, judging

from medcheck.pytest_plugin.terminal import folded

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


@ALONE
def test_without_a_terminal(sessions: Sessions, workers: int) -> None:
    """With `-p no:terminal` the run still ends in its files and its status."""
    sessions.suite(FIRST)
    sessions.run("--model=echo", "-p", "no:terminal", workers=workers, code=1)
    assert len(sessions.results()) == 3


def test_nothing_controls_the_terminal(sessions: Sessions) -> None:
    """What a file of answers holds is printed as text: no colors, title, bell or reversal."""
    sessions.suite(FIRST)
    evil = json.dumps({"case_id": "\x1b[31mEVIL\x1b]0;pwn\x07\u202e", "answer": "x"})
    known = json.dumps({"case_id": "fever", "answer": "120"})
    for content, more in (("", ()), (known, ()), (known, ("--plan",))):
        sessions.write("evil.jsonl", f"{evil}\n{content}\n")
        done = sessions.run("--model=answers:evil.jsonl", *more)
        assert r"\x1b[31mEVIL\x1b]0;pwn\x07\u202e" in done.text
        assert not {"\x1b", "\x07", "\u202e"} & set(done.text)


def test_data_sets_to_fetch_share_a_line() -> None:
    """Many suites without their data are one line; another reason, or a single one, stays."""
    reasons = [f"data/{n} is not here. Run: medcheck fetch {n}" for n in ("b", "a")]
    other = '1 of 2 cases of "s" have no answer'
    assert folded(reasons[:1]) == reasons[:1]
    assert folded([reasons[0], other, reasons[1]]) == [
        other,
        "2 suites whose data is not here; medcheck fetch NAME gets it: a, b",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--tag", "theme:hedgin"), '--tag: no case has "theme:hedgin". Nearest: theme:hedging'),
        (("--tag", "theme"), '--tag: no case has "theme". Nearest: theme:gaps, theme:hedging'),
        (("-m", "theme_急症"), '-m: no case has "theme_急症". Nearest: theme_'),
        (("--tag", "xyz"), '--tag: no case has "xyz". There are: gaps, lang:en'),
    ],
)
def test_a_selection_of_nothing(sessions: Sessions, given: tuple[str, str], said: str) -> None:
    """A tag or marker that no case has is named, with the nearest that some have."""
    sessions.suite(FIRST)
    assert f"medcheck: {said}" in sessions.run("--model=echo", *given, code=5).calm().text


def test_a_wrong_port_is_told_at_once(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first failed connection is a line, and no reply is counted where none came."""
    monkeypatch.setattr("medcheck.limits.backoff", lambda *_, **__: 0.2)
    sessions.suite(GOOD)
    sessions.models(m={"base_url": "http://127.0.0.1:9/v1"})
    sessions.write("conftest.py", SOON)
    done = sessions.run("--model=m", code=12).calm()
    assert done.text.count("Still trying.") == 1
    assert done.text.index("Still trying.") < done.text.index("= ERRORS =")
    assert 'medcheck: model "m": no connection to 127.0.0.1:9.' in done.text
    assert "medcheck: 2 of 2 cases, 0 replies" in done.text
    assert done.text.count("the run was stopped: ") == 1
