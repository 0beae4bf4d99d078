"""`medcheck compare`: two stored runs beside each other, case by case."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.commands import add_places, open_store, say, settings_of

if TYPE_CHECKING:
    from medcheck.comparing import Comparison


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("first", metavar="RUN", help="a stored run, or a baseline file")
    parser.add_argument("second", metavar="RUN", help="likewise; differences are second less first")
    parser.add_argument(
        "--models", nargs=2, default=(), metavar=("FIRST", "SECOND"),
        help="a model of each run; default: equal names, or the only one",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="FILE", help="also write all tables: .html, or else Markdown"
    )
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
        _write(comparisons, Path(args.out))
        say(f"wrote {args.out}")
    return 0


def _write(comparisons: Sequence[Comparison], path: Path) -> None:
    from medcheck import comparing
    from medcheck.writers import _compare_html
    from medcheck.writers._files import replaced

    if path.suffix.lower() in (".html", ".htm"):
        _compare_html.write(comparing.parts(comparisons), path)
        return
    with replaced(path) as file:
        file.write(comparing.markdown(comparisons))
