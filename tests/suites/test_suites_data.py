"""Cases by reference: the file's place and version, completion, conditions, faults of its rows."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from medcheck.errors import DatasetError, SuiteError
from medcheck.suites import Suite, load_suite

READER = """
from medcheck.errors import DatasetError
from medcheck.types import Case, Criterion, Message, Origin


def read(path, options):
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        name, tags, follows, points = text.split("|")
        if name == "broken":
            raise DatasetError("row is broken.", where=f"{path}:{line}")
        yield Case(
            id=name,
            suite="",
            grader="",
            messages=(Message(role="user", text=options.get("prefix", "") + name),),
            criteria=(Criterion(id="1", text="t", points=float(points)),),
            tags=tuple(tags.split()),
            follows=follows or None,
            origin=Origin(path=str(path), line=line),
        )
"""
ROWS = "a|x y||1\nb|x|a|1\nc|y|b|1\nd|z||1\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_reader_of_rows.py").write_text(READER, encoding="utf-8")
    (tmp_path / "cases" / "data").mkdir(parents=True)
    (tmp_path / "cases" / "data" / "rows.txt").write_text(ROWS, encoding="utf-8")


def loaded(more: str = "", rest: str = "", path: str = "data/rows.txt", **options: Any) -> Suite:
    Path("cases/s.yaml").write_text(
        f'suite: s\ndata: {{format: "own_reader_of_rows:read", path: {path}{more}}}\n{rest}',
        encoding="utf-8",
    )
    return load_suite(Path("cases/s.yaml"), **options)


def failed(more: str = "", rest: str = "", path: str = "data/rows.txt") -> str:
    with pytest.raises(DatasetError) as caught:
        loaded(more, rest, path)
    return str(caught.value)


def ids(suite: Suite) -> str:
    return "".join(case.id for case in suite.cases)


def test_cases_are_completed() -> None:
    """A row's case gets suite, grader, options, threshold, default tags and the path as written."""
    suite = loaded(
        ", options: {prefix: '> '}",
        "grader: {name: rubric, judges: j}\ndefaults: {tags: [x, lang:zh], pass_at: 0.5}\n",
    )
    case = suite.case("b")

    assert (case.suite, case.grader, case.options) == ("s", "rubric", suite.grader)
    assert (case.tags, case.pass_at) == (("x", "lang:zh"), 0.5)
    assert case.messages[0].text == "> b"
    assert case.origin is not None
    assert (case.origin.path, case.origin.line) == ("data/rows.txt", 2)
    assert suite.followed == {"a", "b"}
    assert suite.versions["data/rows.txt"] == hashlib.sha256(ROWS.encode()).hexdigest()


def test_inline_cases_come_first() -> None:
    """Inline cases stand beside data, before them."""
    suite = loaded(rest="cases: [{id: i, prompt: p, checks: [{contains: y}]}]\n")
    assert ids(suite) == "iabcd"


def test_the_right_sha256_is_accepted_in_either_case() -> None:
    """The declared sha256 is compared as a number, not as text."""
    digest = hashlib.sha256(ROWS.encode()).hexdigest()
    assert (
        ids(loaded(f", sha256: {digest}")) == ids(loaded(f", sha256: {digest.upper()}")) == "abcd"
    )


def test_another_version_of_the_file_is_refused() -> None:
    """A file whose sha256 differs is refused at the line that declares it."""
    digest = hashlib.sha256(ROWS.encode()).hexdigest()
    assert failed(f", sha256: {'0' * 64}") == (
        f"cases/s.yaml:2:72: data.sha256: data/rows.txt has sha256 {digest}, not {'0' * 64}. "
        "Get the version that the suite names, or correct data.sha256."
    )


def test_a_missing_file_is_an_error() -> None:
    """A data file that is not there, and cannot be fetched, is an error at its line."""
    assert failed(path="data/none.txt") == (
        "cases/s.yaml:2:49: data.path: data/none.txt is not here. "
        "Put the file there, or correct the path, which starts at the suite's folder."
    )


def test_a_missing_file_that_can_be_fetched_is_a_reason() -> None:
    """With `fetch` the suite loads without the data's cases and says how to get them."""
    rest = "cases: [{id: i, prompt: p, checks: [{contains: y}]}]\n"
    suite = loaded(", fetch: rows", rest, path="data/none.txt")

    assert suite.missing == "data/none.txt is not here. Run: medcheck fetch rows"
    assert ids(suite) == "i"
    assert loaded(", fetch: rows").missing is None


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    """A link to a file outside the suite's folder is refused at the path's line."""
    (tmp_path / "outside.txt").write_text(ROWS, encoding="utf-8")
    (tmp_path / "cases" / "link.txt").symlink_to(tmp_path / "outside.txt")

    with pytest.raises(SuiteError, match=r'data\.path: path "link\.txt" is a link out of'):
        loaded(path="link.txt")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("tags: z", "d"),
        ("tags: [x, y]", "a"),
        ("id: [a, d]", "ad"),
        ("id: d", "d"),
        ("tags: x, id: a", "a"),
    ],
)
def test_where(where: str, found: str) -> None:
    """All conditions hold of a chosen case: every tag, and one of the ids."""
    assert ids(loaded(f", where: {{{where}}}")) == found


