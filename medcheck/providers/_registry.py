"""The registry of models: the built-in one with the user's on top; no network, no keys."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from medcheck import shelves
from medcheck.errors import SettingsError, nearest
from medcheck.providers._config_model import translated
from medcheck.providers._entry import Entry, Kind, Limits, Price, Timeout
from medcheck.providers._yaml import Lines, read_mapping

_HERE = Path(__file__).parent
_SECRET_KEYS = re.compile(
    r"(x[-_])?(api[-_]?key|key|secret([-_]key)?|pass(word|wd)|(access|auth|bearer)?[-_]?token"
    r"|authorization|bearer|credentials?)\Z",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"\b(sk|gsk|hf|xai)[-_][\w-]{8,}|\bbearer\s+\S{8,}|://[^/\s]*@|\bAIza[\w-]{20,}", re.IGNORECASE
)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_TEXTS = ("model", "base_url", "system", "judge", "family", "retires")
_VARIABLES = ("base_url_env", "api_key_env")
_FLAGS = ("stream", "reasoning", "open_weights")
_MAPPINGS = ("params", "accepts", "panels")
_PLACES = ("system", "developer", "user", "none")
_GROUPS: Mapping[str, Any] = {"timeout": Timeout, "limits": Limits, "price": Price}
_KNOWN = ("provider", "kind", *_TEXTS, *_VARIABLES, *_FLAGS, *_MAPPINGS, *_GROUPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All models by name."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    def find(self, name: str) -> Entry:
        """Return the entry of a name.

        Raises:
            SettingsError: no such name; the hint has the nearest one.
        """
        if name in self.entries:
            return self.entries[name]
        raise SettingsError(
            f'unknown model "{name}".',
            hint=f"{nearest(name, self.entries)} For another one pass --base-url URL, "
            "or add it to models.yaml.",
        )


def load_registry(path: Path | None = None) -> Registry:
    """Read the built-in models and, over them, those of the user's file, field by field.

    Raises:
        SettingsError: the user's file is wrong; all its errors at once, each with its line.
    """
    raw, _ = read_mapping(_HERE / "models.yaml")
    prices, _ = read_mapping(_HERE / "prices.yaml")
    for name, price in prices.items():
        raw[name]["price"] = price
    if path is not None:
        added, lines = translated(*read_mapping(path))
        if errors := list(_errors(added, lines)):
            raise SettingsError(
                "\n".join(f"{path}:{line}: {text}" for line, text in sorted(errors))
            )
        raw |= {name: _over(raw.get(name, {}), data) for name, data in added.items()}
    return Registry(entries={name: _entry(name, data) for name, data in raw.items()})


def _over(base: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a user's entry over a built-in one; what belonged to another endpoint or model goes."""
    stale: tuple[str, ...] = ()
    if "base_url" in data or "base_url_env" in data:
        stale = ("base_url", "base_url_env", "api_key_env", "price", "limits", "retires")
    elif "model" in data:
        stale = ("price", "retires")
    return {**{key: value for key, value in base.items() if key not in stale}, **data}


def _entry(name: str, data: Mapping[str, Any]) -> Entry:
    values = {key: value for key, value in data.items() if value is not None}
    for key, build in _GROUPS.items():
        if key in values:
            values[key] = build(**values[key])
    return Entry(name=name, **{"model": name, **values})


def _errors(models: Mapping[str, Any], lines: Lines) -> Iterator[tuple[int, str]]:
    for name, data in models.items():
        if not isinstance(data, Mapping):
            yield lines[(name,)], f'"{name}" must hold settings such as model and base_url.'
            continue
        secrets = dict(_secrets((name,), data))
        yield from ((lines.get(at, lines[(name,)]), text) for at, text in secrets.items())
        for key, value in data.items():
            # A secret is reported once, and never through a message that would quote it.
            if value is None or any(at[:2] == (name, key) for at in secrets):
                continue
            if problem := _problem(key, value):
                yield lines[(name, key)], f'"{name}": {problem}'


def _problem(key: str, value: Any) -> str | None:
    """Return what is wrong with one setting of an entry, or `None`."""
    if key not in _KNOWN:
        return f'unknown setting "{key}". {nearest(key, _KNOWN)}'
    if key == "provider":
        known = shelves.names("providers")
        fine = isinstance(value, str) and (value in known or ":" in value)
        return (
            None if fine else f"provider: {value} is not on the shelf. {nearest(str(value), known)}"
        )
    if key == "kind":
        kinds = get_args(Kind)
        return None if value in kinds else f"kind: {value} is not one of {', '.join(kinds)}."
    if key in _TEXTS:
        return None if isinstance(value, str) else f"{key}: {value} is not text. Put it in quotes."
    if key in _VARIABLES:
        fine = isinstance(value, str) and bool(_VARIABLE.match(value))
        return (
            None
            if fine
            else f"{key}: must be the name of an environment variable, such as MY_API_KEY."
        )
    if key in _FLAGS:
        return None if isinstance(value, bool) else f"{key}: {value} is not true or false."
    if not isinstance(value, Mapping):
        return f"{key}: expected names with values."
    if key in _GROUPS:
        return _group_problem(key, value)
    if key == "panels":
        fine = all(
            isinstance(n, list) and n and all(isinstance(j, str) for j in n) for n in value.values()
        )
        return None if fine else "panels: each suite needs a list of judges."
    return _accepts_problem(value) if key == "accepts" else None


def _group_problem(key: str, value: Mapping[str, Any]) -> str | None:
    known = [entry.name for entry in fields(_GROUPS[key])]
    for name, number in value.items():
        if name not in known:
            return f'{key}: unknown setting "{name}". {nearest(name, known)}'
        if name in {"date", "source"}:
            continue
        if not _is_amount(number, whole=key == "limits", zero=key == "price"):
            return f"{key}.{name}: {number} is not a usable number."
    if key == "price" and not {"input", "output"} <= value.keys():
        return "price: needs input and output, in USD per million tokens."
    return None


def _is_amount(number: Any, *, whole: bool, zero: bool) -> bool:
    if isinstance(number, bool) or not isinstance(number, int if whole else (int, float)):
        return False
    return math.isfinite(number) and (number >= 0 if zero else number > 0)


def _accepts_problem(value: Mapping[str, Any]) -> str | None:
    for name, rule in value.items():
        if name == "system":
            if rule not in _PLACES:
                return f"accepts.system: {rule} is not one of {', '.join(_PLACES)}."
        elif not isinstance(rule, (bool, str)):
            return f"accepts.{name}: {rule} is not true, false or the name to send it under."
    return None


def _secrets(at: tuple[str, ...], data: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield where a key seems to stand in the file, without quoting it."""
    advice = "Keys never stand in files: name their environment variable under api_key_env."
    if isinstance(data, Mapping):
        for key, value in data.items():
            if _SECRET_KEYS.match(key) and isinstance(value, (str, int)):
                yield (*at, key), f'"{at[0]}": "{key}" looks like a key. {advice}'
            else:
                yield from _secrets((*at, key), value)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _secrets((*at, str(index)), value)
    elif isinstance(data, str) and _SECRET_VALUE.search(data):
        yield at, f'"{at[0]}": the value of "{at[-1]}" looks like a key. {advice}'
