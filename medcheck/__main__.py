"""The command `medcheck`: parse, call, print; the commands stand in `commands/`."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from medcheck.commands import COMMANDS, say
from medcheck.errors import MedcheckError

WRONG_USE, INTERRUPTED, CLOSED_PIPE = 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: done; 1: `check` found errors, or a model did not answer; 2: wrong use or another error;
    130 and 141: interrupted, or nobody reads the output any more.
    """
    given = sys.argv[1:] if argv is None else list(argv)
    args = _parser(given[0] if given else "").parse_args(given)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that knows no Chinese shows escapes, not an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status: int = args.command(args)
        sys.stdout.flush()
    except MedcheckError as error:
        say(f"medcheck: {error}".replace("\n", " "), error=True)
        return WRONG_USE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    return status


def _parser(chosen: str) -> argparse.ArgumentParser:
    """Return the parser; only the chosen command's module is imported."""
    parser = argparse.ArgumentParser(
        prog="medcheck",
        description="Check suites, fetch official data, and look into stored runs.",
        epilog="Runs are made by pytest: pytest --model=demo. To compare later runs with one: "
        'medcheck baseline accept RUN --reason "first release", then '
        "pytest --model=NAME --baseline=cases/baselines/RUN.json --gate",
    )
    shown = version("medcheck") if chosen == "--version" else ""
    parser.add_argument("--version", action="version", version=f"medcheck {shown}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, does in COMMANDS.items():
        add = commands.add_parser(name, help=does)
        if name == chosen:
            module = importlib.import_module(f"medcheck.commands.{name}")
            module.arguments(add)
            add.set_defaults(command=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
