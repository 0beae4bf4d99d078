"""Tests of the user's own: model and judges as plain calls, suites as parameters."""

from __future__ import annotations

import pytest
from servers import Server
from sessions import ALONE, JUDGED, Sessions, endpoint, judging

DIRECT = """
def test_greeting(model, judges):
    answer = model("What to do about chest pain?")
    assert answer.text == "the answer"
    score = judges.grade(answer, prompt="What to do about chest pain?", criteria=["is kind"])
    assert score.value == 1.0

def test_conversation(model, judge):
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    first = model([*turns, {"role": "user", "content": "bye"}], temperature=0)
    second = model([*turns, {"role": "user", "content": "bye"}], temperature=0, repeat=2)
    criteria = [{"text": "is kind", "points": 3}, {"text": "is rude", "points": -2}]
    score = judge.grade(second, prompt=turns, criteria=criteria)
    assert (score.earned, score.possible) == (1.0, 3.0)
    assert [verdict.state for verdict in score.verdicts] == ["met", "met"]
    assert first.key != second.key
"""
ZH = """
suite: zh
grader: {name: rubric, judges: [judge]}
cases:
  - {id: 胸痛-1, prompt: 胸痛怎么办, tags: ["lang:zh"], criteria: [{text: is kind, points: 1}]}
  - {id: fever, prompt: fever?, criteria: [{text: is kind, points: 1}]}
"""
TAKES_CASES = """
import medcheck

@medcheck.cases("../cases/a.yaml")
def test_graded(case, result):
    assert result.score.value == 1.0
    assert result.case_id == case.id

@medcheck.cases("../cases/a.yaml")
def test_called(case, model, judges):
    answer = model(case.messages)
    assert judges.grade(answer, case=case).value == 1.0
    assert judges.names == ("judge",)
"""
CHECKED = """
suite: checked
cases:
  - {id: a, prompt: question a, checks: [{contains: OWN, points: 1}]}
  - {id: b, prompt: question b, checks: [{contains: OWN, points: 1}]}
"""
OWN = {
    "sync": "class App:\n    def ask(self, request): return 'OWN ' + request.messages[-1].text\n",
    "async": "class App:\n    async def ask(self, request): return {'text': 'OWN'}\n",
    "function": "def App():\n    return lambda messages: 'OWN ' + messages[-1]['content']\n",
}
SUPPLIES = "import pytest\n\n@pytest.fixture\ndef {name}():\n    return App()\n"


def test_direct_calls_are_stored(sessions: Sessions, workers: int) -> None:
    """Calls of a test go over HTTP once: the second session sends nothing."""
    sessions.write("tests/test_own.py", DIRECT)
    with Server(judging()) as server:
        sessions.models(m=endpoint(server), judge=endpoint(server))
        command = ("tests", "--model=m", "--judge=judge")
        done = sessions.run(*command, workers=workers, code=0).calm()
        assert done.counts() == {"passed": 2}
        sent = len(server.requests)
        assert sent == 6
        sessions.run(*command, workers=workers, code=0).calm()
        assert len(server.requests) == sent


@ALONE
def test_direct_tests_alone_write_no_report(sessions: Sessions, workers: int) -> None:
    """A session whose tests only call model and judges leaves the store and no empty report."""
    sessions.write("tests/test_own.py", DIRECT)
    with Server(judging()) as server:
        sessions.models(m=endpoint(server), judge=endpoint(server))
        done = sessions.run("tests", "--model=m", "--judge=judge", workers=workers, code=0)
    assert "report.html" not in done.text
    assert [path for path in (sessions.path / "reports").iterdir() if path.is_dir()] == []
    assert (sessions.path / "reports" / "medcheck.sqlite").is_file()


