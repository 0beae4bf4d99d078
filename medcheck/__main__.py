"""The command `medcheck`: parse, call, print; what the commands do lives in other modules."""

from __future__ import annotations

import argparse
import configparser
import io
import json
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.errors import MedcheckError, SettingsError, StoreError

if TYPE_CHECKING:
    from medcheck.settings import Settings
    from medcheck.store.database import Database
    from medcheck.suites import Suite

WRONG_SUITE, WRONG_USE, INTERRUPTED, CLOSED_PIPE = 1, 2, 130, 141
NO_ANSWER = 1
MOST_DAYS = 36_500
DATA = "cases/data"
PLACES = ("store", "reports", "models_file", "base_url")
INI_KEYS = {"models_file": "models"}
EXPORTS = {
    "allresults": "allresults.json",
    "gaps_xlsx": "gaps.xlsx",
    "html": "report.html",
    "json": "summary.json",
    "jsonl": "results.jsonl",
    "markdown": "summary.md",
}
"""File of a writer whose name is no file's ending."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: done; 1: `check` found errors, or a model did not answer; 2: wrong use or another error;
    130 and 141: interrupted, or nobody reads the output any more.
    """
    args = _parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that knows no Chinese shows escapes, not an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status: int = args.command(args)
        sys.stdout.flush()
    except MedcheckError as error:
        _print(f"medcheck: {error}".replace("\n", " "), error=True)
        return WRONG_USE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="medcheck",
        description="Check suites, fetch official data, and look into stored runs.",
        epilog="Runs are made by pytest: pytest --model=demo",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    add = commands.add_parser("check", help="check suite files; nothing is asked or paid")
    add.add_argument("paths", nargs="*", metavar="PATH", help="suite files or folders")
    add.add_argument("--schema", action="store_true", help="print the schema for editors")
    add.set_defaults(command=_check)

    add = commands.add_parser("fetch", help="get official data, pinned by sha256")
    add.add_argument("name", metavar="NAME", help="for example healthbench")
    add.add_argument("--from", dest="origin", metavar="PATH|URL", help="file, folder or mirror")
    add.add_argument("--to", default=DATA, metavar="DIR", help=f"data folder (default {DATA})")
    add.set_defaults(command=_fetch)

    add = commands.add_parser("show", help="one answer: all messages, replies and verdicts")
    add.add_argument("run", metavar="RUN")
    add.add_argument("case", metavar="CASE", help="its id, or SUITE::ID")
    add.add_argument("--model", metavar="NAME", help="needed where the run has several")
    add.add_argument("--repeat", type=int, default=1, metavar="N", help="which answer (default 1)")
    _add_places(add)
    add.set_defaults(command=_show)

    add = commands.add_parser("report", help="an HTML page of one run, or of several side by side")
    add.add_argument("runs", nargs="+", metavar="RUN")
    add.add_argument("--out", metavar="FILE", help="default: report.html in the run's folder")
    _add_places(add)
    add.set_defaults(command=_report)

    add = commands.add_parser("runs", help="list the stored runs")
    _add_places(add)
    add.set_defaults(command=_runs)
    _add_models(commands.add_parser("models", help="known models: endpoint, key, price"))
    _add_export(commands.add_parser("export", help="write a stored run as a file"))
    _add_purge(commands.add_parser("purge", help="delete old runs and replies for good"))
    return parser


def _add_models(add: argparse.ArgumentParser) -> None:
    add.add_argument("names", nargs="*", metavar="NAME", help="default: all that are known")
    add.add_argument(
        "--ping", action="store_true", help="ask the named ones, or all with a key, one question"
    )
    add.add_argument("--models-file", metavar="PATH", help="default: models.yaml, if it is here")
    add.add_argument("--base-url", metavar="URL", help="endpoint of the named models")
    add.add_argument("--env-file", metavar="PATH", help="file of KEY=VALUE lines to read")
    add.set_defaults(command=_models)


def _add_export(add: argparse.ArgumentParser) -> None:
    add.add_argument("run", metavar="RUN")
    add.add_argument("--to", required=True, metavar="WRITER", help="csv, xlsx, allresults, ...")
    add.add_argument("--out", metavar="PATH", help="default: a file in the run's folder")
    _add_places(add)
    add.set_defaults(command=_export)


