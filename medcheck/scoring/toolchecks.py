"""Checks of tool use in an answer against the tools that its question describes; nothing is run.

SQL is only prepared, on an empty database in memory with the tables of the question.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from medcheck.scoring._format_json import values_in, without_comments
from medcheck.scoring.sqlcheck import has_statement, problems

_API = re.compile(r"API\s*(?:描述|\d+)\s*[:：]\s*(?:描述[:：])?\s*([A-Za-z]\w*)\s*[（(]")
_PARAMETER = re.compile(
    r"([A-Za-z][A-Za-z0-9_]*)\s*[（(]\s*([A-Za-z]\w*)[^（()）]{0,30}[，,]\s*(非必填|必填|可选|选填)"
)
_OUTPUT = re.compile(r"(?:输出(?:参数)?|返回)\s*[:：]")
_CALLED = re.compile(
    r"(?:API|接口)(?:\s*(?:名称|调用))?\**\s*[:：]\**\s*`?([a-z]+(?:_[a-z0-9]+)+)`?"
)
_NUMBERED = re.compile(r"API\s*(\d+)")
_AGENT = re.compile(r"Agent\s*(\d+)", re.IGNORECASE)
_WRITTEN = re.compile(r"(?m)^[ \t\-*`]{0,20}([A-Za-z]\w*)[`*]*\s*[=:：]\s*(\S.*)$")
"""Arguments a line each: `name = value`, or `- name: value`."""
_SQL = re.compile(r"```(sql|SQL|plsql)?[ \t]*\n(.*?)```", re.DOTALL)
_STATEMENT = re.compile(r"(?is)\b(?:select|with|insert|update|delete|merge)\b.*")
_CALL = re.compile(r"(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_]*)\s*\((?=\s*[A-Za-z_]\w*\s*=[^=])")
_OBJECT_CALL = re.compile(r"(?<![A-Za-z0-9_.])([A-Za-z_][A-Za-z0-9_]*)\s*\(\s*(?=\{)")
"""`NAME({...})`"""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NAME_KEYS = frozenset(
    ("name", "tool", "function", "api", "tool_name", "function_name", "api_name", "action")
)
_LONG, _TRIES = 4000, 30
"""Characters of a call; calls, and closing brackets within one, that are looked at."""
_UNKNOWN = object()
"""A value that is no literal."""
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "float": (int, float),
    "int": (int,),
    "integer": (int,),
    "boolean": (bool,),
    "bool": (bool,),
    "list": (list,),
    "array": (list,),
    "dict": (dict,),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing in an answer that cannot be so."""

    severity: Literal["error", "warning", "unchecked"]
    """`unchecked`: neither right nor wrong can be told."""
    rule: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument of a tool."""

    name: str
    type: str
    """As the question writes it: `string`, `list`, ..."""
    needed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool that a question describes."""

    name: str
    parameters: tuple[Parameter, ...]


def tools_of(question: str) -> tuple[Tool, ...]:
    """Return the tools that a question describes, in its order; what they give back is left out."""
    marks = list(_API.finditer(question))
    found = []
    for position, mark in enumerate(marks):
        end = marks[position + 1].start() if position + 1 < len(marks) else len(question)
        text = question[mark.end() : end]
        output = _OUTPUT.search(text)
        inputs = _PARAMETER.findall(text[: output.start()] if output else text)
        parameters = (Parameter(name=n, type=t.lower(), needed=w == "必填") for n, t, w in inputs)
        found.append(Tool(name=mark.group(1), parameters=tuple(parameters)))
    return tuple(found)


def api_call(question: str, answer: str) -> tuple[Finding, ...]:
    """Check the call of the one tool: its name where one is given, and its arguments.

    Arguments must be there, complete, known and of the right type.
    """
    tools = tools_of(question)
    if not tools:
        return ()
    wanted = {parameter.name: parameter for parameter in tools[0].parameters}
    names = [tool.name for tool in tools]
    if call := _call_in(answer, wanted):
        called, given = call
        wrong = [name for name in called if name not in names]
        findings = _argument_findings(given, wanted)
        return (*(_error("api_call", f'there is no tool "{name}".') for name in wrong), *findings)
    written = dict(_WRITTEN.findall(answer))
    if len(written.keys() & wanted.keys()) > 1:
        return tuple(_written_findings(written, wanted))
    return (_error("api_call", f"no arguments of {tools[0].name}."),)


def api_steps(question: str, answer: str) -> tuple[Finding, ...]:
    """Check that named tools exist, and that the needed arguments of each are spoken of."""
    tools = tools_of(question)
    used = [tool for tool in tools if _mentions(answer, tool, tools)]
    missing = [
        _error("api_steps", f"{tool.name}: the needed argument {parameter.name} is not given.")
        for tool in used
        for parameter in tool.parameters
        if parameter.needed and not re.search(rf"\b{parameter.name}\b", answer)
    ]
    return (*_names(question, answer, "api_steps"), *missing)


def api_names(question: str, answer: str) -> tuple[Finding, ...]:
    """Check that at least one tool is named, and none that the question does not describe."""
    return tuple(_names(question, answer, "api_names"))


def agent_ids(question: str, answer: str) -> tuple[Finding, ...]:
    """Check that agents are named, and none that the question does not list."""
    known = {int(number) for number in _AGENT.findall(question)}
    named = dict.fromkeys(int(number) for number in _AGENT.findall(answer))
    if not named:
        return (_error("agent_ids", "no agent is named."),)
    return tuple(
        _error("agent_ids", f"there is no Agent{number}.")
        for number in named
        if number not in known
    )


