"""Official data files, downloaded or copied to their place: of the pinned size and sha256, or not.

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
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any, TextIO
from urllib.parse import SplitResult, urlsplit

from medcheck.errors import DatasetError, SettingsError, nearest

SOURCES = Path(__file__).with_name("sources.yaml")

_CHUNK = 1 << 18
_MOST_BYTES = 1 << 30
"""Of a file whose size is not pinned: a server must not fill the disk."""
_IDLE_SECONDS = 60.0
_PROGRESS_SECONDS = 0.2
_GZIP = b"\x1f\x8b"
_OTHER_VERSION = "It is another version, or was changed: get the one that is pinned."
_CUT_OFF = "It may have been cut off: run the same command again, or name a file with --from."
_READ_ERRORS = (OSError, EOFError, zlib.error, http.client.HTTPException)

Progress = Callable[[int, int], None]
"""Called with the bytes that have arrived and the bytes that are expected, as far as is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One pinned file."""

    url: str
    path: str
    """Relative to the data folder, `cases/data` unless told otherwise."""
    sha256: str
    bytes: int | None = None
    """`None`: published nowhere; the sha256 alone decides."""

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
    folders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What no version is pinned of: places below the data folder, each with names it may have."""


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
        DatasetError: nothing is pinned, a file cannot be had, or is not the pinned one; its place
            is as it was.
    """
    if not source.files and not source.folders:
        problem = f'"{source.name}" cannot be fetched: no version is pinned.'
        raise DatasetError(problem, hint=source.note)
    fetched = []
    for file in source.files:
        target = folder / file.path
        already = _is_right(target, file)
        if not already:
            place = _place(file, origin, source)
            with contextlib.closing(_chunks(place, _hint(source, place))) as chunks:
                _save(chunks, target, file, where=_shown(place), progress=progress)
        fetched.append(Fetched(path=target, bytes=target.stat().st_size, already=already))
    return tuple(fetched)


def download(url: str, out: IO[bytes], *, progress: Progress = lambda _done, _total: None) -> int:
    """Write what a URL gives into a file, unpacked where it was gzipped; return its size.

    Raises:
        DatasetError: it cannot be had, or is larger than any data set.
    """
    size = 0
    with contextlib.closing(_chunks(url, "Try again later, or name a file.")) as chunks:
        for chunk in chunks:
            size += len(chunk)
            if size > _MOST_BYTES:
                raise DatasetError(f"more than {_MOST_BYTES:,} bytes.", where=_shown(url))
            out.write(chunk)
            progress(size, size)
    return size


@contextmanager
def counter(name: str, stream: TextIO) -> Generator[Progress]:
    """Give a progress that counts megabytes on one line of a terminal, and nothing elsewhere."""
    last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if stream.isatty() and now - last >= _PROGRESS_SECONDS:
            last = now
            stream.write(f"\r{name}: {done / 1e6:.1f} of {total / 1e6:.1f} MB")
            stream.flush()

    try:
        yield progress
    finally:
        if last:
            stream.write("\r\x1b[K")
            stream.flush()


def _source(name: str, entry: Mapping[str, Any]) -> Source:
    files = tuple(SourceFile(**file) for file in entry["files"])
    folders = {place: tuple(names) for place, names in entry.get("folders", {}).items()}
    return Source(**{**entry, "name": name, "files": files, "folders": folders})


def _is_right(path: Path, file: SourceFile) -> bool:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or file.bytes not in (None, found.st_size):
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


def _hint(source: Source, place: str | Path) -> str:
    if isinstance(place, Path):
        return "Correct the path."
    return (
        "Try again later, or get the file on another machine and run: "
        f"medcheck fetch {source.name} --from PATH"
    )


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


def _chunks(place: str | Path, hint: str) -> Generator[bytes]:
    """Yield what a file or URL holds; what is gzipped is unpacked on the way."""
    try:
        with _raw(place) as raw:
            # The files themselves are plain: what begins like gzip was packed for the way.
            packed = raw.peek(2).startswith(_GZIP)
            stream: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if packed else raw
            while chunk := stream.read(_CHUNK):
                yield chunk
    except urllib.error.HTTPError as error:
        error.close()
        raise DatasetError(f"HTTP {error.code}.", hint=hint, where=_shown(place)) from None
    except _READ_ERRORS as error:
        reason = f"cannot be read: {_reason(error)}."
        raise DatasetError(reason, hint=hint, where=_shown(place)) from None


@contextmanager
def _raw(place: str | Path) -> Iterator[io.BufferedReader]:
    if isinstance(place, Path):
        if not stat.S_ISREG(place.stat().st_mode):
            raise DatasetError("not a regular file.", hint="Name a file.", where=str(place))
        with place.open("rb") as file:
            yield file
        return
    _check_url(place)
    request = urllib.request.Request(place, headers={"User-Agent": "medcheck"})  # noqa: S310 - checked
    with _opener(place).open(request, timeout=_IDLE_SECONDS) as response:
        yield io.BufferedReader(response)


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Return what opens a URL: proxy and certificate variables count, redirects are checked."""
    # A proxy cannot reach this machine's own addresses.
    proxies: dict[str, str] | None = {} if _is_loopback(urlsplit(url)) else None
    return urllib.request.build_opener(urllib.request.ProxyHandler(proxies), _SameScheme())


