"""PDF pages become pictures of what a reader sees, and of nothing else."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
from drawings import BLANK, pdf

from medcheck.errors import DatasetError
from medcheck.readers._medbench_heads import size_of
from medcheck.readers._medbench_pdf import pages
from medcheck.readers._medbench_pictures import Limits

HIDDEN = ("(Seen) Tj", "1 0 0 1 20 160 Tm", "(Name: Zhang) Tj")


@pytest.fixture
def limits(tmp_path):
    """Return limits with a cache of this test."""
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    return Limits(cache=tmp_path / "cache")


def drawn(image):
    """Return the bytes of a drawn page."""
    return Path(image.path).read_bytes()


def test_only_the_visible_box_is_drawn(limits):
    """What lies outside the crop box changes no pixel, and the picture has the box's size."""
    [with_name] = pages(pdf(text=HIDDEN), "a.pdf", limits)
    [without] = pages(pdf(), "a.pdf", limits)
    assert with_name.sha256 == without.sha256
    assert size_of(drawn(with_name), "image/png") == (400, 200)
    assert with_name.mime == "image/png"


def test_the_picture_is_what_it_says(limits):
    """The hash is that of the file; the name tells nothing of the PDF's; its owner alone reads."""
    [image] = pages(pdf(), "Zhang San 1950.pdf", limits)
    assert hashlib.sha256(drawn(image)).hexdigest() == image.sha256
    assert "Zhang" not in image.path
    assert Path(image.path).stat().st_mode & 0o077 == 0
    assert limits.cache.stat().st_mode & 0o077 == 0


def test_pages_come_in_order(limits):
    """Each page is a picture; more than allowed is an error that says how many."""
    assert len(pages(pdf(pages=2), "a.pdf", limits)) == 2
    with pytest.raises(DatasetError, match="6 pages, expected 1 to 5"):
        pages(pdf(pages=6), "a.pdf", limits)


def test_zoom_scales(tmp_path, limits):
    """Zoom is pixels a point."""
    [image] = pages(pdf(), "a.pdf", Limits(zoom=1.0, cache=tmp_path / "z"))
    assert size_of(drawn(image), "image/png") == (200, 100)


@pytest.mark.parametrize("extra", ["", "/Rotate 90"])
def test_a_font_without_ink_is_an_error(limits, extra):
    """Visible text that leaves no ink is an error with the page, not a blank picture."""
    with pytest.raises(DatasetError, match=r"page 1: text in the font .* cannot be drawn"):
        pages(pdf(font=BLANK, text=("(AAA) Tj",), extra=extra), "a.pdf", limits)


def test_blank_fonts_elsewhere_do_not_matter(limits):
    """A font that draws nothing outside the visible box, or in a hidden text layer, is no error."""
    outside = ("1 0 0 1 20 160 Tm", "(AAA) Tj")
    assert pages(pdf(font=BLANK, text=outside), "a.pdf", limits)
    assert pages(pdf(font=BLANK, text=("3 Tr", "(AAA) Tj")), "a.pdf", limits)


@pytest.mark.parametrize("data", [b"%PDF-1.4 nothing", b"%PDF-", pdf(crop="0 0 0 0")[:200]])
def test_broken_files_are_refused(limits, data):
    """A file that is no PDF is an error with its name."""
    with pytest.raises(DatasetError, match=r'"a\.pdf"'):
        pages(data, "a.pdf", limits)


def test_the_package_is_named(monkeypatch, tmp_path):
    """Without pypdfium2 the error names what to install."""
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(DatasetError, match=r"pip install medcheck\[pdf\]"):
        pages(pdf(), "a.pdf", Limits(cache=tmp_path))
