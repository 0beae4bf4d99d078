"""The strict reading of a models file."""

import pytest

from medcheck.errors import SettingsError
from medcheck.providers._yaml import read_mapping


def read(tmp_path, text):
    path = tmp_path / "m.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_mapping(path)


def test_lines_and_values(tmp_path):
    """Keys have their lines; only true, false, null and plain decimal numbers are not text."""
    data, lines = read(
        tmp_path,
        "a:\n  on: no\n  t: 12:30\n  z: 0123\n  d: 2026-01-02\n  q: '5'\n"
        "  n: 5\n  f: 0.5\n  b: true\n  l: [1, x, null]\n  e:\n  u: 1_000\n",
    )
    assert data["a"] == {
        "on": "no",
        "t": "12:30",
        "z": "0123",
        "d": "2026-01-02",
        "q": "5",
        "n": 5,
        "f": 0.5,
        "b": True,
        "l": [1, "x", None],
        "e": None,
        "u": "1_000",
    }
    assert lines[("a",)] == 1
    assert lines[("a", "u")] == 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", r'm\.yaml:2: "a" stands here twice'),
        ("a: &x {b: 1}\nc: *x\n", r"m\.yaml:1: an alias"),
        ("a: &x [*x]\n", r"m\.yaml:1: an alias"),
        ("? [1]\n: 2\n", r"m\.yaml:1: a key must be text"),
        ("a: [1\nb: 2\n", r"m\.yaml:2: not YAML"),
        ("- 1\n", r"m\.yaml:1: expected names"),
        ("a: " + "[" * 30 + "]" * 30, r"m\.yaml:1: nested too deeply"),
        (b"a: \xff\xfe", "not UTF-8 text"),
        (b"#" * 1_000_001, "larger than 1 MB"),
        ("a: !!python/name:os.system x\n", None),
    ],
)
def test_what_is_refused(tmp_path, text, message):
    """Duplicate keys, aliases, depth, other encodings and syntax errors have their line."""
    if message is None:
        assert read(tmp_path, text)[0] == {"a": "x"}
        return
    with pytest.raises(SettingsError, match=message):
        read(tmp_path, text)


def test_missing_file(tmp_path):
    """A file that is not there is named."""
    with pytest.raises(SettingsError, match=r"gone\.yaml: cannot be read: No such file"):
        read_mapping(tmp_path / "gone.yaml")
