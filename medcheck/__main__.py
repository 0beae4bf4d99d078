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
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.errors import MedcheckError, SettingsError, StoreError

if TYPE_CHECKING:
    from medcheck.settings import Settings
    from medcheck.store.database import Database
    from medcheck.suites import Suite

WRONG_SUITE, WRONG_USE, INTERRUPTED, CLOSED_PIPE = 1, 2, 130, 141
DATA = "cases/data"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: done; 1: `check` found errors; 2: wrong use or another error; 130 and 141: interrupted, or
    nobody reads the output any more.
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
    return parser


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


def _settings(args: argparse.Namespace) -> Settings:
    """Return where the store and the reports are, found as pytest finds them."""
    from medcheck.settings import resolve

    ini = _ini()
    places = {"store": args.store, "reports": args.reports}
    variables = {f"MEDCHECK_{name.upper()}" for name in places}
    environ = {name: value for name, value in os.environ.items() if name in variables}
    return resolve(
        places.get,
        lambda name: ini.get(f"medcheck_{name}", "") if name in places else None,
        environ,
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
