"""What the commands say of themselves and of what is typed wrong."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from medcheck.__main__ import main


def said(capsys, *arguments):
    """Run a command that argparse ends; return what it printed."""
    with pytest.raises(SystemExit):
        main(list(arguments))
    printed = capsys.readouterr()
    return " ".join((printed.out + printed.err).split())


def test_the_version(capsys):
    """`medcheck --version` names the installed version."""
    assert said(capsys, "--version") == f"medcheck {version('medcheck')}"


def test_the_help_says_how_a_baseline_is_accepted(capsys):
    """The help of all commands has an example."""
    assert "medcheck baseline accept RUN --reason" in said(capsys, "--help")


def test_days_that_are_no_number(capsys):
    """The message says what is needed, not which function refused it."""
    text = said(capsys, "purge", "--older-than", "x")
    assert text.endswith("x: a number of days from 0 to 36,500 is needed")


def test_the_writers_are_named_as_they_may_be_written(capsys):
    """Help and message of `export` name the same writers, by the same names."""
    names = "allresults, csv, gaps, html, json, jsonl, llmeval_med, markdown, medbench, review"
    assert names in said(capsys, "export", "--help")
    assert main(["export", "r", "--to", "nothing"]) == 2
    assert f"Known: {names}" in capsys.readouterr().err
