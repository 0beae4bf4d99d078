"""From file to suite: fragments, overrides, defaults of blocks, all errors at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from medcheck.errors import SuiteError
from medcheck.suites import Suite, load_suite

CASE = "prompt: p, checks: [{contains: y}]"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(text: str, overrides: Mapping[str, Any] | None = None, /, **fragments: str) -> Suite:
    for name, content in {"s": text, **fragments}.items():
        Path(f"{name}.yaml").write_text(content, encoding="utf-8")
    return load_suite(Path("s.yaml"), overrides=overrides or {})


def refused(
    text: str, overrides: Mapping[str, Any] | None = None, /, **fragments: str
) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        loaded(text, overrides, **fragments)
    return str(caught.value).split("\n")


def test_a_suite_that_says_little() -> None:
    """What a suite does not say has its documented default."""
    suite = loaded(f"suite: s\ncases: [{{id: a, {CASE}}}]\n")

    assert (suite.name, suite.title, suite.path) == ("s", "s", Path("s.yaml"))
    assert suite.grader == {"name": "rubric"}
    assert (suite.judges, suite.judge_params, suite.params) == ((), {}, {})
    assert (suite.protocol, suite.system, suite.cluster, suite.missing) == (
        "strict",
        None,
        None,
        None,
    )
    assert suite.policies == {"truncated": "error", "refusal": "score"}
    assert suite.summary == {"measure": "mean", "by": ()}
    assert suite.gate == {"margin": 0.03, "category_margin": 0.10, "alpha": 0.05}
    assert suite.ungraded_at_most == 0


def test_a_suite_that_says_all() -> None:
    """What a suite says arrives, and blocks keep the defaults of what they leave out."""
    suite = loaded(f"""\
suite: s
title: Chest pain
description: More.
system: You are a doctor.
params: {{temperature: 0.2, max_tokens: 900, extra: {{a: 1}}}}
grader: {{name: rubric, judges: [a, b], params: {{seed: 3}}, vote: majority, undecided: half}}
protocol: official
policies: {{refusal: error}}
summary: {{measure: clipped_mean, by: [theme, axis], bootstrap: {{n: 100, seed: 1}}}}
gate: {{margin: 0.01}}
ungraded_at_most: 0.02
cluster: patient
cases: [{{id: a, {CASE}}}]
""")
    assert (suite.title, suite.system, suite.cluster) == (
        "Chest pain",
        "You are a doctor.",
        "patient",
    )
    assert suite.params == {"temperature": 0.2, "max_tokens": 900, "extra": {"a": 1}}
    assert (suite.judges, suite.judge_params) == (("a", "b"), {"seed": 3})
    assert (suite.grader["vote"], suite.grader["undecided"]) == ("majority", "half")
    assert (suite.protocol, suite.ungraded_at_most) == ("official", 0.02)
    assert suite.policies == {"truncated": "error", "refusal": "error"}
    assert (suite.summary["measure"], suite.summary["by"]) == ("clipped_mean", ("theme", "axis"))
    assert suite.gate == {"margin": 0.01, "category_margin": 0.10, "alpha": 0.05}


def test_protocol_of_the_data_format() -> None:
    """A suite of an official format is judged by its protocol unless the suite says otherwise."""
    data = "suite: s\ndata: {format: healthbench, path: x.jsonl, fetch: healthbench}\n"

    assert loaded(data).protocol == "official"
    assert loaded(data + "grader: {protocol: strict}\n").protocol == "strict"
    assert loaded(data + "protocol: strict\ngrader: {protocol: official}\n").protocol == "strict"


FRAGMENT = f"defaults: {{tags: [y], pass_at: 0.2}}\ncases: [{{id: f, tags: [z], {CASE}}}]\n"


def test_fragments() -> None:
    """Fragments follow in the given order, under the suite's defaults and their own."""
    suite = loaded(
        f"suite: s\ninclude: [_b.yaml, _a.yaml]\ndefaults: {{tags: x, pass_at: 0.1}}\n"
        f"cases: [{{id: i, {CASE}}}]\n",
        _a=f"cases: [{{id: g, {CASE}}}]\n",
        _b=FRAGMENT,
    )
    assert [(case.id, case.tags, case.pass_at) for case in suite.cases] == [
        ("i", ("x",), 0.1),
        ("f", ("z", "y", "x"), 0.2),
        ("g", ("x",), 0.1),
    ]
    assert suite.case("f").origin is not None
    assert suite.case("f").origin.path == "_b.yaml"  # type: ignore[union-attr]
    assert suite.versions == {
        name: hashlib.sha256(Path(name).read_bytes()).hexdigest()
        for name in ("s.yaml", "_b.yaml", "_a.yaml")
    }


def test_fragments_that_are_wrong() -> None:
    """Errors in fragments carry their own file and come after the suite's."""
    found = refused(
        "suite: s\ninclude: [_a.yaml, _b.yaml, _none.yaml]\ntitel: x\n",
        _a=f"suite: t\ncases: [{{id: a, {CASE}}}, {{id: b, {CASE}}}]\n",
        _b=f"cases: [{{id: a, {CASE}}}]\nx: [",
    )
    assert found[0] == (
        's.yaml:2:29: include[2]: there is no file "_none.yaml" beside this one. Correct the name.'
    )
    assert found[1] == 's.yaml:3:1: titel: unknown field. Did you mean "title"?'
    assert found[2].startswith("_a.yaml:1:1: suite: unknown field.")
    assert found[3].startswith("_b.yaml:3:1: not valid YAML")
    assert len(found) == 4


