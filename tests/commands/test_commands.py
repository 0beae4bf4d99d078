"""The table of commands and the folder of their modules say the same."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import medcheck.commands
from medcheck.__main__ import main
from medcheck.commands import COMMANDS

FOLDER = Path(medcheck.commands.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def test_the_table_names_every_command():
    """A command that is built can be called, and one that is listed exists."""
    assert sorted(COMMANDS) == MODULES
    for name in MODULES:
        module = importlib.import_module(f"medcheck.commands.{name}")
        assert callable(module.arguments)
        assert callable(module.run)


@pytest.mark.parametrize("name", MODULES)
def test_each_command_explains_itself(name, capsys):
    """`medcheck COMMAND --help` prints how to use it."""
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"medcheck {name}" in capsys.readouterr().out


def test_the_list_has_one_line_each(capsys):
    """`medcheck --help` says of each command what it does."""
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert all(does in shown for does in COMMANDS.values())
