"""PDF pages as pictures: what a reader sees within the visible box, and nothing else of the file.

Text outside the visible box may name patients: the file itself and its text are never handed on.

Source: medbench.md section 5 (PDFs: crop box, fonts that are not embedded).
"""

from __future__ import annotations

import ctypes
import hashlib
import struct
import unicodedata
import zlib
from importlib import import_module
from typing import Any

from medcheck.errors import DatasetError
from medcheck.readers._medbench_layers import doubts as _doubts
from medcheck.readers._medbench_pictures import Limits, Taken, keep
from medcheck.types import Image

_INVISIBLE = 3
"""The text render mode of a text layer that is not meant to be seen (behind a scan)."""
_MOST_PIXELS = 50_000_000
_INK = 24
"""How much a glyph's darkest and lightest pixel differ at least, of 255."""
_FEWEST_PIXELS = 48
"""Values of a glyph's box (three a pixel) below which nothing can be said about ink."""


def pages(data: bytes, name: str, limits: Limits) -> tuple[Image, ...]:
    """Return the pages of a PDF as PNG files in the cache; see `taken`."""
    return taken(data, name, limits).images


def taken(data: bytes, name: str, limits: Limits) -> Taken:
    """Return the pages of a PDF as PNG files in the cache, and what its text layer lets one doubt.

    Their names are hashes of the file, page and zoom: the PDF's name may name a patient.

    Raises:
        DatasetError: it cannot be read, has too many pages, or shows text in a font that cannot be
            drawn here; pypdfium2 is missing.
    """
    pdfium = _pdfium(name)
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError:
        raise DatasetError(f'"{name}" cannot be read as a PDF.') from None
    try:
        if not 0 < len(document) <= limits.max_pages:
            raise DatasetError(
                f'"{name}" has {len(document)} pages, expected 1 to {limits.max_pages}.',
                hint="Raise max_pages, or cut the file.",
            )
        digest = hashlib.sha256(data).hexdigest()
        found = [document[number] for number in range(len(document))]
        drawn = [_drawn(page, number, name, limits) for number, page in enumerate(found)]
        doubts = [told for number, page in enumerate(found, 1) for told in _doubts(page, number)]
    finally:
        document.close()
    return Taken(
        images=tuple(_kept(png, digest, number, limits) for number, png in enumerate(drawn)),
        changes=(f"{name}: {len(drawn)} page(s) drawn",),
        doubts=tuple(doubts),
    )


def _pdfium(name: str) -> Any:
    try:
        return import_module("pypdfium2")
    except ImportError:
        raise DatasetError(
            f'"{name}" is a PDF, and drawing its pages needs pypdfium2.',
            hint="Run: pip install medcheck[pdf]",
        ) from None


def _kept(png: bytes, digest: str, number: int, limits: Limits) -> Image:
    named = hashlib.sha256(f"{digest} {number} {limits.zoom}".encode()).hexdigest()
    sha256 = hashlib.sha256(png).hexdigest()
    # other fonts draw the same page otherwise, so the drawing's own hash is in the name too
    path = keep(png, f"{named[:32]}-{sha256[:32]}.png", limits.cache)
    return Image(path=str(path), sha256=sha256, mime="image/png")


def _drawn(page: Any, number: int, name: str, limits: Limits) -> bytes:
    """Return a page's visible box as a PNG."""
    width, height = page.get_size()
    if not 0 < width * height * limits.zoom**2 <= _MOST_PIXELS:
        raise DatasetError(
            f'"{name}", page {number + 1}: {width:g} x {height:g} points is too large.'
        )
    pixels = page.render(scale=limits.zoom, rev_byteorder=True).to_numpy()
    if blank := _blank_font(page, pixels):
        raise DatasetError(
            f'"{name}", page {number + 1}: text in the font {blank} cannot be drawn here.',
            hint="Install a font that has its characters, or embed it in the PDF.",
        )
    return _png(pixels)


def _blank_font(page: Any, pixels: Any) -> str | None:
    """Return the name of a font whose visible characters left no ink; `None`: there is none."""
    raw = import_module("pypdfium2.raw")

    text = page.get_textpage()
    for index in range(text.count_chars()):
        item = raw.FPDFText_GetTextObject(text, index)
        if not item or raw.FPDFTextObj_GetTextRenderMode(item) == _INVISIBLE:
            continue
        if not _shows(chr(raw.FPDFText_GetUnicode(text, index))):
            continue
        glyph = _cut(page, pixels, text.get_charbox(index, loose=True))
        if glyph.size > _FEWEST_PIXELS and int(glyph.max()) - int(glyph.min()) < _INK:
            return _font_name(item, raw)
    return None


def _cut(page: Any, pixels: Any, box: tuple[float, float, float, float]) -> Any:
    """Return the pixels of a box given in points; empty outside the visible box."""
    raw = import_module("pypdfium2.raw")
    height, width = pixels.shape[:2]
    xs, ys = [], []
    for x, y in (box[:2], box[2:]):
        at_x, at_y = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page, 0, 0, width, height, 0, x, y, at_x, at_y)
        xs.append(min(max(at_x.value, 0), width))
        ys.append(min(max(at_y.value, 0), height))
    return pixels[min(ys) : max(ys), min(xs) : max(xs)]


def _shows(sign: str) -> bool:
    """Tell whether a character leaves ink: a letter or a digit; marks and spaces may not."""
    return unicodedata.category(sign)[0] in "LN"


def _font_name(item: Any, raw: Any) -> str:
    font = raw.FPDFTextObj_GetFont(item)
    buffer = ctypes.create_string_buffer(200)
    raw.FPDFFont_GetBaseFontName(font, buffer, len(buffer))
    name = buffer.value.decode("utf-8", "replace") or "without a name"
    return f"{name} (not embedded)" if raw.FPDFFont_GetIsEmbedded(font) != 1 else name


def _png(pixels: Any) -> bytes:
    """Return pixels (rows, columns, red green blue) as a PNG."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row[:, :3].tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)
