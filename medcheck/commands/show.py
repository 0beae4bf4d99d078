"""`medcheck show`: one answer of a stored run, with all messages, replies and verdicts."""

from __future__ import annotations

import argparse
from pathlib import Path

from medcheck.commands import add_places, open_store, say, settings_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("case", metavar="CASE", help="its id, or SUITE::ID")
    parser.add_argument("--model", metavar="NAME", help="needed where the run has several")
    parser.add_argument(
        "--repeat", type=int, default=1, metavar="N", help="which answer (default 1)"
    )
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Print the evidence of one case."""
    from medcheck import evidence

    settings = settings_of(args)
    with open_store(settings) as database:
        found = evidence.find(database, args.run, args.case, model=args.model, repeat=args.repeat)
    for line in evidence.lines(found):
        say(line)
    page = Path(settings.reports) / args.run / "report.html"
    if page.is_file():
        say(f"\nreport: {page}")
    return 0
