"""`medcheck fetch`: official data files arrive, pinned by sha256 where a version is published."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.commands import say

if TYPE_CHECKING:
    from medcheck.fetching import Source

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
    if source.folders:
        _tracks(source, args)
    with fetching.counter(source.name, sys.stderr) as progress:
        files = fetching.fetch(source, folder=Path(args.to), origin=args.origin, progress=progress)
    for file in files:
        how = "already here" if file.already else "fetched"
        say(f"{file.path}: {how}, {file.bytes:,} bytes, sha256 as pinned")
    say(f"{source.title}. Licence: {source.licence}. {source.note}".rstrip())
    return 0


def _tracks(source: Source, args: argparse.Namespace) -> None:
    """Copy what nothing is pinned of, and say what it is."""
    from medcheck.fetching import counter
    from medcheck.packs.tracks import fetch_tracks
    from medcheck.suites.files import sha256_of

    with counter(source.name, sys.stderr) as progress:
        found = fetch_tracks(source, folder=Path(args.to), origin=args.origin, progress=progress)
    for track in found:
        how = "already here" if track.already else "copied"
        say(
            f"{track.path}: {how}, {track.question_files} of {track.expected} question files, "
            f"{track.files} files, {track.bytes:,} bytes"
        )
        say(
            f"  sha256 {sha256_of(track.path)}; nothing pins it, so compare it with others' or "
            "set data.sha256 in your suite"
        )