@ALONE
def test_direct_tests_beside_suites(sessions: Sessions, workers: int) -> None:
    """Direct calls take part in a session with suites and are no results of it."""
    sessions.suite(JUDGED)
    sessions.write("tests/test_own.py", DIRECT)
    with Server(judging()) as server:
        sessions.models(m=endpoint(server), judge=endpoint(server))
        done = sessions.run("--model=m", "--judge=judge", "cases", "tests", workers=workers, code=0)
    assert done.counts()["passed"] == 4
    assert [line["case_id"] for line in sessions.results()] == ["a", "b"]


@ALONE
def test_a_test_runs_once_for_each_model(sessions: Sessions, workers: int) -> None:
    """With several models a test that asks for `model` runs once for each, under its name."""
    sessions.write(
        "tests/test_own.py",
        "def test_name(model, judges):\n    assert model('q').text == model.name == judges.model\n"
        "def test_plain(): pass\n",
    )
    with Server(lambda body: body["model"]) as server:
        sessions.models(m=endpoint(server), other=endpoint(server))
        done = sessions.run("tests", "-v", "--model=m,other", workers=workers, code=0).calm()
    assert done.counts() == {"passed": 3}
    assert "test_name[m]" in done.text
    assert "test_name[other]" in done.text


@ALONE
def test_suites_as_parameters(sessions: Sessions, workers: int) -> None:
    """`medcheck.cases` runs a test per case, graded by the suite; its results are reported."""
    sessions.suite(ZH)
    sessions.write("tests/test_own.py", TAKES_CASES)
    with Server(judging()) as server:
        sessions.models(m=endpoint(server), judge=endpoint(server))
        done = sessions.run("tests", "--model=m", workers=workers, code=0).calm()
        # Answer and verdict of a direct call are not those of the case: it has no suite settings.
        assert len(server.requests) <= 8
    assert done.counts() == {"passed": 4}
    assert [line["case_id"] for line in sessions.results()] == ["胸痛-1", "fever"]


@ALONE
def test_parameters_are_selected_by_id(sessions: Sessions, workers: int) -> None:
    """`-k` finds a case of a test by its id in any script, `--tag` by its tags."""
    sessions.suite(ZH)
    sessions.write("tests/test_own.py", TAKES_CASES)
    with Server(judging()) as server:
        sessions.models(m=endpoint(server), judge=endpoint(server))
        for choice in (("-k", "胸痛"), ("--tag", "lang:zh")):
            done = sessions.run("tests", "--model=m", *choice, workers=workers, code=0).calm()
            assert done.counts()["passed"] == 2


def test_a_sample_of_parameters(sessions: Sessions) -> None:
    """`--sample` draws among the cases of a test as among those of the suite."""
    sessions.suite(ZH)
    sessions.write("tests/test_own.py", TAKES_CASES)
    with Server(judging()) as server:
        sessions.models(m=endpoint(server), judge=endpoint(server))
        done = sessions.run("tests", "--model=m", "--sample=1", code=0).calm()
    assert done.counts() == {"passed": 2, "deselected": 2}


def test_parameters_without_their_data(sessions: Sessions) -> None:
    """A test whose suite's data is not here is skipped, with the reason."""
    missing = "suite: h\ndata: {path: nowhere.jsonl, format: healthbench, fetch: healthbench}\n"
    sessions.suite(missing + "grader: {name: rubric, judges: [judge]}\n")
    sessions.write("tests/test_own.py", TAKES_CASES)
    done = sessions.run("tests", "--model=echo", "--judge=echo", "-rs").calm()
    assert done.counts() == {"skipped": 2}
    assert "nowhere.jsonl" in done.text


