"""`medcheck jury`: what a run's scores owe to single jurors, and the jury beside clinicians."""

from __future__ import annotations

import argparse

from medcheck.commands import add_places, open_store, say, settings_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("run", metavar="RUN")
    parser.add_argument(
        "ratings", nargs="*", metavar="RATINGS",
        help="clinicians' scores: workbooks, CSV or JSON lines of case_id, model, rater, score",
    )  # fmt: skip
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Print the tables."""
    from medcheck.readers._human_ratings import load_all
    from medcheck.review.jury import ablation_lines, clinician_lines
    from medcheck.review.queue import seed_of
    from medcheck.store.runs import Runs

    with open_store(settings_of(args)) as database:
        stored = Runs(database).read(args.run)
        for line in ablation_lines(stored):
            say(line)
        if args.ratings:
            ratings = load_all(args.ratings)
            say("")
            for line in clinician_lines(stored, ratings, seed=seed_of(stored)):
                say(line)
    return 0
