"""Small pictures and PDFs made by hand: visible boxes, fonts that draw nothing, pages."""

from __future__ import annotations

import struct
import zlib

HELVETICA = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
BLANK = (
    b"<< /Type /Font /Subtype /Type3 /Name /Blank /FontBBox [0 0 1000 1000] "
    b"/FontMatrix [0.001 0 0 0.001 0 0] /CharProcs << /a 5 0 R >> "
    b"/Encoding << /Type /Encoding /Differences [65 /a] >> /FirstChar 65 /LastChar 65 "
    b"/Widths [1000] /ToUnicode 6 0 R /Resources << >> >>"
)
_GLYPH = b"1000 0 d0"
_UNICODE = (
    b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap "
    b"/CMapName /X def /CMapType 2 def 1 begincodespacerange <00> <FF> endcodespacerange "
    b"1 beginbfchar <41> <80BA> endbfchar endcmap end end"
)


def png(width, height):
    """Return a grey PNG."""
    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    out = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        out += struct.pack(">I", len(body)) + kind + body
        out += struct.pack(">I", zlib.crc32(kind + body))
    return out


def moving():
    """Return a PNG that says it has two frames."""
    body = struct.pack(">II", 2, 0)
    part = struct.pack(">I", len(body)) + b"acTL" + body
    part += struct.pack(">I", zlib.crc32(b"acTL" + body))
    still = png(3, 2)
    return still[:33] + part + still[33:]


def pdf(*, font=HELVETICA, text=("(Seen) Tj",), crop="0 0 200 100", pages=1, extra=""):
    """Return a PDF of 200 x 200 points; each page shows `text` from (20, 60) on."""
    kids = " ".join(f"{7 + 2 * n} 0 R" for n in range(pages))
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        4: font,
        5: _stream(_GLYPH),
        6: _stream(_UNICODE),
    }
    body = "\n".join(text)
    for number in range(pages):
        objects[7 + 2 * number] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /CropBox [{crop}] {extra} "
            f"/Resources << /Font << /F1 4 0 R >> >> /Contents {8 + 2 * number} 0 R >>"
        ).encode()
        objects[8 + 2 * number] = _stream(f"BT /F1 20 Tf 1 0 0 1 20 60 Tm {body} ET".encode())
    return _file(objects)


def _stream(data):
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(data), data)


def _file(objects):
    out, offsets = b"%PDF-1.4\n", {}
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, offset in offsets.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, offset)
    size = max(objects) + 1
    return out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, start)
