"""Files that a suite names: kept inside the suite's folder, hashed, never followed out of it."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from medcheck.errors import DatasetError

_CHUNK = 1 << 20


def inside(folder: Path, name: str, *, folders: bool = False) -> Path:
    """Return the path of a file named relative to `folder`; it need not exist.

    With `folders` it may also be a folder.

    Raises:
        DatasetError: the path is absolute, holds `..`, leads out of the folder by a link, or is
            not a regular file.
    """
    hint = "Put the file below the suite's folder."
    parts = name.replace("\\", "/").split("/")
    if not name or name.startswith(("/", "\\", "~")) or parts[0].endswith(":"):
        raise DatasetError(f'path "{name}" is not relative to the suite\'s folder.', hint=hint)
    if ".." in parts or "\0" in name:
        raise DatasetError(f'path "{name}" leads out of the suite\'s folder.', hint=hint)
    path = folder / name
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise DatasetError(f'path "{name}" is a link out of the suite\'s folder.', hint=hint)
    if path.exists():
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or (folders and stat.S_ISDIR(mode))):
            raise DatasetError(f'path "{name}" is not a regular file.', hint="Name a file.")
    return path


def sha256_of(path: Path) -> str:
    """Return a file's sha256 in hexadecimal; that of a folder is made of its files' and names."""
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(f"{file.relative_to(path).as_posix()}\0{sha256_of(file)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
