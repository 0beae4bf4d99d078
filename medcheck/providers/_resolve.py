"""From a name on the command line to an entry with an endpoint and a key; no call is made here."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from medcheck.errors import SettingsError, nearest
from medcheck.providers._entry import Entry, Secret
from medcheck.providers._registry import Registry

Role = Literal["model", "judge"]

OPENAI_URL = "https://api.openai.com/v1"
_OPENAI_HOST = "api.openai.com"
_PAIR = ("API_URL", "API_TOKEN")
"""What the published MedBench script calls the address and key of its model."""
_OWN_CODE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
"""`package.module:Provider`, an application of the user's own."""


def resolve(
    name: str,
    *,
    registry: Registry,
    environ: Mapping[str, str],
    base_url: str | None = None,
    role: Role = "model",
) -> Entry:
    """Return the entry that `--model NAME` or `--judge NAME` means, with its endpoint filled in.

    `base_url` is for a name that no registry knows; a known name keeps what it accepts and how it
    is asked, but loses price and limits, which belong to the endpoint of the registry.

    Raises:
        SettingsError: unknown name, missing variable, or an address that cannot be used.
    """
    if name == "env":
        return _from_environment(registry, environ, role)
    if base_url:
        return _at(base_url, _known_or_new(name, registry), environ, role)
    if name in registry.entries:
        return _with_endpoint(registry.entries[name], environ)
    if _OWN_CODE.fullmatch(name):
        return Entry(name=name, provider=name, model=name)
    address = environ.get("OPENAI_BASE_URL")
    if address:
        new = Entry(name=name, model=name, api_key_env="OPENAI_API_KEY")
        return _placed(new, address, "OPENAI_BASE_URL")
    flag = "--base-url" if role == "model" else "--judge-base-url"
    raise SettingsError(
        f'unknown {role} "{name}".',
        hint=f"{nearest(name, registry.entries)} For another one pass {flag} URL, "
        "or add it to models.yaml.",
    )


def key_of(entry: Entry, environ: Mapping[str, str], *, role: Role = "model") -> Secret:
    """Return the entry's key, empty where the endpoint is local or takes none.

    Raises:
        SettingsError: the endpoint needs a key and its variable is not set.
    """
    if entry.api_key_env is None:
        return Secret("")
    value = environ.get(entry.api_key_env, "").strip()
    if value or _is_local(entry):
        return Secret(value)
    wanted = entry.key_stands_in_for or entry.api_key_env
    raise SettingsError(
        f'{role} "{entry.name}": {entry.host or entry.provider} needs a key '
        f"and {entry.api_key_env} is not set.",
        hint=f"Set {wanted}, or choose another {role} with --{role}.",
    )


def host_note(entry: Entry, environ: Mapping[str, str]) -> str | None:
    """Return the line that names who gets OPENAI_API_KEY for want of another key, if anyone."""
    missing = entry.key_stands_in_for
    if missing is None or not environ.get("OPENAI_API_KEY") or entry.host == _OPENAI_HOST:
        return None
    return f"OPENAI_API_KEY is sent to {entry.host}, because {missing} is not set."


def _from_environment(registry: Registry, environ: Mapping[str, str], role: Role) -> Entry:
    prefix = role.upper()
    name = environ.get(f"{prefix}_NAME", "").strip()
    if not name:
        raise SettingsError(
            f"--{role} env: {prefix}_NAME is not set.",
            hint=f"Set {prefix}_NAME, {prefix}_API_KEY and {prefix}_API_URL.",
        )
    own = any(environ.get(f"{prefix}_{name}", "").strip() for name in ("API_URL", "API_KEY"))
    if role == "model" and not own and all(environ.get(name, "").strip() for name in _PAIR):
        # a pair or nothing: no key goes to an address that was not set for it
        return _at(
            environ["API_URL"], _known_or_new(name, registry), environ, role, key="API_TOKEN"
        )
    address = environ.get(f"{prefix}_API_URL") or environ.get("OPENAI_BASE_URL") or OPENAI_URL
    return _at(address, _known_or_new(name, registry), environ, role)


def _known_or_new(name: str, registry: Registry) -> Entry:
    known = registry.entries.get(name)
    if known is None or known.provider != "openai":
        return Entry(name=name, model=name)
    return known


def _at(
    address: str, entry: Entry, environ: Mapping[str, str], role: Role, *, key: str | None = None
) -> Entry:
    own = key or f"{role.upper()}_API_KEY"
    has_own = bool(environ.get(own, "").strip())
    moved = dataclasses.replace(
        entry,
        api_key_env=own if has_own else "OPENAI_API_KEY",
        key_stands_in_for=None if has_own else own,
        base_url_env=None,
        limits=type(entry.limits)(),
        price=None,
    )
    return _placed(moved, address, "--base-url" if role == "model" else "--judge-base-url")


def _with_endpoint(entry: Entry, environ: Mapping[str, str]) -> Entry:
    address = environ.get(entry.base_url_env, "") if entry.base_url_env else ""
    if address:
        moved = _placed(entry, address, entry.base_url_env or "")
        same = moved.host == urlsplit(entry.base_url or "").netloc
        return (
            moved if same else dataclasses.replace(moved, price=None, limits=type(entry.limits)())
        )
    if entry.base_url:
        return _placed(entry, entry.base_url, f'model "{entry.name}"')
    if entry.provider != "openai":
        return entry
    if entry.base_url_env:
        raise SettingsError(
            f'model "{entry.name}": {entry.base_url_env} is not set.',
            hint=f"Set {entry.base_url_env} to the address of the server, such as http://127.0.0.1:8000/v1.",
        )
    return dataclasses.replace(entry, base_url=OPENAI_URL)


def _placed(entry: Entry, address: str, source: str) -> Entry:
    parts = urlsplit(address.strip())
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == -1:
        raise SettingsError(
            f"{source}: not an address of a server.",
            hint="Write it like https://host/v1 or http://127.0.0.1:8000/v1.",
        )
    if parts.username is not None or parts.password is not None:
        raise SettingsError(
            f"{source}: the address holds a user or password.",
            hint="Take them out and set the key in its environment variable.",
        )
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc = f"{host}:{port}" if port else host
    return dataclasses.replace(
        entry,
        base_url=f"{parts.scheme}://{netloc}{path}",
        query=dict(parse_qsl(parts.query)),
    )


def _is_local(entry: Entry) -> bool:
    host = urlsplit(entry.base_url or "").hostname or ""
    # Names without a dot are machines of the same network (docker services, "localhost").
    if "." not in host and ":" not in host:
        return True
    if host.endswith((".local", ".localhost")):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private
