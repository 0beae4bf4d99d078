"""`medcheck report`: the HTML page of stored runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from medcheck.commands import add_places, open_store, say, settings_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--out", metavar="FILE", help="default: report.html in the run's folder")
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from medcheck.store.runs import Runs
    from medcheck.summary import summarize
    from medcheck.writers.html import write_many

    settings = settings_of(args)
    names = list(dict.fromkeys(args.runs))
    folder = Path(settings.reports) / (names[0] if len(names) == 1 else "")
    with open_store(settings) as database:
        runs = [Runs(database).read(name) for name in names]
        pairs = [(run, summarize(run)) for run in runs]
        path = write_many(pairs, Path(args.out) if args.out else folder / "report.html")
    say(f"wrote {path}")
    return 0
