"""A run goes out as the score files of LLMEval-Med's scripts, and comes back as the same scores."""

import json
import re
from dataclasses import asdict, replace

import pytest

from medcheck.errors import WriterError
from medcheck.readers._llmeval_scores import load_scores
from medcheck.readers.llmeval_med import read, records
from medcheck.scoring.usability import Rules, item_of, usability
from medcheck.summary import summarize
from medcheck.types import Ballot, Completion, Criterion, Message, Result, Run, Score, Verdict
from medcheck.writers import llmeval_med

NAMES = {"MK": "医疗知识", "MR": "医疗推理", "MSE": "医疗安全伦理"}


def result(case_id, *runs, model="m", repeat=1, text="每日三次\u2028\ud800"):
    """An answer and its runs' scores; without runs it was not measured."""
    criterion = Criterion(id="score", text="x", points=1, scale=(1, 5))
    ballots = tuple(
        Ballot(judge="j", state="scored", value=score, label=f"run:{n}", explanation=f"因为{n}")
        for n, score in enumerate(runs, start=1)
    )
    verdict = Verdict(
        criterion=criterion, state="scored" if runs else "judge_error",
        value=sum(runs) / len(runs) if runs else None, ballots=ballots,
    )  # fmt: skip
    facets = {f"run:{n}": float(score) for n, score in enumerate(runs, start=1)}
    mean = (sum(runs) / len(runs) - 1) / 4 if runs else None
    return Result(
        run="r", case_id=case_id, suite="s", model=model, repeat=repeat,
        state="scored" if runs else "judge_error", completion=Completion(text=text),
        score=Score(value=mean, facets=facets, verdicts=(verdict,)),
        category=(NAMES.get(case_id.partition("-")[0], "x"), "药物相关"),
        messages=(
            Message(role="system", text="You are a helpful assistant."),
            Message(role="user", text="以前"), Message(role="assistant", text="答"),
            Message(role="user", text=f"问 {case_id}?"),
        ),
    )  # fmt: skip


def written(folder, *results, runs=None, data=None):
    """Write a run and return the path that the writer returns."""
    suites = {} if runs is None else {"s": {"usability": {**asdict(Rules()), "runs": runs}}}
    run = Run(id="r", started="", settings={}, versions={}, results=results, suites=suites)
    return llmeval_med.write(run, summarize(run), folder / "scores.json", data=data or {})


def test_one_run(tmp_path):
    """Keys, question, answer, reason and score stand under the original's names, by category."""
    results = [result("MK-5-1", 4), result("MR-7-2", 2), result("MK-6-1")]
    path = written(tmp_path, *results)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert list(found) == ["医疗知识", "医疗推理"]
    assert found["医疗知识"][0] == {
        "category2": "药物相关", "round": 1, "problem": "问 MK-5-1?", "groupCode": 5,
        "checklist": "x", "model_answer": "每日三次\u2028\ud800", "model_answer_judgement": "因为1",
        "model_answer_score": 4,
    }  # fmt: skip
    assert found["医疗推理"][0]["round"] == 2
    assert found["医疗知识"][1]["model_answer_score"] == ""
    assert path == tmp_path / "scores.json"
    assert written(tmp_path, *results).read_bytes() == path.read_bytes()


def test_three_runs_come_back(tmp_path):
    """Three runs are three files, which are read back as the same items and rates."""
    results = [result("MK-5-1", 5, 4, 3), result("MK-5-2"), result("MR-7-1", 2, 4.5, 5)]
    first = written(tmp_path, *results)
    paths = sorted(tmp_path.glob("*.json"))
    assert first == paths[0]
    assert [path.name for path in paths] == [f"scores-m-1-run{n}.json" for n in (1, 2, 3)]
    back = load_scores(paths)
    own = [item_of(one, runs=3) for one in results]
    assert {item.id: item.scores for item in back.items} == {item.id: item.scores for item in own}
    assert back.missing == 3
    assert usability(back.items, Rules()).op == usability(own, Rules()).op


def test_a_failed_run_is_one_score(tmp_path):
    """A run of the judge that failed is one empty score; those that did not keep theirs."""
    whole = result("MK-5-1", 5, 5)
    lost = replace(whole, state="judge_error", score=replace(whole.score, value=None))
    written(tmp_path, lost, runs=3)
    scores = [
        json.loads(path.read_text(encoding="utf-8"))["医疗知识"][0]["model_answer_score"]
        for path in sorted(tmp_path.glob("*.json"))
    ]
    assert scores == [5, 5, ""]


@pytest.mark.parametrize("case_id", ["MK-5-1", "MSE-5-1"])
def test_what_the_run_holds_comes_back(tmp_path, case_id):
    """Without the data set the file is read again as the same checklist and difficulty."""
    path = written(tmp_path, replace(result(case_id, 5), tags=("difficulty:难",)))
    [case] = read(path, {})
    assert (case.id, case.criteria[0].text) == (case_id, "x")
    assert "difficulty:难" in case.tags
    assert "model_answer" in case.answers


def test_the_data_set_comes_back(tmp_path):
    """With the data set the file has all fields of its items beside answers and scores."""
    source = tmp_path / "source.json"
    item = {
        "category1": "一般", "category2": "药物相关", "scene": "用法", "round": 1, "problem": "问?",
        "groupCode": 5, "sanswer": "饭后", "checklist": float("nan"), "difficulty": "中", "foo": 1,
    }  # fmt: skip
    source.write_text(json.dumps({"医疗知识": [item]}), encoding="utf-8")
    path = written(tmp_path, result("MK-5-1", 5, text="饭后服"), data=records(source))
    [found] = json.loads(path.read_text(encoding="utf-8"))["医疗知识"]
    assert {name: found[name] for name in item} == {**item, "checklist": ""}
    assert (found["model_answer"], found["model_answer_score"]) == ("饭后服", 5)
    [first], [again] = read(source, {}), read(path, {})
    assert again == replace(first, answers=again.answers, origin=again.origin)
    with pytest.raises(WriterError, match='no case "MK-6-1"'):
        written(tmp_path, result("MK-6-1", 5), data=records(source))


def test_models_and_repeats_apart(tmp_path):
    """Each model and repeat has files of its own, under safe names."""
    results = [
        result("MK-5-1", 5, model="a/b"), result("MK-5-1", 4, model="a/b", repeat=2),
        result("MK-5-1", 3, model="a_b"),
    ]  # fmt: skip
    written(tmp_path, *results)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 3
    assert names[0] == "scores-a_b-1-run1.json"
    for number, name in enumerate(names[1:], start=1):
        assert re.fullmatch(f"scores-a_b-[0-9a-f]{{8}}-{number}-run1.json", name)


def test_answers_can_be_graded_again(tmp_path):
    """The answers in the file are answers to the data set's cases."""
    path = written(tmp_path, result("MK-5-1", 5, text="饭后服"))
    data = json.loads(path.read_text(encoding="utf-8"))
    data["医疗知识"][0]["sanswer"] = "饭后"
    path.write_text(json.dumps(data), encoding="utf-8")
    [case] = read(path, {})
    assert (case.id, case.answers) == ("MK-5-1", {"model_answer": ("饭后服",)})


def test_other_runs_are_refused(tmp_path):
    """A run of another benchmark, or one without scores, leaves no file behind."""
    for case_id in ("q1", "XX-5-1"):
        with pytest.raises(WriterError, match=f'case "{case_id}" is not of LLMEval-Med'):
            written(tmp_path, result(case_id, 5))
    with pytest.raises(WriterError, match="no scores"):
        written(tmp_path, result("MK-5-1"))
    assert not list(tmp_path.iterdir())
