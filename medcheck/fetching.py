"""Official data files: downloaded or copied to their place, never accepted unless size and sha256
are the pinned ones.

What there is to fetch stands in `sources.yaml`; reading the files is the readers' work.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import io
import ipaddress
import os
import stat
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import SplitResult, urlsplit

from medcheck.errors import DatasetError, SettingsError, nearest

SOURCES = Path(__file__).with_name("sources.yaml")

_CHUNK = 1 << 18
_IDLE_SECONDS = 60.0
_GZIP = b"\x1f\x8b"
_READ_ERRORS = (OSError, EOFError, zlib.error, http.client.HTTPException)

Progress = Callable[[int, int], None]
"""Called with the bytes that have arrived and the bytes that are expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One pinned file."""

    url: str
    path: str
    """Relative to the data folder, `cases/data` unless told otherwise."""
    sha256: str
    bytes: int

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What one name after `medcheck fetch` stands for."""

    name: str
    title: str
    licence: str
    note: str = ""
    """What its makers ask of those who use it."""
    files: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One file that is in its place."""

    path: Path
    bytes: int
    already: bool
    """It was there before."""


@cache
def sources() -> Mapping[str, Source]:
    """Return what can be fetched, by name."""
    import yaml

    table = yaml.safe_load(SOURCES.read_text(encoding="utf-8"))
    return {name: _source(name, entry) for name, entry in table.items()}


def find(name: str, table: Mapping[str, Source] | None = None) -> Source:
    """Return the source of this name.

    Raises:
        SettingsError: there is none.
    """
    known = sources() if table is None else table
    if name not in known:
        raise SettingsError(f'there is no data set "{name}" to fetch.', hint=nearest(name, known))
    return known[name]


def fetch(
    source: Source,
    *,
    folder: Path,
    origin: str | None = None,
    progress: Progress = lambda _done, _total: None,
) -> tuple[Fetched, ...]:
    """Put all files of a source into `folder`; those that are already right stay as they are.

    Args:
        source: what to fetch.
        folder: the data folder.
        origin: a file, a folder or a URL in place of the official one; gzipped files are unpacked.
        progress: told now and then how far a file has come.

    Raises:
        DatasetError: a file cannot be had, or is not the pinned one; its place is as it was.
    """
    fetched = []
    for file in source.files:
        target = folder / file.path
        already = _is_right(target, file)
        if not already:
            place = _place(file, origin, source)
            with _opened(place, source) as stream:
                _save(stream, target, file, progress=progress)
        fetched.append(Fetched(path=target, bytes=file.bytes, already=already))
    return tuple(fetched)


def _source(name: str, entry: Mapping[str, Any]) -> Source:
    files = tuple(SourceFile(**file) for file in entry["files"])
    return Source(**{**entry, "name": name, "files": files})


def _is_right(path: Path, file: SourceFile) -> bool:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size != file.bytes:
            return False
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def _place(file: SourceFile, origin: str | None, source: Source) -> str | Path:
    """Return the URL or the path that a file comes from."""
    if origin is None:
        return file.url
    alone = len(source.files) == 1
    if "://" in origin:
        return origin if alone and not origin.endswith("/") else f"{origin.rstrip('/')}/{file.name}"
    path = Path(origin)
    if path.is_dir():
        return _inside(path, file)
    if not alone:
        hint = "Name the folder that holds them."
        raise DatasetError(f'"{source.name}" has {len(source.files)} files.', hint=hint)
    return path


def _inside(folder: Path, file: SourceFile) -> Path:
    names = (file.path, file.name, f"{file.path}.gz", f"{file.name}.gz")
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DatasetError(
        f"the folder holds neither {file.name} nor {file.name}.gz.",
        hint="Name the folder or the file itself with --from.",
        where=str(folder),
    )


@contextmanager
def _opened(place: str | Path, source: Source) -> Iterator[IO[bytes]]:
    """Open a file or URL for reading; what is gzipped is unpacked on the way."""
    with contextlib.ExitStack() as stack:
        if isinstance(place, Path):
            raw = stack.enter_context(_local(place))
        else:
            raw = io.BufferedReader(stack.enter_context(_remote(place, source)))
        where = _shown(place)
        packed = next(_pieces(raw, where, peek=True)).startswith(_GZIP)
        # The files themselves are plain: what begins like gzip was packed for the way.
        plain = gzip.GzipFile(fileobj=raw, mode="rb") if packed else raw
        yield cast("IO[bytes]", _Named(plain, where))


class _Named(io.RawIOBase):
    """A stream that knows where it comes from, and says so when reading fails."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, where: str) -> None:
        self._stream = stream
        self.name = where
