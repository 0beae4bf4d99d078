"""From a suite's request to what one endpoint takes; nothing is sent from here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from medcheck.errors import SettingsError
from medcheck.providers._entry import Entry
from medcheck.types import Message, Request

# Settings that travel inside `Request.params` for our own providers and never reach a network.
PRIVATE = frozenset({"recorded"})
# Keys of `accepts` that are about messages and formats, not about one sampling setting.
_NOT_PARAMS = frozenset({"system", "images", "json_schema", "json_object"})

Adapted = tuple[tuple[Message, ...], dict[str, Any], tuple[str, ...]]


def adapt(entry: Entry, request: Request) -> Adapted:
    """Return messages, settings and notes for the entry's endpoint; the notes say what was changed.

    `entry.accepts` maps a setting to `true`, `false` (dropped) or the name to send it under;
    `system` is `system`, `developer`, `user` (joined to the first user message) or `none`;
    `images`, `json_schema` and `json_object` are true or false. What it does not name is sent.

    Raises:
        SettingsError: the request holds images and the endpoint takes none.
    """
    messages, system_notes = _messages(entry, request.messages)
    params, notes = _settings(entry, request.params)
    overrides = {key: value for key, value in entry.params.items() if key not in PRIVATE}
    notes += _override_notes(entry, params, overrides)
    body = _merged_extra_body(params, overrides)
    params = {key: value for key, value in {**params, **overrides}.items() if value is not None}
    if body:
        params["extra_body"] = body
    return messages, params, (*system_notes, *sorted(notes))


def _messages(entry: Entry, given: tuple[Message, ...]) -> tuple[tuple[Message, ...], list[str]]:
    if entry.accepts.get("images") is False and any(message.images for message in given):
        raise SettingsError(
            f'model "{entry.name}" takes no images, and the case has some.',
            hint="Choose a model with images: true, or leave these cases out.",
        )
    notes: list[str] = []
    messages = given
    if entry.system and any(message.role == "system" for message in given):
        notes.append(f"system text of {entry.name} dropped: the case brings its own")
    elif entry.system:
        messages = (Message(role="system", text=entry.system), *given)
    if not any(message.role == "system" for message in messages):
        return messages, notes
    return _placed(entry, messages, notes)


def _placed(
    entry: Entry, messages: tuple[Message, ...], notes: list[str]
) -> tuple[tuple[Message, ...], list[str]]:
    place = entry.accepts.get("system", "system")
    if place == "developer":
        notes.append(f"system text sent as developer message: {entry.name} takes it so")
        renamed = (
            dataclasses.replace(message, role="developer") if message.role == "system" else message
            for message in messages
        )
        return tuple(renamed), notes
    if place == "user":
        notes.append(f"system text joined to the first user message: {entry.name} takes no other")
        return _joined(messages), notes
    if place == "none":
        notes.append(f"system text dropped: {entry.name} does not take it")
        return tuple(message for message in messages if message.role != "system"), notes
    return messages, notes


def _joined(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    system = "\n\n".join(message.text for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    for index, message in enumerate(rest):
        if message.role == "user":
            rest[index] = dataclasses.replace(message, text=f"{system}\n\n{message.text}")
            return tuple(rest)
    return (Message(role="user", text=system), *rest)


def _settings(entry: Entry, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    params: dict[str, Any] = {}
    notes: list[str] = []
    for key, value in given.items():
        if key in PRIVATE or value is None:
            continue
        name, shown, why = _mapped(entry, key, value)
        if name is None:
            notes.append(f"{shown} dropped: {why}")
            continue
        if name != key:
            notes.append(f"{key}={value} sent as {name}: {why}")
        params[name] = value
    if _needs_plain_json(entry, params):
        notes.append(
            f"response_format=json_schema sent as json_object: {entry.name} takes no schema"
        )
        params["response_format"] = {"type": "json_object"}
    return params, notes


def _mapped(entry: Entry, key: str, value: Any) -> tuple[str | None, str, str]:
    """Return the name to send a setting under (`None`: drop it), how to print it, and why."""
    if key == "response_format":
        kind = value.get("type", "") if isinstance(value, Mapping) else value
        takes = entry.accepts.get(str(kind)) is not False or (
            kind == "json_schema" and entry.accepts.get("json_object") is True
        )
        return key if takes else None, f"{key}={kind}", f"{entry.name} does not take it"
    rule = True if key in _NOT_PARAMS else entry.accepts.get(key)
    if rule is None and key == "max_tokens" and entry.reasoning:
        return None, f"{key}={value}", f"the reasoning of {entry.name} would use it up"
    if rule is False or rule == "drop":
        return None, f"{key}={value}", f"{entry.name} does not take it"
    return rule if isinstance(rule, str) else key, f"{key}={value}", f"{entry.name} takes it so"


def _needs_plain_json(entry: Entry, params: Mapping[str, Any]) -> bool:
    wanted = params.get("response_format")
    is_schema = isinstance(wanted, Mapping) and wanted.get("type") == "json_schema"
    return is_schema and entry.accepts.get("json_schema") is False


def _override_notes(
    entry: Entry, params: Mapping[str, Any], overrides: Mapping[str, Any]
) -> list[str]:
    return [
        f"{key}={params[key]} replaced by {value}: set for {entry.name}"
        for key, value in overrides.items()
        if key != "extra_body" and key in params and params[key] != value
    ]


def _merged_extra_body(params: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    return {**(params.get("extra_body") or {}), **(overrides.get("extra_body") or {})}
