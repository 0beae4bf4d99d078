"""Pictures that a question names: found inside the data, known by content, never too large.

PDF pages are drawn in `_medbench_pdf`; which rows name which pictures is read in `medbench`.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import shown
from medcheck.types import Image

MAX_SIDE = 4096
"""Pixels; larger pictures are scaled down."""
MAX_BYTES = 8_000_000
"""Larger files are scaled down."""
_MOST_PIXELS = 100_000_000
_MOST_FILE_BYTES = 200_000_000
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_HEAD = 32
_PNG_SIZE = slice(16, 24)
_GIF_SIZE = slice(6, 10)
_NO_SIZE_MARKERS = {0xC4, 0xC8, 0xCC}


def default_cache() -> Path:
    """Return this user's own folder for drawn pages below the system's temporary folder."""
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"medcheck-pictures-{owner}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a picture may be, and how PDF pages are drawn."""

    max_side: int = MAX_SIDE
    max_bytes: int = MAX_BYTES
    max_pages: int = 5
    """Pages of a PDF; one with more is an error."""
    zoom: float = 2.0
    """Pixels a point (1/72 inch)."""
    cache: Path = field(default_factory=default_cache)
    """Where drawn pages and scaled pictures are kept; names are hashes, never patients' names."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Limits:
        """Return the limits that a reader's options set."""
        given = {
            n: options[n] for n in ("max_side", "max_bytes", "max_pages", "zoom") if n in options
        }
        cache = Path(options["cache"]) if "cache" in options else default_cache()
        return cls(cache=cache, **given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The pictures of one question."""

    images: tuple[Image, ...] = ()
    changes: tuple[str, ...] = ()
    """What was done to them: drawn pages, new sizes."""
    doubts: tuple[str, ...] = ()
    """What a reader of the answers should know: a text layer that identifies someone."""


def names_in(found: object) -> tuple[str, ...]:
    """Return the paths in `img_path`: a text, a list, or lists in a list.

    Raises:
        DatasetError: it is something else, or names no picture.
    """
    names = tuple(_flat(found))
    if not names:
        raise DatasetError(f"img_path is {shown(found)}, expected a path or a list of paths.")
    return names


def take(path: Path, name: str, limits: Limits) -> Taken:
    """Return a file as pictures; `name` is how the row calls it.

    Raises:
        DatasetError: it is missing, no picture, or too large and cannot be scaled.
    """
    try:
        if path.stat().st_size > _MOST_FILE_BYTES:
            raise DatasetError(f'picture "{name}" is larger than {_MOST_FILE_BYTES:,} bytes.')
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f'picture "{name}" cannot be read: {error.strerror}.',
            hint="Put it below the data's folder; a question is never asked without its pictures.",
        ) from None
    mime = mime_of(data)
    if mime is None:
        raise DatasetError(f'picture "{name}" is no PNG, JPEG, GIF, WebP or PDF.')
    if mime == "application/pdf":
        from medcheck.readers import _medbench_pdf

        return _medbench_pdf.taken(data, name, limits)
    return _picture(path, data, mime, name, limits)


def mime_of(data: bytes) -> str | None:
    """Return the type of a picture by its first bytes; its name says nothing."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in _MAGIC if data.startswith(magic)), None)


def keep(data: bytes, name: str, cache: Path) -> Path:
    """Write a file into the cache, readable by its owner only; one that is there is left."""
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = cache / name
    if not path.exists():
        handle, part = tempfile.mkstemp(dir=cache, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(part).replace(path)
    return path


def _flat(found: object) -> Iterator[str]:
    if isinstance(found, str) and found.strip():
        yield found
    elif isinstance(found, list):
        for part in found:
            if not isinstance(part, (str, list)) or not part:
                raise DatasetError(f"img_path holds {shown(part)}, expected a path.")
            yield from _flat(part)
    elif found is not None:
        raise DatasetError(f"img_path is {shown(found)}, expected a path or a list of paths.")


def _picture(path: Path, data: bytes, mime: str, name: str, limits: Limits) -> Taken:
    size = size_of(data, mime)
    if size is not None and size[0] * size[1] > _MOST_PIXELS:
        raise DatasetError(f'picture "{name}" has {size[0]} x {size[1]} pixels: too many.')
    fits = size is None or max(size) <= limits.max_side
    if fits and len(data) <= limits.max_bytes:
        digest = hashlib.sha256(data).hexdigest()
        return Taken(images=(Image(path=str(path), sha256=digest, mime=mime),))
    scaled, change = _scaled(data, name, limits)
    digest = hashlib.sha256(scaled).hexdigest()
    kept = keep(scaled, f"{digest}.png", limits.cache)
    return Taken(
        images=(Image(path=str(kept), sha256=digest, mime="image/png"),), changes=(change,)
    )


def _scaled(data: bytes, name: str, limits: Limits) -> tuple[bytes, str]:
    """Return a picture as a PNG within the limits, and what was done to it."""
    try:
        from PIL import Image as Pillow
    except ImportError:
        raise DatasetError(
            f'picture "{name}" is too large, and scaling it needs Pillow.',
            hint="Run: pip install medcheck[images]; or raise max_side and max_bytes.",
        ) from None
    import io

    try:
        with Pillow.open(io.BytesIO(data)) as opened:
            opened.load()
            picture = opened.convert("L" if opened.mode in ("1", "L") else "RGB")
    except (OSError, ValueError, Pillow.DecompressionBombError) as error:
        raise DatasetError(f'picture "{name}" cannot be read: {error}.') from None
    old, side = picture.size, min(limits.max_side, max(picture.size))
    while True:
        picture.thumbnail((side, side))
        buffer = io.BytesIO()
        picture.save(buffer, format="PNG", optimize=False)
        if buffer.tell() <= limits.max_bytes or side <= 1:
            new = picture.size
            return buffer.getvalue(), f"{name}: {old[0]}x{old[1]} scaled to {new[0]}x{new[1]}"
        side = max(1, side * 3 // 4)


def size_of(data: bytes, mime: str) -> tuple[int, int] | None:
    """Return width and height in pixels from a picture's head; `None`: it does not say."""
    try:
        if mime == "image/png":
            width, height = struct.unpack(">II", data[_PNG_SIZE])
            return width, height
        if mime == "image/gif":
            width, height = struct.unpack("<HH", data[_GIF_SIZE])
            return width, height
        return _jpeg_size(data) if mime == "image/jpeg" else None
    except (struct.error, IndexError):
        return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 < len(data):
        if data[position] != 0xFF:
            position += 1
            continue
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE_MARKERS:
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height
        if marker == 0xFF or 0xD0 <= marker <= 0xD9 or marker == 1:
            position += 1 if marker == 0xFF else 2
            continue
        position += 2 + int(struct.unpack(">H", data[position + 2 : position + 4])[0])
    return None
