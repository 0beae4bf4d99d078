"""Before the first call: what is missing, what is too much, who else writes the run, the plan."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from servers import Server
from sessions import FIRST, GOOD, JUDGED, Sessions, endpoint, judging

from medcheck.pytest_plugin import starting

REMOTE = {"base_url": "https://models.example/v1", "api_key_env": "EXAMPLE_KEY"}
SLEEPY = """
import time
from pathlib import Path
def pytest_runtest_logstart(nodeid):
    Path("started").write_text("", encoding="utf-8")
    ends = time.monotonic() + 20
    while not Path("go").exists() and time.monotonic() < ends:
        time.sleep(0.02)
"""


def test_no_model(sessions: Sessions, workers: int) -> None:
    """Cases without a model are one usage error that names the option, and nothing is written."""
    sessions.suite(FIRST)
    done = sessions.run(workers=workers, code=4).calm()
    assert done.text.count("ERROR: medcheck: no model to evaluate. Name one with --model=NAME") == 1
    assert not (sessions.path / "reports").exists()


def test_no_model_but_no_case(sessions: Sessions, workers: int) -> None:
    """Where no case is selected no model is needed: tests beside suites run."""
    sessions.suite(FIRST)
    sessions.write("test_own.py", "def test_own(): pass\n")
    assert sessions.run("-k", "test_own", workers=workers, code=0).counts()["passed"] == 1


def test_everything_that_is_missing(sessions: Sessions, workers: int) -> None:
    """Unknown model, missing key and missing judge: all in one usage error, before any call."""
    sessions.suite(JUDGED.replace(", judges: [judge]", ""))
    with Server("x") as server:
        sessions.models(here=endpoint(server), remote=REMOTE)
        done = sessions.run("--model=here,remote,nobody", workers=workers, code=4).calm()
        assert server.requests == []
    for said in (
        'model "remote": models.example needs a key and EXAMPLE_KEY is not set. Set EXAMPLE_KEY',
        'unknown model "nobody". Known: ',
        'cases/a.yaml: suite "judged" needs a judge. Name one with --judge, or under',
    ):
        assert done.text.count(said) == 1, done.text
    assert "= medcheck" not in done.text


def test_an_unknown_judge(sessions: Sessions) -> None:
    """A judge that nobody knows is named with the nearest known one."""
    sessions.suite(JUDGED)
    done = sessions.run("--model=echo", "--judge=gpt-4.11", code=4).calm()
    assert 'unknown judge "gpt-4.11". Did you mean "gpt-4.1"?' in done.text


def test_a_large_run_asks_first(sessions: Sessions, workers: int) -> None:
    """More than 5,000 calls that are not stored: the plan, and pytest's 4; --yes goes on."""
    sessions.suite(FIRST)
    large = ("--model=echo", "--repeats=1667", "-k", "hedging or gaps")
    done = sessions.run(*large, workers=workers, code=4).calm()
    assert "this run needs more than 5,000 calls. Add --yes to go on" in done.text
    assert "3 cases" in done.text
    assert "5,001 calls" in done.text
    assert "= medcheck" not in done.text


