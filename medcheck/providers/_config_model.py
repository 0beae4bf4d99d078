"""MedicalAiBenchEval's config_model.yaml as a models file; what it sets is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medcheck.providers._yaml import Lines

TOP = "models"
_RENAMED = {"api_base_env": "base_url_env", "api_base": "base_url", "model_name": "model"}
_PARAMS = (
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "reasoning_effort", "seed",
    "stop", "presence_penalty", "frequency_penalty", "extra_body",
)  # fmt: skip
_GROUPS = {"params", "accepts", "panels", "timeout", "limits", "price"}
"""Settings of one model that hold settings: a model of our own form may be called `models`."""
_SECONDS = ("request_timeout", "timeout")


def translated(data: dict[str, Any], lines: Lines) -> tuple[dict[str, Any], Lines]:
    """Return a models file in our own form; one that is not the original's comes back as it is.

    The original's has one key, `models`, and under it the models m1, m2, ... Its settings of the
    request become `params`, so that they are really sent: there `extra_body` and
    `reasoning_effort` were read and lost. A setting of another name stays, to be refused by name,
    and so does what stands beside `models`.

    Source: gaps.md section 2 (client), judge_engine.py:50-60 and 166-169.
    """
    block = data.get(TOP)
    if not isinstance(block, Mapping) or not block:
        return data, lines
    if not all(isinstance(entry, Mapping) for entry in block.values()) or block.keys() <= _GROUPS:
        return data, lines
    beside = {name: entry for name, entry in data.items() if name != TOP}
    moved: Lines = {path: line for path, line in lines.items() if path[0] in beside}
    for path, line in lines.items():
        if len(path) > 1 and path[0] == TOP:
            moved[(path[1], *(_RENAMED.get(part, part) for part in path[2:]))] = line
    found = dict(beside)
    for name, entry in block.items():
        found[name] = _entry(entry)
        for key in found[name]:
            moved.setdefault((name, key), moved[(name,)])
    return found, moved


def _entry(given: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    params = {}
    for key, value in given.items():
        if key in _PARAMS:
            params[key] = value
        elif key in _SECONDS and not isinstance(value, Mapping):
            entry["timeout"] = {"idle": value, "total": value}
        else:
            entry[_RENAMED.get(key, key)] = value
    return {**entry, "params": params} if params else entry
