"""Options: where values come from, what is refused, what happens when a name is taken."""

from __future__ import annotations

import os

import pytest
from servers import Server
from sessions import ALONE, FIRST, GOOD, Sessions, endpoint

OPTIONS = (
    *("model", "judge", "models-file", "base-url", "judge-base-url", "concurrency", "sample"),
    *("seed", "repeats", "responses", "store", "run", "reports", "plan", "budget", "max-calls"),
    *("yes", "protocol", "ungraded-at-most", "tag", "set", "env-file"),
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
        ("--set=first.title", "--set first.title: write SUITE.KEY=VALUE."),
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


@ALONE
def test_set(sessions: Sessions, workers: int) -> None:
    """`--set` takes the place of what the file says, names another run, and stands in run.json."""
    sessions.suite(GOOD)
    sessions.run("--model=echo", "--run=plain", workers=workers, code=0)
    given = ("--set", "good.system=120!", "--set", "good.summary.by=[one, two]")
    sessions.run("--model=echo", *given, workers=workers, code=0)
    [run] = [p.name for p in (sessions.path / "reports").iterdir() if p.name.startswith("echo-")]
    settings = sessions.report("run.json", run)["settings"]
    assert settings["overrides"] == [
        ["good", "summary.by", "[one, two]"], ["good", "system", "120!"],
    ]  # fmt: skip
    text = sessions.run("--model=echo", *given, "--plan", workers=workers, code=0).text
    assert "0 calls" in text, "the same settings need no new reply"
    changed = (*given, "--set", "good.system=other")
    assert "2 calls" in sessions.run("--model=echo", *changed, "--plan", code=0).text


@ALONE
def test_set_of_another_suite(sessions: Sessions, workers: int) -> None:
    """An unknown suite is a usage error with those that were collected; nothing is asked."""
    sessions.suite(GOOD)
    done = sessions.run("--model=echo", "--set=god.title=x", workers=workers, code=4).calm()
    said = '--set god.title: there is no suite "god". Did you mean "good"? Known: good.'
    assert done.text.count(said) == 1
    assert "= medcheck" not in done.text


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("good.titel=x", "--set good.titel"),
        ("good.ungraded_at_most=much", "--set good.ungraded_at_most"),
        ("good.suite=x", '--set good.suite: "suite" cannot be set from the command line.'),
        ("good.system=[a", "--set good.system:2:1: not valid YAML"),
        ("good.system=*a", "--set good.system:1:"),
        ("good.system=a\x07", "--set good.system: control character U+0007"),
    ],
)
def test_set_is_checked(sessions: Sessions, option: str, said: str) -> None:
    """A key or value that the schema does not know is the loader's error and names the option."""
    sessions.suite(GOOD)
    done = sessions.run("--model=echo", f"--set={option}").calm()
    assert done.code == 2, done.text
    assert said in done.text


def test_set_in_a_suite_with_dots(sessions: Sessions) -> None:
    """A suite's name may hold dots."""
    sessions.suite(GOOD.replace("suite: good", "suite: good.v1"))
    sessions.run("--model=echo", "--set=good.v1.system=hello", code=0)


ENV_TEST = """
import os
def test_own():
    assert os.environ["OWN_ONE"] == "from file"
    assert os.environ["OWN_TWO"] == "from shell"
"""


def test_env_file(sessions: Sessions, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers see the file's variables, those of the shell stay, and all is taken back."""
    monkeypatch.setenv("OWN_TWO", "from shell")
    sessions.write("test_own.py", ENV_TEST)
    sessions.write("my.env", "export OWN_ONE='from file' # why\nOWN_TWO=secret-text\n")
    sessions.write(".env", "OWN_ONE=never read\n")
    done = sessions.run("--env-file=my.env", workers=workers, code=0).calm()
    assert done.counts() == {"passed": 1}
    assert "secret-text" not in done.text
    assert "OWN_ONE" not in os.environ
    assert os.environ["OWN_TWO"] == "from shell"
    assert sessions.run(code=1).counts() == {"failed": 1}


def test_env_file_gives_keys(sessions: Sessions) -> None:
    """A key of the file reaches the endpoint and nothing else: no output, no file of the run."""
    sessions.suite(GOOD)
    sessions.write("my.env", "OWN_KEY=sk-secret-of-file-123\nMEDCHECK_RUN=named\n")
    with Server("120") as server:
        sessions.models(here=endpoint(server, api_key_env="OWN_KEY"))
        done = sessions.run("--model=here", "--env-file=my.env", code=0).calm()
        assert server.requests[0].headers["authorization"] == "Bearer sk-secret-of-file-123"
    assert "sk-secret" not in done.text
    files = [path for path in (sessions.path / "reports").rglob("*") if path.is_file()]
    assert (sessions.path / "reports/named/results.jsonl") in files
    assert not any(b"sk-secret" in path.read_bytes() for path in files)


def test_env_file_that_is_wrong(sessions: Sessions, workers: int) -> None:
    """A wrong line is a usage error that names the place and not the value; so is no file."""
    sessions.suite(GOOD)
    sessions.write("my.env", "A=1\nB='sk-secret\n")
    done = sessions.run("--model=echo", "--env-file=my.env", workers=workers, code=4).calm()
    assert done.text.count("my.env:2: not a variable.") == 1
    assert "sk-secret" not in done.text
    assert "A" not in os.environ
    done = sessions.run("--env-file=absent.env", code=4).calm()
    assert "absent.env: No such file or directory." in done.text
