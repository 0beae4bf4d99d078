"""MedBench's question files come from a folder or zip that the user names to where suites look.

No published version has a sha256, so nothing is pinned: what arrived is counted and hashed by the
caller. What a URL gives is downloaded by `fetching`; rows are read by the reader.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Protocol

from medcheck.errors import DatasetError
from medcheck.fetching import Progress, Source, download
from medcheck.scoring.medbench_sets import sets_of

KEPT = (".jsonl", ".jsonl.gz", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf")
"""Endings of what is copied; everything else stays where it is."""
_QUESTIONS = (".jsonl.gz", ".jsonl")
_LEFT_OUT = ("__MACOSX", "_pdf_cache")
_DEEPEST = 3
"""Folders above a track's own."""
_MOST_FILES = 20_000
_MOST_BYTES = 4_000_000_000
_MOST_RATIO = 200
_CHUNK = 1 << 18
_SAFE = "Unpack it yourself, look at it, and name the folder."

Open = Callable[[], "Readable"]
Entries = Mapping[str, Open]
"""By path with slashes: how a file is opened."""


class Readable(Protocol):
    """What a file and an entry of a zip have in common."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedTrack:
    """One track that is in its place."""

    path: Path
    files: int
    bytes: int
    question_files: int
    expected: int
    """Question files that the track has on the platform."""
    already: bool
    """It was there before, file by file the same."""


def fetch_tracks(
    source: Source,
    *,
    folder: Path,
    origin: str | None,
    progress: Progress = lambda _done, _total: None,
) -> tuple[FetchedTrack, ...]:
    """Copy each track that is found at a folder, zip or URL below `folder`.

    Raises:
        DatasetError: nothing is named, no track is there, a zip is not safe, or another version is
            already in the place, which stays as it is.
    """
    known = " ".join(name for names in source.folders.values() for name in names)
    if origin is None:
        raise DatasetError(
            f"no version of {source.name} is pinned, so none is fetched by itself.",
            hint=f"Name your copy: medcheck fetch {source.name} --from PATH|URL (a folder or zip "
            f"that holds folders named {known}).",
        )
    with _opened(origin, progress) as (entries, name):
        found = _tracks(entries, name, source)
        if not found:
            raise DatasetError(
                "no question files of a track are there.",
                hint=f"Expected them in folders named {known}.",
                where=origin,
            )
        return tuple(_copied(own, folder / place, place) for place, own in found.items())


@contextmanager
def _opened(origin: str, progress: Progress) -> Iterator[tuple[Entries, str]]:
    """Yield what a place holds, and its own name."""
    path = Path(origin)
    if "://" in origin:
        with tempfile.TemporaryDirectory(prefix="medcheck-") as place:
            path = Path(place) / "download.zip"
            with path.open("wb") as out:
                download(origin, out, progress=progress)
            with _zip(path, origin) as entries:
                yield entries, ""
    elif path.is_dir():
        yield _of_folder(path), path.resolve().name
    elif path.is_file():
        with _zip(path, origin) as entries:
            yield entries, ""
    else:
        raise DatasetError("no such file or folder.", where=origin, hint="Correct the path.")


def _of_folder(top: Path) -> Entries:
    """Return the files of a folder; links are not followed."""
    found: dict[str, Open] = {}
    for place, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if _is_wanted(name))
        for name in sorted(files):
            path = Path(place) / name
            if _is_kept(name) and stat.S_ISREG(path.lstat().st_mode):
                found[path.relative_to(top).as_posix()] = partial(io.FileIO, path)
        if len(found) > _MOST_FILES:
            raise DatasetError(f"more than {_MOST_FILES:,} files.", where=str(top))
    return found


@contextmanager
def _zip(path: Path, shown: str) -> Iterator[Entries]:
    """Yield the files of a zip that is safe to unpack."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if wrong := _unsafe(entries):
                raise DatasetError(f"the zip is not unpacked: {wrong}.", where=shown, hint=_SAFE)
            yield {
                entry.filename: partial(archive.open, entry)
                for entry in entries
                if _is_kept(entry.filename) and all(map(_is_wanted, entry.filename.split("/")))
            }
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        reason = f"cannot be unpacked: {str(error) or type(error).__name__}."
        raise DatasetError(reason, where=shown, hint="Name a folder or a zip.") from None


