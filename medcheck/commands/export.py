"""`medcheck export`: a stored run in another form."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from medcheck.commands import add_places, open_store, say, settings_of
from medcheck.errors import SettingsError, nearest

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
        "--to",
        required=True,
        metavar="WRITER",
        help=f"{', '.join(_known())}, or package.module:function of your own",
    )
    parser.add_argument("--out", metavar="PATH", help="default: a file in the run's folder")
    parser.add_argument("--data", metavar="FILE", help="for llmeval_med: the data set, so that "
                        "its fields stand in the export too")  # fmt: skip
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    from medcheck import shelves
    from medcheck.store.runs import Runs
    from medcheck.summary import summarize

    name = ALIASES.get(args.to, args.to)
    if ":" not in name and name not in shelves.names("writers"):
        raise SettingsError(f'unknown writer "{args.to}".', hint=nearest(args.to, _known()))
    write = shelves.find("writers", name, "write")
    if ":" in args.to and not args.out:
        raise SettingsError(f"--to {args.to}: no file is named.", hint="Name it with --out PATH.")
    settings = settings_of(args)
    folder = Path(settings.reports) / args.run
    place = Path(args.out) if args.out else folder / EXPORTS.get(name, f"results.{name}")
    with open_store(settings) as database:
        run = Runs(database).read(args.run)
        path = write(run, summarize(run), place, **_data(args, name))
    say(f"wrote {path}")
    return 0


def _known() -> list[str]:
    """Return the names of all writers, as short as they may be written."""
    from medcheck import shelves

    short = {name: alias for alias, name in ALIASES.items()}
    return sorted(short.get(name, name) for name in shelves.names("writers"))


def _data(args: argparse.Namespace, name: str) -> dict[str, Any]:
    """Return the items of a data set by case id, for a writer whose reader gives them."""
    from medcheck import shelves

    if not args.data:
        return {}
    records = shelves.has("readers", name, "records")
    if records is None:
        raise SettingsError(f"--to {args.to} takes no --data.", hint="Only llmeval_med does.")
    return {"data": records(Path(args.data))}
