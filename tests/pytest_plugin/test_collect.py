"""Each case is a test: its id, how it is chosen, what is said of files that are wrong."""

from __future__ import annotations

import json
import shutil

import pytest
from sessions import ALONE, FIRST, GOOD, ONE, PROJECT, Sessions

ZH, FEVER, LOW = "cases/a.yaml::胸痛-1", "cases/a.yaml::fever", "cases/a.yaml::low"
TWO = {"one": {"provider": "echo"}, "org/two:v1": {"provider": "echo"}}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ([], [ZH, FEVER, LOW]),
        (["-k", "胸痛"], [ZH]),
        (["-k", "hedging"], [ZH, FEVER]),
        (["-k", "theme:hedging and not gaps"], [ZH]),
        (["-m", "theme_hedging"], [ZH, FEVER]),
        (["-m", "theme_hedging and not gaps"], [ZH]),
        (["--tag", "gaps"], [FEVER]),
        (["--tag", "theme:hedging and not lang:zh"], [FEVER]),
        (["--tag", "hedging"], []),
        (["cases/a.yaml::low"], [LOW]),
        ([ZH, LOW], [ZH, LOW]),
        (["--model=echo,demo-weak", "--tag", "lang:en"], ["cases/a.yaml::low[echo]"]),
    ],
)
def test_cases_are_chosen_like_tests(
    sessions: Sessions, chosen: list[str], expected: list[str]
) -> None:
    """Ids, `-k`, `-m` and exact `--tag` choose cases, in the order of the file."""
    sessions.suite(FIRST)
    found = sessions.names(*chosen)
    assert [name for name in found if "not-run" not in name] == expected


def test_looking_leaves_nothing(sessions: Sessions) -> None:
    """`--collect-only` needs no model, calls nobody, writes nothing and prints no summary."""
    sessions.suite(FIRST)
    done = sessions.run("--collect-only", "--model=echo", code=0).calm()
    assert "CaseItem 胸痛-1" in done.text
    assert "= medcheck" not in done.text
    assert not (sessions.path / "reports").exists()
    again = sessions.run("--collect-only", workers=2, code=0).calm()
    assert "= medcheck" not in again.text
    assert not (sessions.path / "reports").exists()


@ALONE
def test_strict_settings(sessions: Sessions, workers: int) -> None:
    """Tags are known markers under strict settings, and no warning is given."""
    sessions.suite(FIRST)
    strict = "strict = true" if pytest.version_tuple >= (9,) else "xfail_strict = true"
    options = "addopts = --strict-markers --strict-config -W error"
    sessions.write("pytest.ini", f"[pytest]\ntestpaths = cases\n{options}\n{strict}\n")
    done = sessions.run("--model=echo", "-m", "theme_hedging", workers=workers, code=0).calm()
    assert done.counts()["passed"] == 2
    assert "warning" not in done.text


def test_again_from_the_failures(sessions: Sessions) -> None:
    """`--lf`, `--ff`, `--sw` and `-x` work on cases as on tests."""
    sessions.suite(FIRST)
    first = sessions.run("--model=echo", code=1)
    assert first.counts() == {"passed": 2, "failed": 1}
    assert sessions.names("--lf") == [LOW]
    assert sessions.names("--ff") == [LOW, ZH, FEVER]
    assert sessions.names("--sw") == [ZH, FEVER, LOW]
    assert sessions.run("--model=echo", "--ff", "-x").counts() == {"failed": 1}
    assert sessions.run("--model=echo", "--ff", "--maxfail=1").counts() == {"failed": 1}
    assert sessions.run("--model=echo", "--sw").counts() == {"passed": 2, "failed": 1}
    assert sessions.run("--model=echo", "--sw").counts() == {"failed": 1, "deselected": 2}
    assert sessions.run("--model=echo", "--lf", workers=2).counts() == {"failed": 1}


