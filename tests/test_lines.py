"""JSON lines: numbers, strictness, errors together; the readers' tests hold the many messages."""

import gzip
import tracemalloc
from time import process_time

import pytest

from medcheck import lines
from medcheck.errors import DatasetError


def test_numbers_count_blank_lines(tmp_path):
    """A line's number is that of an editor: blank lines count, U+2028 ends no line."""
    file = tmp_path / "a.jsonl"
    file.write_bytes('{"a": "x\u2028y"}\n\n{"a": 2}'.encode())
    found = lines.each(file, lambda number, record: (number, record["a"]))
    assert list(found) == [(1, "x\u2028y"), (3, 2)]


def test_none_leaves_a_line_out(tmp_path):
    """What `build` makes nothing of is left out; gzip changes nothing."""
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(gzip.compress(b"1\n2\n3\n"))
    assert list(lines.each(file, lambda _, x: None if x == 2 else x)) == [1, 3]


def test_errors_together(tmp_path):
    """Errors of `build` and of the JSON come together, each with its line."""
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"a": 1}\n{\n"x"\n')
    with pytest.raises(DatasetError) as caught:
        list(lines.each(file, lambda _, x: lines.checked_object(x, ("a",), (), "the line")))
    places = [line.split(": ")[0] for line in str(caught.value).split("\n")]
    assert places == [f"{file}:2", f"{file}:3"]


def test_any_other_field_may_pass():
    """`optional=None` lets unknown fields pass."""
    record = {"a": 1, "b": 2}
    assert lines.checked_object(record, ("a",), None, "it") is record
    with pytest.raises(DatasetError, match='unknown field "b"'):
        lines.checked_object(record, ("a",), (), "it")


def test_missing_file(tmp_path):
    """A missing file says what to do."""
    with pytest.raises(DatasetError, match=r"no such file\. Do this"):
        list(lines.numbered(tmp_path / "none", hint="Do this."))


def test_a_document_that_cannot_be_used_names_its_file(tmp_path):
    """A small JSON file: missing, cut off, with a name twice or with NaN, it is refused by path."""
    path = tmp_path / "x.json"
    with pytest.raises(DatasetError, match="cannot be read") as caught:
        lines.document(path, hint="Make it anew.")
    assert str(path) in str(caught.value)
    assert "Make it anew." in str(caught.value)
    for content in ('{"a": 1', '{"a": 1, "a": 2}', '{"a": NaN}', "\xff"):
        path.write_bytes(content.encode("latin-1"))
        with pytest.raises(DatasetError, match="cannot be read"):
            lines.document(path, hint="Make it anew.")
    path.write_text('{"a": [1, "胸痛"]}', encoding="utf-8")
    assert lines.document(path, hint="") == {"a": [1, "胸痛"]}


@pytest.mark.parametrize("number", ["9" * 400, "-" + "9" * 400, "9" * 5000, "1e400", "-1e400"])
def test_a_number_beyond_any_float_is_refused(number):
    """A number that cannot be counted with is an error of its line, not a crash later on."""
    with pytest.raises(DatasetError, match=r"a number is too long|is too large"):
        lines.parsed(f'{{"score": {number}}}'.encode())


def test_numbers_stay_what_they_are():
    """Whole numbers stay whole and exact up to 308 digits, others become floats."""
    assert lines.parsed(b"[" + b"9" * 308 + b", -5, 1e308, 0.1]") == [
        10**308 - 1,
        -5,
        1e308,
        0.1,
    ]


@pytest.mark.parametrize(
    "piece", [b"a" * 1_000_000, b"\n" * 1_000_000, b"{}\n" * 300_000], ids=["line", "blank", "many"]
)
def test_a_gzip_bomb_is_refused_at_once(tmp_path, piece):
    """A small gzip file that unpacks to a hundred times its size is refused before it is held."""
    file = tmp_path / "bomb.jsonl.gz"
    file.write_bytes(gzip.compress(piece * 60, 9))
    tracemalloc.start()
    started = process_time()
    try:
        with pytest.raises(DatasetError, match=r"bomb\.jsonl\.gz: the file unpacks to more than"):
            list(lines.numbered(file))
        assert process_time() - started < 1
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packed", [True, False])
def test_a_line_has_a_largest_size(monkeypatch, tmp_path, packed):
    """A line is read up to its largest size, end of line included, and no further."""
    monkeypatch.setattr(lines, "MAX_LINE", 10)
    file = tmp_path / ("a.jsonl.gz" if packed else "a.jsonl")
    content = b'"1234567"\n"12345678"\n'
    file.write_bytes(gzip.compress(content) if packed else content)
    found = lines.numbered(file)
    assert next(found) == (1, b'"1234567"\n')
    with pytest.raises(DatasetError, match=r":2: the line has more than"):
        next(found)


def test_gzipped_bytes_are_bounded(tmp_path):
    """What lies gzipped in a zip is unpacked up to the same limit; what is no gzip is told."""
    assert lines.gunzipped(gzip.compress(b"1"), where="z!a.gz") == b"1"
    for data in (b"no", gzip.compress(b"1")[:-4]):
        with pytest.raises(DatasetError, match=r"z!a\.gz: not a gzip file"):
            lines.gunzipped(data, where="z!a.gz")
    with pytest.raises(DatasetError, match=r"z!a\.gz: the file unpacks to more than 10 MB"):
        lines.gunzipped(gzip.compress(b"x" * 11_000_000, 1), where="z!a.gz")