@ALONE
def test_grading_needs_a_judge(sessions: Sessions, workers: int) -> None:
    """Without a judge the call says so, and which option names one."""
    sessions.write(
        "tests/test_own.py",
        "def test_it(judges):\n    judges.grade('an answer', prompt='q', criteria=['is kind'])\n",
    )
    done = sessions.run("tests", "--model=echo", workers=workers, code=1)
    assert "no judge to grade with. Name one with --judge NAME." in done.text


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        ("[]", "no criterion with points above 0"),
        ("[{'text': 'is rude', 'points': -1}]", "no criterion with points above 0"),
        ("[{'points': 1}]", "criterion 1: it has no text"),
        ("['a', {'text': 'b', 'pionts': 1}]", 'criterion 2: unknown field "pionts"'),
        ("[{'text': 'b', 'points': 'five'}]", "criterion 1: points are 'five'"),
        ("[{'text': 'b', 'tags': 'axis'}]", "criterion 1: tags are no list of texts"),
        ("[5]", "criterion 1: found int"),
    ],
)
def test_wrong_criteria(sessions: Sessions, criteria: str, words: str) -> None:
    """Criteria that cannot be graded are named before anything is asked."""
    call = f"judges.grade('an answer', prompt='q', criteria={criteria})"
    sessions.write("tests/test_own.py", f"def test_it(judges):\n    {call}\n")
    done = sessions.run("tests", "--model=echo", "--judge=echo", code=1)
    assert words in done.text


def test_a_wrong_model_is_told(sessions: Sessions, workers: int) -> None:
    """A model that does not exist refuses a session of direct tests too."""
    sessions.write("tests/test_own.py", DIRECT)
    done = sessions.run("tests", "--model=absent", "--judge=echo", workers=workers, code=4)
    assert 'unknown model "absent"' in done.text


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("name", [(), ("--model=ours",)], ids=["unnamed", "named"])
def test_a_model_of_ones_own(sessions: Sessions, kind: str, name: tuple[str, ...]) -> None:
    """What the root conftest.py supplies as `model` answers the cases, sync, async or function."""
    sessions.suite(CHECKED)
    sessions.write("conftest.py", OWN[kind] + SUPPLIES.format(name="model"))
    done = sessions.run(*name, code=0).calm()
    assert done.counts()["passed"] == 2
    lines = sessions.results()
    assert [line["score"] for line in lines] == [1.0, 1.0]
    assert {line["model"] for line in lines} == {"ours" if name else "model"}


def test_a_model_of_ones_own_with_workers(sessions: Sessions) -> None:
    """With workers it answers the same, for suites and for tests that take cases."""
    sessions.suite(CHECKED)
    sessions.write("conftest.py", OWN["sync"] + SUPPLIES.format(name="model"))
    sessions.write(
        "tests/test_own.py",
        "import medcheck\n@medcheck.cases('../cases/a.yaml')\n"
        "def test_it(result):\n    assert result.score.value == 1\n",
    )
    done = sessions.run("cases", workers=2, code=0).calm()
    assert done.counts()["passed"] == 2
    done = sessions.run("tests", "--run=second", workers=2, code=0).calm()
    assert [line["score"] for line in sessions.results("second")] == [1.0, 1.0]


def test_a_model_of_ones_own_in_a_direct_test(sessions: Sessions) -> None:
    """A direct test gets the user's object itself, and grades its answer without any --model."""
    conftest = OWN["sync"] + SUPPLIES.format(name="model")
    sessions.write("conftest.py", conftest)
    sessions.write(
        "tests/test_own.py",
        "def test_it(model, judges):\n"
        "    assert type(model).__name__ == 'App'\n"
        "    assert judges.grade('OWN', prompt='q', criteria=['is kind']).value == 1\n",
    )
    with Server(judging()) as server:
        sessions.models(judge=endpoint(server))
        sessions.run("tests", "--judge=judge", code=0).calm()


JUDGE = """
import json, re
class App:
    def ask(self, request):
        text = request.messages[-1].text
        verdict_id = re.search("verdict_id: ([0-9a-f]{16})", text)[1]
        said = {"explanation": "own", "criteria_met": "question a" in text}
        return json.dumps({**said, "verdict_id": verdict_id})
"""


