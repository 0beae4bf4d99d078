"""`medcheck variance`: case, answer and judge noise of a run, and the cheapest better plan."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from medcheck.commands import add_places, open_store, say, settings_of

if TYPE_CHECKING:
    from medcheck.store.runs import Runs
    from medcheck.types import Run


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "run", metavar="RUN", help="its re-gradings (medcheck rejudge) are found by themselves"
    )
    parser.add_argument(
        "--precision", type=float, metavar="SE",
        help="standard error to plan for; default: half of what the run has",
    )  # fmt: skip
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Print the shares and the plans of each suite and model."""
    from medcheck.noise import lines, noises
    from medcheck.store.runs import Runs

    with open_store(settings_of(args)) as database:
        runs = Runs(database)
        source = runs.read(args.run)
        found, left_out = noises(source, _regradings(runs, source), precision=args.precision)
    for noise in found:
        for line in lines(noise):
            say(line)
    for line in left_out:
        say(f"left out: {line}")
    return 0


def _regradings(runs: Runs, source: Run) -> list[Run]:
    from medcheck.noise import REGRADED_FROM

    stored = [runs.read(name) for name in runs.ids()]
    return [each for each in stored if each.meta.get(REGRADED_FROM) == source.id]
