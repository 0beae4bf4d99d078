"""`medcheck baseline accept`: a stored run becomes the reviewed file that gates compare with."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from medcheck.commands import add_places, open_store, say, settings_of
from medcheck.errors import SettingsError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("action", choices=["accept"])
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why it is accepted")
    parser.add_argument("--by", metavar="NAME", help="who accepts it; default: git's user")
    parser.add_argument("--out", metavar="PATH", help="default cases/baselines/RUN.json")
    parser.add_argument(
        "--sentinels", type=int, default=30, metavar="N",
        help="frozen verdicts beside it, with question and answer as text: each gated run asks "
        "for anew to notice a judge's drift; 0: none; default 30",
    )  # fmt: skip
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Write the file and say what stands in it."""
    from medcheck import baselines
    from medcheck.certifying import sentinels
    from medcheck.store.runs import Runs

    with open_store(settings_of(args)) as database:
        stored = Runs(database).read(args.run)
        accepted = baselines.accept(
            stored,
            by=args.by or person(os.environ),
            reason=args.reason,
            day=datetime.now(UTC).date(),
        )
        kept = sentinels.keep(stored, most=args.sentinels) if args.sentinels > 0 else None
    path = baselines.write(accepted, Path(args.out) if args.out else baselines.place(args.run))
    for side in accepted.sides:
        size = f"{len(side.cases)} cases, answers per case: {side.repeats}"
        say(f"{side.model} on {side.suite}: {size}")
    if kept is not None and kept.places:
        beside = sentinels.write(kept, sentinels.beside(path))
        told = (
            f"{len(kept.places)} verdicts, with question and answer as text (--sentinels 0: none)"
        )
        say(f"wrote {beside}: {told}")
    say(f"wrote {path}; commit it, then: pytest --baseline={path} --gate ...")
    return 0


def person(environ: Mapping[str, str]) -> str:
    """Return git's user: of the environment, else of git's own settings.

    Raises:
        SettingsError: git knows none.
    """
    name = environ.get("GIT_AUTHOR_NAME", "").strip() or _of_git("user.name")
    if not name:
        raise SettingsError("who accepts the run is not known.", hint="Say it with --by NAME.")
    return name


def _of_git(key: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
        [git, "config", "--get", key], capture_output=True, encoding="utf-8", check=False
    )
    return done.stdout.strip()
