"""JSON lines: numbers, strictness, errors together; the readers' tests hold the many messages."""

import gzip

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
