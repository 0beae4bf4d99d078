"""The door of the suites: one file, several files, the schema for editors, and their speed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medcheck.errors import DatasetError, MedcheckError, SettingsError, SuiteError
from medcheck.suites import load_suite, load_suites, schema_json

CASE = "prompt: p, checks: [{contains: y}]"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(name: str, text: str) -> Path:
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


def simple(name: str, tags: str = "t") -> str:
    return f"suite: {name}\ncases: [{{id: a, tags: {tags}, {CASE}}}]\n"


def test_a_case_by_its_id() -> None:
    """A suite finds its cases by id, and knows which are followed."""
    suite = load_suite(
        written("s.yaml", f"suite: s\ncases: [{{id: a, {CASE}}}, {{id: b, follows: a, {CASE}}}]\n")
    )
    assert suite.case("b").follows == "a"
    assert suite.followed == {"a"}
    with pytest.raises(SuiteError, match='suite "s" has no case "c"'):
        suite.case("c")


def test_several_files() -> None:
    """Suites come in the order of their files; each gets the overrides of its own name."""
    paths = [written("b.yaml", simple("b")), written("a.yaml", simple("a"))]
    suites = load_suites(paths, overrides={"a": {"title": "A"}}, sample="5", seed=1)
    assert [(suite.name, suite.title) for suite in suites] == [("b", "b"), ("a", "A")]


def test_errors_of_all_files() -> None:
    """The errors of all files are reported together, data errors too."""
    paths = [
        written("a.yaml", simple("a") + "titel: x\n"),
        written("b.yaml", "suite: b\ndata: {format: healthbench, path: x}\n"),
        written("c.yaml", simple("c")),
        Path("none.yaml"),
    ]
    with pytest.raises(SuiteError) as caught:
        load_suites(paths)
    assert str(caught.value).split("\n") == [
        'a.yaml:3:1: titel: unknown field. Did you mean "title"?',
        "b.yaml:2:35: data.path: x is not here. Put the file there, or correct the path, "
        "which starts at the suite's folder.",
        "none.yaml: there is no such file. Check the path.",
    ]


def test_a_single_error_keeps_its_type() -> None:
    """One error is raised as it is."""
    path = written("b.yaml", "suite: b\ndata: {format: healthbench, path: x}\n")
    with pytest.raises(DatasetError):
        load_suites([path])


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (simple("a"), 'b.yaml: suite name "a" is already used in a.yaml. Rename one of them.'),
        (
            simple("b", "'x:y'"),
            'b.yaml: tag "x:y" has the same marker as "x_y" in a.yaml. Write one differently.',
        ),
    ],
)
def test_suites_that_do_not_go_together(second: str, message: str) -> None:
    """Two suites of one name, and two tags of one marker, are errors across files."""
    paths = [written("a.yaml", simple("a", "x_y")), written("b.yaml", second)]
    with pytest.raises(MedcheckError) as caught:
        load_suites(paths)
    assert str(caught.value).split("\n")[0] == message


def test_overrides_of_a_suite_that_is_not_there() -> None:
    """An override for an unknown suite names the option and the known suites."""
    with pytest.raises(SettingsError) as caught:
        load_suites([written("a.yaml", simple("starter"))], overrides={"startr": {"title": "x"}})
    assert str(caught.value) == (
        '--set startr: there is no suite "startr". Did you mean "starter"? Known: starter.'
    )


def test_a_wrong_sample_is_an_error() -> None:
    """A sample that cannot be read is refused before any file."""
    with pytest.raises(SettingsError, match='sample "many": expected N or official:N'):
        load_suite(Path("none.yaml"), sample="many")


def test_schema_for_editors() -> None:
    """The joined schema is valid JSON Schema, knows the shelves and takes a user's own code."""
    from jsonschema import Draft202012Validator

    schema = json.loads(json.dumps(schema_json()))
    Draft202012Validator.check_schema(schema)

    def fits(grader: str, reader: str) -> bool:
        data = {"format": reader, "path": "x"}
        suite = {"suite": "s", "grader": {"name": grader}, "data": data}
        return bool(Draft202012Validator(schema).is_valid(suite))

    assert fits("rubric", "healthbench")
    assert fits("my.module:Grader", "my.module:read")
    assert not fits("rubrik", "healthbench")
    assert not fits("rubric", "healthbenc")
    assert "rubric" in schema["properties"]["grader"]["properties"]["name"]["anyOf"][0]["enum"]


def test_five_thousand_inline_cases(tmp_path: Path) -> None:
    """5,000 inline cases (4.4 MB) load in a few seconds of CPU, checks included."""
    rows = ["suite: big", "cases:"]
    for number in range(5000):
        rows += [
            f"  - id: case-{number}",
            "    tags: [theme:hedging, lang:en]",
            f"    prompt: {'My chest hurts and I feel dizzy. ' * 6}{number}",
            "    criteria:",
        ]
        for points in (-3, -1, 1, 3):
            rows.append(f"      - text: {'Tells the user to call for help now ' * 2}{points}")
            rows.append(f"        points: {points}\n        tags: [axis:accuracy]")
    path = written("big.yaml", "\n".join(rows))
    assert 4_000_000 < path.stat().st_size < 5_000_000

    start = time.process_time()
    suite = load_suite(path)
    assert time.process_time() - start < 6
    assert len(suite.cases) == 5000
    assert suite.cases[4999].origin is not None


@pytest.mark.parametrize("item", ["1,", "{},", "{id: a},", "{tags: [1, a, b]},", "[],"])
def test_a_file_that_is_wrong_all_over(item: str) -> None:
    """Many thousands of errors are refused in a few seconds with the first thousand of a kind."""
    path = written("s.yaml", f"suite: s\ncases: [{item * 30_000}]\n")
    start = time.process_time()
    with pytest.raises(SuiteError) as caught:
        load_suite(path)
    assert time.process_time() - start < 4
    assert 1000 <= len(str(caught.value).split("\n")) <= 2000


def test_importing_is_light(project: Path) -> None:
    """Importing the package reads no YAML library, no schema library and no numerics."""
    code = (
        "import sys, medcheck.suites; "
        "sys.exit(sorted({'yaml', 'jsonschema', 'numpy', 'openai'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=project
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_projects_own_fragments_load(project: Path) -> None:
    """Every fragment of the starter suite is valid, and no id or tag stands twice among them."""
    names = sorted(path.name for path in (project / "cases").glob("_*.yaml"))
    for name in names:
        content = (project / "cases" / name).read_text(encoding="utf-8")
        written(name, content)

    suite = load_suite(written("all.yaml", f"suite: all\ninclude: [{', '.join(names)}]\n"))
    assert len(suite.cases) >= len(names)
