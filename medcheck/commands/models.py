"""`medcheck models`: what is known of models and whether they answer."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from medcheck.commands import say, settings_of
from medcheck.errors import SettingsError

NO_ANSWER = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all that are known")
    parser.add_argument(
        "--ping", action="store_true", help="ask the named ones, or all with a key, one question"
    )
    parser.add_argument("--models-file", metavar="PATH", help="default: models.yaml, if it is here")
    parser.add_argument("--base-url", metavar="URL", help="endpoint of the named models")
    parser.add_argument("--env-file", metavar="PATH", help="file of KEY=VALUE lines to read")


def run(args: argparse.Namespace) -> int:
    """Print the table; return 1 where a model that was asked did not answer."""
    from medcheck import listing
    from medcheck.providers import load_registry
    from medcheck.settings import read_env_file

    if args.base_url and not args.names:
        raise SettingsError("--base-url: no model is named.", hint="medcheck models NAME ...")
    read = read_env_file(Path(args.env_file)) if args.env_file else {}
    environ = {**read, **os.environ}
    settings = settings_of(args, environ)
    registry = load_registry(Path(settings.models_file) if settings.models_file else None)
    models = listing.listed(
        args.names, registry=registry, environ=environ, base_url=settings.base_url
    )
    for line in listing.table(models):
        say(line)
    for note in dict.fromkeys(model.note for model in models if model.note):
        say(f"note: {note}")
    if not args.ping:
        return 0
    asked = [model for model in models if args.names or model.key == "present"]
    if not asked:
        raise SettingsError("no model has a key.", hint="Set one, or name a model: NAME --ping")
    say("")
    found = listing.ping(asked, environ)
    for each in found:
        say(each.line)
    return 0 if all(each.ok for each in found) else NO_ANSWER
