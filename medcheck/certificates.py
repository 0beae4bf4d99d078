"""Judge certificates: signed-off files of what was measured of a judge, and the scores they back.

How a judge is measured stands in `certifying`. A certificate covers one way of asking one model
(provider, model, parameters, prompts, protocol): a change of any of them voids it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from medcheck.errors import DatasetError, SettingsError, WriterError
from medcheck.gate.measured import digest, plain
from medcheck.lines import document

FOLDER = Path("cases") / "certificates"
SCHEMA = 1
_SCHEMA_FILE = Path(__file__).parent / "schemas" / "certificate.json"
_ANEW = "Certify anew: medcheck certify JUDGE --by NAME"

Outcome = Literal["PASS", "FAIL", "NOT MEASURED", "DOES NOT APPLY"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One property of a judge against its limit."""

    name: str
    outcome: Outcome
    value: float | None = None
    """`None`: not measured."""
    limit: float | None = None
    at_least: bool = True
    """Whether the value must reach the limit, or stay within it."""
    n: int = 0
    """What the value rests on; verdicts, pairs or answers."""
    ci95: tuple[float, float] | None = None
    note: str = ""
    """Why it was not measured, or what else to know."""
    figures: Mapping[str, float | None] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    """Where the judge went wrong, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What was measured of a judge, who signed it, and until when it holds."""

    judge: str
    """The name in the registry; any name of the same model and parameters is backed."""
    provider: str
    model: str
    params: Mapping[str, Any]
    """Of the registry entry."""
    judge_params: Mapping[str, Any]
    """Of the suite that the judge works for."""
    protocol: str
    grader: str
    prompts: Mapping[str, str]
    """sha256 by name, as in a run's versions."""
    by: str
    day: str
    """ISO 8601, UTC."""
    valid_until: str
    data: Mapping[str, str]
    """What it was measured on: files and built-in items by sha256."""
    sample: int | None
    """Labeled answers that were drawn; `None`: all."""
    gradings: int
    seed: int
    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        """FAIL if any check fails, else NOT MEASURED if any was not, else PASS."""
        found = {check.outcome for check in self.checks}
        if "FAIL" in found or not self.checks:
            return "FAIL"
        return "NOT MEASURED" if "NOT MEASURED" in found else "PASS"

    @property
    def line(self) -> str:
        """The certificate in one line."""
        return f"{self.judge}: {self.outcome}, by {self.by} on {self.day}, until {self.valid_until}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """Which certificate stands behind one judge of one suite of a run."""

    suite: str
    judge: str
    certificate: Certificate | None
    reason: str = ""
    """Why none does; empty where one does."""

    @property
    def line(self) -> str:
        """It for a terminal or a note."""
        who = f'{self.suite}: judge "{self.judge}"'
        if self.certificate is None:
            return f"{who} has no certificate: {self.reason}"
        known = self.certificate
        return f"{who} is certified by {known.by} ({known.day}, until {known.valid_until})"


def backings(
    suites: Mapping[str, Mapping[str, Any]], certificates: Sequence[Certificate], today: date
) -> tuple[Backing, ...]:
    """Return, for each suite and judge of a run, the certificate that backs it, or why none does.

    Args:
        suites: a run's `suites`.
        certificates: all that are known; the one that holds longest is taken.
        today: UTC.
    """
    return tuple(_backings(suites, certificates, today))


def backing(
    suites: Mapping[str, Mapping[str, Any]], certificates: Sequence[Certificate], today: date
) -> list[str]:
    """Return the same as lines; nothing where no certificate is known at all."""
    if not certificates:
        return []
    return [found.line for found in backings(suites, certificates, today)]


def known(places: Iterable[str | Path] = ()) -> tuple[Certificate, ...]:
    """Return the certificates of these files and folders; default: those of `FOLDER`.

    Raises:
        DatasetError: a file is no certificate, or was changed.
        SettingsError: a named place is not there.
    """
    named = [Path(place) for place in places]
    for place in named:
        if not place.exists():
            raise SettingsError(
                f'"{place}": there is no such certificate.', hint="Correct the path."
            )
    return tuple(read(path) for place in named or [FOLDER] for path in _files(place))


def write(certificate: Certificate, path: Path) -> Path:
    """Write the file.

    Raises:
        WriterError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(certificate), encoding="utf-8", newline="\n")
    except OSError as error:
        raise WriterError(
            f"cannot write the certificate: {error.strerror or error}.",
            hint="Choose another place with --out.",
            where=str(path),
        ) from error
    return path


