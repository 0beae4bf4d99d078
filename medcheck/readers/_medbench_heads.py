"""Picture files by their bytes alone: type, size, frames, and whether they are whole.

Nothing is decoded, so that faults are found without Pillow; scaling is in `_medbench_scaling`.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

BREAKS_OFF = "it breaks off"
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_NO_SIZE_MARKERS = {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, b"\xff\xd9"
_FOURTEEN_BITS = 0x3FFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the bytes of a picture say."""

    size: tuple[int, int] | None = None
    """Width and height in pixels; `None`: they do not say."""
    frames: int = 1
    fault: str | None = BREAKS_OFF
    """Why it cannot be read; `None`: all its parts are there."""


def mime_of(data: bytes) -> str | None:
    """Return the type of a picture by its first bytes; its name says nothing."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in _MAGIC if data.startswith(magic)), None)


def look(data: bytes, mime: str) -> Look:
    """Return what the bytes of a PNG, JPEG, GIF or WebP say; of another type, nothing."""
    readers = {"image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif, "image/webp": _webp}
    if mime not in readers:
        return Look()
    try:
        return readers[mime](data)
    except (struct.error, IndexError):
        return Look()


def size_of(data: bytes, mime: str) -> tuple[int, int] | None:
    """Return width and height in pixels from a picture's head; `None`: it does not say."""
    return look(data, mime).size


def _png(data: bytes) -> Look:
    view, place = memoryview(data), 8
    size: tuple[int, int] | None = None
    frames, pixels = 1, False
    fault: str | None = BREAKS_OFF
    while place + 12 <= len(data):
        length, kind = struct.unpack(">I4s", view[place : place + 8])
        body, end = place + 8, place + 8 + length
        if kind == b"IHDR":
            size = struct.unpack(">II", view[body : body + 8])
        if end + 4 > len(data):
            break
        # a capital letter: without this part there is no picture
        if kind[:1].isupper() and zlib.crc32(view[place + 4 : end]) != _u32(view[end : end + 4]):
            return Look(size=size, frames=frames, fault="its bytes are damaged")
        if kind == b"acTL":
            frames = _u32(view[body : body + 4])
        pixels = pixels or kind == b"IDAT"
        if kind == b"IEND":
            fault = None if pixels else "it holds no pixels"
            break
        place = end + 4
    return Look(size=size, frames=frames, fault=fault)


def _u32(data: memoryview) -> int:
    return int.from_bytes(data, "big")


def _jpeg(data: bytes) -> Look:
    size: tuple[int, int] | None = None
    position = 2
    while position + 4 <= len(data):
        marker = data[position + 1]
        if data[position] != 0xFF or marker == 0xFF:
            position += 1
            continue
        if 0xD0 <= marker <= 0xD9 or marker == 1:
            position += 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE_MARKERS:
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            size = size or (width, height)
        if marker == _START_OF_SCAN:
            # within a scan 0xff is never followed by the end's byte, so the end is a real one
            whole = data.find(_END_OF_IMAGE, position) > 0
            return Look(size=size, fault=None if whole else BREAKS_OFF)
        position += 2 + int(struct.unpack(">H", data[position + 2 : position + 4])[0])
    return Look(size=size)


def _gif(data: bytes) -> Look:
    width, height = struct.unpack("<HH", data[6:10])
    size, frames = (width, height), 0
    try:
        place = 13 + _gif_colours(data[10])
        while data[place] != 0x3B:
            if data[place] == 0x2C:
                frames += 1
                place += 11 + _gif_colours(data[place + 9])
            elif data[place] == 0x21:
                place += 2
            else:
                return Look(size=size, fault="its bytes are damaged")
            while data[place]:
                place += 1 + data[place]
            place += 1
    except IndexError:
        return Look(size=size, frames=frames)
    return Look(size=size, frames=frames, fault=None if frames else "it holds no pixels")


def _gif_colours(flags: int) -> int:
    """Return the bytes of a colour table."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _webp(data: bytes) -> Look:
    end = 8 + int.from_bytes(data[4:8], "little")
    size: tuple[int, int] | None = None
    frames, pixels, place = 0, False, 12
    while place + 8 <= min(end, len(data)):
        kind, length = struct.unpack("<4sI", data[place : place + 8])
        size = size or _webp_size(kind, data[place + 8 : place + 18])
        frames += kind == b"ANMF"
        pixels = pixels or kind in (b"VP8 ", b"VP8L", b"ANMF")
        place += 8 + length + length % 2
    whole = pixels and end <= len(data) and place <= end + 1
    return Look(size=size, frames=max(1, frames), fault=None if whole else BREAKS_OFF)


def _webp_size(kind: bytes, head: bytes) -> tuple[int, int] | None:
    if kind == b"VP8X" and len(head) == 10:
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if kind == b"VP8L" and head[:1] == b"\x2f":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & _FOURTEEN_BITS), 1 + (bits >> 14 & _FOURTEEN_BITS)
    if kind == b"VP8 " and head[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", head[6:10])
        return width & _FOURTEEN_BITS, height & _FOURTEEN_BITS
    return None
