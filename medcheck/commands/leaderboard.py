"""`medcheck leaderboard`: stored runs as one table, with win rates, intervals, costs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.commands import add_places, open_store, say, settings_of
from medcheck.errors import SettingsError

if TYPE_CHECKING:
    from medcheck.writers._board import Sheet

FORMATS = (".md", ".csv", ".html")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument(
        "--by", choices=("suite", "category"), default="suite",
        help="what a benchmark is: a suite (default), or each category of each suite",
    )  # fmt: skip
    parser.add_argument(
        "--shared", action="store_true",
        help="compare on the items that all have where the sets differ; default: refuse",
    )  # fmt: skip
    parser.add_argument(
        "--cost", choices=("paid", "official"), default="paid",
        help="tokens as counted (default), or MedHELM's upper bound",
    )  # fmt: skip
    parser.add_argument(
        "--published", action="store_true",
        help="print published figures beside the runs, marked as not re-run",
    )  # fmt: skip
    parser.add_argument("--out", metavar="FILE", help=f"also write it: {', '.join(FORMATS)}")
    parser.add_argument("--models-file", metavar="PATH", help="default: models.yaml, if it is here")
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Print the leaderboard; write it where asked to."""
    from medcheck.writers import _board

    out = Path(args.out) if args.out else None
    if out and out.suffix not in FORMATS:
        raise SettingsError(
            f'--out: "{out.suffix}" is not one of {", ".join(FORMATS)}.',
            hint="End the file's name in one of them.",
        )
    sheet = _sheet(args)
    say("\n".join(_board.lines(sheet)))
    if out:
        _write(sheet, out)
        say(f"wrote {out}")
    return 0


def _sheet(args: argparse.Namespace) -> Sheet:
    from medcheck import costs, leaderboard, published
    from medcheck.providers import load_registry
    from medcheck.store.runs import Runs
    from medcheck.summary import summarize
    from medcheck.writers import _board

    settings = settings_of(args)
    entries = load_registry(Path(settings.models_file) if settings.models_file else None).entries
    with open_store(settings) as database:
        runs = [Runs(database).read(name) for name in dict.fromkeys(args.runs)]
        board = leaderboard.board(runs, by=args.by, shared=args.shared)
        summaries = [summarize(run) for run in runs]
    sides = [board.billed(at) for at in range(len(board.contestants))]
    official = args.cost == "official"
    names = [contestant.model for contestant in board.contestants]
    names += sorted(
        {judge for own in sides for side in own for judge in side.judges if judge != "rule"}
    )
    return _board.Sheet(
        board=board,
        bills=tuple(costs.official(s, entries) if official else costs.paid(s) for s in sides),
        costing=args.cost,
        tariffs=costs.tariffs(names, entries),
        systems=published.systems(summaries, entries, published=args.published),
    )


def _write(sheet: Sheet, out: Path) -> None:
    from medcheck.writers import _board, _board_html

    if out.suffix == ".html":
        _board_html.write(sheet, out)
    elif out.suffix == ".csv":
        _board.write_csv(sheet, out)
    else:
        _board.write_markdown(sheet, out)