@ALONE
def test_judges_of_ones_own(sessions: Sessions, workers: int) -> None:
    """What the root conftest.py supplies as `judges` decides the criteria of the suites."""
    sessions.suite(JUDGED)
    sessions.write("conftest.py", JUDGE + SUPPLIES.format(name="judges"))
    done = sessions.run("--model=echo", workers=workers, code=0).calm()
    assert done.counts()["passed"] == 2
    first, second = sessions.results()
    assert (first["score"], second["score"]) == (1.0, 0.0)
    assert first["verdicts"][0]["ballots"][0]["explanation"] == "own"


def test_too_few_judges_of_ones_own(sessions: Sessions) -> None:
    """Fewer objects than the suite names judges is an error that counts both."""
    sessions.suite(JUDGED.replace("[judge]", "[judge, second], vote: majority"))
    sessions.write("conftest.py", JUDGE + SUPPLIES.format(name="judges"))
    done = sessions.run("--model=echo", code=12).calm()
    assert "conftest.py supplies 1 of the judges judge, second" in done.text


@pytest.mark.parametrize("place", ["cases/conftest.py", "cases/deeper/conftest.py"])
def test_overriding_below_the_root(sessions: Sessions, workers: int, place: str) -> None:
    """A suite's model that is overridden below the root refuses the run and names the file."""
    folder = place.rpartition("/")[0]
    sessions.write(f"{folder}/a.yaml", CHECKED)
    sessions.write("pytest.ini", "[pytest]\nmedcheck_cases = *.yaml\n")
    sessions.write(place, OWN["sync"] + SUPPLIES.format(name="model"))
    done = sessions.run("--model=echo", workers=workers, code=4)
    assert f'{place}: the fixture "model" is overridden below the root folder' in done.text
    assert "Move it to the conftest.py beside pytest.ini." in done.text


@ALONE
def test_answers_of_a_file(sessions: Sessions, workers: int) -> None:
    """`answers:PATH` is judged without a model call; cases without an answer are one skip."""
    sessions.suite(JUDGED)
    sessions.write("given.jsonl", '{"case_id": "a", "answer": "given"}\n')
    with Server(judging("given")) as server:
        sessions.models(judge=endpoint(server))
        done = sessions.run("--model=answers:given.jsonl", "-rs", workers=workers, code=0).calm()
        assert [body["model"] for body in server.bodies] == ["judge"]
    assert done.counts() == {"passed": 1, "skipped": 1}
    assert "1 of 2 cases" in done.text
    [line] = sessions.results()
    assert (line["model"], line["score"]) == ("given", 1.0)
    assert line["completion"]["text"] == "given"


COLUMN = """
suite: column
protocol: strict
data: {path: d.jsonl, format: healthbench, options: {completions: true}}
grader: {name: rubric}
"""
ROWS = (
    '{"prompt_id": "p", "prompt": [{"role": "user", "content": "q"}], "example_tags": [], '
    '"rubrics": [{"criterion": "is kind", "points": 1, "tags": []}], "canary": "", '
    '"ideal_completions_data": {"ideal_completion": "the physician says", '
    '"ideal_completions_group": "Group 2", '
    '"ideal_completions_ref_completions": ["r1", "r2", "r3", "r4"]}}\n'
)


def test_answers_of_a_column(sessions: Sessions) -> None:
    """`answers:COLUMN` takes the answers that came with the cases; repeats are its answers."""
    sessions.suite(COLUMN)
    sessions.write("cases/d.jsonl", ROWS)
    with Server(judging("physician")) as server:
        sessions.models(judge=endpoint(server))
        sessions.run("--model=answers:ideal_completion", "--judge=judge", code=0).calm()
        assert {body["model"] for body in server.bodies} == {"judge"}
    [line] = sessions.results()
    assert (line["model"], line["score"]) == ("ideal_completion", 1.0)