def _add_purge(add: argparse.ArgumentParser) -> None:
    add.add_argument("--older-than", required=True, type=_days, metavar="DAYS")
    add.add_argument("--yes", action="store_true", help="delete; without it they are only listed")
    _add_places(add)
    add.set_defaults(command=_purge)


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text}: a number from 0 to {MOST_DAYS:,} is needed")
    return days


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", metavar="URL", help="default reports/medcheck.sqlite")
    parser.add_argument("--reports", metavar="DIR", help="default reports")


def _check(args: argparse.Namespace) -> int:
    from medcheck.suites import load_suites, schema_json

    if args.schema:
        print(json.dumps(schema_json(), ensure_ascii=False, indent=2))
        return 0
    paths = _suite_files(args.paths)
    try:
        suites = load_suites(paths)
    except MedcheckError as error:
        _print(str(error), error=True)
        return WRONG_SUITE
    for suite in suites:
        _print(_suite_line(suite))
    return 0


def _suite_line(suite: Suite) -> str:
    criteria = sum(len(case.criteria) for case in suite.cases)
    parts = [f"{len(suite.cases)} cases, {criteria} criteria"] if suite.cases else []
    parts += [suite.missing] if suite.missing else []
    return f"{suite.path}: {suite.name}: {'; '.join(parts)}"


def _suite_files(named: Sequence[str]) -> list[Path]:
    """Return the named files and those of named folders, or else what pytest would collect."""
    places = ", ".join(named) or "medcheck_cases of pytest.ini"
    try:
        if named:
            found = [_suites_among(p.iterdir()) if p.is_dir() else [p] for p in map(Path, named)]
        else:
            globs = shlex.split(_ini().get("medcheck_cases", "")) or ["cases/*.yaml"]
            places = ", ".join(globs)
            found = [_suites_among(Path().glob(glob)) for glob in globs]
    except (OSError, NotImplementedError, ValueError):
        raise SettingsError(f"cannot look for suites at {places}.", hint="Correct it.") from None
    if not any(found):
        raise SettingsError(f"no suites at {places}.", hint="Name suite files or a folder.")
    return list(dict.fromkeys(path for some in found for path in some))


def _suites_among(paths: Iterable[Path]) -> list[Path]:
    # As pytest collects them: a leading underscore marks a fragment that a suite includes.
    named = [p for p in paths if p.suffix in (".yaml", ".yml") and not p.name.startswith("_")]
    return sorted(path for path in named if path.is_file())


def _fetch(args: argparse.Namespace) -> int:
    from medcheck import fetching

    source = fetching.find(args.name)
    with fetching.counter(source.name, sys.stderr) as progress:
        files = fetching.fetch(source, folder=Path(args.to), origin=args.origin, progress=progress)
    for file in files:
        how = "already here" if file.already else "fetched"
        _print(f"{file.path}: {how}, {file.bytes:,} bytes, sha256 as pinned")
    _print(f"{source.title}. Licence: {source.licence}. {source.note}".rstrip())
    return 0


def _show(args: argparse.Namespace) -> int:
    from medcheck import evidence

    settings = _settings(args)
    with _store(settings) as database:
        found = evidence.find(database, args.run, args.case, model=args.model, repeat=args.repeat)
    for line in evidence.lines(found):
        _print(line)
    page = Path(settings.reports) / args.run / "report.html"
    if page.is_file():
        _print(f"\nreport: {page}")
    return 0


def _report(args: argparse.Namespace) -> int:
    from medcheck.store.runs import Runs
    from medcheck.summary import summarize
    from medcheck.writers.html import write_many

    settings = _settings(args)
    names = list(dict.fromkeys(args.runs))
    folder = Path(settings.reports) / (names[0] if len(names) == 1 else "")
    with _store(settings) as database:
        runs = [Runs(database).read(name) for name in names]
        pairs = [(run, summarize(run)) for run in runs]
        path = write_many(pairs, Path(args.out) if args.out else folder / "report.html")
    _print(f"wrote {path}")
    return 0


def _runs(args: argparse.Namespace) -> int:
    from medcheck.store.runs import Runs

    with _store(_settings(args)) as database:
        runs = Runs(database)
        for name in runs.ids():
            run = runs.read(name)
            models = ", ".join(run.settings.get("models", ())) or "no model"
            states = ", ".join(f"{count} {state}" for state, count in runs.counts(name).items())
            _print(f"{name}  {run.started}  {models}  {states or 'no answers'}")
    return 0


