"""The faults of LLMEval-Med's own scripts, each shown not to be one of ours."""

from __future__ import annotations

import asyncio
import json

import pytest
from judging import BOTH, Judge, text_of

from medcheck.errors import DatasetError, ProviderError
from medcheck.graders.checklist import PROMPTS, Grader
from medcheck.readers._llmeval_scores import load_scores
from medcheck.readers.llmeval_med import read
from medcheck.scoring.usability import Rules, item_of, usability
from medcheck.types import Completion, Message, Result

GOOD = {"explanation": "见[1]", "score": 4}
ITEM = {
    "category2": "药物相关",
    "round": 1,
    "problem": "甲药怎么吃?",
    "groupCode": 1,
    "sanswer": "饭后",
}


def cases(folder, *items, category="医疗知识"):
    """Return the cases of a data set of one category."""
    path = folder / "dataset.json"
    path.write_text(json.dumps({category: [{**ITEM, **item} for item in items]}), encoding="utf-8")
    return list(read(path, {}))


def graded(case, mind, *, options=None, asked=()):
    """Return the score of an answer to a case, and its judge."""
    judge = Judge(mind, "j")
    grading = Grader(options or {}).grade(case, Completion(text="饭后服"), [judge], asked=asked)
    return asyncio.run(grading), judge


@BOTH
def test_1_the_judge_sees_the_conversation(tmp_path, protocol):
    """A follow-up question is judged with all that was really asked and answered before it."""
    _, second = cases(tmp_path, {}, {"round": 2, "problem": "那它呢?"})
    asked = (
        Message(role="system", text="You are a helpful assistant."),
        Message(role="user", text="甲药怎么吃?"),
        Message(role="assistant", text="每日一次"),
        Message(role="user", text="那它呢?"),
    )
    _, judge = graded(second, lambda _: GOOD, options={"protocol": protocol}, asked=asked)
    for request in judge.requests:
        for turn in asked[1:]:
            assert turn.text in text_of(request)


@BOTH
@pytest.mark.parametrize("category", ["医疗知识", "医疗语言理解", "医疗推理", "医疗文本生成"])
def test_2_nan_is_no_word(tmp_path, protocol, category):
    """What is absent is not in the prompt, and never as the word nan or None."""
    nan = float("nan")
    found = cases(
        tmp_path,
        {"checklist": nan, "difficulty": nan},
        {"groupCode": 2, "sanswer": nan, "checklist": "核心需求：\n1. 甲"},
        category=category,
    )
    for case in found:
        _, judge = graded(case, lambda _: GOOD, options={"protocol": protocol})
        text = text_of(judge.requests[0])
        words = set(text.replace('"', " ").replace(",", " ").lower().split())
        assert not words & {"nan", "none", "null", "nan."}


@BOTH
@pytest.mark.parametrize(
    "reply",
    [
        '{"理由": "指南[5]支持", "评分": [2]}',
        "根据文献[5]，评分：[1]",
        '{"explanation": "[5]", "score": [1]}',
        '{"explanation": "x", "score": 12}',
    ],
)
def test_3_a_citation_is_no_score(tmp_path, protocol, reply):
    """A number in brackets is no score, and one off the ladder is refused where it is read."""
    [case] = cases(tmp_path, {})
    score, judge = graded(case, lambda _: reply, options={"protocol": protocol})
    assert score.value is None
    assert len(judge.requests) == 12
    cited, _ = graded(case, lambda _: GOOD, options={"protocol": protocol})
    assert cited.facets["score"] == 4


@BOTH
def test_4_an_outage_is_no_bad_model(tmp_path, protocol):
    """A failed call keeps its cause, is no score, and is told apart from an unusable answer."""
    [case] = cases(tmp_path, {})
    down = ProviderError("HTTP 503 from judge.example")
    score, _ = graded(case, lambda _: down, options={"protocol": protocol})
    [verdict] = score.verdicts
    assert (score.value, verdict.state) == (None, "judge_error")
    assert all("HTTP 503 from judge.example" in ballot.error for ballot in verdict.ballots)
    result = Result(
        run="r", case_id=case.id, suite="s", model="m", state="judge_error", score=score,
        category=case.category,
    )  # fmt: skip
    found = usability([item_of(result, runs=3)], Rules())
    assert (found.op, found.missing) == (None, 3)
    script = usability([item_of(result, runs=3)], Rules(missing="unusable"))
    assert (script.op, script.missing) == (None, 3)


def test_5_runs_are_requests_of_their_own(tmp_path):
    """Each run has its own key, more runs keep the keys of fewer, and no reply serves two runs."""
    [case] = cases(tmp_path, {})
    _, once = graded(case, lambda _: GOOD, options={"judge_repeats": 1})
    _, thrice = graded(case, lambda _: GOOD)
    keys = [(request.copy, request.attempt, text_of(request)) for request in thrice.requests]
    assert keys[0] == (once.requests[0].copy, 0, text_of(once.requests[0]))
    assert len({copy for copy, _, _ in keys}) == 3


def test_6_files_chain_and_a_wrong_one_is_told(tmp_path):
    """Data set, answers and scores are one format: what answering writes, grading reads."""
    item = {**ITEM, "model_answer": "饭后服", "model_answer_score": "4"}
    [case] = cases(tmp_path, item)
    assert case.answers["model_answer"] == ("饭后服",)
    [found] = load_scores([tmp_path / "dataset.json"]).items
    assert (found.id, found.scores) == (case.id, (4,))
    cases(tmp_path, {})
    with pytest.raises(DatasetError, match="no item has a model_answer_score"):
        load_scores([tmp_path / "dataset.json"])


@BOTH
def test_7_the_checklist_is_called_a_checklist(tmp_path, protocol):
    """In every category, language understanding included, both stand under their own names."""
    for category in ("医疗知识", "医疗语言理解", "医疗推理", "医疗文本生成"):
        [case] = cases(tmp_path, {"checklist": "核心需求：\n1. 必须列表"}, category=category)
        _, judge = graded(case, lambda _: GOOD, options={"protocol": protocol})
        text = text_of(judge.requests[0])
        reference, core = (
            ("# REFERENCE\n", "# CORE REQUIREMENTS\n")
            if protocol == "strict"
            else ("# Reference answer\n", "# Core requirements\n")
        )
        assert f'{reference}"饭后"' in text
        assert f'{core}"必须列表"' in text
        assert "Sanswer" not in text


def test_8_the_rule_is_named():
    """Both rules of each kind are there, and the one that was used stands beside the figure."""
    for rule in ("per_run_pooled", "mean_then_threshold"):
        for op in ("macro", "micro"):
            found = usability([], Rules.of({"score_rule": rule, "op_rule": op}))
            assert rule in str(found.rules)
            assert f"OP {op}" in str(found.rules)


def test_9_the_judges_name_is_no_secret(tmp_path):
    """Every ballot names its judge, so that a contestant who judges can be seen; prompts do not."""
    [case] = cases(tmp_path, {})
    score, judge = graded(case, lambda _: GOOD)
    assert {ballot.judge for ballot in score.verdicts[0].ballots} == {"j"}
    assert len(set(PROMPTS.values())) == 5
    assert "gpt" not in text_of(judge.requests[0]).lower()