def test_a_cut_off_answer_of_a_file(sessions: Sessions) -> None:
    """An imported answer that was cut off is truncated, as it was in the run that it came from."""
    sessions.suite(JUDGED)
    cut = '{"case_id": "a", "completion": {"text": "half an", "finish": "length"}}\n'
    sessions.write("given.jsonl", cut)
    with Server(judging()) as server:
        sessions.models(judge=endpoint(server))
        sessions.run("--model=answers:given.jsonl", code=12).calm()
        assert server.requests == []
    [line] = sessions.results()
    assert line["state"] == "truncated"


def test_answers_to_foreign_cases_are_told(sessions: Sessions, workers: int) -> None:
    """Ids that no suite has are counted before a call, the first five named, in the report too."""
    sessions.suite(JUDGED)
    ids = ["a", *(f"x{number}" for number in range(7))]
    sessions.write("g.jsonl", "".join(f'{{"case_id": "{i}", "answer": "g"}}\n' for i in ids))
    with Server(judging()) as server:
        sessions.models(judge=endpoint(server))
        done = sessions.run("--model=answers:g.jsonl", workers=workers, code=0).calm()
    told = "--model=answers:g.jsonl: 7 of 8 case ids are not in the suites: x0, x1, x2, x3, x4, ..."
    assert done.text.count(told) >= 1
    assert any(told in note for note in sessions.report("summary.json")["notes"])


def test_answers_to_foreign_cases_only(sessions: Sessions, workers: int) -> None:
    """A file that answers no case of any suite refuses the run, although every case is skipped."""
    sessions.suite(JUDGED)
    sessions.write("g.jsonl", '{"case_id": "x", "answer": "g"}\n')
    done = sessions.run("--model=answers:g.jsonl", workers=workers, code=4)
    assert "1 of 1 case ids are not in the suites: x. Is it the right file" in done.text


RAG = """
PASSAGES = {"胸痛": "Guideline 3.1: chest pain for 10 minutes: call 120."}

class Provider:
    def ask(self, request):
        question = request.messages[-1].text
        found = [text for word, text in PASSAGES.items() if word in question]
        evidence = [{"tool": "search", "query": question, "passage": text} for text in found]
        return {"text": found[0] if found else "I do not know.", "evidence": evidence}
"""
RAG_SUITE = """
suite: rag
grader: {name: rubric, judges: [judge]EVIDENCE}
cases:
  - {id: known, prompt: 胸痛怎么办, criteria: [{text: names its source, points: 1}]}
  - {id: unknown, prompt: 头晕, criteria: [{text: names its source, points: 1}]}
"""


@ALONE
@pytest.mark.parametrize("shown", [True, False])
def test_an_application_with_retrieval(sessions: Sessions, workers: int, shown: bool) -> None:
    """The passages of an application are recorded, and the judge sees them if the suite says so."""
    more = ", evidence: true" if shown else ""
    sessions.suite(RAG_SUITE.replace("EVIDENCE", more))
    sessions.write("triage_rag/service.py", RAG)
    sessions.pytester.syspathinsert()
    with Server(judging('"tool"')) as server:
        sessions.models(judge=endpoint(server))
        sessions.write("pytest.ini", "[pytest]\npythonpath = .\n")
        command = "--model=triage_rag.service:Provider"
        sessions.run(command, workers=workers, code=0).calm()
    known, unknown = sessions.results()
    assert known["completion"]["evidence"][0]["query"] == "胸痛怎么办"
    assert "evidence" not in unknown["completion"]
    assert (known["score"], unknown["score"]) == ((1.0, 0.0) if shown else (0.0, 0.0))


def test_where_the_run_is(sessions: Sessions) -> None:
    """`medcheck_run` names the run and its folder, in a direct test as beside a suite."""
    sessions.write(
        "tests/test_own.py",
        "def test_it(medcheck_run):\n"
        "    assert medcheck_run.id == 'mine'\n"
        "    assert medcheck_run.folder.parts[-2:] == ('reports', 'mine')\n",
    )
    sessions.run("tests", "--model=echo", "--run=mine", code=0).calm()
