"""Make a picture smaller without losing what it shows; which ones are too large is told elsewhere.

Everything that is done beside the scaling is named with it.
"""

from __future__ import annotations

import io
from typing import Any

from medcheck.errors import DatasetError

_ORIENTATION = 0x0112
"""The EXIF field that says which side of the stored pixels is up."""
_FULL_SCALE = 65535


def scaled(data: bytes, name: str, *, max_side: int, max_bytes: int) -> tuple[bytes, str]:
    """Return a picture as a PNG within the limits, and what was done to it.

    Raises:
        DatasetError: it cannot be read, or Pillow is missing.
    """
    try:
        from PIL import Image as Pillow
    except ImportError:
        raise DatasetError(
            f'picture "{name}" is too large, and scaling it needs Pillow.',
            hint="Run: pip install medcheck[images]; or raise max_side and max_bytes.",
        ) from None
    try:
        with Pillow.open(io.BytesIO(data)) as opened:
            opened.load()
            old = opened.size
            picture, done = _flattened(opened)
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise DatasetError(f'picture "{name}" cannot be read: {error}.') from None
    side = min(max_side, max(picture.size))
    while True:
        picture.thumbnail((side, side))
        buffer = io.BytesIO()
        picture.save(buffer, format="PNG", optimize=False)
        if buffer.tell() <= max_bytes or side <= 1:
            new = picture.size
            told = f"{name}: {old[0]}x{old[1]} scaled to {new[0]}x{new[1]}"
            return buffer.getvalue(), "; ".join([told, *done])
        side = max(1, side * 3 // 4)


def _flattened(opened: Any) -> tuple[Any, list[str]]:
    """Return a picture as 8 bits of grey or colour, upright, on white; and which of it was done."""
    from PIL import ImageOps

    done = ["turned upright"] if opened.getexif().get(_ORIENTATION, 1) != 1 else []
    picture: Any = ImageOps.exif_transpose(opened)
    if picture.mode.startswith(("I", "F")):
        grey, told = _spread(picture)
        return grey, [*done, told]
    if "A" in picture.getbands() or "transparency" in picture.info:
        colours: Any = picture.convert("RGBA")
        if colours.getextrema()[3][0] < 255:
            return _on_white(colours), [*done, "transparent parts on white"]
        return colours.convert("RGB"), done
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB"), done


def _spread(picture: Any) -> tuple[Any, str]:
    """Return deep grey as 8 bits: its darkest value black, its brightest white.

    Cutting the upper 8 bits off instead would leave a scan of 12 bits all but black.
    """
    grey = picture.convert("I")
    low, high = grey.getextrema()
    start, width = (low, high - low) if high > low else (0, _FULL_SCALE)
    factor = 255 / width
    told = f"16-bit grey, {low} to {high}, spread over 8 bits"
    return grey.point(lambda value: value * factor + (0.5 - start * factor)).convert("L"), told


def _on_white(picture: Any) -> Any:
    from PIL import Image as Pillow

    white = Pillow.new("RGBA", picture.size, "white")
    return Pillow.alpha_composite(white, picture).convert("RGB")
