"""`medcheck compare`: two stored runs beside each other, case by case."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from medcheck.commands import add_places, open_store, say, settings_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("first", metavar="RUN", help="a stored run, or a baseline file")
    parser.add_argument("second", metavar="RUN", help="likewise; differences are second less first")
    parser.add_argument(
        "--models", nargs=2, default=(), metavar=("FIRST", "SECOND"),
        help="a model of each run; default: equal names, or the only one",
    )  # fmt: skip
    parser.add_argument("--out", metavar="FILE", help="also write all tables as Markdown")
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Print the comparison; write it where asked to."""
    from medcheck import baselines, comparing
    from medcheck.store.runs import Runs
    from medcheck.types import Run

    settings = settings_of(args)
    with ExitStack() as opened:
        # Two files need no store.
        def stored(name: str) -> Run:
            return Runs(opened.enter_context(open_store(settings))).read(name)

        found = [baselines.find(name, stored).sides for name in (args.first, args.second)]
    comparisons = comparing.compare_runs(found[0], found[1], models=args.models)
    for number, comparison in enumerate(comparisons):
        say("\n" * bool(number) + "\n".join(comparing.lines(comparison)))
    if args.out:
        from medcheck.writers._files import replaced

        with replaced(Path(args.out)) as file:
            file.write(comparing.markdown(comparisons))
        say(f"wrote {args.out}")
    return 0
