"""`medcheck agree`: how far the judges of a stored run agree with people who rated its points."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.commands import add_places, open_store, say, settings_of
from medcheck.errors import SettingsError

if TYPE_CHECKING:
    from medcheck.review.matching import Matched
    from medcheck.types import Run


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("run", metavar="RUN")
    parser.add_argument(
        "labels", nargs="+", metavar="LABELS",
        help="workbooks, CSV or JSON lines: a review queue, or case_id, criterion, model, "
        "verdict or score, rater",
    )  # fmt: skip
    parser.add_argument(
        "--judge", action="append", default=[], metavar="NAME", help="only this one (repeatable)"
    )
    parser.add_argument(
        "--usable", action="store_true",
        help="the files rate whole answers of LLMEval-Med: score, usable, or the five dimensions",
    )  # fmt: skip
    parser.add_argument("--out", metavar="FILE", help="all figures and disagreements as JSON")
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Print the agreement, and write it; 2: files or rows are wrong, each told in a line."""
    from medcheck.errors import DatasetError
    from medcheck.review.matching import match
    from medcheck.store.runs import Runs

    with open_store(settings_of(args)) as database:
        stored = Runs(database).read(args.run)
        try:
            if args.usable:
                return _usable(stored, args)
            matched = match(stored, [Path(name) for name in args.labels])
        except DatasetError as error:
            say(str(error), error=True)
            return 2
    return _by_point(matched, args)


def _by_point(matched: Matched, args: argparse.Namespace) -> int:
    """Print the agreement point by point, each person on their own, and write it."""
    from medcheck.review.figures import report
    from medcheck.review.told import data, text
    from medcheck.writers._files import replaced

    found = report(matched, args.judge)
    for line in text(found):
        say(line)
    if args.out:
        with replaced(Path(args.out)) as file:
            json.dump(data(found, matched), file, ensure_ascii=False, indent=2, allow_nan=False)
            file.write("\n")
        say(f"wrote {args.out}")
    return 0


def _usable(stored: Run, args: argparse.Namespace) -> int:
    """Print the agreement on usable or not, several people on one answer being one verdict."""
    from medcheck.readers._human_ratings import load_all
    from medcheck.review.queue import seed_of
    from medcheck.review.usable import check, text, threshold

    if args.judge or args.out:
        raise SettingsError("--usable takes neither --judge nor --out.", hint="Leave them out.")
    ratings = load_all(args.labels, usable_at=threshold(stored))
    judged = {name for name, told in stored.suites.items() if told.get("usability")}
    check(ratings, (r for r in stored.results if r.suite in judged), of=f"run {stored.id}")
    for line in text(stored, ratings, seed=seed_of(stored)):
        say(line)
    return 0
