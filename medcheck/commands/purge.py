"""`medcheck purge`: old runs and replies go for good."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

from medcheck.commands import add_places, open_store, say, settings_of

MOST_DAYS = 36_500


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("--older-than", required=True, type=_days, metavar="DAYS")
    parser.add_argument(
        "--yes", action="store_true", help="delete; without it they are only listed"
    )
    add_places(parser)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days <= MOST_DAYS:
        problem = f"{text}: a number of days from 0 to {MOST_DAYS:,} is needed"
        raise argparse.ArgumentTypeError(problem)
    return days


def run(args: argparse.Namespace) -> int:
    """List what is old, or delete it."""
    from medcheck.store.responses import Responses
    from medcheck.store.runs import Runs

    before = datetime.now(UTC) - timedelta(days=args.older_than)
    shown = before.isoformat(timespec="seconds")
    with open_store(settings_of(args)) as database:
        runs = Runs(database)
        if not args.yes:
            for name in runs.started_before(before):
                say(name)
            say(f"these runs, and all replies, from before {shown} go with --yes")
            return 0
        purged = runs.purge(before)
        replies = Responses(database).purge(before)
    say(f"deleted {len(purged)} runs and {replies} replies from before {shown}")
    say("files of reports stay: delete their folders yourself")
    return 0
