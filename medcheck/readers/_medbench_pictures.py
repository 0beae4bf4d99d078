"""Pictures that a question names: found inside the data, known by content, never too large.

What their bytes say is read in `_medbench_heads`; `_medbench_scaling` makes them smaller. PDF pages
are drawn in `_medbench_pdf`; which rows name which pictures is read in `medbench`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from medcheck.errors import DatasetError
from medcheck.lines import shown
from medcheck.readers._medbench_heads import Look, look, mime_of
from medcheck.types import Image

MAX_SIDE = 4096
"""Pixels; larger pictures are scaled down."""
MAX_BYTES = 8_000_000
"""Larger files are scaled down."""
_MOST_PIXELS = 100_000_000
_MOST_FILE_BYTES = 200_000_000
_WHOLE = "Replace the file; a question is never asked without its pictures."


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
    files: tuple[tuple[str, str], ...] = ()
    """Each file's name in the row, and the sha256 of what is sent of it; of several pages, of all
    of their hashes."""


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
    taken = _taken(path, data, name, limits)
    sums = [image.sha256 for image in taken.images]
    joined = sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()
    return replace(taken, files=((name, joined),))


def _taken(path: Path, data: bytes, name: str, limits: Limits) -> Taken:
    mime = mime_of(data)
    if mime is None:
        raise DatasetError(f'picture "{name}" is no PNG, JPEG, GIF, WebP or PDF.')
    if mime == "application/pdf":
        from medcheck.readers import _medbench_pdf

        return _medbench_pdf.taken(data, name, limits)
    return _picture(path, data, mime, name, limits)


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
    size = _sound(look(data, mime), name)
    if max(size) <= limits.max_side and len(data) <= limits.max_bytes:
        digest = hashlib.sha256(data).hexdigest()
        return Taken(images=(Image(path=str(path), sha256=digest, mime=mime),))
    from medcheck.readers._medbench_scaling import scaled

    new, change = scaled(data, name, max_side=limits.max_side, max_bytes=limits.max_bytes)
    digest = hashlib.sha256(new).hexdigest()
    kept = keep(new, f"{digest}.png", limits.cache)
    return Taken(
        images=(Image(path=str(kept), sha256=digest, mime="image/png"),), changes=(change,)
    )


def _sound(found: Look, name: str) -> tuple[int, int]:
    """Return the size of a picture that can be shown as one still picture."""
    size = found.size
    if size is not None and size[0] * size[1] > _MOST_PIXELS:
        raise DatasetError(f'picture "{name}" has {size[0]} x {size[1]} pixels: too many.')
    if size is None or found.fault:
        why = found.fault or "it does not say how large it is"
        raise DatasetError(f'picture "{name}" cannot be read: {why}.', hint=_WHOLE)
    if 0 in size:
        raise DatasetError(f'picture "{name}" has {size[0]} x {size[1]} pixels.', hint=_WHOLE)
    if found.frames > 1:
        raise DatasetError(
            f'picture "{name}" moves: it has {found.frames} frames, and models see the first.',
            hint="Save the frames that matter as pictures of their own.",
        )
    return size
