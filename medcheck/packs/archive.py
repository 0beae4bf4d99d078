"""Write a pack: one zip, equal bytes for equal rows; which rows is decided elsewhere."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from medcheck.errors import WriterError
from medcheck.packs.findings import Layout

_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE_MODE, _FOLDER_MODE = 0o100644 << 16, 0o40755 << 16 | 0x10
_UNIX = 3


def row_of(record: Mapping[str, Any], answer: str | None, layout: Layout) -> bytes:
    """Return a line of a pack: the question's own values and an answer, in the track's order.

    `options` is null where the question file has none, as in the packs that were accepted.
    """
    given = {**record, "answer": answer}
    row = {key: given.get(key) for key in layout.keys if key in given or key in layout.optional}
    return line_of(row)


def line_of(row: Mapping[str, Any]) -> bytes:
    r"""Return an object as a line; UTF-8 cannot hold a lone surrogate, which stays `\udXXX`."""
    text = json.dumps(row, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace")


def write_pack(path: Path, folder: str, files: Iterable[tuple[str, Iterable[bytes]]]) -> Path:
    """Write files of lines below one folder, in the order that they come; times are 1980.

    The zip takes the place of `path` once it is complete, and only its owner may read it.

    Raises:
        WriterError: it cannot be written; `path` is then as it was.
    """
    with _replaced(path) as target, zipfile.ZipFile(target, "w") as archive:
        archive.writestr(_entry(f"{folder}/", _FOLDER_MODE), b"")
        for name, lines in files:
            with archive.open(_entry(f"{folder}/{name}", _FILE_MODE), "w") as entry:
                for line in lines:
                    entry.write(line)
    return path


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Write lines of text beside a pack, private and as a whole as the pack is.

    Raises:
        WriterError: the file cannot be written.
    """
    with _replaced(path) as file:
        for line in lines:
            file.write(f"{line}\n".encode("utf-8", "backslashreplace"))
    return path


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.create_system = _UNIX
    entry.external_attr = mode
    entry.compress_type = zipfile.ZIP_STORED if name.endswith("/") else zipfile.ZIP_DEFLATED
    return entry


@contextmanager
def _replaced(path: Path) -> Iterator[IO[bytes]]:
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
        part.replace(path)
    except OSError as wrong:
        raise WriterError(
            f"cannot write: {wrong.strerror or wrong}.", where=str(path),
            hint="Free some space, or name another place.",
        ) from wrong  # fmt: skip
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
