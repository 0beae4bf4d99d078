"""The only parser of judge replies, and the splitting of reasoning from an answer.

Re-asking after an unusable reply lives with the graders.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from medcheck.errors import DatasetError, JudgeError
from medcheck.lines import STRICT

_SCHEMAS = Path(__file__).parent / "schemas" / "replies"
_TYPES: dict[str, type] = {"string": str, "boolean": bool, "integer": int}

_OPENED = re.compile(r"\s*<think(?:ing)?>", re.IGNORECASE)
_THINK_TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)

Protocol = Literal["official", "strict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a judge said about one criterion."""

    met: bool
    explanation: str
    """Empty if the official protocol's optional field was left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReply:
    """What a judge said about one of several criteria."""

    id: str
    met: bool
    explanation: str
    evidence: str
    """A quotation of the answer; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A passage of an answer that a judge picked out."""

    quote: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """The severity that a judge gave a statement."""

    level: str
    """S1 to S4."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The score that a judge gave an answer."""

    score: int
    """1 to 5."""
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a model would change of checklists and guidance."""

    reason: str
    checklists: tuple[tuple[str, str], ...]
    """Case id and text."""
    guidance: tuple[tuple[str, str], ...]
    """Code of the category and text."""


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


def parse_batch(
    text: str,
    *,
    ids: Collection[str],
    answer: str,
    quoted: Collection[str] = (),
    protocol: Protocol = "official",
    verdict_id: str | None = None,
) -> dict[str, BatchReply]:
    """Return a judge's verdicts on several criteria of one answer, by id.

    Args:
        text: the reply as it came.
        ids: what was asked about; each must come back exactly once.
        answer: as the judge saw it; evidence that is given must stand in it.
        quoted: the ids that cannot be met without evidence.
        protocol: `official` lets keys pass that were not asked for.
        verdict_id: must come back under that key; `strict` only.

    Raises:
        JudgeError: the reply cannot be used: an id is missing, unknown or stands twice, or a
            quotation is none.

    Source: gaps.md section 9, items 11 and 12.
    """
    items = _object(text, "batch", protocol, verdict_id)["verdicts"]
    found: dict[str, BatchReply] = {}
    for item in items:
        name, evidence = str(item["id"]), item.get("evidence", "")
        if name not in ids or name in found:
            reason = "stands twice" if name in found else "was not asked about"
            raise JudgeError(f"verdicts: an id {reason}.")
        if evidence.strip() and not occurs(evidence, answer):
            raise JudgeError(f'verdict "{name}": the evidence does not stand in the answer.')
        if name in quoted and item["criteria_met"] and not evidence.strip():
            raise JudgeError(f'verdict "{name}": met without evidence.')
        found[name] = BatchReply(
            id=name,
            met=item["criteria_met"],
            explanation=item["explanation"],
            evidence=evidence,
        )
    if missing := [name for name in ids if name not in found]:
        raise JudgeError(f'verdicts: {len(missing)} of {len(ids)} are missing ("{missing[0]}").')
    return found


def parse_extract(
    text: str, *, answer: str, protocol: Protocol = "official", verdict_id: str | None = None
) -> tuple[Statement, ...]:
    """Return the statements that a judge picked out of an answer, without repeats; may be none.

    Raises:
        JudgeError: the reply cannot be used, or a quotation does not stand in the answer.

    Source: gaps.md section 3, where a reply that cannot be read was a perfect answer.
    """
    items = _object(text, "extract", protocol, verdict_id)["items"]
    found: dict[str, Statement] = {}
    for number, item in enumerate(items, start=1):
        quote = item["content"].strip()
        if not quote or not occurs(quote, answer):
            raise JudgeError(f"item {number}: the quotation does not stand in the answer.")
        found.setdefault(_squeezed(quote), Statement(quote=quote, reason=item["reasoning"]))
    return tuple(found.values())


def parse_grade(
    text: str, *, protocol: Protocol = "official", verdict_id: str | None = None
) -> Grade:
    """Return the severity in a judge's reply.

    Raises:
        JudgeError: the reply cannot be used; a level is never guessed from other text.
    """
    found = _object(text, "grade", protocol, verdict_id)
    return Grade(level=found["level"], reason=found["reasoning"])


def parse_mark(
    text: str, *, protocol: Protocol = "official", verdict_id: str | None = None
) -> Mark:
    """Return the score from 1 to 5 in a judge's reply.

    Only the one object that is the whole reply counts: a number in its explanation, in a think
    block, or in brackets anywhere is no score.

    Raises:
        JudgeError: the reply cannot be used.

    Source: llmeval_med.md section 8, item 3, where the first number in brackets was the score.
    """
    found = _object(text, "checklist", protocol, verdict_id)
    return Mark(score=found["score"], explanation=found["explanation"])


def parse_jury(
    text: str, *, criteria: Collection[str], scale: tuple[int, int], verdict_id: str | None = None
) -> dict[str, Mark]:
    """Return a juror's marks: for each criterion a whole number on the scale, and nothing else.

    Raises:
        JudgeError: the reply cannot be used.

    Source: medhelm.md section 7, item 7, where whatever stood between braces gave marks.
    """
    mark = response_schema("jury")
    mark["properties"]["score"]["enum"] = [*range(scale[0], scale[1] + 1)]
    wanted = {} if verdict_id is None else {"verdict_id": {"type": "string", "enum": [verdict_id]}}
    fields = dict.fromkeys(criteria, mark) | wanted
    found = _lone_json(text)
    _check_fields(found, {"type": "object", "properties": fields, "required": [*fields]})
    return {name: Mark(**found[name]) for name in criteria}


def parse_proposal(text: str) -> Proposal:
    """Return the edit in a model's reply, which must be one JSON object and nothing else.

    Raises:
        JudgeError: the reply cannot be used.
    """
    found = _strict(text, "proposal", None)
    return Proposal(
        reason=found["reason"],
        checklists=tuple((each["case"], each["text"]) for each in found["checklists"]),
        guidance=tuple((each["category"], each["text"]) for each in found["guidance"]),
    )


def occurs(quote: str, answer: str) -> bool:
    """Return whether a quotation stands in a text, whatever the spaces and line breaks."""
    return _squeezed(quote) in _squeezed(answer)


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
    # What re.sub(r"^```json\s*|\s*```$", "", text.strip()) does, without its time for many spaces.
    bare = text.strip()
    bare = bare[7:].lstrip() if bare.startswith("```json") else bare
    found = _loads(bare.removesuffix("```").rstrip() if bare.endswith("```") else bare)
    if not isinstance(found, dict):
        raise JudgeError("the reply is JSON, but not an object.")
    if not isinstance(found.get("criteria_met"), bool):
        raise JudgeError('"criteria_met" is not true or false.')
    return found


def _strict(text: str, schema: str, verdict_id: str | None) -> dict[str, Any]:
    found = _lone_json(text)
    _check_fields(found, response_schema(schema, verdict_id=verdict_id is not None))
    if verdict_id is not None and found["verdict_id"] != verdict_id:
        raise JudgeError('"verdict_id" is not the one that was asked for.')
    return dict(found)


def _object(text: str, schema: str, protocol: Protocol, verdict_id: str | None) -> dict[str, Any]:
    """Return the object in a reply to a protocol of our own; `official` lets further keys pass."""
    if protocol == "strict":
        return _strict(text, schema, verdict_id)
    found = _lone_json(text)
    _check_fields(found, response_schema(schema), open_ended=True)
    return dict(found)


def _lone_json(text: str) -> Any:
    """Return the JSON that is the whole reply, but for a think block and a fence."""
    # An explanation may quote a lone closing tag: it ends no block if the reply begins as JSON.
    begins_as_json = text.lstrip().startswith(("{", "```"))
    _, answer, closed = (None, text, True) if begins_as_json else split_thinking(text)
    if not closed:
        raise JudgeError("the think block is not closed.")
    return _loads(_unfenced(answer), **STRICT)


def _unfenced(answer: str) -> str:
    """Return what stands in the fence that is the whole text, or the text."""
    bare = answer.strip()
    if len(bare) < 6 or not (bare.startswith("```") and bare.endswith("```")):
        return answer
    inside = bare[3:-3]
    return (inside[4:] if inside[:4].lower() == "json" else inside).strip()


def _check_fields(
    found: object, schema: dict[str, Any], where: str = "", *, open_ended: bool = False
) -> None:
    """Check a value against the part of JSON Schema that the reply schemas use."""
    if schema.get("type") == "array":
        if not isinstance(found, list):
            raise JudgeError(f'"{where}" is not a list.')
        for entry in found:
            _check_fields(entry, schema["items"], where, open_ended=open_ended)
    elif schema.get("type") == "object":
        _check_object(found, schema, where, open_ended=open_ended)
    else:
        _check_value(found, schema, where)


def _check_object(found: object, schema: dict[str, Any], where: str, *, open_ended: bool) -> None:
    if not isinstance(found, dict):
        what = f'"{where}" holds something that is' if where else "the reply is JSON, but"
        raise JudgeError(f"{what} not an object.")
    fields = schema["properties"]
    unknown = [key for key in found if key not in fields]
    if unknown and not open_ended:
        raise JudgeError(f"unknown key {json.dumps(unknown[0][:40])}.")
    for name in schema["required"]:
        if name not in found:
            raise JudgeError(f'key "{name}" is missing.')
    for name, value in found.items():
        if name in fields:
            _check_fields(value, fields[name], name, open_ended=open_ended)


def _check_value(found: object, schema: dict[str, Any], where: str) -> None:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if type(found) not in [_TYPES[kind] for kind in kinds]:
        raise JudgeError(f'"{where}" is not a {" or ".join(kinds)}.')
    if found not in schema.get("enum", [found]):
        raise JudgeError(f'"{where}" is not one of {", ".join(map(str, schema["enum"]))}.')


def _loads(text: str, **hooks: Any) -> Any:
    try:
        return json.loads(text, **hooks)
    except DatasetError:
        # Its own words would quote the reply.
        raise JudgeError(
            "the reply is not one JSON object that can be used: a key stands twice, "
            "or a number is NaN or Infinity or too large."
        ) from None
    except RecursionError:
        raise JudgeError("the reply is JSON nested too deeply.") from None
    except ValueError as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise JudgeError(f"the reply is not one JSON object{where}.") from None


def _squeezed(text: str) -> str:
    return " ".join(text.split())


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