def test_several_models(sessions: Sessions, workers: int) -> None:
    """One test per case and model; results stand in the order of cases, then of models."""
    sessions.models(**TWO)
    sessions.suite(FIRST)
    arguments = ("--model=one", "--model", "org/two:v1", "-k", "not low", "-v")
    done = sessions.run(*arguments, workers=workers, code=0).calm()
    assert done.counts()["passed"] == 4
    for name in ("胸痛-1[one]", "胸痛-1[org_two_v1]", "fever[one]", "fever[org_two_v1]"):
        assert f"cases/a.yaml::{name}" in done.text
    found = [(line["case_id"], line["model"]) for line in sessions.results()]
    pairs = [(case, model) for case in ("胸痛-1", "fever") for model in ("one", "org/two:v1")]
    assert found == pairs


def test_cases_without_an_existing_answer(sessions: Sessions) -> None:
    """They are skipped, unless a missing score counts as unusable: then they stay in the run."""
    item = {"category2": "x", "problem": "p", "groupCode": 1, "sanswer": "s"}
    items = [{**item, "round": n, **({"model_answer": "a"} if n != 2 else {})} for n in (1, 2, 3)]
    sessions.write("cases/d.json", json.dumps({"医疗知识": items}))
    suite = "suite: s\ndata: {format: llmeval_med, path: d.json}\nprotocol: official\n"
    sessions.suite(suite, "s")
    kept = [name.rpartition("::")[2] for name in sessions.names("--model=answers:model_answer")]
    assert kept == ["MK-1-1", "MK-1-2", "MK-1-3"]
    names = sessions.names("--model=answers:model_answer", "--set", "s.grader.missing=exclude")
    kept = [name.rpartition("::")[2] for name in names]
    assert kept == ["MK-1-1", "MK-1-3", "not-run[answers:model_answer]"]


def test_a_sample_is_the_same_for_every_model(sessions: Sessions) -> None:
    """`--sample` draws cases, not pairs of case and model; the seed decides which."""
    sessions.models(**TWO)
    cases = [f"  - {{id: c{n}, prompt: q{n}, {ONE}}}" for n in range(20)]
    sessions.suite("suite: many\ncases:\n" + "\n".join(cases) + "\n")
    found = sessions.names("--sample=5", "--model=one,org/two:v1")
    drawn = {name.partition("[")[0] for name in found}
    assert len(found) == 10
    assert len(drawn) == 5
    assert {name.partition("[")[0] for name in found if "[one]" in name} == drawn
    assert set(sessions.names("--sample=5", "--seed=0")) == drawn
    assert set(sessions.names("--sample=5", "--seed=1")) != drawn


def test_results_do_not_follow_the_items(sessions: Sessions, workers: int) -> None:
    """Whatever order a conftest.py gives the tests, the results keep the order of the data."""
    sessions.suite(FIRST)
    sessions.suite(GOOD, "b")
    sessions.run("--model=echo", "--run=plain")
    hook = "def pytest_collection_modifyitems(items):\n    items.reverse()\n"
    sessions.write("conftest.py", hook)
    done = sessions.run("--model=echo", "--run=reversed", "-v", workers=workers, code=1)
    if not workers:
        order = [line.split()[0] for line in done.lines if line.startswith("cases/")]
        assert order[0] == "cases/b.yaml::b"
    names = ("results.jsonl", "summary.json")
    plain, turned = (
        [(sessions.folder(run) / name).read_bytes() for name in names]
        for run in ("plain", "reversed")
    )
    assert plain == turned


def test_what_is_a_suite(sessions: Sessions) -> None:
    """Files under the globs, and files named outright; never fragments, never other YAML."""
    sessions.suite(GOOD)
    sessions.suite("cases: [", "_part")
    sessions.write("elsewhere/own.yaml", GOOD)
    sessions.write("docker.yaml", "services: {}")
    assert sessions.names() == ["cases/a.yaml::a", "cases/a.yaml::b"]
    assert sessions.names("elsewhere") == []
    assert sessions.names("elsewhere/own.yaml::b") == ["elsewhere/own.yaml::b"]
    assert sessions.run("elsewhere/own.yaml", "--model=echo", code=0).counts() == {"passed": 2}
    sessions.write("pytest.ini", "[pytest]\nmedcheck_cases = elsewhere/*.yaml other/*.yaml\n")
    assert sessions.names() == ["elsewhere/own.yaml::a", "elsewhere/own.yaml::b"]