def test_ids_are_unique_across_fragments() -> None:
    """The same id in two fragments names both files."""
    same = f"cases: [{{id: a, {CASE}}}]\n"
    assert refused("suite: s\ninclude: [_a.yaml, _b.yaml]\n", _a=same, _b=same) == [
        '_b.yaml:1:14: cases[0].id: duplicate id "a", first at _a.yaml:1. Rename one of them.'
    ]


def test_all_errors_sorted_by_line() -> None:
    """Errors of every kind are reported at once, in the order of their lines."""
    found = refused(
        "suite: s\ncases:\n- id: a\n  prompt: p\n  prompt: q\n- {id: 'b c', prompt: p}\n"
        "- {id: a, critera: 5}\ngate: {alpha: 5}\n"
    )
    lines = [int(line.split(":")[1]) for line in found]
    assert lines == sorted(lines)
    assert set(lines) == {3, 5, 6, 7, 8}
    assert found[1].startswith('s.yaml:5:3: duplicate key "prompt", first on line 4.')


def test_overrides_are_set_before_anything_is_checked() -> None:
    """A dotted key sets a field, makes its block, and can mend a wrong file."""
    text = f"suite: s\ngrader: rubric\ngate: {{alpha: 7}}\ncases: [{{id: a, {CASE}}}]\n"
    suite = loaded(
        text, {"grader.judges": ["j"], "gate.alpha": 0.01, "params.temperature": 0.5, "title": "T"}
    )
    assert (suite.judges, suite.gate["alpha"]) == (("j",), 0.01)
    assert (suite.params, suite.title) == ({"temperature": 0.5}, "T")
    assert suite.versions == {"s.yaml": hashlib.sha256(text.encode()).hexdigest()}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("grader.judgez", ["j"], 'grader.judgez: unknown field. Did you mean "judges"?'),
        ("gate.margin", 3, "gate.margin: must be at most 1, found 3."),
        ("gate.margin", "x", 'gate.margin: expected a number, found the text "x".'),
        ("title.x", 1, "title: expected text, found a block of fields."),
        ("suite.x", 1, '"suite" cannot be set from the command line. Edit the file.'),
        ("cases", [], '"cases" cannot be set from the command line. Edit the file.'),
        ("protocol.x.y", 1, "there is no block of fields of this name. Correct the key."),
        ("gate.", 1, "there is no block of fields of this name. Correct the key."),
    ],
)
def test_an_override_that_is_wrong_names_the_option(key: str, value: Any, message: str) -> None:
    """The error of an override names the option, not a line of the file."""
    text = f"suite: s\nprotocol: strict\ncases: [{{id: a, {CASE}}}]\n"
    assert refused(text, {key: value}) == [f"--set s.{key}: {message}"]


def test_an_override_of_a_file_that_is_no_suite() -> None:
    """A file without fields cannot be overridden, and says so."""
    found = refused("- a\n", {"title": "x"})
    assert found == [
        "--set s.title: there is no block of fields of this name. Correct the key.",
        "s.yaml:1:1: expected a block of fields, found a list of 1.",
    ]


def test_own_options_of_a_grader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grader that declares OPTIONS has its own fields checked beside the common ones."""
    options = {"properties": {"depth": {"type": "integer"}}, "required": ["depth", "vote"]}
    monkeypatch.setattr("medcheck.graders.rubric.OPTIONS", options, raising=False)
    cases = f"cases: [{{id: a, {CASE}}}]\n"

    suite = loaded(f"suite: s\ngrader: {{depth: 3, vote: any}}\n{cases}")
    assert suite.grader == {"name": "rubric", "depth": 3, "vote": "any"}
    assert refused(f"suite: s\ngrader: {{depth: x, dept: 1}}\n{cases}") == [
        's.yaml:2:17: grader.depth: expected a whole number, found the text "x".',
        's.yaml:2:20: grader.dept: unknown field. Did you mean "depth"?',
    ]
    assert refused(f"suite: s\ngrader: {{vote: any}}\n{cases}") == [
        "s.yaml:2:9: grader.depth: missing. Add it."
    ]


def test_defaults_of_a_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format's DEFAULTS fill what the suite leaves out, a grader's only for the same grader."""
    defaults = {
        "grader": {"name": "rubric", "points": "healthbench", "judges": ["j"]},
        "summary": {"measure": "clipped_mean", "by": ["theme"]},
        "system": "You are a helpful assistant.",
    }
    monkeypatch.setattr("medcheck.readers.healthbench.DEFAULTS", defaults, raising=False)
    data = "suite: s\ndata: {format: healthbench, path: x.jsonl, fetch: healthbench}\n"

    suite = loaded(data + "grader: {judges: k}\n")
    assert suite.grader == {"name": "rubric", "points": "healthbench", "judges": "k"}
    assert suite.summary == {"measure": "clipped_mean", "by": ("theme",)}
    assert suite.system == "You are a helpful assistant."
    assert loaded(data + "system: null\n").system is None
    assert loaded(data + 'grader: "collections:Counter"\n').judges == ()


@pytest.mark.parametrize("content", ["top secret\nnote\n", "secret-field: 1\n", "- secret\n"])
def test_a_link_to_a_file_elsewhere_shows_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    """A link out of the folder to what is no suite is refused without a word of what it holds."""
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.chdir(root)
    away = tmp_path / "away.txt"
    away.write_text(content, encoding="utf-8")
    Path("a.yaml").symlink_to(away)
    with pytest.raises(SuiteError, match="a link to a file elsewhere") as caught:
        load_suite(Path("a.yaml"))
    assert "secret" not in str(caught.value)
    away.write_text(f"suite: s\ncases: [{{id: a, {CASE}}}]\n", encoding="utf-8")
    assert load_suite(Path("a.yaml")).name == "s"