def test_a_large_run_that_is_stored(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored is not asked again, so that a repeated large run needs no consent."""
    monkeypatch.setattr(starting, "CONFIRM_CALLS", 50)
    sessions.suite(GOOD)
    large = ("--model=echo", "--repeats=26")
    assert "more than 50 calls" in sessions.run(*large, code=4).text
    sessions.run(*large, "--budget=1", code=0)
    done = sessions.run(*large, code=0)
    assert "this run: 0 requests sent, 52 replies reused" in done.text
    sessions.run(*large, "--responses=fresh", code=4)
    sessions.run(*large, "--responses=fresh", "--yes", code=0)


def test_the_plan(sessions: Sessions, workers: int) -> None:
    """`--plan` prints what the run would need, calls nobody, writes nothing, ends in 0."""
    sessions.suite(JUDGED)
    with Server(judging()) as server:
        sessions.models(m=endpoint(server), judge=endpoint(server))
        done = sessions.run("--model=m", "--plan", workers=workers, code=0).calm()
        assert server.requests == []
    assert "= medcheck plan =" in done.text
    assert "2 cases" in done.text
    assert "model m: 2 calls" in done.text
    assert "judge judge: 2 calls" in done.text
    assert "cost unknown" in done.text
    assert not (sessions.path / "reports").exists()


def test_a_plan_that_cannot_be_made(sessions: Sessions) -> None:
    """A plan is refused like the run itself."""
    sessions.suite(FIRST)
    assert "no model to evaluate" in sessions.run("--plan", code=4).calm().text
    assert 'unknown model "nobody"' in sessions.run("--plan", "--model=nobody", code=4).text


def test_nothing_is_paid_twice(sessions: Sessions, workers: int) -> None:
    """The same command again sends nothing; `fresh` asks anew; `only` never asks."""
    sessions.suite(JUDGED)
    with Server(judging()) as server:
        sessions.models(m=endpoint(server), judge=endpoint(server))
        sessions.run("--model=m", "--run=r", workers=workers, code=0)
        assert len(server.requests) == 4
        first = [(sessions.folder("r") / n).read_bytes() for n in ("results.jsonl", "summary.json")]
        done = sessions.run("--model=m", "--run=r", workers=workers, code=0)
        assert "this run: 0 requests sent, 4 replies reused" in done.text
        sessions.run("--model=m", "--run=r", "--responses=only", code=0)
        assert len(server.requests) == 4
        again = [(sessions.folder("r") / n).read_bytes() for n in ("results.jsonl", "summary.json")]
        assert first == again
        sessions.run("--model=m", "--run=new", "--responses=fresh", code=0)
        assert len(server.requests) == 8
        lost = sessions.run("--model=m", "--run=more", "--repeats=2", "--responses=only", code=12)
        assert len(server.requests) == 8
    assert 'no stored reply to this request, and "--responses only"' in lost.text


def test_one_writer_for_a_run(sessions: Sessions, workers: int) -> None:
    """A second process on the same run is refused with who holds it, and disturbs nothing."""
    sessions.suite(GOOD)
    sessions.write("conftest.py", SLEEPY)
    command = [sys.executable, "-m", "pytest", "--model=echo", "--run=r", "-n", str(workers)]
    with subprocess.Popen(command, cwd=sessions.path, stdout=subprocess.DEVNULL) as first:
        try:
            ends = time.monotonic() + 30
            while not (sessions.path / "started").exists() and time.monotonic() < ends:
                time.sleep(0.02)
            second = sessions.run("--model=echo", "--run=r", workers=workers, code=4).calm()
            looked = sessions.run("--collect-only", "-q", "--model=echo", "--run=r", code=0)
        finally:
            sessions.write("go", "")
        assert first.wait(30) == 0
    assert f"this run is being written by process {first.pid} on" in second.text
    assert "Wait until it has ended, or name another run with --run." in second.text
    assert "cases/a.yaml::a" in looked.text
    assert len(sessions.results("r")) == 2


def test_reports_without_a_place(sessions: Sessions) -> None:
    """Reports that cannot be written are refused before the first call."""
    sessions.suite(GOOD)
    sessions.write("taken", "a file where the folder should be")
    done = sessions.run("--model=echo", "--reports=taken", code=4).calm()
    assert "the run folder cannot be locked" in done.text


def test_a_store_that_cannot_be_opened(sessions: Sessions, workers: int) -> None:
    """A file that is no store is a usage error, not a traceback."""
    sessions.suite(GOOD)
    sessions.write("own.sqlite", "no database at all, but more than sixteen bytes of text")
    done = sessions.run("--model=echo", "--store=own.sqlite", workers=workers, code=4).calm()
    assert "own.sqlite" in done.text


@pytest.mark.parametrize("arguments", [("-p", "no:xdist"), ("-p", "no:html"), ("-n", "0")])
def test_without_the_other_plugins(sessions: Sessions, arguments: tuple[str, ...]) -> None:
    """The plugin needs neither xdist nor pytest-html."""
    sessions.suite(FIRST)
    done = sessions.pytester.runpytest_subprocess("--model=echo", *arguments, "-k", "not low")
    assert done.ret == 0, done.stdout.str()
    assert len(sessions.results()) == 2