def text(certificate: Certificate) -> str:
    """Return the file's text."""
    data = plain({"schema": SCHEMA, "outcome": certificate.outcome, **asdict(certificate)})
    written = {**data, "hash": digest(data)}
    return json.dumps(written, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def read(path: Path) -> Certificate:
    """Return a certificate file.

    Raises:
        DatasetError: it cannot be read, is none, or was changed after it was signed.
    """
    data: Any = document(path, hint=_ANEW)
    _check(data, path)
    fields = {name: data[name] for name in Certificate.__dataclass_fields__ if name != "checks"}
    return Certificate(**fields, checks=tuple(_check_of(block) for block in data["checks"]))


def place(judge: str, protocol: str, folder: Path = FOLDER) -> Path:
    """Return where a judge's certificate is kept unless the user says otherwise."""
    name = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in judge)
    return folder / f"{name}-{protocol}.json"


def _backings(
    suites: Mapping[str, Mapping[str, Any]], certificates: Sequence[Certificate], today: date
) -> Iterator[Backing]:
    for suite, told in suites.items():
        compared = told.get("compared") or {}
        entries: Mapping[str, Sequence[Any]] = compared.get("judges") or {}
        for judge in entries or told.get("judges") or ():
            if judge not in entries:
                reason = "the run does not say how it was asked."
                yield Backing(suite=suite, judge=judge, certificate=None, reason=reason)
                continue
            yield _backed(suite, told, judge, entries[judge], certificates, today)


def _backed(
    suite: str,
    told: Mapping[str, Any],
    judge: str,
    entry: Sequence[Any],
    certificates: Sequence[Certificate],
    today: date,
) -> Backing:
    provider, model, params = entry
    same = [c for c in certificates if (c.provider, c.model) == (provider, model)]
    faults: dict[str, Certificate] = {}
    for certificate in sorted(same, key=lambda each: each.valid_until, reverse=True):
        fault = _fault(certificate, told, params, today)
        if fault is None:
            return Backing(suite=suite, judge=judge, certificate=certificate)
        faults.setdefault(fault, certificate)
    reason = next(iter(faults), "none is for this model.")
    return Backing(suite=suite, judge=judge, certificate=None, reason=reason)


def _fault(
    certificate: Certificate, told: Mapping[str, Any], params: Mapping[str, Any], today: date
) -> str | None:
    """Return why a certificate for this model does not back a suite's scores."""
    compared = told["compared"]
    used = {k: v for k, v in (compared.get("prompts") or {}).items() if k.startswith("prompt ")}
    wrong = [name for name, version in used.items() if certificate.prompts.get(name) != version]
    day = today.isoformat()
    faults = (
        (certificate.outcome != "PASS", f"that of {certificate.day} says {certificate.outcome}."),
        (day > certificate.valid_until, f"it ended on {certificate.valid_until}."),
        (day < certificate.day, f"it begins on {certificate.day}."),
        (certificate.protocol != told.get("protocol"),
         f"it is for the {certificate.protocol} protocol."),
        (plain(certificate.params) != plain(params), "the judge's parameters have changed."),
        (plain(certificate.judge_params) != plain(compared.get("judge_params") or {}),
         "the suite asks the judge with other parameters."),
        (bool(wrong), f"{', '.join(wrong)} is not covered, or has changed."),
    )  # fmt: skip
    return next((why for holds, why in faults if holds), None)


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("*.json")) if place.is_dir() else [place] if place.exists() else []


def _check(data: Any, path: Path) -> None:
    from jsonschema import exceptions

    error = exceptions.best_match(_validator().iter_errors(data))
    if error is not None:
        spot = ".".join(str(part) for part in error.path) or "the file"
        message = f"no certificate: {spot}: {error.message[:200]}."
        raise DatasetError(message, hint=_ANEW, where=str(path))
    signed = {name: value for name, value in data.items() if name != "hash"}
    if digest(signed) != data["hash"]:
        raise DatasetError("was changed after it was signed.", hint=_ANEW, where=str(path))


@functools.cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(_SCHEMA_FILE.read_text(encoding="utf-8")))


def _check_of(block: Mapping[str, Any]) -> Check:
    interval = block["ci95"]
    return Check(
        **{name: value for name, value in block.items() if name not in ("ci95", "failures")},
        ci95=None if interval is None else (interval[0], interval[1]),
        failures=tuple(block["failures"]),
    )
