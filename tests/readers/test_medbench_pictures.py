"""Pictures are known by content, and a question never goes out without them."""

from __future__ import annotations

import hashlib
import struct
import sys
from pathlib import Path

import pytest
from drawings import moving, pdf, png

from medcheck.errors import DatasetError
from medcheck.readers._medbench_heads import size_of
from medcheck.readers._medbench_pictures import (
    Limits,
    default_cache,
    keep,
    names_in,
    take,
)


@pytest.mark.parametrize(
    ("found", "names"),
    [("a.png", ("a.png",)), (["a", "b"], ("a", "b")), ([["a", "b"], "c"], ("a", "b", "c"))],
)
def test_paths_come_in_three_shapes(found, names):
    """A path, a list, and lists in a list are read in order."""
    assert names_in(found) == names


@pytest.mark.parametrize("found", [None, "", [], [[]], [1], {"a": 1}, ["a", ""]])
def test_anything_else_is_refused(found):
    """A question of the vision track names at least one picture."""
    with pytest.raises(DatasetError, match="img_path"):
        names_in(found)


def test_a_wrong_ending_does_not_matter(tmp_path):
    """A PNG called .jpg is sent as a PNG, byte for byte."""
    path = tmp_path / "a.jpg"
    path.write_bytes(png(3, 2))
    [image] = take(path, "a.jpg", Limits(cache=tmp_path)).images
    assert (image.mime, image.path) == ("image/png", str(path))
    assert image.sha256 == hashlib.sha256(png(3, 2)).hexdigest()


def test_missing_and_strange_files_are_errors(tmp_path):
    """A missing file and one that is no picture are errors with the name in the row."""
    with pytest.raises(DatasetError, match=r'"x\.png" cannot be read'):
        take(tmp_path / "x.png", "x.png", Limits(cache=tmp_path))
    (tmp_path / "t.png").write_text("text", encoding="utf-8")
    with pytest.raises(DatasetError, match=r'"t\.png" is no PNG'):
        take(tmp_path / "t.png", "t.png", Limits(cache=tmp_path))


def test_large_pictures_are_scaled_and_said_so(tmp_path):
    """A picture above the limit is scaled in proportion, kept in the cache, and recorded."""
    pytest.importorskip("PIL", reason="the extra images is not installed")
    path = tmp_path / "a.png"
    path.write_bytes(png(300, 100))
    taken = take(path, "a.png", Limits(cache=tmp_path / "c", max_side=150))
    assert taken.changes == ("a.png: 300x100 scaled to 150x50",)
    data = Path(taken.images[0].path).read_bytes()
    assert size_of(data, "image/png") == (150, 50)
    assert hashlib.sha256(data).hexdigest() == taken.images[0].sha256
    again = take(path, "a.png", Limits(cache=tmp_path / "c", max_side=150))
    assert again == taken


def test_bytes_are_a_limit_too(tmp_path):
    """A file with too many bytes is scaled until it fits."""
    pillow = pytest.importorskip("PIL.Image", reason="the extra images is not installed")
    path = tmp_path / "a.png"
    pillow.effect_noise((120, 120), 90).save(path)
    taken = take(path, "a.png", Limits(cache=tmp_path / "c", max_bytes=4000))
    assert Path(taken.images[0].path).stat().st_size <= 4000


def test_broken_and_gigantic_pictures_are_errors(tmp_path):
    """Too many pixels, none, a file that breaks off and a moving picture are errors before a call.

    None of it needs Pillow, and it does not matter whether the picture is to be scaled.
    """
    path, whole = tmp_path / "a.png", png(300, 300)
    for data, why in (
        (png(1, 1).replace(struct.pack(">II", 1, 1), struct.pack(">II", 60000, 60000)), "too many"),
        (whole[:8], r"cannot be read: it breaks off\. Replace the file"),
        (whole[:60], "cannot be read: it breaks off"),
        (png(0, 0), "has 0 x 0 pixels"),
        (moving(), "moves: it has 2 frames"),
    ):
        path.write_bytes(data)
        for side in (100, 4096):
            with pytest.raises(DatasetError, match=why):
                take(path, "a.png", Limits(cache=tmp_path, max_side=side))


def test_a_file_is_named_with_what_is_sent_of_it(tmp_path):
    """A file has the hash of its picture, a PDF of several pages one of its own."""
    (tmp_path / "a.png").write_bytes(png(3, 2))
    taken = take(tmp_path / "a.png", "x/a.png", Limits(cache=tmp_path))
    assert taken.files == (("x/a.png", taken.images[0].sha256),)
    pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    (tmp_path / "b.pdf").write_bytes(pdf(pages=2))
    two = take(tmp_path / "b.pdf", "b.pdf", Limits(cache=tmp_path / "c"))
    [(name, digest)] = two.files
    assert (name, len(two.images)) == ("b.pdf", 2)
    assert digest not in {image.sha256 for image in two.images}


def test_the_package_is_named(monkeypatch, tmp_path):
    """Without Pillow a small picture passes, and a large one names what to install."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    path = tmp_path / "a.png"
    path.write_bytes(png(30, 30))
    assert take(path, "a.png", Limits(cache=tmp_path)).images
    with pytest.raises(DatasetError, match=r"pip install medcheck\[images\]"):
        take(path, "a.png", Limits(cache=tmp_path, max_side=16))


def test_the_cache_is_private(tmp_path):
    """The cache belongs to one user, and what is there is not written again."""
    first = keep(b"a", "x", tmp_path / "c")
    assert keep(b"b", "x", tmp_path / "c") == first
    assert first.read_bytes() == b"a"
    assert (tmp_path / "c").stat().st_mode & 0o077 == 0
    assert default_cache().name.startswith("medcheck-pictures-")


def test_options_set_limits(tmp_path):
    """A suite's options replace the limits one by one."""
    limits = Limits.of({"max_side": 99, "cache": str(tmp_path), "track": "vlm"})
    assert (limits.max_side, limits.max_pages, limits.cache) == (99, 5, tmp_path)
