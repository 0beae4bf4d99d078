"""`medcheck baseline accept` and `medcheck compare` on a real store."""

from __future__ import annotations

import argparse
import subprocess

import pytest
from gate_runs import result, run

from medcheck import baselines
from medcheck.commands import baseline, compare
from medcheck.errors import MedcheckError, SettingsError, StoreError
from medcheck.store.database import open_database
from medcheck.store.runs import Runs

OLD = [result("a", "mmnn"), result("b", "nmnn"), result("c", "mmnn")]
NEW = [result("a", "nmnn"), result("b", "mmnn"), result("c", "mmmn")]


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Return a folder whose store holds the runs one, two and torn."""
    monkeypatch.chdir(tmp_path)
    for name in ("MEDCHECK_STORE", "GIT_AUTHOR_NAME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "reports").mkdir()
    torn = [*OLD[:2], result("c", "emnn")]
    with open_database(str(tmp_path / "reports" / "medcheck.sqlite")) as database:
        runs = Runs(database)
        for name, results in (("one", OLD), ("two", NEW), ("torn", torn)):
            made = run(results, name=name)
            runs.begin(
                name,
                started=made.started,
                settings={},
                versions=made.versions,
                suites=made.suites,
            )
            runs.record_many(_of(name, each, at) for at, each in enumerate(results))
    return tmp_path


def _of(name, each, position):
    from dataclasses import replace

    return replace(each, run=name, position=position)


def called(module, *given):
    """Run a command as the command line would."""
    parser = argparse.ArgumentParser()
    module.arguments(parser)
    return module.run(parser.parse_args(given))


def test_accept(store, capsys):
    """A run becomes a file under cases/baselines, with who and why; the next step is said."""
    assert called(baseline, "accept", "one", "--reason", "first", "--by", "李医生") == 0
    found = baselines.read(store / "cases" / "baselines" / "one.json")
    assert (found.by, found.reason, len(found.sides[0].cases)) == ("李医生", "first", 3)
    said = capsys.readouterr().out
    assert "m on triage: 3 cases, answers per case: 1" in said
    assert "pytest --baseline=" in said


def test_accept_elsewhere(store):
    """--out chooses the place."""
    called(baseline, "accept", "one", "--reason", "first", "--by", "x", "--out", "b.json")
    assert baselines.read(store / "b.json").run == "one"


def test_git_says_who(store, monkeypatch):
    """Without --by git's user accepts; without one nobody does."""
    subprocess.run(["git", "init", "-q"], cwd=store, check=True)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    with pytest.raises(SettingsError, match="--by NAME"):
        called(baseline, "accept", "one", "--reason", "first")
    subprocess.run(["git", "config", "user.name", "Dr. Wu"], cwd=store, check=True)
    called(baseline, "accept", "one", "--reason", "first")
    assert baselines.read(store / "cases" / "baselines" / "one.json").by == "Dr. Wu"
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Dr. Xu")
    called(baseline, "accept", "one", "--reason", "first")
    assert baselines.read(store / "cases" / "baselines" / "one.json").by == "Dr. Xu"


def test_no_git(store, monkeypatch):
    """On a machine without git somebody has to be named."""
    monkeypatch.setenv("PATH", str(store))
    with pytest.raises(SettingsError, match="--by NAME"):
        called(baseline, "accept", "one", "--reason", "first")


@pytest.mark.parametrize("name", ["torn", "missing"])
def test_what_cannot_be_accepted(name, store):
    """An incomplete run, or none, leaves no file."""
    with pytest.raises(MedcheckError):
        called(baseline, "accept", name, "--reason", "first", "--by", "x")
    assert not (store / "cases").exists()


def test_compare_runs(store, capsys):
    """Two runs are printed beside each other, and written as Markdown."""
    assert called(compare, "one", "two", "--out", "compare.md") == 0
    said = capsys.readouterr().out
    assert "triage: one (m) and two (m)" in said
    assert "cases: 1 won, 2 lost, 0 unchanged" in said
    page = (store / "compare.md").read_text(encoding="utf-8")
    assert "## New harms, worst first: 1" in page


def test_compare_with_a_file(store, capsys):
    """A baseline file may stand for a run; two files need no store."""
    for name in ("one", "two"):
        called(baseline, "accept", name, "--reason", "r", "--by", "x", "--out", f"{name}.json")
    assert called(compare, "one.json", "two") == 0
    said = capsys.readouterr().out
    assert "criteria: 3 flipped" in said
    assert "not recorded" in said
    (store / "reports" / "medcheck.sqlite").unlink()
    assert called(compare, "one.json", "two.json") == 0
    with pytest.raises(StoreError):
        called(compare, "one", "two.json")


def test_compare_models(store):
    """--models names a model of each run."""
    assert called(compare, "one", "two", "--models", "m", "m") == 0
    with pytest.raises(SettingsError, match="no suite and model in common"):
        called(compare, "one", "two", "--models", "m", "x")
