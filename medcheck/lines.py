r"""Files of JSON lines, strictly read: numbered, at "\n" only, plain or gzipped, errors together.

What a record must hold is the business of who reads it; the checks here are the ones they share,
and so is what strict JSON is (`STRICT`).
"""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from medcheck.errors import DatasetError, nearest

MAX_ERRORS = 50
MAX_SHOWN = 30
MAX_LINE = 256_000_000
"""Bytes; official result files are one document of many megabytes on a single line."""
MAX_UNPACKED = 500_000_000
"""Bytes of a gzipped file, unpacked; a plain file may have any size."""
MAX_RATIO = 100
"""How often a gzipped file may hold its own size, if that is more than 10 MB."""
_PIECE = 1 << 20
_MOST_DIGITS = 308

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
        DatasetError: the file cannot be read, a line is longer than `MAX_LINE`, or a gzipped file
            unpacks to more than it may.
    """
    try:
        _check_unpacked(path)
        with _opened(path) as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), start=1):
                if len(line) > MAX_LINE:
                    raise DatasetError(
                        f"the line has more than {MAX_LINE / 1e6:.0f} MB.",
                        where=f"{path}:{number}",
                        hint="Split it: a record is one line.",
                    )
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
        return json.loads(line.decode("utf-8"), **STRICT)
    except UnicodeDecodeError as error:
        raise DatasetError(f"byte {error.start + 1} is not UTF-8.") from None
    except RecursionError:
        raise DatasetError("JSON nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise DatasetError(f"not JSON at character {error.pos + 1}: {error.msg}.") from None
    except ValueError:
        raise DatasetError("not JSON: a text holds what no JSON may.") from None


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


def _check_unpacked(path: Path) -> None:
    """Check what a gzipped file would unpack to, before a line of it is made."""
    if path.suffix != ".gz":
        return
    allowed = _allowed(path.stat().st_size)
    size = 0
    with gzip.open(path, "rb") as file:
        while piece := file.read(_PIECE):
            size += len(piece)
            if size > allowed:
                raise _too_large(allowed, where=str(path))


def gunzipped(data: bytes, *, where: str) -> bytes:
    """Return what gzipped bytes hold.

    Raises:
        DatasetError: they are none, or hold more than a gzipped file may.
    """
    allowed = _allowed(len(data))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            found = file.read(allowed + 1)
    except (OSError, EOFError, zlib.error):
        raise DatasetError("not a gzip file.", where=where) from None
    if len(found) > allowed:
        raise _too_large(allowed, where=where)
    return found


def _allowed(packed: int) -> int:
    return min(MAX_UNPACKED, max(10_000_000, MAX_RATIO * packed))


def _too_large(allowed: int, *, where: str) -> DatasetError:
    return DatasetError(
        f"the file unpacks to more than {allowed / 1e6:,.0f} MB.",
        where=where,
        hint="If that is meant, unpack it and name the plain file.",
    )


def _unique(pairs: list[tuple[str, Any]]) -> Record:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DatasetError(f'key "{twice}" stands twice in one object.')
    return found


def _no_constant(name: str) -> None:
    raise DatasetError(f"{name} is not a JSON number.")


def _integer(digits: str) -> int:
    # 308 digits: what is no finite float cannot be counted with, and int() has limits of its own.
    if len(digits.lstrip("-")) > _MOST_DIGITS:
        raise DatasetError("not JSON: a number is too long.")
    return int(digits)


def _decimal(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise DatasetError(f"the number {digits[:MAX_SHOWN]} is too large.")
    return number


STRICT: dict[str, Any] = {
    "object_pairs_hook": _unique,
    "parse_constant": _no_constant,
    "parse_int": _integer,
    "parse_float": _decimal,
}
"""What `json.loads` takes to be strict: no name twice, no NaN, no number beyond a finite float.

The hooks raise DatasetError.
"""
