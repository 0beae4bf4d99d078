"""Options, environment and ini file become one frozen Settings, recorded with the run.

Precedence: command line, environment `MEDCHECK_*`, ini file, default.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medcheck.errors import SettingsError, nearest

CONFIRM_CALLS = 5000
"""A run of more calls than this that are not stored needs --yes or --budget."""
RESPONSES = ("reuse", "fresh", "only")
PROTOCOLS = ("official", "strict")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user asked for."""

    models: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    """Empty: each suite's own."""
    models_file: str | None = None
    base_url: str | None = None
    judge_base_url: str | None = None
    concurrency: int = 64
    sample: str | None = None
    """`N`, or `official:N`."""
    seed: int = 0
    repeats: int = 1
    responses: str = "reuse"
    store: str = "reports/medcheck.sqlite"
    run: str = ""
    reports: str = "reports"
    budget: float | None = None
    """USD."""
    max_calls: int | None = None
    yes: bool = False
    protocol: str | None = None
    ungraded_at_most: float | None = None
    tag: str | None = None
    selection: tuple[str, ...] = ()
    """What else chose the cases: paths and ids, -k, -m."""

    @property
    def folder(self) -> Path:
        """Return the run's own folder."""
        return Path(self.reports) / self.run

    def record(self) -> dict[str, Any]:
        """Return what decides the results, as plain data; no address, no key, no path."""
        left_out = {"store", "reports", "concurrency", "yes", "budget", "max_calls", "run"}
        left_out |= {"base_url", "judge_base_url", "models_file", "responses"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}


Lookup = Callable[[str], Any]


def resolve(option: Lookup, ini: Lookup, environ: Mapping[str, str], *, root: Path) -> Settings:
    """Return the settings of a command.

    Args:
        option: value of a command-line option by its name, `None` when not given.
        ini: value of an ini key by its name, empty when not given.
        environ: the process's environment.
        root: pytest's root folder; relative store and report paths start there.

    Raises:
        SettingsError: a value is out of range; names the option.
    """

    def find(name: str, default: Any = None) -> Any:
        for value in (option(name), environ.get(f"MEDCHECK_{name.upper()}"), ini(name)):
            if value not in (None, "", []):
                return value
        return default

    settings = Settings(
        models=_names(find("model", ())),
        judges=_names(find("judge", ())),
        models_file=_models_file(find("models_file") or ini("models"), root),
        base_url=find("base_url"),
        judge_base_url=find("judge_base_url"),
        concurrency=_whole("--concurrency", find("concurrency", 64), least=1),
        sample=_sample(find("sample")),
        seed=_whole("--seed", find("seed", 0), least=0),
        repeats=_whole("--repeats", find("repeats", 1), least=1),
        responses=_one_of("--responses", find("responses", "reuse"), RESPONSES),
        store=_store(find("store"), root),
        reports=str(root / find("reports", "reports")),
        budget=_amount("--budget", find("budget")),
        max_calls=_optional_whole("--max-calls", find("max_calls")),
        yes=bool(option("yes")),
        protocol=_one_of("--protocol", find("protocol"), PROTOCOLS),
        ungraded_at_most=_share("--ungraded-at-most", find("ungraded_at_most")),
        tag=find("tag"),
        selection=tuple(option("selection") or ()),
    )
    return _with_run(settings, find("run"))


def _with_run(settings: Settings, name: str | None) -> Settings:
    from dataclasses import replace

    if name is not None:
        if not re.fullmatch(r"[\w][\w.-]{0,119}", name):
            raise SettingsError(
                f'--run "{name}" cannot name a folder.',
                hint="Use letters, digits and . _ - only, 120 at most.",
            )
        return replace(settings, run=name)
    content = json.dumps(settings.record(), sort_keys=True, default=str)
    if settings.responses == "fresh":
        # Asking anew is a new measurement: it must not continue an earlier one by accident.
        from datetime import UTC, datetime

        content += datetime.now(UTC).isoformat()
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    models = "-".join(re.sub(r"[^\w.]+", "_", model) for model in settings.models) or "run"
    return replace(settings, run=f"{models[:60]}-{digest}")


def _names(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else [p for v in value for p in v.split(",")]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _models_file(value: Any, root: Path) -> str | None:
    if value:
        path = root / value
        if not path.is_file():
            raise SettingsError(f"--models-file {value}: no such file.", hint="Correct the path.")
        return str(path)
    beside = root / "models.yaml"
    return str(beside) if beside.is_file() else None


def _store(value: Any, root: Path) -> str:
    value = value or "reports/medcheck.sqlite"
    return value if "://" in value else str(root / value)


def _whole(name: str, value: Any, *, least: int) -> int:
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if number < least:
        raise SettingsError(f"{name} {value}: a whole number of at least {least} is needed.")
    return number


def _optional_whole(name: str, value: Any) -> int | None:
    return None if value is None else _whole(name, value, least=1)


def _amount(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        amount = float(value)
    except ValueError:
        amount = -1.0
    if not 0 < amount < float("inf"):
        raise SettingsError(f"{name} {value}: an amount in USD above 0 is needed.")
    return amount


def _share(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SettingsError(f"{name} {value}: a share from 0 to 1 is needed.")
    return share


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> Any:
    # argparse checks the command line; environment and ini file come unchecked.
    if value is not None and value not in known:
        raise SettingsError(f'{name} "{value}": not known.', hint=nearest(str(value), known))
    return value


def _sample(value: Any) -> str | None:
    if value is None:
        return None
    if not re.fullmatch(r"(official:)?[1-9][0-9]*", str(value)):
        raise SettingsError(f"--sample {value}: write N or official:N, with N from 1.")
    return str(value)