def sql(question: str, answer: str) -> tuple[Finding, ...]:
    """Check that the SQL parses and uses the tables and columns of the question."""
    fenced = [text for named, text in _SQL.findall(answer) if named or has_statement(text)]
    found = fenced or [match.group(0) for match in _STATEMENT.finditer(answer)][:1]
    if not any(map(has_statement, found)):
        return (_error("sql", "no SQL statement."),)
    return tuple(
        Finding(severity=severity, rule="sql", message=message)
        for text in found
        for severity, message in problems(question, text, prose=not fenced)
    )


Call = tuple[tuple[str, ...], Mapping[str, Any]]
"""The names that a call gives its tool, and its arguments."""


def _call_in(answer: str, wanted: Mapping[str, Parameter]) -> Call | None:
    """Return the call with the most of the wanted arguments; objects go before `NAME(a=1)`."""
    plain = without_comments(answer)
    outermost = [part for value in values_in(plain) for part in _objects(value)]
    calls = [(outer, part) for outer in outermost for part in (outer, *_parts(outer))]
    fitting = [(outer, part) for outer, part in calls if part.keys() & wanted.keys()]
    if fitting:
        outer, given = max(fitting, key=lambda pair: len(_names_in(pair[1]) & wanted.keys()))
        return (*_named_around(outer, given, wanted), *_OBJECT_CALL.findall(plain)), given
    written = [call for call in _written_calls(answer) if call[1].keys() & wanted.keys()]
    return max(written, key=lambda call: len(call[1].keys() & wanted.keys()), default=None)


def _named_around(
    outer: Mapping[str, Any], given: Mapping[str, Any], wanted: Mapping[str, Parameter]
) -> Iterator[str]:
    """Yield the names of tools in the objects around the arguments."""
    for part in (outer, *_parts(outer)):
        if not any(inner == given for inner in _parts(part)):
            continue
        for key in _NAME_KEYS - wanted.keys():
            if isinstance(name := part.get(key), str) and _NAME.fullmatch(name):
                yield name


def _written_calls(answer: str) -> Iterator[Call]:
    """Yield calls such as `NAME(a="1", b=2)`."""
    for found in islice(_CALL.finditer(answer), _TRIES):
        ends = (end.end() for end in re.finditer(r"\)", answer[found.end() : found.end() + _LONG]))
        for end in islice(ends, _TRIES):
            try:
                call = ast.parse(answer[found.start() : found.end() + end], mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            if isinstance(call, ast.Call):
                yield (found.group(1),), {k.arg: _literal(k.value) for k in call.keywords if k.arg}
            break


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return {"true": True, "false": False, "null": None}.get(node.id, _UNKNOWN)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError):
        return _UNKNOWN


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects that a value is, holds in a list, or holds as JSON in a text."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = values_in(value)
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, dict):
            yield part


def _parts(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects within an object, outer ones first."""
    for value in found.values():
        for part in _objects(value):
            yield part
            yield from _parts(part)


def _names_in(found: Mapping[str, Any]) -> set[str]:
    return {*found, *(name for part in _parts(found) for name in part)}


def _written_findings(
    written: Mapping[str, str], wanted: Mapping[str, Parameter]
) -> Iterator[Finding]:
    """Yield which needed arguments a call such as `Name(a = 1, b = 2)` lacks."""
    for name, parameter in wanted.items():
        if parameter.needed and name not in written:
            yield _error("api_call", f"the needed argument {name} is missing.")


def _argument_findings(
    given: Mapping[str, Any], wanted: Mapping[str, Parameter]
) -> Iterator[Finding]:
    named = _names_in(given)
    for name, parameter in wanted.items():
        if name not in given:
            if parameter.needed and name not in named:
                yield _error("api_call", f"the needed argument {name} is missing.")
            continue
        types = _TYPES.get(parameter.type, (object,))
        value = given[name]
        fits = isinstance(value, types) and not (isinstance(value, bool) and bool not in types)
        if (
            value is not _UNKNOWN
            and object not in types
            and not fits
            and not (value is None and not parameter.needed)
        ):
            kind = type(value).__name__
            yield _error("api_call", f"argument {name} is {kind}, expected {parameter.type}.")
    for name in given.keys() - wanted.keys():
        yield _error("api_call", f"argument {name} is not described.")


def _names(question: str, answer: str, rule: str) -> Iterator[Finding]:
    tools = tools_of(question)
    if not tools:
        return
    if not any(_mentions(answer, tool, tools) for tool in tools):
        yield _error(rule, "no tool of the question is named.")
    for number in dict.fromkeys(int(found) for found in _NUMBERED.findall(answer)):
        if not 1 <= number <= len(tools):
            yield _error(rule, f"there is no API{number}.")
    names = {tool.name for tool in tools}
    for name in dict.fromkeys(_CALLED.findall(answer)):
        if name not in names:
            yield _error(rule, f'there is no tool "{name}".')


def _mentions(answer: str, tool: Tool, tools: tuple[Tool, ...]) -> bool:
    number = tools.index(tool) + 1
    by_name = re.search(rf"(?<!\w){re.escape(tool.name)}(?!\w)", answer)
    return bool(by_name or re.search(rf"API\s*{number}(?!\d)", answer))


def _error(rule: str, message: str) -> Finding:
    return Finding(severity="error", rule=rule, message=message)
