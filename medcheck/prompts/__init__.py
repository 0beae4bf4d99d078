"""Judge prompts: our own templates, rendered once, and official wordings from the user's own copy.

Text from data, models or judges is always a value, never template source.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medcheck.errors import SettingsError, nearest

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_FOLDER = Path(__file__).parent
_PLACEHOLDER = re.compile(r"<<(conversation|rubric_item)>>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """An official wording with the placeholders `<<conversation>>` and `<<rubric_item>>`."""

    text: str
    path: str

    @property
    def version(self) -> str:
        """The sha256 of the wording, the same for a Python file and for a plain copy of it."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    def render(self, *, conversation: str, item: str) -> str:
        """Fill both placeholders in one pass: a placeholder inside a value stays text."""
        values = {"conversation": conversation, "rubric_item": item}
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.text)


def render(name: str, **values: object) -> str:
    """Return the prompt `name` (such as `healthbench/rubric`) with its values filled in.

    Raises:
        SettingsError: unknown prompt, or a value that it needs is missing.

    """
    from jinja2 import UndefinedError

    _file(name)
    try:
        return _environment().get_template(f"{name}.j2").render(values)
    except UndefinedError as error:
        raise SettingsError(f'prompt "{name}": {error.message}.') from None


def version(name: str) -> str:
    """Return the sha256 of a prompt's template.

    Raises:
        SettingsError: unknown prompt.

    """
    return hashlib.sha256(_file(name).read_bytes()).hexdigest()


def imported(path: str | Path, constant: str = "GRADER_TEMPLATE") -> Imported:
    """Return the wording in a file of the user's: a constant of a Python file, or a plain text.

    Python is parsed, never run.

    Raises:
        SettingsError: no such file or constant, or a placeholder is missing.

    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        hint = "Name a file of your own copy of the official repository."
        raise SettingsError(f'cannot read the prompt "{path}": {reason}.', hint=hint) from None
    if file.suffix == ".py":
        text = _constant(text, constant, path=str(path))
    wanted = {"conversation", "rubric_item"}
    if missing := sorted(wanted - set(_PLACEHOLDER.findall(text))):
        listed = ", ".join(f"<<{name}>>" for name in missing)
        raise SettingsError(f"the prompt lacks {listed}.", where=str(path))
    return Imported(text=text, path=str(path))


def _constant(source: str, name: str, *, path: str) -> str:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        raise SettingsError("this is not a Python file.", where=path) from None
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            text = _literal(node.value)
            if text is not None:
                return text
            raise SettingsError(f"{name} is not a plain string.", where=f"{path}:{node.lineno}")
    raise SettingsError(f"no constant {name}.", where=path, hint="Name it under the prompt.")


def _literal(node: ast.expr) -> str | None:
    """Return the string that an expression spells out, `.strip()` applied; `None` for others."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if (
        isinstance(node, ast.Call)
        and not (node.args or node.keywords)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "strip"
    ):
        text = _literal(node.func.value)
        return text.strip() if text is not None else None
    return None


def _file(name: str) -> Path:
    if name not in (known := _names()):
        raise SettingsError(f'unknown prompt "{name}".', hint=nearest(name, known))
    return _FOLDER / f"{name}.j2"


@functools.cache
def _names() -> frozenset[str]:
    files = _FOLDER.rglob("*.j2")
    return frozenset(file.relative_to(_FOLDER).with_suffix("").as_posix() for file in files)


@functools.cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        loader=FileSystemLoader(_FOLDER, encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=False,  # a prompt is text, and escaping would change what the judge reads
        trim_blocks=True,
    )
    environment.filters["as_json"] = _as_json
    environment.filters["sha256"] = _sha256
    return environment


def _as_json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # A lone surrogate has no UTF-8 form; its JSON escape has.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
