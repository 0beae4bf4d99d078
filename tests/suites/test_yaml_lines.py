"""Strict YAML: what stays text, where values stand, what is refused before it costs anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from medcheck.errors import SuiteError
from medcheck.suites.yaml_lines import MAX_BYTES, load_yaml, read_document


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("a.yaml")


def refused(file: Path, content: str | bytes) -> str:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SuiteError) as caught:
        load_yaml(file)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "12:30",
        "No",
        "yes",
        "on",
        "0123",
        "1_000",
        "2024-01-31",
        "0x1f",
        "1e5",
        ".5",
        ".nan",
        "True",
    ],
)
def test_values_that_yaml_1_1_changes_stay_text(file: Path, text: str) -> None:
    """A clock time, a No, a leading zero, a date stay what the author wrote."""
    file.write_text(f"a: {text}\nb: [{text}]\n", encoding="utf-8")

    assert load_yaml(file)[0] == {"a": text, "b": [text]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-8", -8),
        ("+5", 5),
        ("0.5", 0.5),
        ("-2.50", -2.5),
        ("999999999999999", 999_999_999_999_999),
        ("9999999999999999", "9999999999999999"),
    ],
)
def test_plain_constants_and_numbers_are_typed(file: Path, text: str, value: object) -> None:
    """Only true, false, null and plain decimal numbers become typed."""
    file.write_text(f"a: {text}\n", encoding="utf-8")

    found = load_yaml(file)[0]["a"]
    assert (found, type(found)) == (value, type(value))


def test_quoted_values_are_text(file: Path) -> None:
    """A value in quotes or in a block is text, whatever it looks like; so is every key."""
    file.write_text("a: '1'\nb: \"true\"\nc: |-\n  null\n1: x\nnull: y\n", encoding="utf-8")

    assert load_yaml(file)[0] == {"a": "1", "b": "true", "c": "null", "1": "x", "null": "y"}


def test_positions_of_keys_and_values(file: Path) -> None:
    """Every path leads to the line and column of its key and of its value, from 1."""
    file.write_text("一: 胸痛\ncases:\n  - id: a\n    tags: [x, yy]\n", encoding="utf-8")

    lines = load_yaml(file)[1]
    assert lines.value(("一",)) == (1, 4)
    assert lines.key(("cases",)) == (2, 1)
    assert lines.value(("cases", 0)) == (3, 5)
    assert lines.key(("cases", 0, "tags")) == (4, 5)
    assert lines.value(("cases", 0, "tags", 1)) == (4, 15)


def test_position_of_a_missing_path_is_its_parents(file: Path) -> None:
    """A path that is not in the file has the position of what would hold it."""
    file.write_text("a:\n  b: 1\n", encoding="utf-8")

    lines = load_yaml(file)[1]
    assert lines.value(("a", "c", "d")) == (2, 3)
    assert lines.has(("a", "b"))
    assert not lines.has(("a", "c"))


def test_all_duplicate_keys_are_named_with_both_lines(file: Path) -> None:
    """Every duplicate key is an error that names both lines."""
    assert refused(file, "a: 1\nb: 2\na: 3\nb: 4\n") == (
        'a.yaml:3:1: duplicate key "a", first on line 1. Remove one of them.\n'
        'a.yaml:4:1: duplicate key "b", first on line 2. Remove one of them.'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nb: *x", "a.yaml:2:4: alias *x is not allowed. Write the value out."),
        ("a: &x 1", "a.yaml:1:4: anchor &x is not allowed. Remove it."),
        ("<<: {a: 1}", "a.yaml:1:1: merge key << is not allowed. Write the fields out."),
        (
            "a: !!python/object:os.system x",
            "a.yaml:1:4: YAML tag tag:yaml.org,2002:python/object:os.system is not allowed. "
            "Remove it.",
        ),
        ("a: 1\n---\nb: 2", "a.yaml:2:1: a second YAML document begins. Keep one a file."),
        ("? [a]\n: 1", "a.yaml:1:3: a key must be plain text. Put a text before the colon."),
        ('a: "\\0"', "a.yaml:1:4: control character U+0000 is not allowed. Remove the escape."),
        ("a: b\nc: \0", "a.yaml:2:4: control character U+0000 is not allowed. Remove it."),
        (
            "a:\n\t- b",
            "a.yaml:2:1: not valid YAML: a tab stands where spaces must. Indent with spaces.",
        ),
        (
            "a: x: y",
            'a.yaml:1:5: not valid YAML: a second ": " in one line, or a wrong indentation. '
            "Put texts that hold a colon in quotes.",
        ),
        (
            "a: @x",
            'a.yaml:1:4: not valid YAML: a text begins with "@", which has a meaning of its own. '
            "Put the text in quotes.",
        ),
        (
            'a: "x\n',
            "a.yaml:2:1: not valid YAML: a quote opened on line 1 is never closed. Close it.",
        ),
        (
            "a: [1\nb: 2",
            "a.yaml:2:2: not valid YAML: a bracket opened on line 1 is not closed here. "
            "Close it, or add a comma.",
        ),
        (
            "a:\n  b: 1\n c: 2",
            "a.yaml:3:2: not valid YAML: this line does not fit the block that begins on line 1. "
            "Check the indentation.",
        ),
    ],
)
def test_what_is_not_allowed_is_named_with_its_place(file: Path, text: str, message: str) -> None:
    """Syntax errors and forbidden features say where, what and what to do in our own words."""
    assert refused(file, text) == message


def test_gbk_file(file: Path) -> None:
    """A file that is not UTF-8 is refused at its first wrong byte."""
    assert refused(file, b"a: 1\nb: " + "胸痛".encode("gbk")) == (
        "a.yaml:2:4: byte 0xd0 is not UTF-8. Save the file as UTF-8 (it may be GBK or UTF-16)."
    )


def test_byte_order_mark_is_passed_over(file: Path) -> None:
    """A byte order mark, which Windows editors write, does not become part of a key."""
    file.write_bytes("\ufeffa: 1".encode())

    assert load_yaml(file)[0] == {"a": 1}


def test_file_that_is_not_there_or_no_file(file: Path) -> None:
    """A missing file and a folder are errors with the path."""
    with pytest.raises(SuiteError, match=r"^a\.yaml: there is no such file\."):
        load_yaml(file)
    file.mkdir()
    with pytest.raises(SuiteError, match=r"^a\.yaml: this is not a regular file\."):
        load_yaml(file)


def test_path_is_shown_as_given_outside_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages name a file relative to the current folder only if it lies below."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    absent = tmp_path / "x.yaml"

    with pytest.raises(SuiteError) as caught:
        load_yaml(absent)
    assert caught.value.where == str(absent)


def test_problems_do_not_hide_the_data(file: Path) -> None:
    """What can be passed over is collected, and the first of two values is kept."""
    file.write_text("a: 1\na: 2\nb: &x 3\n", encoding="utf-8")

    document = read_document(file)
    assert document.data == {"a": 1, "b": 3}
    assert [problem.line for problem in document.problems] == [2, 3]


BOMBS = {
    "aliases": b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
    "deep": b"[" * 2_000_000,
    "deep map": b"{a: " * 1_000_000,
    "deep block": b"- " * 2_000_000,
    "wide": b"[" + b"1," * 2_400_000 + b"]",
    "wide map": b"".join(b"k%d: 1\n" % i for i in range(400_000)),
    "one key": b"a: 1\n" * 900_000,
    "large": b"a" * (MAX_BYTES + 1),
    "long number": b"[" + b"9" * 4_900_000,
}
PROBE = """
import sys, time
from pathlib import Path
from medcheck.errors import SuiteError
from medcheck.suites.yaml_lines import load_yaml
start = time.process_time()
try:
    load_yaml(Path(sys.argv[1]))
except SuiteError as error:
    # ru_maxrss would still count the test process that this one was forked from.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    sys.stdout.write(f"{time.process_time() - start:.2f} {peak:.0f} {error}")
"""


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_cost_nothing(tmp_path: Path, project: Path, name: str) -> None:
    """A bomb is refused within a second of CPU and 200 MB."""
    (tmp_path / "bomb.yaml").write_bytes(BOMBS[name])

    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path / "bomb.yaml")],
        capture_output=True,
        check=True,
        cwd=project,
        encoding="utf-8",
    )
    seconds, megabytes, message = done.stdout.split(" ", 2)
    assert float(seconds) < 1
    assert float(megabytes) < 200
    assert "bomb.yaml" in message


def test_limits_are_named(file: Path) -> None:
    """Too deep, too many, too large: the message names the limit and the way out."""
    assert refused(file, "[" * 50 + "]" * 50) == (
        "a.yaml:1:41: nested deeper than 40 levels. Flatten it."
    )
    assert "more than 200,000 values" in refused(file, "[" + "1," * 200_000 + "]")
    assert refused(file, "a" * 5_100_000) == (
        "a.yaml: the file has 5.1 MB; at most 5 MB are read. "
        "Put the cases into a JSON Lines file and name it under `data`."
    )
