"""What commands share that call judges: options, keys, suites of a stored run."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medcheck.commands import settings_of
from medcheck.commands.check import suite_files
from medcheck.errors import SettingsError

if TYPE_CHECKING:
    from medcheck.settings import Settings
    from medcheck.suites import Suite
    from medcheck.types import Run

OPTIONS = (
    "judge", "protocol", "set", "responses", "concurrency", "max_calls", "budget", "judge_base_url",
)  # fmt: skip
_NAME = re.compile(r"^suite:[ \t]*[\"']?([^\"'\s#]+)", re.MULTILINE)


def add_grading(parser: argparse.ArgumentParser) -> None:
    """Let a command be told who judges, and how."""
    parser.add_argument("--suite", action="append", metavar="PATH", help="default: as collected")
    parser.add_argument("--judge", action="append", metavar="NAME", help="in the suites' place")
    parser.add_argument("--protocol", choices=("official", "strict"))
    parser.add_argument("--set", action="append", metavar="SUITE.KEY=VALUE", help="as for pytest")
    parser.add_argument("--responses", choices=("reuse", "fresh", "only"), help="default reuse")
    parser.add_argument("--concurrency", type=int, metavar="N", help="default 64")
    parser.add_argument("--max-calls", type=int, metavar="N", help="hard stop")
    parser.add_argument("--budget", type=float, metavar="USD", help="hard stop")
    parser.add_argument("--models-file", metavar="PATH", help="default: models.yaml, if it is here")
    parser.add_argument("--judge-base-url", metavar="URL", help="endpoint of the judges")
    parser.add_argument("--env-file", metavar="PATH", help="file of KEY=VALUE lines to read")


def environment(args: argparse.Namespace) -> dict[str, str]:
    """Return the process's environment over the variables of `--env-file`."""
    from medcheck.settings import read_env_file

    read = read_env_file(Path(args.env_file)) if args.env_file else {}
    return {**read, **os.environ}


def grading_settings(
    args: argparse.Namespace, environ: Mapping[str, str], *, run: str, source: Run | None = None
) -> Settings:
    """Return the settings of a command that judges; what it does not say is as in `source`."""
    told = {name: getattr(args, name, None) for name in OPTIONS}
    if source is not None:
        told["protocol"] = told["protocol"] or source.settings.get("protocol")
        before = [f"{s}.{key}={value}" for s, key, value in source.settings.get("overrides", ())]
        told["set"] = [*before, *(told["set"] or ())]
    return settings_of(args, environ, run=run, **told)


def suites_of(
    names: Iterable[str], paths: Sequence[str] | None, settings: Settings
) -> tuple[Suite, ...]:
    """Return the suites of these names, whole, among the named files or those pytest collects.

    Raises:
        SettingsError: a suite is in none of the files.
        SuiteError: one of them is wrong.
    """
    from medcheck.suites import load_suites
    from medcheck.suites.yaml_lines import read_value

    wanted = list(names)
    files = {_name(path): path for path in suite_files(paths or ())}
    absent = [name for name in wanted if name not in files]
    if absent:
        raise SettingsError(
            f'suite "{absent[0]}" is in none of {len(files)} suite files.',
            hint="Name its file with --suite PATH.",
        )

    def overrides(name: str) -> dict[str, Any]:
        return {
            key: read_value(text, where=f"--set {name}.{key}")
            for key, text in settings.overrides_of(name).items()
        }

    told = {name: overrides(name) for name in wanted}
    return load_suites(
        [files[name] for name in wanted], overrides={n: found for n, found in told.items() if found}
    )


def _name(path: Path) -> str:
    """Return the name a suite file gives itself, without reading all of its cases."""
    try:
        found = _NAME.search(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return path.stem
    return found[1] if found else path.stem
