"""`medcheck sentinel`: frozen verdicts are asked for anew, to notice that a judge has drifted."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.commands import add_places, open_store, say, settings_of
from medcheck.commands._grading import environment, grading_settings
from medcheck.errors import SettingsError

if TYPE_CHECKING:
    from medcheck.certifying.sentinels import Sentinels

NOT_MEASURED, NOT_COMPARABLE = 12, 13


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "source", metavar="RUN|FILE", help="a stored run, a baseline, or a file of sentinels"
    )
    parser.add_argument("--n", type=int, default=30, metavar="N", help="of a run: default 30")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--keep", metavar="FILE", help="write a run's sentinels; nothing is asked")
    parser.add_argument("--concurrency", type=int, metavar="N", help="default 64")
    parser.add_argument("--max-calls", type=int, metavar="N", help="hard stop")
    parser.add_argument("--budget", type=float, metavar="USD", help="hard stop")
    parser.add_argument("--models-file", metavar="PATH", help="default: models.yaml, if it is here")
    parser.add_argument("--judge-base-url", metavar="URL", help="endpoint of the judges")
    parser.add_argument("--env-file", metavar="PATH", help="file of KEY=VALUE lines to read")
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Return 0, 13 where the judge has drifted, 12 where too few could be asked."""
    from medcheck.certifying import sentinels

    kept = _kept(args)
    if not kept.places:
        raise SettingsError(
            f'"{args.source}" has no verdicts that could be asked for again.',
            hint="Sentinels need answers graded by a judge with grader rubric or claims.",
        )
    if args.keep:
        path = sentinels.write(kept, Path(args.keep))
        say(f"wrote {path}: {len(kept.places)} verdicts, with question and answer as text")
        return 0
    environ = environment(args)
    drift = sentinels.recheck(kept, grading_settings(args, environ, run="sentinel"), environ)
    for line in drift.lines:
        say(line)
    if drift.drifted:
        return NOT_COMPARABLE
    return 0 if drift.measured else NOT_MEASURED


def _kept(args: argparse.Namespace) -> Sentinels:
    from medcheck.certifying import sentinels
    from medcheck.store.runs import Runs

    if Path(args.source).is_file():
        beside = sentinels.beside(args.source)
        return sentinels.read(beside if beside.is_file() else Path(args.source))
    with open_store(settings_of(args)) as database:
        return sentinels.keep(Runs(database).read(args.source), most=args.n, seed=args.seed)