def _unsafe(entries: Sequence[zipfile.ZipInfo]) -> str | None:
    """Return why a zip must not be unpacked; `None`: it may."""
    size = sum(entry.file_size for entry in entries)
    if len(entries) > _MOST_FILES or size > _MOST_BYTES:
        return f"{len(entries):,} files of {size:,} bytes are too many"
    names: set[str] = set()
    for entry in entries:
        name = entry.orig_filename
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or "\0" in name or ".." in parts or ":" in name:
            return f'"{name}" leads out of it'
        if name.casefold() in names:
            return f'"{name}" is there twice'
        names.add(name.casefold())
        if entry.flag_bits & 0x1:
            return f'"{name}" is encrypted'
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            return f'"{name}" is a link or a device'
        if entry.file_size > 1_000_000 and entry.file_size > _MOST_RATIO * entry.compress_size:
            return f'"{name}" unpacks to more than {_MOST_RATIO} times its size'
    return None


def _tracks(entries: Entries, own_name: str, source: Source) -> dict[str, Entries]:
    """Return the files of each track by its place; their names start at the track's folder."""
    places = {name: place for place, names in source.folders.items() for name in names}
    found = _roots(entries, places) or _roots(
        {f"{own_name}/{name}": read for name, read in entries.items()}, places
    )
    tracks: dict[str, Entries] = {}
    for root in sorted(found):
        place = places[PurePosixPath(root).name]
        own = found[root]
        if not _question_files(own, place):
            continue
        if place in tracks:
            raise DatasetError(
                f'two folders for {place}, one of them "{root}".', hint="Name one with --from."
            )
        tracks[place] = own
    return {place: tracks[place] for place in source.folders if place in tracks}


def _roots(entries: Entries, places: Mapping[str, str]) -> dict[str, dict[str, Open]]:
    found: dict[str, dict[str, Open]] = {}
    for name, read in entries.items():
        *folders, _ = name.split("/")
        depth = next((n for n, part in enumerate(folders[: _DEEPEST + 1]) if part in places), None)
        if depth is not None:
            root = "/".join(folders[: depth + 1])
            found.setdefault(root, {})[name.removeprefix(f"{root}/")] = read
    return found


def _question_files(names: Iterable[str], place: str) -> set[str]:
    """Return the sets that have a question file among some names."""
    track = place.rsplit("/", 1)[-1]
    known = {stem: info.name for info in sets_of(track) for stem in (info.name, info.stem)}
    stems = (_stem(PurePosixPath(name).name) for name in names)
    return {known[stem] for stem in stems if stem in known}


def _copied(entries: Entries, target: Path, place: str) -> FetchedTrack:
    """Write a track beside its place and move it there as a whole."""
    part = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        hashes, size = {}, 0
        for name, read in entries.items():
            hashes[name], length = _saved(read, Path(part) / name)
            size += length
        already = target.exists()
        if already and _hashes(target) != hashes:
            raise DatasetError(
                "another version is already there.",
                hint="Move it away, or choose another folder with --to.",
                where=str(target),
            )
        if not already:
            Path(part).replace(target)
    except OSError as error:
        problem = f"cannot copy the files: {error.strerror or error}."
        raise DatasetError(problem, where=str(target)) from None
    finally:
        if part:
            shutil.rmtree(part, ignore_errors=True)
    return FetchedTrack(
        path=target,
        files=len(hashes),
        bytes=size,
        question_files=len(_question_files(hashes, place)),
        expected=len(sets_of(place.rsplit("/", 1)[-1])),
        already=already,
    )


def _saved(read: Open, path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(read()) as given, path.open("xb") as out:
        while chunk := given.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _hashes(folder: Path) -> dict[str, str]:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as opened:
                name = path.relative_to(folder).as_posix()
                found[name] = hashlib.file_digest(opened, "sha256").hexdigest()
    return found


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name not in _LEFT_OUT


def _is_kept(name: str) -> bool:
    return name.lower().endswith(KEPT) and not name.rsplit("/", 1)[-1].startswith(".")


def _stem(name: str) -> str | None:
    return next((name.removesuffix(end) for end in _QUESTIONS if name.endswith(end)), None)
