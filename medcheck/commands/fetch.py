"""`medcheck fetch`: official data files arrive, pinned by sha256."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from medcheck.commands import say

DATA = "cases/data"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("name", metavar="NAME", help="for example healthbench")
    parser.add_argument("--from", dest="origin", metavar="PATH|URL", help="file, folder or mirror")
    parser.add_argument("--to", default=DATA, metavar="DIR", help=f"data folder (default {DATA})")


def run(args: argparse.Namespace) -> int:
    """Fetch the files of one source."""
    from medcheck import fetching

    source = fetching.find(args.name)
    with fetching.counter(source.name, sys.stderr) as progress:
        files = fetching.fetch(source, folder=Path(args.to), origin=args.origin, progress=progress)
    for file in files:
        how = "already here" if file.already else "fetched"
        say(f"{file.path}: {how}, {file.bytes:,} bytes, sha256 as pinned")
    say(f"{source.title}. Licence: {source.licence}. {source.note}".rstrip())
    return 0