def _models(args: argparse.Namespace) -> int:
    from medcheck import listing
    from medcheck.providers import load_registry
    from medcheck.settings import read_env_file

    if args.base_url and not args.names:
        raise SettingsError("--base-url: no model is named.", hint="medcheck models NAME ...")
    read = read_env_file(Path(args.env_file)) if args.env_file else {}
    environ = {**read, **os.environ}
    settings = _settings(args, environ)
    registry = load_registry(Path(settings.models_file) if settings.models_file else None)
    models = listing.listed(
        args.names, registry=registry, environ=environ, base_url=settings.base_url
    )
    for line in listing.table(models):
        _print(line)
    for note in dict.fromkeys(model.note for model in models if model.note):
        _print(f"note: {note}")
    if not args.ping:
        return 0
    asked = [model for model in models if args.names or model.key == "present"]
    if not asked:
        raise SettingsError("no model has a key.", hint="Set one, or name a model: NAME --ping")
    _print("")
    found = listing.ping(asked, environ)
    for each in found:
        _print(each.line)
    return 0 if all(each.ok for each in found) else NO_ANSWER


def _export(args: argparse.Namespace) -> int:
    from medcheck import shelves
    from medcheck.store.runs import Runs
    from medcheck.summary import summarize

    write = shelves.find("writers", args.to, "write")
    if ":" in args.to and not args.out:
        raise SettingsError(f"--to {args.to}: no file is named.", hint="Name it with --out PATH.")
    settings = _settings(args)
    folder = Path(settings.reports) / args.run
    place = Path(args.out) if args.out else folder / EXPORTS.get(args.to, f"results.{args.to}")
    with _store(settings) as database:
        run = Runs(database).read(args.run)
        path = write(run, summarize(run), place)
    _print(f"wrote {path}")
    return 0


def _purge(args: argparse.Namespace) -> int:
    from medcheck.store.responses import Responses
    from medcheck.store.runs import Runs

    before = datetime.now(UTC) - timedelta(days=args.older_than)
    shown = before.isoformat(timespec="seconds")
    with _store(_settings(args)) as database:
        runs = Runs(database)
        if not args.yes:
            for name in runs.started_before(before):
                _print(name)
            _print(f"these runs, and all replies, from before {shown} go with --yes")
            return 0
        purged = runs.purge(before)
        replies = Responses(database).purge(before)
    _print(f"deleted {len(purged)} runs and {replies} replies from before {shown}")
    _print("files of reports stay: delete their folders yourself")
    return 0


def _settings(args: argparse.Namespace, variables: Mapping[str, str] = os.environ) -> Settings:
    """Return where what a command uses is, found as pytest finds it."""
    from medcheck.settings import resolve

    ini = _ini()
    named = {name: getattr(args, name) for name in PLACES if hasattr(args, name)}
    keys = {INI_KEYS.get(name, name) for name in named}
    known = {f"MEDCHECK_{name.upper()}" for name in named}
    return resolve(
        named.get,
        lambda name: ini.get(f"medcheck_{name}", "") if name in keys else None,
        {name: value for name, value in variables.items() if name in known},
        root=Path(),
    )


def _ini() -> Mapping[str, str]:
    """Return the `[pytest]` section of ./pytest.ini; empty where there is none."""
    path = Path("pytest.ini")
    if not path.is_file():
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        raise SettingsError("cannot be read.", hint="Correct it.", where=str(path)) from None
    return dict(parser["pytest"]) if parser.has_section("pytest") else {}


@contextmanager
def _store(settings: Settings) -> Iterator[Database]:
    """Open the store; looking must not create one."""
    from medcheck.store.database import open_database

    path = settings.store.removeprefix("sqlite:///")
    if "://" not in path and not Path(path).is_file():
        hint = "Name the store with --store, or make a run: pytest --model=demo"
        raise StoreError("there is no store here.", hint=hint, where=path)
    with open_database(settings.store) as database:
        yield database


def _print(text: str, *, error: bool = False) -> None:
    from medcheck.evidence import visible

    print(visible(text), file=sys.stderr if error else sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