class _SameScheme(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never to another scheme or to where we would not go by ourselves."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the next request."""
        with contextlib.ExitStack() as stack:
            stack.callback(fp.close)
            _check_url(newurl)
            if urlsplit(newurl).scheme != urlsplit(req.full_url).scheme:
                raise DatasetError(
                    f"redirects to another scheme: {_shown(newurl)}.",
                    hint="Download that file yourself and name it with --from.",
                    where=_shown(req.full_url),
                )
            stack.pop_all()
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_url(url: str) -> None:
    """Raise unless a URL is https, or http on this machine."""
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise DatasetError("this is no URL.", hint="Correct it.") from None
    allowed = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts))
    if not valid or not allowed:
        hint = "Use https (http on this machine only), or a file."
        raise DatasetError("not fetched from such an address.", hint=hint, where=_shown(url))
    if parts.username is not None or parts.password is not None:
        hint = "Download the file yourself and name it with --from."
        raise DatasetError("no names or passwords in a URL.", hint=hint, where=_shown(url))


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(place: str | Path) -> str:
    """Return a place as messages name it: a URL's user, password and query may be secrets."""
    if isinstance(place, Path):
        return str(place)
    try:
        parts = urlsplit(place)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the URL"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def _reason(error: BaseException) -> str:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(inner, TimeoutError):
        return f"no byte came for {_IDLE_SECONDS:.0f} s"
    # The text of an OSError may repeat the path, which the message names already.
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__


def _save(
    chunks: Iterator[bytes], target: Path, file: SourceFile, *, where: str, progress: Progress
) -> None:
    """Write chunks beside the target, and move them there once they are the pinned file."""
    name = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}.", suffix=".part"
        )
        with open(handle, "wb") as out:  # noqa: PTH123 - takes over the descriptor
            _copy(chunks, out, file, where=where, progress=progress)
        os.replace(name, target)  # noqa: PTH105 - beside mkstemp, which gives a string
    except OSError as error:
        hint = "Free some space, or choose another folder with --to."
        problem = f"cannot write the file: {error.strerror or error}."
        raise DatasetError(problem, hint=hint, where=str(target)) from error
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


def _copy(
    chunks: Iterator[bytes], out: IO[bytes], file: SourceFile, *, where: str, progress: Progress
) -> None:
    digest, size = hashlib.sha256(), 0
    most = _MOST_BYTES if file.bytes is None else file.bytes
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            problem = f"more than the {most:,} bytes of the pinned file."
            raise DatasetError(problem, hint=_OTHER_VERSION, where=where)
        digest.update(chunk)
        out.write(chunk)
        progress(size, size if file.bytes is None else file.bytes)
    if file.bytes not in (None, size) or digest.hexdigest() != file.sha256:
        expected = "" if file.bytes is None else f"{file.bytes:,} bytes with "
        raise DatasetError(
            f"{size:,} bytes with sha256 {digest.hexdigest()}, expected {expected}"
            f"sha256 {file.sha256}.",
            hint=_CUT_OFF if size < (file.bytes or 0) else _OTHER_VERSION,
            where=where,
        )
