"""A picture that is made smaller shows what it showed, and all that is done to it is said."""

from __future__ import annotations

import io

import pytest

from medcheck.errors import DatasetError
from medcheck.readers._medbench_scaling import scaled

pillow = pytest.importorskip("PIL.Image", reason="the extra images is not installed")


def small(picture, *, kind="PNG", side=20, **more):
    """Return a picture scaled to a side, and what was done to it."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **more)
    data, told = scaled(buffer.getvalue(), "x", max_side=side, max_bytes=10_000_000)
    return pillow.open(io.BytesIO(data)), told


def test_deep_grey_keeps_its_range():
    """A scan of 12 bits in a 16-bit PNG is as bright at its ends, and as steep, as before."""
    ramp = pillow.new("I;16", (4096, 16))
    ramp.putdata([value for _ in range(16) for value in range(4096)])
    found, told = small(ramp, side=1024)
    assert told == "x: 4096x16 scaled to 1024x4; 16-bit grey, 0 to 4095, spread over 8 bits"
    values = [found.getpixel((x, 2)) for x in (0, 256, 512, 768, 1023)]
    assert found.mode == "L"
    assert values == pytest.approx([0, 64, 128, 191, 255], abs=2)


def test_deep_grey_of_one_value():
    """One value throughout is no range to spread, and stays as bright as it is."""
    found, told = small(pillow.new("I;16", (40, 40), 32768))
    assert found.getpixel((5, 5)) in (127, 128)
    assert told.endswith("16-bit grey, 32768 to 32768, spread over 8 bits")


def test_a_photograph_stands_upright():
    """A picture that is stored lying on its side is turned as its EXIF field says."""
    picture = pillow.new("RGB", (40, 20), "black")
    picture.paste("white", (0, 0, 20, 20))
    exif = picture.getexif()
    exif[0x0112] = 6
    found, told = small(picture, kind="JPEG", exif=exif)
    assert told == "x: 40x20 scaled to 10x20; turned upright"
    assert found.getpixel((5, 2))[0] > 200
    assert found.getpixel((5, 17))[0] < 50


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_white(mode):
    """What is transparent is white, whatever colour hides in it; what is not stays."""
    picture = pillow.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 20, 40))
    found, told = small(picture.convert(mode))
    assert told == "x: 40x40 scaled to 20x20; transparent parts on white"
    assert found.getpixel((2, 10)) == (0, 0, 0)
    assert found.getpixel((17, 10)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_nothing_else_is_said(mode):
    """A picture that only shrinks is told with its sizes only, a full alpha channel included."""
    _, told = small(pillow.new(mode, (40, 40), 1 if mode != "RGBA" else (9, 9, 9, 255)))
    assert told == "x: 40x40 scaled to 20x20"


def test_what_pillow_cannot_read():
    """Content that is no picture is an error with the name in the row."""
    with pytest.raises(DatasetError, match='picture "x" cannot be read'):
        scaled(b"\x89PNG\r\n\x1a\nabc", "x", max_side=20, max_bytes=9999)
