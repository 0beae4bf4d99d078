"""The shape of suite files: each kind of violation with its exact message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from medcheck.errors import SuiteError
from medcheck.suites import load_suite
from medcheck.suites.schema import Source, check, check_options, dotted, schema, shown
from medcheck.suites.yaml_lines import read_document

Problems = Callable[[str], list[str]]


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problems:
    """Return the messages about a suite file, without the position of each."""
    monkeypatch.chdir(tmp_path)

    def find(text: str) -> list[str]:
        Path("s.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(SuiteError) as caught:
            load_suite(Path("s.yaml"))
        return str(caught.value).split("\n")

    return find


CASES = "cases: [{id: a, prompt: x, checks: [{contains: y}]}]\n"
CRITERION = "suite: s\ncases:\n- id: a\n  prompt: x\n  criteria:\n  - {text: t, points: 1}\n  - "


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("titel: x", '3:1: titel: unknown field. Did you mean "title"?'),
        ("title: 5", '3:8: title: expected text, found the number 5. Put it in quotes: "5".'),
        ("title: 1.10", "3:8: title: expected text, found the number 1.1. Put it in quotes."),
        (
            "title: {theme: emergency}",
            "3:8: title: expected text, found a block of fields. Write theme:emergency without a "
            'space, or put it in quotes: "theme: emergency".',
        ),
        (
            "title: {a b: c}",
            '3:8: title: expected text, found a block of fields. Put it in quotes: "a b: c".',
        ),
        ("pass: 1", '3:1: pass: unknown field. Did you mean "defaults.pass_at"?'),
        ("title: true", '3:8: title: expected text, found true. Put it in quotes: "true".'),
        ("title:", "3:7: title: expected text, found nothing."),
        ("title: ' '", '3:8: title: expected a text that is not empty, found the text " ".'),
        ("title: [a]", "3:8: title: expected text, found a list of 1."),
        ("grader: []", "3:9: grader: expected text or a block of fields, found an empty list."),
        (
            "protocol: offical",
            "3:11: protocol: expected one of official, strict, found the text "
            '"offical". Did you mean "official"?',
        ),
        (
            "policies: {truncated: no}",
            '3:23: policies.truncated: expected one of score, error, found the text "no".',
        ),
        (
            "summary: {length_adjusted: {center: 2000}}",
            "3:28: summary.length_adjusted.penalty_per_500: missing. Add it.",
        ),
        (
            "summary: {length_adjusted: {center: -1, penalty_per_500: 0}}",
            "3:37: summary.length_adjusted.center: must be at least 0, found -1.",
        ),
        ("ungraded_at_most: 2", "3:19: ungraded_at_most: must be at most 1, found 2."),
        ("ungraded_at_most: -1", "3:19: ungraded_at_most: must be at least 0, found -1."),
        ("gate: {alpha: 0}", "3:15: gate.alpha: must be above 0, found 0."),
        ("gate: {alpha: 0.5}", "3:15: gate.alpha: must be below 0.5, found 0.5."),
        (
            "summary: {bootstrap: {n: 1.5}}",
            "3:26: summary.bootstrap.n: expected a whole number, found the number 1.5.",
        ),
        ("grader: {judges: []}", "3:18: grader.judges: must not be empty. Fill it or remove it."),
        (
            "grader: {batch: yes}",
            '3:17: grader.batch: expected true or false, found the text "yes".',
        ),
        ("grader: {prompt: {name: X}}", "3:18: grader.prompt.import: missing. Add it."),
        (
            "include: [a.yaml]",
            "3:11: include[0]: expected a file name that begins with _ and ends with .yaml, "
            'found the text "a.yaml".',
        ),
        ("data: {format: healthbench}", "3:7: data.path: missing. Add it."),
        (
            "data: {format: healthbench, path: x, sha256: abc}",
            '3:46: data.sha256: expected 64 hexadecimal digits, found the text "abc".',
        ),
        (
            "data: {format: healthbench, path: x, sample: 5}",
            "3:46: data.sample: expected a block of fields or text, found the number 5. "
            'Put it in quotes: "5".',
        ),
        (
            "data: {format: healthbench, path: x, sample: official}",
            '3:46: data.sample: expected official:N or {n: N, seed: S}, found the text "official".',
        ),
        ("defaults: {grader: x}", None),
    ],
)
def test_each_violation_has_its_message(problems: Problems, line: str, message: str | None) -> None:
    """A message names file, line, column, path, the value found and what was expected."""
    message = message or (
        "3:12: defaults.grader: unknown field. Known: category, pass_at, system, tags."
    )
    assert problems(f"suite: s\n{CASES}{line}\n") == [f"s.yaml:{message}"]


@pytest.mark.parametrize(
    ("criterion", "message"),
    [
        ("{points: 1}", "7:5: cases[0].criteria[1].text: missing. Add it."),
        (
            "{text: u, points: 0}",
            "7:23: cases[0].criteria[1].points: must not be 0. "
            "Give points above 0, or below 0 for what is undesirable.",
        ),
        (
            "{text: u, points: five}",
            '7:23: cases[0].criteria[1].points: expected a number, found the text "five".',
        ),
        (
            "{text: u, points: 1, zero_tolerence: true}",
            "7:26: cases[0].criteria[1].zero_tolerence: unknown field. "
            'Did you mean "zero_tolerance"?',
        ),
        (
            "{text: u, points: 1, tags: [a, a]}",
            '7:36: cases[0].criteria[1].tags[1]: tag "a" stands there twice. Remove one.',
        ),
        (
            "{text: u, points: 1, scale: [1]}",
            "7:33: cases[0].criteria[1].scale: expected two numbers, found a list of 1.",
        ),
        ("just text", "7:5: cases[0].criteria[1]: expected a block of fields, found the text"),
    ],
)
def test_criteria(problems: Problems, criterion: str, message: str) -> None:
    """A criterion's fields are checked one by one."""
    [found] = problems(CRITERION + criterion + "\n")
    assert found.startswith(f"s.yaml:{message}")


