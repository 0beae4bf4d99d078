"""`medcheck export`: a stored run in another form."""

from __future__ import annotations

import argparse
from pathlib import Path

from medcheck.commands import add_places, open_store, say, settings_of
from medcheck.errors import SettingsError

ALIASES = {"gaps": "gaps_xlsx"}
"""Writers that have a shorter name here."""
EXPORTS = {
    "allresults": "allresults.json",
    "gaps_xlsx": "gaps.xlsx",
    "html": "report.html",
    "json": "summary.json",
    "jsonl": "results.jsonl",
    "llmeval_med": "llmeval_med.json",
    "markdown": "summary.md",
    "medbench": "medbench.zip",
    "review": "review.xlsx",
}
"""File of a writer whose name is no file's ending."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("run", metavar="RUN")
    parser.add_argument(
        "--to", required=True, metavar="WRITER", help="csv, xlsx, allresults, gaps, ..."
    )
    parser.add_argument("--out", metavar="PATH", help="default: a file in the run's folder")
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    from medcheck import shelves
    from medcheck.store.runs import Runs
    from medcheck.summary import summarize

    name = ALIASES.get(args.to, args.to)
    write = shelves.find("writers", name, "write")
    if ":" in args.to and not args.out:
        raise SettingsError(f"--to {args.to}: no file is named.", hint="Name it with --out PATH.")
    settings = settings_of(args)
    folder = Path(settings.reports) / args.run
    place = Path(args.out) if args.out else folder / EXPORTS.get(name, f"results.{name}")
    with open_store(settings) as database:
        run = Runs(database).read(args.run)
        path = write(run, summarize(run), place)
    say(f"wrote {path}")
    return 0
