"""Files of reports: private, and replaced as a whole; what stands in them is the writers' work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from medcheck.errors import WriterError


@contextmanager
def replaced(path: Path) -> Iterator[TextIO]:
    """Open a text file that takes the place of `path` once it is complete.

    Only its owner may read it: a report may hold what patients wrote. UTF-8 cannot hold a lone
    surrogate; it is written as its escape, which JSON reads back as the same character.

    Raises:
        WriterError: the folder or the file cannot be written; `path` is then as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise _failure(path, error) from error
    try:
        with open(  # noqa: PTH123 - it takes over the descriptor, which a Path cannot
            handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n"
        ) as file:
            yield file
        os.replace(name, path)  # noqa: PTH105 - beside mkstemp, which gives a string
    except OSError as error:
        raise _failure(path, error) from error
    finally:
        Path(name).unlink(missing_ok=True)


def _failure(path: Path, error: OSError) -> WriterError:
    return WriterError(
        f"cannot write the report: {error.strerror or error}.",
        hint="Free some space, or choose another folder with --reports.",
        where=str(path),
    )
