"""What a case, and a test of the user's own, can ask for."""

from __future__ import annotations

import json
from typing import Any

from servers import Reply, Server
from sessions import ALONE, FIRST, GOOD, JUDGED, Sessions, endpoint, judging

OWN = """
import pytest

@pytest.fixture(autouse=True)
def seen(tmp_path, case, results, result):
    with open("seen.txt", "a", encoding="utf-8") as file:
        file.write(f"{case.id} {len(results)} {result.score.value} {result.repeat}\\n")
"""


@ALONE
def test_other_fixtures_work_beside(sessions: Sessions, workers: int) -> None:
    """Fixtures and marks of the user's conftest.py take part; `case` and `result` are at hand."""
    sessions.suite(GOOD)
    sessions.write("conftest.py", OWN)
    sessions.run("--model=echo", "--repeats=2", workers=workers, code=0).calm()
    seen = (sessions.path / "seen.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(seen) == ["a 2 1.0 1", "b 2 1.0 1"]


def test_a_test_of_ones_own(sessions: Sessions) -> None:
    """A test that is no case and asks for its result is told why it has none."""
    sessions.suite(GOOD)
    sessions.write(
        "test_own.py",
        "def test_case(case): pass\n"
        "def test_result(result): pass\n"
        "def test_engine(medcheck_engine): assert medcheck_engine\n",
    )
    done = sessions.run("--model=echo", "cases", "test_own.py", code=1).calm()
    assert done.counts() == {"passed": 3, "errors": 2}
    assert 'the fixture "case" belongs to items made from a suite' in done.text
    alone = sessions.run("test_own.py", code=1).calm()
    assert alone.counts() == {"errors": 3}
    assert "medcheck's fixtures need --model=NAME" in alone.text


@ALONE
def test_skipping_in_a_conftest(sessions: Sessions, workers: int) -> None:
    """A mark that a conftest.py adds to a case is honored; the case is then not measured."""
    sessions.suite(FIRST)
    sessions.write(
        "conftest.py",
        "import pytest\n"
        "def pytest_collection_modifyitems(items):\n"
        "    for item in items:\n"
        "        if item.name == 'low':\n"
        "            item.add_marker(pytest.mark.skip(reason='not today'))\n",
    )
    done = sessions.run("--model=echo", "-rs", workers=workers).calm()
    assert done.counts() == {"passed": 2, "skipped": 1}
    assert "cases/a.yaml: not today" in done.text


def test_repeats(sessions: Sessions, workers: int) -> None:
    """Each repeat is a request of its own, and the threshold holds for their mean."""
    suite = "suite: s\ncases: [{id: x, prompt: q, checks: [{contains: ok}], pass_at: 0.5}]\n"
    sessions.suite(suite)
    with Server(["ok", "no", "ok"]) as server:
        sessions.models(m=endpoint(server))
        done = sessions.run("--model=m", "--repeats=3", "--junitxml=j.xml", workers=workers, code=0)
        assert len(server.requests) == 3
    assert done.counts() == {"passed": 1}
    assert [line["repeat"] for line in sessions.results()] == [1, 2, 3]
    assert sorted(line["score"] for line in sessions.results()) == [0.0, 1.0, 1.0]
    assert f'name="medcheck.score" value="{2 / 3}"' in (sessions.path / "j.xml").read_text("utf-8")


def test_a_lost_repeat(sessions: Sessions) -> None:
    """One repeat that could not be measured makes the case an error that counts the others."""
    sessions.suite("suite: s\ncases: [{id: x, prompt: q, checks: [{contains: ok}]}]\n")
    refused = Reply(status=400, body={"error": {"message": "no"}})
    with Server(["ok", refused, refused]) as server:
        sessions.models(m=endpoint(server))
        done = sessions.run("--model=m", "--repeats=3", code=12).calm()
    assert "x: not measured (model_error)" in done.text
    assert "(and 1 more repeats)" in done.text


def test_conversations(sessions: Sessions, workers: int) -> None:
    """A case that follows another is asked with its answer, once, wherever it runs."""
    sessions.suite(
        "suite: talk\ncases:\n"
        "  - {id: one, prompt: first, checks: [{contains: first}]}\n"
        "  - {id: two, follows: one, prompt: second, checks: [{contains: first/second}]}\n"
    )

    def echo(body: dict[str, Any]) -> str:
        return "/".join(m["content"] for m in body["messages"] if m["role"] == "user")

    with Server(echo) as server:
        sessions.models(m=endpoint(server))
        done = sessions.run("--model=m", workers=workers, code=0).calm()
        assert done.counts()["passed"] == 2
        assert len(server.requests) == 2
    assert [line["score"] for line in sessions.results()] == [1.0, 1.0]


@ALONE
def test_verdicts_of_a_judge(sessions: Sessions, workers: int) -> None:
    """Model and judge are asked over real HTTP; the verdict's words stand in the results."""
    sessions.suite(JUDGED)
    with Server(judging("question a")) as server:
        sessions.models(m=endpoint(server), judge=endpoint(server))
        sessions.run("--model=m", workers=workers, code=0).calm()
    first, second = sessions.results()
    assert (first["score"], second["score"]) == (1.0, 0.0)
    [verdict] = first["verdicts"]
    assert verdict["ballots"][0]["explanation"] == "because"
    assert json.dumps(second, ensure_ascii=False).count('"not_met"') >= 1


SEEING = """
from pathlib import Path
def pytest_medcheck_result(result):
    name = f"seen-{result.case_id}-{result.repeat}"
    Path(name).write_text(f"{result.state} {result.measured}", encoding="utf-8")
"""


def test_a_conftest_sees_results(sessions: Sessions, workers: int) -> None:
    """`pytest_medcheck_result` sees each answer once, with its state, also below the root."""
    sessions.suite(GOOD)
    sessions.write("cases/conftest.py", SEEING)
    sessions.run("--model=echo", "--repeats=2", workers=workers, code=0).calm()
    seen = {p.name: p.read_text(encoding="utf-8") for p in sessions.path.glob("seen-*")}
    assert seen == {f"seen-{case}-{n}": "scored True" for case in "ab" for n in (1, 2)}


def test_a_hook_that_fails_is_no_unmeasured_case(sessions: Sessions) -> None:
    """An error in `pytest_medcheck_result` is not taken for a case that was not measured."""
    sessions.suite(GOOD)
    sessions.write("conftest.py", "def pytest_medcheck_result(result): raise ValueError('own')\n")
    done = sessions.run("--model=echo", code=1)
    assert "ValueError: own" in done.text


OWN_CASES = """
import medcheck
@medcheck.cases("cases/a.yaml")
def test_case(case):
    assert case.messages[0].text == ("changed" if case.id == "b" else "120 a")
@medcheck.cases("cases/a.yaml")
def test_result(case, result):
    assert result.messages == case.messages
"""
CHANGING = """
from dataclasses import replace
from medcheck.types import Message
def pytest_medcheck_case(case):
    if case.id == "b":
        return replace(case, messages=(Message(role="user", text="changed"),))
"""


def test_own_tests_get_the_changed_case(sessions: Sessions) -> None:
    """A test made from a suite sees the case as the hook left it, whether or not it is asked."""
    sessions.suite(GOOD)
    sessions.write("conftest.py", CHANGING)
    sessions.write("test_own.py", OWN_CASES)
    assert sessions.run("--model=echo", "test_own.py", code=0).counts() == {"passed": 4}
