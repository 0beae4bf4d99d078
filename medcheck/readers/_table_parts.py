"""What a suite's YAML says of a table's rows: prompt templates, sections, options, gold letters.

Cells are values, never template source: a cell that holds `{{ 6 * 7 }}` is sent as it stands.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from medcheck.errors import DatasetError, SettingsError
from medcheck.lines import Record, parsed, shown
from medcheck.readers._medhelm import LETTERS, lettered

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment

COUNTS = ("letter", "text", "from_0", "from_1")
"""How a column names the right option: its letter, its text, or its number from 0 or 1."""
_HEADING = re.compile(r"(?<![A-Za-z])(?:[A-Z][A-Z0-9/&,'()-]*[ ]){0,5}[A-Z][A-Z0-9/&'()-]{2,}:")
_END = re.compile(r"\n\s*Keywords?:")
_REPEATED = 30
"""Characters from which a repeated section is no chance."""
_MOST = 1 << 20
"""Characters of a prompt."""


class Prompt:
    """A Jinja template over the columns of a row.

    A column is there under its name where that is an identifier, and always as `row["its name"]`;
    `options` is the block of lettered options.
    """

    def __init__(self, source: str) -> None:
        self.template = _compiled(source)

    def render(self, record: Record, options: Mapping[str, str] | None = None) -> str:
        """Return the prompt of one row.

        Raises:
            DatasetError: a column that the template needs is missing, or nothing is left.
            SettingsError: the template cannot be filled.
        """
        from jinja2 import TemplateError, UndefinedError

        named = {name: value for name, value in record.items() if name.isidentifier()}
        block = "\n".join(f"{letter}. {text}" for letter, text in (options or {}).items())
        try:
            found = self.template.render({**named, "row": record, "options": block}).strip()
        except UndefinedError as error:
            hint = f"There are: {', '.join(map(str, record))}."
            raise DatasetError(f"data.options.prompt: {error.message}.", hint=hint) from None
        except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
            raise SettingsError(f"data.options.prompt: {error}.", hint="Correct it.") from None
        if not found or len(found) > _MOST:
            raise DatasetError(f"the prompt has {len(found):,} characters.")
        return found


@functools.cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )


@functools.cache
def _compiled(source: str) -> Template:
    from jinja2 import TemplateSyntaxError

    try:
        return _environment().from_string(source)
    except TemplateSyntaxError as error:
        problem = f"data.options.prompt, line {error.lineno}: {error.message}"
        raise SettingsError(problem, hint="Correct the template.") from None


def value_of(record: Record, name: str) -> Any:
    """Return what a row has in a column.

    Raises:
        DatasetError: there is no such column.
    """
    if name not in record:
        hint = f"There are: {', '.join(map(str, record))}."
        raise DatasetError(f'no column "{name}".', hint=hint)
    return record[name]


def text_of(record: Record, name: str) -> str:
    """Return the text of a column, stripped; an empty one is "".

    Raises:
        DatasetError: no such column, or its value is no text and no number.
    """
    found = value_of(record, name)
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, (str, int, float)):
        raise DatasetError(f'column "{name}" is {shown(found)}, expected a text or a number.')
    return str(found).strip()


def choices_of(record: Record, columns: str | Sequence[str]) -> dict[str, str]:
    """Return the options of a row by letter.

    Args:
        record: the row.
        columns: one for each option, or one that holds a list or an object of all.

    Raises:
        DatasetError: fewer than two, one without a text, or letters that do not count from A.
    """
    if not isinstance(columns, str):
        return lettered(text_of(record, name) for name in columns)
    found = json_of(record, columns)
    if isinstance(found, list):
        return lettered(str(option) for option in found)
    if not isinstance(found, dict):
        problem = f'column "{columns}" is {shown(found)}, expected the options.'
        raise DatasetError(problem, hint="A list, an object, or the JSON text of one.")
    ordered = sorted(found)
    if ordered != list(LETTERS[: len(ordered)]):
        raise DatasetError(f'column "{columns}" has the options {", ".join(ordered)}.')
    return lettered(str(found[letter]) for letter in ordered)


def json_of(record: Record, name: str) -> Any:
    """Return a list or an object of a column: as it is, or as the JSON text of one.

    Raises:
        DatasetError: no such column, or a text that is no JSON.
    """
    found = value_of(record, name)
    if not isinstance(found, str):
        return found
    try:
        return parsed(found.encode("utf-8", "surrogatepass"))
    except DatasetError as error:
        raise DatasetError(f'column "{name}": {error.message}') from None


def letter_of(found: str, options: Mapping[str, str], how: str) -> str:
    """Return the letter of the right option.

    Raises:
        DatasetError: it is none of them, or two have its text.
    """
    if how == "letter":
        letters = [found.upper()]
    elif how == "text":
        letters = [letter for letter, text in options.items() if text == found]
    else:
        at = int(found) - (how == "from_1") if found.isascii() and found.isdigit() else -1
        letters = [LETTERS[at]] if 0 <= at < len(options) else []
    if len(letters) != 1 or letters[0] not in options:
        known = ", ".join(options)
        raise DatasetError(
            f"the right option is {shown(found)} ({how}), but the options are {known}.",
            hint="Correct the row, or data.options.answer_is.",
        )
    return letters[0]


def cut(text: str, names: Sequence[str]) -> tuple[str, str] | None:
    """Return a text without a section, and that section; `None`: it has none of them.

    A section begins at a heading in capitals that ends with one of `names` and a colon, and reaches
    to the next heading, a line of keywords, or the end. The first name that has one counts, and all
    its sections are cut; where the text repeats one elsewhere word for word, that is cut as well.

    Source: medhelm.md section 7, item 4 (what the original leaves in).
    """
    headings = list(_HEADING.finditer(text))
    for name in names:
        spans = [
            (found.start(), found.end(), _end(text, found.end(), headings[at + 1 :]))
            for at, found in enumerate(headings)
            if re.search(rf"(?:^|[ /&])(?:{re.escape(name)}):$", found.group())
        ]
        parts = [text[begin:end].strip() for _, begin, end in spans]
        if any(parts):
            left, last = "", 0
            for start, _, end in spans:
                left, last = f"{left}{text[last:start]}\n", end
            kept = _without(f"{left}{text[last:]}", parts)
            return re.sub(r"\n{3,}", "\n\n", kept).strip(), "\n".join(filter(None, parts))
    return None


def _without(text: str, parts: Sequence[str]) -> str:
    for part in (part for part in parts if len(part) >= _REPEATED):
        text = text.replace(part, "")
    return text


def _end(text: str, begin: int, later: Sequence[re.Match[str]]) -> int:
    after = later[0].start() if later else len(text)
    found = _END.search(text, begin, after)
    return found.start() if found else after
