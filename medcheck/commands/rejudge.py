"""`medcheck rejudge`: the stored answers of a run are graded again, as a run of its own."""

from __future__ import annotations

import argparse

from medcheck.commands import add_places, open_store, say, settings_of
from medcheck.commands._grading import add_grading, environment, grading_settings, suites_of

INCOMPLETE = 12


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("run", metavar="RUN", help="its answers are graded; it stays as it is")
    parser.add_argument("--as", dest="name", metavar="ID", help="name of the new run")
    add_grading(parser)
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Grade, write the reports, return 0, or 12 where something could not be graded."""
    from medcheck.engine.regrading import plan, regrade
    from medcheck.store.runs import Runs
    from medcheck.summary import summarize
    from medcheck.writers._lines import causes, stops, usage
    from medcheck.writers._run_files import write_all
    from medcheck.writers.markdown import number

    environ = environment(args)
    with open_store(settings_of(args)) as database:
        source = Runs(database).read(args.run)
        name = args.name or f"{args.run}-rejudged"
        settings = grading_settings(args, environ, run=name, source=source)
        suites = suites_of(source.suites, args.suite, settings)
        regrade(plan(source, suites, settings, environ), environ)
        found = Runs(database).read(name)
        summary = summarize(found)
        files = write_all(found, summary, settings.folder)
        why = [*(f"the run was stopped: {cause}" for cause in stops(found)), *causes(found)]
    for row in summary.rows:
        if row.group == "overall":
            said = f"score {number(row.value)}, n {row.n}, not measured {row.ungraded}"
            say(f"{row.suite}: {row.model}: {said}")
    for line in (*why, *usage(found, summary)):
        say(line)
    for file in files:
        say(f"wrote {file}")
    return 0 if summary.complete else INCOMPLETE
