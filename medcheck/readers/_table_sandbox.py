"""Jinja templates that come to an end: steps, numbers and texts have limits, whatever they say.

What a prompt may name, and what is told where it cannot be filled, is in `_table_parts`. Known gap:
one call of `replace` or `join` may still build a text far longer than a prompt.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

MOST = 1 << 20
"""Characters of a prompt; items of a list; the largest width or count that a template may ask."""
STEPS = 100_000
"""Rounds of all loops, calls and numbers of `range` for one row."""

_BUDGET = "\0budget"
"""No name that a template or a column can have."""
_ROW = "row"
_WIDE = re.compile(r"%[-#0 +.\d]*(?:\d{7}|\*)|:[^{}]{0,4}\d{7}")
_BITS = 4096
"""Of a product or a power of whole numbers."""


class Budget:
    """What one row's prompt may still use."""

    def __init__(self) -> None:
        self.steps = STEPS
        self.characters = 4 * MOST

    def step(self, number: int = 1) -> None:
        """Count steps."""
        self.steps -= number
        if self.steps < 0:
            raise SecurityError(f"it takes more than {STEPS:,} steps")

    def text(self, found: Any) -> None:
        """Count the characters that the template puts out, into blocks and macros as well."""
        self.characters -= len(found) if isinstance(found, str) else 0
        if self.characters < 0:
            raise SecurityError(f"it makes more than {4 * MOST:,} characters")


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        _check_operands(operator, left, right)
        return super().call_binop(context, operator, left, right)

    # Two underscores as in Jinja: what a template calls may have an argument called self.
    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063
        budget = __context[_BUDGET]
        budget.step()
        if not isinstance(__obj, Macro):
            for value in (*args, *kwargs.values()):
                _bounded(value)
        inner = getattr(__obj, "__wrapped__", __obj)
        if getattr(inner, "__name__", "") in ("format", "format_map"):
            _format(getattr(inner, "__self__", None))
        found = super().call(__context, __obj, *args, **kwargs)
        budget.step(len(found) if isinstance(found, range) else 0)
        return found


class _Limits(NodeTransformer):
    """Counts the rounds of loops, and checks what filters and `~` are given."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - a visitor's name
        if node.recursive:
            raise TemplateSyntaxError("a loop cannot be recursive", node.lineno)
        self.generic_visit(node)
        node.iter = _filtered(node.iter, "counted")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), "glued")

    def visit_Filter(self, node: nodes.Filter) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        if node.name in ("default", "d"):
            return node
        node.args = [_filtered(arg, "bounded") for arg in node.args]
        for pair in node.kwargs:
            pair.value = _filtered(pair.value, "bounded")
        if node.name == "format" and node.node is not None:
            node.node = _filtered(node.node, "narrow")
        return node


def template_of(source: str) -> Template:
    """Return a compiled template.

    Raises:
        jinja2.TemplateSyntaxError: it is none, or has a recursive loop.
    """
    environment = _environment()
    tree = _Limits().visit(environment.parse(source))
    tree.set_environment(environment)
    return environment.from_string(tree)


def put_out(source: str) -> tuple[str, ...]:
    """Return the columns that a template puts out whatever else is there, each once."""
    parts = (part for node in _environment().parse(source).body for part in _parts(node))
    return tuple(dict.fromkeys(name for part in parts if (name := _column(part))))


def _parts(node: nodes.Node) -> list[nodes.Expr]:
    return node.nodes if isinstance(node, nodes.Output) else []


def _column(node: nodes.Expr) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name
    if not isinstance(node, nodes.Getitem) or not isinstance(node.arg, nodes.Const):
        return None
    of_row = isinstance(node.node, nodes.Name) and node.node.name == _ROW
    return str(node.arg.value) if of_row else None


def filled(template: Template, values: Mapping[str, Any]) -> str:
    """Return a template's text; `None` is nothing, and booleans are true and false as in JSON.

    Raises:
        jinja2.TemplateError: a limit is passed, or something cannot be filled.
    """
    parts, length = [], 0
    for part in template.generate({**values, _BUDGET: Budget()}):
        length += len(part)
        if length > MOST:
            raise SecurityError(f"it makes more than {MOST:,} characters")
        parts.append(part)
    return "".join(parts)


@functools.cache
def _environment() -> _Environment:
    found = _Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        finalize=_put_out,
    )
    found.filters |= {"counted": _counted, "glued": _glued, "bounded": _bounded, "narrow": _format}
    del found.globals["lipsum"]
    return found


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    # The tree names the parts of a loop nodes, not expressions.
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


@pass_context
def _put_out(context: Context, value: Any) -> Any:
    if value is context.parent.get(_ROW):
        raise SecurityError("{{ row }} is all columns: name one, as in {{ row['row'] }}")
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    context[_BUDGET].text(value)
    return value


@pass_context
def _counted(context: Context, found: Iterable[Any]) -> Iterator[Any]:
    for item in found:
        context[_BUDGET].step()
        yield item


@pass_context
def _glued(context: Context, found: list[Any]) -> str:
    parts = [str(_put_out(context, value)) for value in found]
    _sized(sum(map(len, parts)))
    return "".join(parts)


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > MOST:
        raise SecurityError(f"{value!s:.20} is more than {MOST:,}")
    return value


def _format(value: Any) -> Any:
    if isinstance(value, str) and _WIDE.search(value):
        raise SecurityError("a format without width and precision of its own is expected")
    return value


def _check_operands(operator: str, left: Any, right: Any) -> None:
    sizes = [len(value) for value in (left, right) if isinstance(value, (str, bytes, list, tuple))]
    counts = [value for value in (left, right) if isinstance(value, int)]
    bits = [value.bit_length() for value in counts]
    if operator == "%":
        _format(left)
    elif operator == "+":
        _sized(sum(sizes))
    elif operator == "*" and sizes:
        _sized(sizes[0] * max((*counts, 0)))
    elif len(bits) > 1 and (bits[0] * right if operator == "**" else sum(bits)) > _BITS:
        raise SecurityError(f"a number has more than {_BITS:,} bits")


def _sized(length: int) -> None:
    if length > MOST:
        raise SecurityError(f"it makes a text of {length:,} characters or items")