def test_earlier_turns_come_along() -> None:
    """A chosen case brings the earlier turns of its conversation, in order."""
    assert ids(loaded(", where: {id: c}")) == "abc"


def test_conditions_that_nothing_fits() -> None:
    """An id that is not there, or conditions that leave nothing, are errors at their line."""
    assert failed(", where: {id: [a, q, r]}") == (
        "cases/s.yaml:2:71: data.where.id: no case has the id q, r. Correct it."
    )
    assert failed(", where: {tags: [z, x]}") == (
        "cases/s.yaml:2:71: no case fits data.where. Correct it, or choose other data."
    )


def test_samples() -> None:
    """The suite's sample holds for its data; one given to load_suite takes its place."""
    rest = "cases: [{id: i, prompt: p, checks: [{contains: y}]}]\n"
    own = loaded(", sample: {n: 1, seed: 3}, where: {id: [a, d]}", rest)
    other = loaded(", sample: {n: 1, seed: 3}, where: {id: [a, d]}", rest, sample="2", seed=5)

    assert len(own.cases) == len(other.cases) == 2
    assert own.cases[0].id == "i"
    assert own == loaded(", sample: {n: 1, seed: 3}, where: {id: [a, d]}", rest)
    assert len(loaded(sample="official:9").cases) == 4


def test_a_sampled_case_brings_its_conversation() -> None:
    """A sample never tears a turn from what it follows."""
    for seed in range(10):
        names = ids(loaded(f", sample: {{n: 1, seed: {seed}}}"))
        assert names in ("a", "ab", "abc", "d")


def test_errors_of_the_reader_pass_unchanged() -> None:
    """A reader's error keeps its own file and row."""
    Path("cases/data/rows.txt").write_text("a|x||1\nbroken|||\n", encoding="utf-8")
    assert failed() == "cases/data/rows.txt:2: row is broken."


def test_faults_of_the_rows_are_all_reported() -> None:
    """Bad and repeated ids, unknown turns, hopeless points and clashing tags name their rows."""
    Path("cases/data/rows.txt").write_text(
        "a|x||1\na|x||1\nb:c|x||1\nd|x|z|1\ne|x||-1\nf|t:u t_u||1\n", encoding="utf-8"
    )
    assert failed().split("\n") == [
        'data/rows.txt:2: duplicate id "a", first at data/rows.txt:1.',
        'data/rows.txt:3: character ":" (U+003A) at position 2 is not allowed in an id.',
        'data/rows.txt:4: case "d" follows "z", which is no earlier case.',
        'data/rows.txt:5: case "e": no criterion or check has points above 0, so no score can be '
        "computed.",
        'data/rows.txt:6: tags "t:u" and "t_u" have the same marker t_u.',
    ]


def test_an_empty_file() -> None:
    """A file without cases is an error, not an empty success."""
    Path("cases/data/rows.txt").write_text("", encoding="utf-8")
    assert failed() == (
        "cases/s.yaml:2:7: the file holds no cases. Correct it, or choose other data."
    )


def test_a_reader_that_cannot_be_imported() -> None:
    """A format of the user's own that is not there is an error at its line."""
    from medcheck.errors import ShelfError

    Path("cases/s.yaml").write_text(
        'suite: s\ndata: {format: "no_such_module_here:read", path: data/rows.txt}\n',
        encoding="utf-8",
    )
    with pytest.raises(ShelfError) as caught:
        load_suite(Path("cases/s.yaml"))
    assert str(caught.value).startswith('cases/s.yaml:2:16: cannot import "no_such_module_here"')


@pytest.mark.parametrize(
    ("rest", "fine"),
    [
        ("grader: claims\nprotocol: official\n", True),
        ("grader: {name: claims, protocol: official}\n", True),
        ("grader: {name: claims, points: gaps_official}\n", True),
        ("grader: {name: claims, points: gaps}\nprotocol: official\n", False),
        ("grader: claims\n", False),
        ("protocol: official\n", False),
    ],
)
def test_a_case_that_can_earn_nothing(rest: str, fine: bool) -> None:
    """Only where its score is 0 by rule may it run; else it is an error that names the case."""
    Path("cases/data/rows.txt").write_text("a|x||-1\n", encoding="utf-8")
    if fine:
        assert ids(loaded(rest=rest)) == "a"
    else:
        assert 'case "a": no criterion or check has points above 0' in failed(rest=rest)
