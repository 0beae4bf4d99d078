"""`medcheck check`: suite files are read and checked as a run would; nothing is asked."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.commands import ini, say
from medcheck.errors import MedcheckError, SettingsError

if TYPE_CHECKING:
    from medcheck.suites import Suite

WRONG_SUITE = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="suite files or folders")
    parser.add_argument("--schema", action="store_true", help="print the schema for editors")


def run(args: argparse.Namespace) -> int:
    """Return 0, or 1 where a suite is wrong."""
    from medcheck.suites import load_suites, schema_json

    if args.schema:
        print(json.dumps(schema_json(), ensure_ascii=False, indent=2))
        return 0
    paths = suite_files(args.paths)
    try:
        suites = load_suites(paths)
    except MedcheckError as error:
        say(str(error), error=True)
        return WRONG_SUITE
    wrong = False
    for suite in suites:
        say(_suite_line(suite))
        wrong |= _refused(suite) | _audited(suite)
    return WRONG_SUITE if wrong else 0


def _refused(suite: Suite) -> bool:
    """Print why a suite's grader refuses its options, as a run would; return whether it does."""
    from medcheck import shelves

    options = {**suite.grader, "protocol": suite.protocol, "folder": str(suite.path.parent)}
    try:
        shelves.find("graders", str(suite.grader["name"]), "Grader")(options)
    except MedcheckError as error:
        say(f"  error: {error}")
        return True
    return False


def _audited(suite: Suite) -> bool:
    """Print what is doubtful about a suite's data; return whether it must not run."""
    from medcheck.suites.audit import audit

    findings = audit(suite)
    for finding in findings:
        say(f"  {finding.text}")
    return any(finding.severity == "error" for finding in findings)


def _suite_line(suite: Suite) -> str:
    criteria = sum(len(case.criteria) for case in suite.cases)
    parts = [f"{len(suite.cases)} cases, {criteria} criteria"] if suite.cases else []
    columns = list(dict.fromkeys(name for case in suite.cases for name in case.answers))
    parts += [f"answers in: {', '.join(columns)}"] if columns else []
    parts += [suite.missing] if suite.missing else []
    return f"{suite.path}: {suite.name}: {'; '.join(parts)}"


def suite_files(named: Sequence[str]) -> list[Path]:
    """Return the named files and those of named folders, or else what pytest would collect."""
    places = ", ".join(named) or "medcheck_cases of pytest.ini"
    try:
        if named:
            found = [_suites_among(p.iterdir()) if p.is_dir() else [p] for p in map(Path, named)]
        else:
            globs = shlex.split(ini().get("medcheck_cases", "")) or ["cases/*.yaml"]
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
