"""Options: where values come from, what is refused, what happens when a name is taken."""

from __future__ import annotations

import pytest
from sessions import FIRST, GOOD, Sessions

OPTIONS = (
    *("model", "judge", "models-file", "base-url", "judge-base-url", "concurrency", "sample"),
    *("seed", "repeats", "responses", "store", "run", "reports", "plan", "budget", "max-calls"),
    *("yes", "protocol", "ungraded-at-most", "tag"),
)
TAKEN = """
def pytest_addoption(parser):
    parser.getgroup("other").addoption("--model", help="another plugin's")
"""


def test_options_stand_in_one_group(sessions: Sessions) -> None:
    """`--help` lists every option of ours under one heading, and the ini keys."""
    text = sessions.run("--help", code=0).text
    group = text.partition("medcheck: evaluate medical language models")[2].partition("\n\n")[0]
    for name in OPTIONS:
        assert f"--{name}" in group, name
    for name in ("medcheck_cases", "medcheck_models", "medcheck_store", "medcheck_reports"):
        assert name in text


def test_which_value_holds(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line goes before the environment, the environment before the ini file."""
    sessions.suite(GOOD)
    sessions.write(
        "pytest.ini",
        "[pytest]\nmedcheck_reports = from-ini\nmedcheck_store = from-ini/own.sqlite\n",
    )
    monkeypatch.setenv("MEDCHECK_MODEL", "echo")
    monkeypatch.setenv("MEDCHECK_RUN", "r")
    sessions.run(code=0)
    assert (sessions.path / "from-ini/r/results.jsonl").is_file()
    assert (sessions.path / "from-ini/own.sqlite").is_file()
    monkeypatch.setenv("MEDCHECK_REPORTS", "from-env")
    sessions.run(code=0)
    assert (sessions.path / "from-env/r/results.jsonl").is_file()
    sessions.run("--reports=from-line", "--run=own", "--store=own.sqlite", code=0)
    assert (sessions.path / "from-line/own/results.jsonl").is_file()
    assert (sessions.path / "own.sqlite").is_file()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--repeats=0", "--repeats 0: a whole number of at least 1 is needed."),
        ("--concurrency=many", "--concurrency many: a whole number of at least 1 is needed."),
        ("--budget=-1", "--budget -1: an amount in USD above 0 is needed."),
        ("--ungraded-at-most=2", "--ungraded-at-most 2: a share from 0 to 1 is needed."),
        ("--sample=none", "--sample none: write N or official:N, with N from 1."),
        ("--run=../x", '--run "../x" cannot name a folder.'),
        ("--models-file=absent.yaml", "--models-file absent.yaml: no such file."),
        ("--tag=(gaps", '--tag "(gaps": cannot be read near'),
    ],
)
def test_wrong_values(sessions: Sessions, option: str, said: str) -> None:
    """A wrong value is a usage error in one line, before anything is collected or written."""
    sessions.suite(FIRST)
    done = sessions.run("--model=echo", option, code=4).calm()
    assert f"ERROR: medcheck: {said}" in done.text
    assert "collected" not in done.text
    assert not (sessions.path / "reports").exists()
    assert said in sessions.run("--collect-only", option, code=4).text


def test_wrong_values_elsewhere(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session without suites does not even look at our options."""
    sessions.write("test_own.py", "def test_own(): pass\n")
    monkeypatch.setenv("MEDCHECK_REPEATS", "none")
    assert sessions.run("--tag=(", code=0).calm().counts() == {"passed": 1}


def test_wrong_values_with_workers(sessions: Sessions) -> None:
    """The same error, once, whatever the number of workers."""
    sessions.suite(FIRST)
    done = sessions.run("--model=echo", "--tag=(gaps", workers=2, code=4).calm()
    assert done.text.count('--tag "(gaps"') == 1


def test_a_name_that_is_taken(sessions: Sessions) -> None:
    """Another plugin with our option name is a usage error that names both, not a traceback."""
    sessions.write("other_plugin.py", TAKEN)
    sessions.pytester.syspathinsert()
    done = sessions.run("-p", "other_plugin", code=4).calm()
    assert "medcheck and other_plugin both define --model." in done.text
    assert "-p no:medcheck" in done.text


def test_a_run_is_named_by_its_settings(sessions: Sessions) -> None:
    """Other settings, another folder; the same settings, the same folder."""
    sessions.suite(FIRST)
    sessions.run("--model=echo", "-k", "fever", code=0)
    first = sessions.folder()
    assert first.name.startswith("echo-")
    sessions.run("--model=echo", "-k", "fever", "--yes", "--concurrency=3", code=0)
    assert sessions.folder() == first
    sessions.run("--model=echo", "-k", "fever", "--repeats=2", code=0)
    assert len([path for path in first.parent.iterdir() if path.is_dir()]) == 2
