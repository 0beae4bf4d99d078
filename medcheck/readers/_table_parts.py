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

COUNTS = ("letter", "text", "from_0", "from_1")
"""How a column names the right option: its letter, its text, or its number from 0 or 1."""
_HEADING = re.compile(r"(?<![A-Za-z])(?:[A-Z][A-Z0-9/&,'()-]*[ ]){0,5}[A-Z][A-Z0-9/&'()-]{2,}:")
_END = re.compile(r"\n\s*Keywords?:")
_REPEATED = 30
"""Characters from which a repeated section is no chance."""


class Prompt:
    """A Jinja template over the columns of a row.

    A column is there under its name where that is an identifier, and always as `row["its name"]`;
    `options` is the block of lettered options where a row has some. `null` is nothing, as an empty
    cell is, and booleans are `true` and `false`.
    """

    def __init__(self, source: str) -> None:
        self.template = _compiled(source)
        self.source = source

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that every prompt shows; not those in a condition, a loop or a filter."""
        from medcheck.readers import _table_sandbox

        return _table_sandbox.put_out(self.source)

    def render(self, record: Record, options: Mapping[str, str] | None = None) -> str:
        """Return the prompt of one row.

        Args:
            record: the row.
            options: text by letter; `None`: `options` is a column like any other.

        Raises:
            DatasetError: a column that the template needs is missing, or nothing is left.
            SettingsError: the template cannot be filled, or is without end.
        """
        from jinja2 import TemplateError, UndefinedError

        from medcheck.readers import _table_sandbox

        row = {name: "" if value is None else value for name, value in record.items()}
        named = {name: value for name, value in row.items() if name.isidentifier()}
        if options is not None:
            named["options"] = "\n".join(f"{letter}. {text}" for letter, text in options.items())
        try:
            found = _table_sandbox.filled(self.template, {**named, "row": row}).strip()
        except UndefinedError as error:
            hint = f"There are: {', '.join(map(str, record))}."
            raise DatasetError(f"data.options.prompt: {_reason(error)}.", hint=hint) from None
        except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
            problem = f"data.options.prompt: {_reason(error)}."
            raise SettingsError(problem, hint="Correct it.") from None
        except (RecursionError, MemoryError) as error:
            raise _endless(error) from None
        if not found:
            raise DatasetError("the prompt has 0 characters.")
        return found


@functools.cache
def _compiled(source: str) -> Template:
    from jinja2 import TemplateSyntaxError

    from medcheck.readers import _table_sandbox

    try:
        return _table_sandbox.template_of(source)
    except TemplateSyntaxError as error:
        problem = f"data.options.prompt, line {error.lineno}: {_reason(error)}."
        raise SettingsError(problem, hint="Correct the template.") from None
    except (RecursionError, MemoryError) as error:
        raise _endless(error) from None


def _reason(error: Exception) -> str:
    return str(getattr(error, "message", None) or error).rstrip(".")


def _endless(error: RecursionError | MemoryError) -> SettingsError:
    what = (
        "is nested too deeply, or calls itself without end"
        if isinstance(error, RecursionError)
        else "fills the memory"
    )
    return SettingsError(f"data.options.prompt {what}.", hint="Correct the template.")


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
    """Return the text of a column, stripped; an empty one is "", a boolean `true` or `false`.

    Raises:
        DatasetError: no such column, or its value is a list or an object.
    """
    found = value_of(record, name)
    if found is None:
        return ""
    if not isinstance(found, (str, int, float)):
        raise DatasetError(f'column "{name}" is {shown(found)}, expected a text or a number.')
    return spelled(found).strip()


def spelled(value: object) -> str:
    """Return a value as a text; booleans as JSON spells them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def mapped(found: str, answers: Mapping[str, str], name: str) -> str:
    """Return what a gold value stands for: as `answers` says, or itself where that is one of them.

    `True` and `true` are the same.

    Raises:
        DatasetError: it is neither.
    """
    if not answers or found in answers:
        return answers.get(found, found)
    same = [key for key in answers if key.lower() == found.lower() in ("true", "false")]
    if len(same) == 1:
        return answers[same[0]]
    if found in answers.values():
        return found
    listed = ", ".join(map(shown, answers))
    problem = f'column "{name}" is {shown(found)}, but data.options.answers maps {listed}.'
    raise DatasetError(problem, hint="Add it there, correct the row, or leave it out with keep.")


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
        return lettered(spelled(option) for option in found)
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
