"""Read a pack, a zip or a folder, without trusting it; what its rows should be is judged elsewhere.

Nothing is unpacked to disk, no link is followed, and no entry is read whose size, ratio or name
says that it should not be.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from medcheck.errors import DatasetError
from medcheck.packs.findings import LAYOUTS, Finding, error, warning

MAX_BYTES = 500_000_000
"""Of the zip, and of all that it unpacks to."""
MAX_RATIO = 200
"""Unpacked to packed, of an entry above `RATIO_FROM` bytes; rows of text reach about 10."""
RATIO_FROM = 1_000_000
MAX_ENTRIES = 2_000
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
FOLDERS = tuple(layout.folder for layout in LAYOUTS.values())
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """The files of a pack by name, read one at a time."""

    path: str
    folder: str | None
    """The single top folder; `None`: there is none, or several."""
    files: Mapping[str, Callable[[], bytes]]
    """By path below the top folder; a function each, which may raise DatasetError."""
    others: tuple[str, ...] = ()
    """Entries not looked into: those of an unsafe zip, and what operating systems leave."""
    findings: tuple[Finding, ...] = ()
    """Of rule E1."""
    alone: bool = False
    """One file of one set, not a pack of all of them."""

    @property
    def unsafe(self) -> bool:
        """Whether the pack must not be rewritten."""
        return any(finding.severity == "error" for finding in self.findings)

    @property
    def unread(self) -> bool:
        """Whether nothing of it may be read, so that it has no track, sets or rows."""
        return self.unsafe and not self.files


def open_pack(path: Path) -> Pack:
    """Return a pack that is a zip, a folder, or one set's file of JSON lines.

    What is wrong with a zip is among its findings.

    Raises:
        DatasetError: there is no such file or folder.
    """
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        hint = "Name a zip, or the folder of its files."
        raise DatasetError("no such file.", where=str(path), hint=hint)
    if path.suffix == ".jsonl":
        # what follows the set's name is the user's own: NAME.deepseek.jsonl
        name = f"{path.name.partition('.')[0]}.jsonl"
        return Pack(path=str(path), folder=None, files={name: _file_reader(path)}, alone=True)
    try:
        return _of_zip(path)
    except OSError as wrong:
        raise DatasetError(f"cannot read: {wrong.strerror}.", where=str(path)) from None


def _of_zip(path: Path) -> Pack:
    size = path.stat().st_size
    if size > MAX_BYTES:
        return _refused(path, f"the zip has {size:,} bytes, more than {MAX_BYTES:,}")
    try:
        with zipfile.ZipFile(path) as file:
            entries = file.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, UnicodeDecodeError) as wrong:
        return _refused(path, f"the zip cannot be opened: {wrong}")
    if findings := [error("E1", "", text) for text in _unsafe(entries)]:
        names = tuple(entry.filename for entry in entries)
        return Pack(path=str(path), folder=None, files={}, others=names, findings=tuple(findings))
    return _of_entries(path, [entry for entry in entries if not entry.is_dir()], entries)


def _of_entries(path: Path, files: list[zipfile.ZipInfo], entries: list[zipfile.ZipInfo]) -> Pack:
    junk = [entry.filename for entry in entries if _is_junk(entry.filename)]
    found = [warning("E1", "", f'"{name}" is left by an operating system') for name in junk]
    kept = [entry for entry in files if entry.filename not in junk]
    names = [entry.filename for entry in entries if entry.filename not in junk]
    folder, wrong = _top(names)
    found += [error("E1", "", text) for text in wrong]
    readers = {
        name.removeprefix(f"{folder}/") if folder else name: _reader(path, name)
        for name in (entry.filename for entry in kept)
    }
    for name, read in readers.items():
        found += [error("E1", name, text) for text in _opened(read, name)]
    return Pack(
        path=str(path), folder=folder, files=readers, others=tuple(junk), findings=tuple(found)
    )


def _unsafe(entries: list[zipfile.ZipInfo]) -> Iterable[str]:
    """Yield what forbids to read a zip at all."""
    if len(entries) > MAX_ENTRIES:
        yield f"the zip has {len(entries):,} entries, more than {MAX_ENTRIES:,}"
    total = sum(entry.file_size for entry in entries)
    if total > MAX_BYTES:
        yield f"the zip unpacks to {total:,} bytes, more than {MAX_BYTES:,}"
    for name, count in Counter(entry.filename for entry in entries).items():
        if count > 1:
            yield f'"{name}" stands {count} times in the zip'
    for entry in entries:
        if reason := _unsafe_entry(entry):
            yield f'"{entry.filename}" {reason}'


def _unsafe_entry(entry: zipfile.ZipInfo) -> str | None:
    # zipfile cuts a name at a NUL and turns backslashes; what the file says is judged.
    name = entry.orig_filename
    if "\0" in name or "\\" in name or name.startswith("/") or ":" in name.split("/")[0]:
        return "is not a relative path with / between its parts"
    if ".." in name.split("/"):
        return "leads out of the zip's folder"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if entry.compress_type not in _METHODS:
        return "is packed by another method than deflate"
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    big = entry.file_size > RATIO_FROM
    if big and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        return f"unpacks to more than {MAX_RATIO} times its size"
    return None


def _top(names: Iterable[str]) -> tuple[str | None, list[str]]:
    """Return the single top folder, and what is wrong with it."""
    listed = list(names)
    tops = sorted({name.split("/")[0] for name in listed})
    loose = sorted(name for name in listed if "/" not in name)
    if not tops:
        return None, ["the zip is empty"]
    if loose or len(tops) > 1:
        shown = ", ".join(f'"{name}"' for name in (loose or tops)[:5])
        return None, [f"the zip must hold one folder ({' or '.join(FOLDERS)}), found {shown}"]
    if tops[0] not in FOLDERS:
        return tops[0], [f'the folder is "{tops[0]}", expected {" or ".join(FOLDERS)}']
    return tops[0], []


def _reader(path: Path, name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with zipfile.ZipFile(path) as file:
                return file.read(name)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as wrong:
            reason = str(wrong) or type(wrong).__name__
            raise DatasetError(f"cannot be unpacked: {reason}.", where=f"{path}/{name}") from None

    return read


def _opened(read: Callable[[], bytes], name: str) -> Iterable[str]:
    """Yield what shows only when an entry is unpacked."""
    try:
        start = read()[:4]
    except DatasetError as wrong:
        yield wrong.message.rstrip(".")
        return
    if start in ZIP_MAGIC or name.lower().endswith(".zip"):
        yield "a zip inside the zip"


def _of_folder(path: Path) -> Pack:
    """Return the pack of a folder: the files of a zip before they are packed."""
    inner = [path / name for name in FOLDERS if (path / name).is_dir()]
    top = inner[0] if len(inner) == 1 else path
    files: dict[str, Callable[[], bytes]] = {}
    junk, found = [], []
    for each in sorted(top.rglob("*")):
        name = each.relative_to(top).as_posix()
        if each.is_symlink():
            found.append(error("E1", name, "is a link"))
        elif _is_junk(name):
            junk.append(name)
        elif each.is_file():
            if each.stat().st_size > MAX_BYTES:
                found.append(error("E1", name, f"has more than {MAX_BYTES:,} bytes"))
                continue
            files[name] = _file_reader(each)
    found += [warning("E1", name, "is left by an operating system") for name in junk]
    folder = top.resolve().name
    return Pack(
        path=str(path),
        folder=folder if folder in FOLDERS else None,
        files=files,
        others=tuple(junk),
        findings=tuple(found),
    )


def _file_reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError as wrong:
            raise DatasetError(f"cannot be read: {wrong.strerror}.", where=str(path)) from None

    return read


def _refused(path: Path, text: str) -> Pack:
    return Pack(path=str(path), folder=None, files={}, findings=(error("E1", "", text),))


def _is_junk(name: str) -> bool:
    return any(part in JUNK for part in PurePosixPath(name).parts)