@pytest.mark.parametrize("text", ["", "[]", "text", "5"])
def test_a_file_that_is_no_block_of_fields(problems: Problems, text: str) -> None:
    """An empty file, a list and a text are no suites."""
    [found] = problems(text)
    assert found.startswith("s.yaml:1:1: expected a block of fields, found ")


def test_unknown_field_example(problems: Problems) -> None:
    """A misspelled field gets the line of its key and the nearest known name."""
    text = "suite: s\ncases:\n" + "".join(
        f"  - {{id: c{i}, prompt: x, checks: [{{contains: y}}]}}\n" for i in range(3)
    )
    assert problems(
        text + "  - id: d\n    prompt: x\n    checks: [{contains: y}]\n    critera: []\n"
    ) == ['s.yaml:9:5: cases[3].critera: unknown field. Did you mean "criteria"?']


def test_options_of_a_shelf_module(tmp_path: Path) -> None:
    """Violations of a reader's or grader's own options are told in the same words."""
    path = tmp_path / "s.yaml"
    path.write_text("data:\n  options: {subset: hart, n: x}\n", encoding="utf-8")
    document = read_document(path)
    source = Source(data=document.data, lines=document.lines)
    own = {
        "properties": {
            "subset": {"enum": ["main", "hard"]},
            "n": {"type": "integer", "not": {"const": 3}},
        },
        "additionalProperties": False,
    }

    found = check_options(source, ("data", "options"), document.data["data"]["options"], schema=own)
    assert [(p.line, p.column, p.error.message) for p in found] == [
        (2, 21, 'data.options.subset: expected one of main, hard, found the text "hart".'),
        (2, 30, 'data.options.n: expected a whole number, found the text "x".'),
    ]
    [other] = check_options(source, ("data", "options"), {"n": 3}, schema=own)
    assert other.error.message == "data.options.n: must not be 3."


def test_an_unforeseen_keyword_still_has_a_message(tmp_path: Path) -> None:
    """A keyword without words of ours falls back to the library's."""
    path = tmp_path / "s.yaml"
    path.write_text("a: 3\n", encoding="utf-8")
    document = read_document(path)
    source = Source(data=document.data, lines=document.lines)

    [found] = check_options(
        source, (), document.data, schema={"properties": {"a": {"multipleOf": 2}}}
    )
    assert str(found.error).endswith(":1:4: a: 3 is not a multiple of 2.")


def test_fragments_hold_cases_and_defaults_only(tmp_path: Path) -> None:
    """A fragment has a schema of its own."""
    path = tmp_path / "_f.yaml"
    path.write_text("suite: s\n", encoding="utf-8")
    document = read_document(path)

    found = check(Source(data=document.data, lines=document.lines), part="fragment")
    assert sorted(problem.error.message for problem in found) == [
        "cases: missing.",
        "suite: unknown field.",
    ]


def test_paths_and_values_as_shown() -> None:
    """Paths read like code, values are cut to a short line."""
    assert dotted(("cases", 3, "criteria", 0, "points")) == "cases[3].criteria[0].points"
    assert shown("x" * 100) == 'the text "' + "x" * 57 + '..."'
    assert shown({"a": 1}) == "a block of fields"


def test_the_schema_is_strict_and_described() -> None:
    """The schema is valid, closed wherever it lists fields, and describes every field."""
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema())
    open_blocks = []

    def walk(node: object, path: str) -> None:
        if isinstance(node, list):
            for item in node:
                walk(item, path)
        if not isinstance(node, dict):
            return
        if "properties" in node and node.get("additionalProperties") is not False:
            open_blocks.append(path)
        for name, field in node.get("properties", {}).items():
            assert "description" in field or "$ref" in field, f"{path}.{name}"
        for key, value in node.items():
            walk(value, f"{path}.{key}")

    walk(schema(), "")
    # sampling settings are free, and a grader's own settings are checked by its OPTIONS
    assert open_blocks == [".properties.grader", ".$defs.params"]
