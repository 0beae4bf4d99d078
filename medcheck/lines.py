r"""Files of JSON lines, strictly read: numbered, at "\n" only, plain or gzipped, errors together.

What a record must hold is the business of who reads it; the checks here are the ones they share.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from medcheck.errors import DatasetError, nearest

MAX_ERRORS = 50
MAX_SHOWN = 30

Record = dict[str, Any]
T = TypeVar("T")


def each(path: Path, build: Callable[[int, object], T | None], *, hint: str = "") -> Iterator[T]:
    """Yield what `build` makes of each line number and its JSON; `None` leaves a line out.

    Raises:
        DatasetError: every wrong line, at most 50; after the first one nothing is yielded.
            `hint` says what to do where the file is not there.
    """
    errors: list[str] = []
    for number, line in numbered(path, hint=hint):
        try:
            built = build(number, parsed(line))
        except DatasetError as error:
            error.where = f"{path}:{number}"
            errors.append(str(error))
            if len(errors) == MAX_ERRORS:
                errors.append(f"{path}: stopped after {MAX_ERRORS} errors.")
                break
            continue
        if built is not None and not errors:
            yield built
    if errors:
        raise DatasetError("\n".join(errors))


def numbered(path: Path, *, hint: str = "") -> Iterator[tuple[int, bytes]]:
    r"""Yield numbered lines, split at "\n" only: JSON strings may hold other line separators.

    Raises:
        DatasetError: the file cannot be read.
    """
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except FileNotFoundError:
        raise DatasetError("no such file.", where=str(path), hint=hint) from None
    except (OSError, EOFError, zlib.error) as error:
        reason = str(error) or type(error).__name__
        raise DatasetError(f"cannot read the file: {reason}.", where=str(path)) from None


def parsed(line: bytes) -> object:
    """Return the JSON of a line, or of a whole file.

    Raises:
        DatasetError: it is not strict JSON in UTF-8.
    """
    try:
        return json.loads(
            line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise DatasetError(f"byte {error.start + 1} is not UTF-8.") from None
    except RecursionError:
        raise DatasetError("JSON nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise DatasetError(f"not JSON at character {error.pos + 1}: {error.msg}.") from None
    except ValueError:
        raise DatasetError("not JSON: a number is too long.") from None


def document(path: Path, *, hint: str) -> object:
    """Return the JSON of a small file that medcheck itself wrote.

    Raises:
        DatasetError: it cannot be read, or is not strict JSON; with the path and the hint.
    """
    try:
        return parsed(path.read_bytes())
    except OSError as error:
        told = f"{error.strerror}."
    except DatasetError as error:
        told = error.message
    raise DatasetError(f"cannot be read: {told}", hint=hint, where=str(path))


def checked_object(
    found: object, needed: Collection[str], optional: Collection[str] | None, where: str
) -> Record:
    """Return an object that has the `needed` fields.

    Raises:
        DatasetError: it is no object, lacks a field, or has one that is neither needed nor
            optional; `optional=None` lets any other field pass.
    """
    if not isinstance(found, dict):
        raise DatasetError(f"{where} is {shown(found)}, expected an object.")
    if missing := set(needed) - found.keys():
        raise DatasetError(f'{where} lacks the field "{min(missing)}".')
    if optional is not None and (unknown := found.keys() - set(needed) - set(optional)):
        name = min(unknown)
        hint = nearest(name, {*needed, *optional})
        raise DatasetError(f'{where} has the unknown field "{name}".', hint=hint)
    return found


def filled_list(found: object, where: str) -> list[Any]:
    """Return a list that is not empty.

    Raises:
        DatasetError: it is none.
    """
    if not isinstance(found, list) or not found:
        raise DatasetError(f"{where} is {shown(found)}, expected a list that is not empty.")
    return found


def filled_text(found: object, where: str) -> str:
    """Return a text that is not empty.

    Raises:
        DatasetError: it is none.
    """
    if not found:
        raise DatasetError(f"{where} is {shown(found)}, expected a text.")
    return any_text(found, where)


def any_text(found: object, where: str) -> str:
    """Return a text, which may be empty.

    Raises:
        DatasetError: it is none.
    """
    if not isinstance(found, str):
        raise DatasetError(f"{where} is {shown(found)}, expected a text.")
    return found


def texts(found: object, where: str) -> tuple[str, ...]:
    """Return a list of texts, none of them empty.

    Raises:
        DatasetError: it is none.
    """
    if not isinstance(found, list) or not all(isinstance(text, str) and text for text in found):
        raise DatasetError(f"{where} is not a list of texts.")
    return tuple(found)


def shown(found: object) -> str:
    """Return a value for an error message, cut so that no example is spelled out."""
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def _opened(path: Path) -> gzip.GzipFile | BinaryIO:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _unique(pairs: list[tuple[str, Any]]) -> Record:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DatasetError(f'key "{twice}" stands twice in one object.')
    return found


def _no_constant(name: str) -> None:
    raise DatasetError(f"{name} is not a JSON number.")
