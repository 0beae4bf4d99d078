"""The commands of `medcheck`, one module each: `arguments(parser)` and `run(args) -> int`.

A module is imported when its command is used, or when the help of all is asked for. What commands
share (settings, store, printing) lives here; what they do lives in other modules.
"""

from __future__ import annotations

import argparse
import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medcheck.errors import SettingsError, StoreError

if TYPE_CHECKING:
    from medcheck.settings import Settings
    from medcheck.store.database import Database

COMMANDS: Mapping[str, str] = {
    "check": "check suite files; nothing is asked or paid",
    "fetch": "get official data, pinned by sha256",
    "show": "one answer: all messages, replies and verdicts",
    "report": "an HTML page of one run, or of several side by side",
    "runs": "list the stored runs",
    "models": "known models: endpoint, key, price",
    "export": "write a stored run as a file",
    "agree": "judges and people: agreement on points that people rated",
    "usability": "score files of LLMEval-Med become usable rates and OP, by a named rule",
    "compare": "two runs beside each other, case by case",
    "jury": "a jury without each juror, and beside clinicians",
    "leaderboard": "runs as one table: win rates with intervals, costs, published figures",
    "baseline": "accept a run as the baseline of the gate",
    "refine": "make checklists and prompts better against people's ratings, in rounds",
    "certify": "measure a judge: agreement with people, stability, canaries, bias, injection",
    "sentinel": "judge a few frozen answers anew, to notice that a judge has drifted",
    "variance": "where the noise of a run's mean comes from, and what a better one would cost",
    "rejudge": "grade the answers of a stored run again: other judges, prompts or rubrics",
    "validate": "check a MedBench pack before it is uploaded",
    "platform": "re-derive MedBench's platform scores, with local bounds",
    "purge": "delete old runs and replies for good",
}
"""What each command does, in one line; its module has its name."""
PLACES = ("store", "reports", "models_file", "base_url")
INI_KEYS = {"models_file": "models"}


def add_places(parser: argparse.ArgumentParser) -> None:
    """Let a command be told where runs are kept."""
    parser.add_argument("--store", metavar="URL", help="default reports/medcheck.sqlite")
    parser.add_argument("--reports", metavar="DIR", help="default reports")


def settings_of(
    args: argparse.Namespace, variables: Mapping[str, str] = os.environ, **more: Any
) -> Settings:
    """Return where what a command uses is, and what else it was told, found as pytest finds it."""
    from medcheck.settings import resolve

    keys_of_ini = ini()
    named = {name: getattr(args, name) for name in PLACES if hasattr(args, name)} | more
    keys = {INI_KEYS.get(name, name) for name in named}
    known = {f"MEDCHECK_{name.upper()}" for name in named}
    return resolve(
        named.get,
        lambda name: keys_of_ini.get(f"medcheck_{name}", "") if name in keys else None,
        {name: value for name, value in variables.items() if name in known},
        root=Path(),
    )


def ini() -> Mapping[str, str]:
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
def open_store(settings: Settings) -> Iterator[Database]:
    """Open the store; looking must not create one."""
    from medcheck.store.database import open_database

    path = settings.store.removeprefix("sqlite:///")
    if "://" not in path and not Path(path).is_file():
        hint = "Name the store with --store, or make a run: pytest --model=demo"
        raise StoreError("there is no store here.", hint=hint, where=path)
    with open_database(settings.store) as database:
        yield database


def say(text: str, *, error: bool = False) -> None:
    """Print one line or more for people; control characters are shown, not sent."""
    from medcheck.errors import visible

    print(visible(text), file=sys.stderr if error else sys.stdout)