def test_an_empty_folder(sessions: Sessions) -> None:
    """Without suites the plugin does nothing: pytest's 5, no files, no summary."""
    for arguments in ([], ["--model=echo"]):
        done = sessions.run("-p", "no:cacheprovider", *arguments, code=5).calm()
        assert "= medcheck" not in done.text
    assert list(sessions.path.iterdir()) == []


def test_switched_off(sessions: Sessions) -> None:
    """`-p no:medcheck`: suites are just files; ordinary tests run."""
    sessions.suite(FIRST)
    sessions.write("test_own.py", "def test_own(): pass\n")
    done = sessions.run("-p", "no:medcheck", code=0)
    assert done.counts() == {"passed": 1}
    assert "--judge" not in sessions.run("-p", "no:medcheck", "--help").text


def test_cases_beside_tests(sessions: Sessions, workers: int) -> None:
    """One session runs both, each reported in the usual way."""
    sessions.suite(FIRST)
    sessions.write("test_own.py", "def test_good(): pass\ndef test_bad(): assert 1 == 2\n")
    done = sessions.run("--model=echo", workers=workers, code=1)
    assert done.counts() == {"passed": 3, "failed": 2}
    assert len(sessions.results()) == 3
    only = sessions.run("test_own.py", workers=workers, code=1)
    assert only.counts() == {"passed": 1, "failed": 1}
    assert "medcheck e" not in only.text


def test_all_errors_of_all_files(sessions: Sessions, workers: int) -> None:
    """What is wrong in suites is said in our lines, for every file, and nothing is asked."""
    sessions.suite("suite: a\ncases:\n  - {id: x, promt: hi}\n  - {id: 'y::z', prompt: hi}\n")
    sessions.suite("suite: [", "b")
    sessions.suite(f"suite: c\ncases:\n  - {{id: x, prompt: q, {ONE}}}\n" * 2, "c")
    sessions.suite(GOOD, "good")
    done = sessions.run("--model=echo", workers=workers, code=2).calm()
    for line in (
        'cases/a.yaml:3:13: cases[0].promt: unknown field. Did you mean "prompt"?',
        'cases/a.yaml:4:10: cases[1].id: character ":" (U+003A) at position 2',
        "cases/b.yaml:2:1: not valid YAML",
        'cases/c.yaml:4:1: duplicate key "suite"',
    ):
        assert any(found.startswith(line) for found in done.lines), (line, done.text)
    assert "= medcheck" not in done.text
    assert not (sessions.path / "reports" / "medcheck.sqlite").exists()


def test_going_on_beside_errors(sessions: Sessions) -> None:
    """With pytest's own option to go on, the readable suites run, and the status stays a 1."""
    sessions.suite("suite: a", "bad")
    sessions.suite(GOOD)
    done = sessions.run("--model=echo", "--continue-on-collection-errors", code=1).calm()
    assert done.counts() == {"passed": 2, "errors": 1}
    assert len(sessions.results()) == 2


def test_names_that_clash(sessions: Sessions) -> None:
    """Two suites of one name, one id twice, two tags of one marker: each an error that says so."""
    sessions.suite(GOOD, "a")
    sessions.suite(GOOD, "b")
    double = f"{{id: x, prompt: q, {ONE}}}"
    sessions.suite(f"suite: c\ncases: [{double}, {double}]\n", "c")
    sessions.suite(GOOD.replace("good", "d").replace("one", "x:y"), "d")
    sessions.suite(GOOD.replace("good", "e").replace("one", "x-y"), "e")
    done = sessions.run("--model=echo", code=2).calm()
    for line in (
        'b.yaml: suite "good" is also the name of a.yaml. Give each suite a name of its own.',
        'cases/c.yaml:2:*duplicate id "x"*',
        '*e.yaml: tags "x:y" and "x-y" are the same marker "x_y". Rename one of them.',
    ):
        done.ran.stdout.fnmatch_lines(line)


def test_tags_that_make_no_marker(sessions: Sessions) -> None:
    """A tag that begins with a sign is chosen by `--tag`; pytest knows no such marker."""
    sessions.suite(GOOD.replace("tags: [one]", 'tags: ["<one>", "?"]'))
    assert sessions.names("--strict-markers", "--tag", "<one>") == ["cases/a.yaml::a"]
    assert sessions.names("-k", "one") == ["cases/a.yaml::a"]


