"""`medcheck runs`: what the store holds."""

from __future__ import annotations

import argparse

from medcheck.commands import add_places, open_store, say, settings_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_places(parser)


def run(args: argparse.Namespace) -> int:
    """Print a line for each run."""
    from medcheck.store.runs import Runs

    with open_store(settings_of(args)) as database:
        runs = Runs(database)
        for name in runs.ids():
            run = runs.read(name)
            models = ", ".join(run.settings.get("models", ())) or "no model"
            states = ", ".join(f"{count} {state}" for state, count in runs.counts(name).items())
            say(f"{name}  {run.started}  {models}  {states or 'no answers'}")
    return 0
