"""The question files of a track in a folder, a zip, or alone; and the pictures beside them."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from medcheck.errors import DatasetError, nearest
from medcheck.readers._medbench_pictures import keep
from medcheck.scoring.medbench_sets import SetInfo

_ENDINGS = (".jsonl", ".jsonl.gz")
_DEEPEST = 3
_MOST_BYTES = 500_000_000
_MOST_RATIO = 100
_INSIDE = "Put the picture below the data's folder, and name it relative to that."


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where the rows of each set are, and how a picture's name becomes a file."""

    files: Mapping[str, tuple[str, Callable[[], Iterator[tuple[int, bytes]]]]]
    """By set name: the file as the user would write it, and its numbered lines."""
    picture: Callable[[str], Path]
    """The file of a picture by the name in `img_path`."""


def opened(path: Path, infos: Iterable[SetInfo], *, only: str | None, cache: Path) -> Data:
    """Return the question files of a track at a path.

    Args:
        path: a folder, a zip, or one question file.
        infos: the sets of the track.
        only: the set that one file holds; `None`: its name says.
        cache: where pictures of a zip are unpacked to.

    Raises:
        DatasetError: there is none, or two for one set.
    """
    by_stem = {stem: info.name for info in infos for stem in {info.name, info.stem}}
    if path.is_dir():
        return _folder(path, by_stem)
    if not path.is_file():
        raise DatasetError("no such file or folder.", where=str(path))
    if zipfile.is_zipfile(path):
        return _archive(path, by_stem, cache)
    return _single(path, by_stem, only)


def safe_name(name: str) -> str:
    """Return a path that stays below the data's folder, with slashes.

    Raises:
        DatasetError: it does not.
    """
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\", "~")) or parts[0].endswith(":") or ".." in parts or "\0" in name:
        raise DatasetError(f'picture "{name}" leads out of the data\'s folder.', hint=_INSIDE)
    return "/".join(parts)


def _single(path: Path, by_stem: Mapping[str, str], only: str | None) -> Data:
    name = only or by_stem.get(_stem(path.name) or "")
    if name is None:
        raise DatasetError(
            f'"{path.name}" is not the question file of a set.',
            hint=f"Name the set with the option set. {nearest(path.name, by_stem)}",
            where=str(path),
        )
    return Data(files={name: (str(path), _lines_of(path))}, picture=_below(path.parent))


def _folder(path: Path, by_stem: Mapping[str, str]) -> Data:
    found: dict[str, Path] = {}
    for file in sorted(_walk(path, _DEEPEST)):
        name = by_stem.get(_stem(file.name) or "")
        if name is None:
            continue
        if name in found:
            raise DatasetError(
                f'two files for the set {name}: "{found[name]}" and "{file}".',
                hint="Keep one.",
                where=str(path),
            )
        found[name] = file
    _check(found, path, by_stem)
    files = {name: (str(file), _lines_of(file)) for name, file in found.items()}
    return Data(files=files, picture=_below(path))


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the files of a folder; links to folders are not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and depth:
                yield from _walk(Path(entry.path), depth - 1)
            elif entry.is_file() and entry.name.endswith(_ENDINGS):
                yield Path(entry.path)


def _archive(path: Path, by_stem: Mapping[str, str], cache: Path) -> Data:
    found: dict[str, str] = {}
    members: dict[str, str] = {}
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        packed = max(1, path.stat().st_size)
        size = sum(info.file_size for info in infos)
        if size > _MOST_BYTES or size > packed * _MOST_RATIO:
            raise DatasetError(f"the zip unpacks to {size:,} bytes: too many.", where=str(path))
        for info in infos:
            members[safe_name(info.filename)] = info.filename
            name = by_stem.get(_stem(PurePosixPath(info.filename).name) or "")
            if name is not None and name in found:
                raise DatasetError(f"two files for the set {name}.", where=str(path))
            if name is not None:
                found[name] = info.filename
    _check(found, path, by_stem)
    files = {name: (f"{path}!{member}", _lines_in(path, member)) for name, member in found.items()}
    return Data(files=files, picture=_unpacked(path, members, cache))


def _check(found: Mapping[str, object], path: Path, by_stem: Mapping[str, str]) -> None:
    if not found:
        some = ", ".join(sorted(set(by_stem.values()))[:5])
        raise DatasetError(
            "no question file of this track.", hint=f"Expected {some}, ...", where=str(path)
        )


def _stem(name: str) -> str | None:
    return next((name.removesuffix(end) for end in reversed(_ENDINGS) if name.endswith(end)), None)


def _lines_of(path: Path) -> Callable[[], Iterator[tuple[int, bytes]]]:
    from medcheck.lines import numbered

    return lambda: numbered(path)


def _lines_in(path: Path, member: str) -> Callable[[], Iterator[tuple[int, bytes]]]:
    from medcheck.lines import gunzipped

    def lines() -> Iterator[tuple[int, bytes]]:
        data = _read(path, member)
        if member.endswith(".gz"):
            data = gunzipped(data, where=f"{path}!{member}")
        for number, line in enumerate(data.split(b"\n"), start=1):
            if line.strip():
                yield number, line

    return lines


def _read(path: Path, member: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            return file.read(_MOST_BYTES)
    except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(f"cannot be unpacked: {error}.", where=f"{path}!{member}") from None


def _below(folder: Path) -> Callable[[str], Path]:
    def picture(name: str) -> Path:
        path = folder / safe_name(name)
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
            raise DatasetError(
                f'picture "{name}" is a link out of the data\'s folder.', hint=_INSIDE
            )
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise DatasetError(f'picture "{name}" is not a regular file.')
        return path

    return picture


def _unpacked(path: Path, members: Mapping[str, str], cache: Path) -> Callable[[str], Path]:
    """Return how a picture in a zip becomes a file: unpacked into the cache, named by its hash."""
    tops = {name.split("/", 1)[0] for name in members}
    prefix = f"{tops.pop()}/" if len(tops) == 1 else ""

    def picture(name: str) -> Path:
        wanted = safe_name(name)
        member = members.get(wanted) or members.get(prefix + wanted)
        if member is None:
            raise DatasetError(f'picture "{name}" is not in the zip.', hint="Add it.")
        data = _read(path, member)
        return keep(data, hashlib.sha256(data).hexdigest(), cache)

    return picture