def test_data_that_is_not_here(sessions: Sessions, workers: int) -> None:
    """A suite without its official file is one skipped test that names the command to get it."""
    data = "data: {format: healthbench, path: data/absent.jsonl, fetch: healthbench}"
    sessions.suite(f"suite: later\n{data}\ngrader: {{name: rubric, judges: [judge]}}\n")
    done = sessions.run("--model=echo", "-rs", workers=workers, code=0).calm()
    assert done.counts() == {"skipped": 1}
    assert "data/absent.jsonl is not here. Run: medcheck fetch healthbench" in done.text
    assert "= medcheck" not in done.text


@ALONE
def test_the_demo_elsewhere(sessions: Sessions, workers: int) -> None:
    """Cases without a recording for the demo are one skipped test; the others run: 0."""
    for part in ("communication", "hedging"):
        shutil.copy(PROJECT / f"cases/_starter_{part}.yaml", sessions.path)
    (sessions.path / "cases").mkdir()
    for file in sessions.path.glob("_starter*"):
        file.rename(sessions.path / "cases" / file.name)
    sessions.suite(
        "suite: starter\ninclude: [_starter_communication.yaml, _starter_hedging.yaml]\n"
        f"grader: {{name: rubric, judges: [gpt-4.1]}}\ncases: [{{id: own, prompt: hi, {ONE}}}]\n"
    )
    done = sessions.run("--model=demo", "-rs", workers=workers, code=0).calm()
    assert done.counts() == {"passed": 12, "skipped": 1}
    wanted = '1 of 13 cases of "starter" have no answer of "demo" on record*pytest --model=NAME*'
    done.ran.stdout.fnmatch_lines(f"*{wanted}")
    assert len(sessions.results()) == 12


CHANGING = """
from dataclasses import replace
from medcheck.types import Message
def pytest_medcheck_case(case):
    if case.id == "b":
        return replace(case, messages=(Message(role="user", text="TEXT"),), tags=("new",))
"""


def test_a_conftest_changes_cases(sessions: Sessions, workers: int) -> None:
    """`pytest_medcheck_case` changes a case before it is an item, also below the root folder."""
    sessions.suite(GOOD)
    sessions.write("cases/conftest.py", CHANGING.replace("TEXT", "wait"))
    sessions.run("--model=echo", workers=workers, code=0).calm()
    found = {line["case_id"]: line for line in sessions.results()}
    assert {name: line["completion"]["text"] for name, line in found.items()} == {
        "a": "120 a", "b": "wait",
    }  # fmt: skip
    assert found["b"]["tags"] == ["new"]
    assert sessions.names("--tag=new") == ["cases/a.yaml::b"]


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("replace(case, id='x')", 'it renamed the case to "good::x". Keep id and suite.'),
        ("'text'", "it returned str. Return a Case, or None to keep it."),
    ],
)
def test_a_conftest_changes_too_much(sessions: Sessions, returned: str, said: str) -> None:
    """Another case, or no case, is an error that names hook and case."""
    sessions.suite(GOOD)
    code = f"from dataclasses import replace\ndef pytest_medcheck_case(case): return {returned}\n"
    sessions.write("conftest.py", code)
    done = sessions.run("--model=echo", code=2).calm()
    assert f'a.yaml: pytest_medcheck_case, case "a": {said}' in done.text


def test_two_conftests_that_disagree(sessions: Sessions) -> None:
    """Two that change the same case in the same way may; else it is an error, not a choice."""
    sessions.suite(GOOD)
    sessions.write("conftest.py", CHANGING.replace("TEXT", "120 one"))
    sessions.write("cases/conftest.py", CHANGING.replace("TEXT", "120 one"))
    sessions.run("--model=echo", code=0)
    sessions.write("other/conftest.py", "")
    sessions.write("cases/conftest.py", CHANGING.replace("TEXT", "120 other one"))
    done = sessions.pytester.runpytest_subprocess("--model=echo", timeout=60)
    assert "two conftest.py files change this case differently" in done.stdout.str()
