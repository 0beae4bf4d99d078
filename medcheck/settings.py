"""Options, environment and ini file become one frozen Settings, recorded with the run.

Precedence: command line, environment `MEDCHECK_*`, ini file, default. What `--set` values mean is
known to the suites' loader; here they are texts. Variables of a file are read here and put into an
environment elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medcheck.errors import SettingsError, nearest

CONFIRM_CALLS = 5000
"""A run of more calls than this that are not stored needs --yes or --budget."""
RESPONSES = ("reuse", "fresh", "only")
PROTOCOLS = ("official", "strict")
_ENV_LINE = re.compile(
    r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)", re.DOTALL
)
_ENV_QUOTED = re.compile(
    r"""(?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*(?:\#.*)?""", re.DOTALL
)


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
    baseline: str | None = None
    """A baseline file or a stored run to compare with."""
    gate: bool = False
    """Whether that comparison decides the exit status."""
    certificates: tuple[str, ...] = ()
    """Files and folders of judge certificates; empty: there are none."""
    require_certificate: bool = False
    """Whether a run must not start whose judges no certificate backs."""
    overrides: tuple[tuple[str, str, str], ...] = ()
    """Suite, dotted key and value of each `--set`, sorted; the value as it was written."""

    @property
    def folder(self) -> Path:
        """Return the run's own folder."""
        return Path(self.reports) / self.run

    def record(self) -> dict[str, Any]:
        """Return what decides the results, as plain data; no address, no key, no path."""
        left_out = {"store", "reports", "concurrency", "yes", "budget", "max_calls", "run"}
        left_out |= {"baseline", "gate", "certificates", "require_certificate"}
        left_out |= {"base_url", "judge_base_url", "models_file", "responses"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    def overrides_of(self, suite: str) -> dict[str, str]:
        """Return what `--set` says of a suite, by dotted key; a suite's name may hold dots."""
        named = {f"{name}.{key}": value for name, key, value in self.overrides}
        return {
            option.removeprefix(f"{suite}."): value
            for option, value in named.items()
            if option.startswith(f"{suite}.")
        }


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
        judges=_judges(find("judge", ())),
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
        baseline=find("baseline"),
        gate=bool(option("gate")),
        certificates=_certificates(option("certificate"), root),
        require_certificate=bool(option("require_certificate")),
        overrides=_overrides(option("set") or ()),
    )
    if settings.gate and settings.baseline is None:
        raise SettingsError("--gate: no baseline.", hint="Name it with --baseline PATH or RUN.")
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
    return tuple(dict.fromkeys(_listed(value)))


def _judges(value: Any) -> tuple[str, ...]:
    names = _listed(value)
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        # Without the second one the panel would be smaller than the user believes.
        raise SettingsError(f'--judge: "{twice[0]}" stands there twice.', hint="Name each once.")
    return names


def _listed(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else [p for v in value for p in v.split(",")]
    return tuple(part.strip() for part in parts if part.strip())


def _models_file(value: Any, root: Path) -> str | None:
    if value:
        path = root / value
        if not path.is_file():
            raise SettingsError(f"--models-file {value}: no such file.", hint="Correct the path.")
        return str(path)
    beside = root / "models.yaml"
    return str(beside) if beside.is_file() else None


def _certificates(given: Iterable[str] | None, root: Path) -> tuple[str, ...]:
    if given:
        return tuple(str(root / place) for place in given)
    folder = root / "cases" / "certificates"
    return (str(folder),) if folder.is_dir() else ()


def _store(value: Any, root: Path) -> str:
    value = value or "reports/medcheck.sqlite"
    return value if "://" in value else str(root / value)


def _overrides(given: Iterable[str]) -> tuple[tuple[str, str, str], ...]:
    found: dict[tuple[str, str], str] = {}
    for option in given:
        place, equals, value = option.partition("=")
        suite, dot, key = place.strip().partition(".")
        if not (equals and dot and suite and key):
            raise SettingsError(f"--set {option}: write SUITE.KEY=VALUE.")
        found[suite, key] = value
    return tuple((suite, key, value) for (suite, key), value in sorted(found.items()))


def read_env_file(path: Path) -> dict[str, str]:
    r"""Return the variables of a file of KEY=VALUE lines.

    Comments, `export ` and quotes are understood; nothing is expanded. In double quotes `\n`,
    `\t`, `\"` and `\\` are escapes. The last of two equal names holds.

    Raises:
        SettingsError: the file cannot be read, or a line is not understood; never quotes it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError("this is not UTF-8.", hint="Save it so.", where=str(path)) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise SettingsError(f"--env-file {path}: {why}.", hint="Correct the path.") from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = _ENV_LINE.fullmatch(line.strip())
        value = _env_value(parts["value"]) if parts else None
        if parts is None or value is None:
            raise SettingsError(
                "not a variable.",
                hint='Write KEY=VALUE, or KEY="VALUE" on one line.',
                where=f"{path}:{number}",
            )
        found[parts["name"]] = value
    return found


def _env_value(written: str) -> str | None:
    """Return the value that stands after `=`; `None`: it is not understood."""
    if "\0" in written:
        return None
    if written[:1] not in ("'", '"'):
        return re.split(r"(?:^|\s)#", written, maxsplit=1)[0].strip()
    quoted = _ENV_QUOTED.fullmatch(written)
    if quoted is None:
        return None
    if quoted["single"] is not None:
        return quoted["single"]
    escapes = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
    return re.sub(r"\\(.)", lambda at: escapes.get(at[1], at[0]), quoted["double"])


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
