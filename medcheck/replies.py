"""The only parser of judge replies, and the splitting of reasoning from an answer.

Re-asking after an unusable reply lives with the graders.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from medcheck.errors import JudgeError

_SCHEMAS = Path(__file__).parent / "schemas" / "replies"
_TYPES: dict[str, type] = {"string": str, "boolean": bool}

_OPENED = re.compile(r"\s*<think(?:ing)?>", re.IGNORECASE)
_THINK_TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
_FENCED = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.IGNORECASE | re.DOTALL)
_OFFICIAL_FENCE = re.compile(r"^```json\s*|\s*```$")

Protocol = Literal["official", "strict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a judge said about one criterion."""

    met: bool
    explanation: str
    """Empty if the official protocol's optional field was left out."""


def parse_verdict(
    text: str,
    *,
    schema: str = "rubric",
    protocol: Protocol = "official",
    verdict_id: str | None = None,
) -> Reply:
    """Return the verdict in a judge's reply.

    Args:
        text: the reply as it came.
        schema: name in schemas/replies; its fields are checked under `strict`.
        protocol: `official` accepts what the benchmark's own code accepts; `strict` wants the whole
            reply to be one JSON object, but for a think block before it and a fence around it.
        verdict_id: must come back under that key; `strict` only.

    Raises:
        JudgeError: the reply cannot be used; the message never quotes it.

    Source: simple-evals healthbench_eval.py:100-108, 374-383 (official); trust.md 3.2 D1 (strict).

    """
    found = _official(text) if protocol == "official" else _strict(text, schema, verdict_id)
    return Reply(met=found["criteria_met"], explanation=_text(found.get("explanation", "")))


def split_thinking(text: str) -> tuple[str | None, str, bool]:
    """Return (reasoning, answer, closed) of a reply that may begin with a think block.

    Reasoning is `None` without a block; a closing tag alone counts, since some chat templates write
    the opening one into the prompt. An unclosed block leaves an empty answer and `closed` False.
    """
    opened = _OPENED.match(text)
    closing = _closing(text, opened.end()) if opened else _lone_closing(text)
    if closing:
        start = opened.end() if opened else 0
        return text[start : closing.start()].strip(), text[closing.end() :].lstrip(), True
    if opened:
        return text[opened.end() :].strip(), "", False
    return None, text, True


def response_schema(name: str = "rubric", *, verdict_id: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of a judge's reply, for endpoints that take one."""
    schema: dict[str, Any] = json.loads(_schema_text(name))
    if verdict_id:
        schema["properties"]["verdict_id"] = {"type": "string"}
        schema["required"].append("verdict_id")
    return schema


def _official(text: str) -> dict[str, Any]:
    found = _loads(_OFFICIAL_FENCE.sub("", text.strip()))
    if not isinstance(found, dict):
        raise JudgeError("the reply is JSON, but not an object.")
    if not isinstance(found.get("criteria_met"), bool):
        raise JudgeError('"criteria_met" is not true or false.')
    return found


def _strict(text: str, schema: str, verdict_id: str | None) -> dict[str, Any]:
    # An explanation may quote a lone closing tag: it ends no block if the reply begins as JSON.
    begins_as_json = text.lstrip().startswith(("{", "```"))
    _, answer, closed = (None, text, True) if begins_as_json else split_thinking(text)
    if not closed:
        raise JudgeError("the think block is not closed.")
    fenced = _FENCED.fullmatch(answer)
    found = _loads(
        fenced[1] if fenced else answer, object_pairs_hook=_unique, parse_constant=_no_constant
    )
    _check_fields(found, response_schema(schema, verdict_id=verdict_id is not None))
    if verdict_id is not None and found["verdict_id"] != verdict_id:
        raise JudgeError('"verdict_id" is not the one that was asked for.')
    return dict(found)


def _check_fields(found: object, schema: dict[str, Any]) -> None:
    if not isinstance(found, dict):
        raise JudgeError("the reply is JSON, but not an object.")
    fields = schema["properties"]
    if unknown := [key for key in found if key not in fields]:
        raise JudgeError(f"unknown key {json.dumps(unknown[0][:40])}.")
    for name in schema["required"]:
        if name not in found:
            raise JudgeError(f'key "{name}" is missing.')
    for name, value in found.items():
        if type(value) is not _TYPES[fields[name]["type"]]:
            raise JudgeError(f'"{name}" is not a {fields[name]["type"]}.')


def _loads(text: str, **hooks: Any) -> Any:
    try:
        return json.loads(text, **hooks)
    except RecursionError:
        raise JudgeError("the reply is JSON nested too deeply.") from None
    except ValueError as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise JudgeError(f"the reply is not one JSON object{where}.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JudgeError("a key stands twice in the reply.")
    return found


def _no_constant(_name: str) -> None:
    raise JudgeError("the reply holds NaN or Infinity.")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _closing(text: str, start: int) -> re.Match[str] | None:
    """Return the tag that ends a block opened before `start`: the balanced one, else the first."""
    depth, first = 1, None
    for tag in _THINK_TAG.finditer(text, start):
        depth += -1 if tag[1] else 1
        first = first or (tag if tag[1] else None)
        if not depth:
            return tag
    return first


def _lone_closing(text: str) -> re.Match[str] | None:
    first = _THINK_TAG.search(text)
    return first if first and first[1] else None


@functools.cache
def _schema_text(name: str) -> str:
    return (_SCHEMAS / f"{name}.json").read_text(encoding="utf-8")
