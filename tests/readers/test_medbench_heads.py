"""A picture's bytes tell its type, size and frames, and whether all of it is there."""

from __future__ import annotations

import io
import struct

import pytest
from drawings import moving, png

from medcheck.readers._medbench_heads import look, mime_of, size_of

_HEAD = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0\x00\x0b\x08\x00\x05\x00\x07\x01\x01\x11\x00"
_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00abc\xff\x00def"
JPEG = _HEAD + _SCAN + b"\xff\xd9"
_PREVIEW = b"\xff\xe1" + struct.pack(">H", len(JPEG) + 2) + JPEG


@pytest.mark.parametrize(
    ("data", "mime", "size"),
    [
        (png(3, 2), "image/png", (3, 2)),
        (JPEG, "image/jpeg", (7, 5)),
        (b"GIF89a" + struct.pack("<HH", 9, 8), "image/gif", (9, 8)),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", None),
        (b"%PDF-1.4", "application/pdf", None),
        (b"BM....", None, None),
        (b"\x89PNG\r\n\x1a\n", "image/png", None),
        (b"\xff\xd8\xff", "image/jpeg", None),
    ],
)
def test_the_first_bytes_tell(data, mime, size):
    """Type and size are read from the content; an end too early is no size."""
    assert mime_of(data) == mime
    if mime is not None:
        assert size_of(data, mime) == size


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (png(3, 2), None),
        (png(3, 2)[:-12], "it breaks off"),
        (png(3, 2).replace(b"IDAT", b"IDAX"), "its bytes are damaged"),
        (JPEG, None),
        (JPEG + b"\0\0", None),
        (JPEG[:-2], "it breaks off"),
        (_HEAD, "it breaks off"),
        (b"\xff\xd8" + _PREVIEW + JPEG[2:], None),
        (b"\xff\xd8" + _PREVIEW + JPEG[2:-2], "it breaks off"),
    ],
)
def test_a_file_that_is_cut_is_found(data, fault):
    """A picture without its end is not whole; the end of a preview within it does not count."""
    mime = mime_of(data)
    assert look(data, mime).fault == fault


def test_frames():
    """A picture that moves says so; one that stands still has one frame."""
    assert look(png(3, 2), "image/png").frames == 1
    assert look(moving(), "image/png").frames == 2


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
@pytest.mark.parametrize("more", [{}, {"lossless": True}, {"save_all": True}])
def test_other_types(kind, more):
    """Of GIF and WebP, plain, lossless or moving, all is read, and no cut piece is whole."""
    pillow = pytest.importorskip("PIL.Image", reason="the extra images is not installed")
    frames = [pillow.new("RGB", (30, 20), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, kind, **more, **({"append_images": frames[1:]} if "save_all" in more else {})
    )
    data, mime = buffer.getvalue(), f"image/{kind.lower()}"
    found = look(data, mime)
    assert (mime_of(data), found.size, found.fault) == (mime, (30, 20), None)
    assert found.frames == (2 if "save_all" in more else 1)
    assert all(look(data[:length], mime).fault for length in range(12, len(data) - 1))
