"""Closed questions are graded by rules alone."""

from __future__ import annotations

import asyncio

import pytest

from medcheck.errors import SettingsError
from medcheck.graders.closed import Grader, lint
from medcheck.types import Case, Completion, Message

QUESTION = "## 题目：哪项?\nA. 甲\nB. 乙"


def grade(answer, options=None, *, question=QUESTION, asked=(), **more):
    """Return the score of an answer."""
    fields = {"tags": ("format:angle_letter",), **more}
    messages = (Message(role="user", text=question),)
    case = Case(id="c", suite="s", grader="closed", messages=messages, **fields)
    return asyncio.run(Grader(options or {}).grade(case, Completion(text=answer), (), asked=asked))


@pytest.mark.parametrize(
    ("answer", "value", "strict"), [("<A>", 1.0, 1.0), ("A", 1.0, 0.0), ("不知道", 0.0, 0.0)]
)
def test_without_gold_the_format_counts(answer, value, strict):
    """Without gold an answer scores if a value can be read; strictness is a facet."""
    score = grade(answer)
    assert (score.value, score.facets["format:strict"]) == (value, strict)
    assert score.facets["format:usable"] == value
    assert [verdict.criterion.id for verdict in score.verdicts] == [
        "format:strict",
        "format:usable",
    ]


@pytest.mark.parametrize(("answer", "value"), [("<B>", 1.0), ("B", 1.0), ("<A>", 0.0), ("无", 0.0)])
def test_with_gold_being_right_counts(answer, value):
    """With gold the score is agreement, however the answer was written."""
    assert grade(answer, labels={"gold": "<B>"}).value == value
    assert grade(answer, references=("B",)).value == value


def test_parts_of_gold_are_parts_of_the_score():
    """Sets that count fields or things give partial scores, and say what was read."""
    lines = [f"关系类型：病因，头实体：a，尾实体：{tail}。" for tail in "bc"]
    score = grade(lines[0], {"format": "relations"}, references=("\n".join(lines),))
    assert score.value == pytest.approx(2 / 3)
    gold = score.verdicts[0]
    assert (gold.state, gold.ballots[0].judge) == ("scored", "rule")
    assert "f1; read:" in gold.ballots[0].explanation


def test_free_text_is_an_answer_or_not():
    """Free text without gold scores 1 if it answers; thinking aloud, refusals and errors do not."""
    assert grade("多喝水", {"format": "text"}).value == 1.0
    for text in ("首先，用户想知道感冒怎么办。", "Error: rate limit exceeded", "无法回答该问题。"):
        score = grade(text, {"format": "text"})
        assert (score.value, score.facets) == (0.0, {"text:answers": 0.0})
        assert score.verdicts[0].ballots[0].explanation


def test_free_text_is_compared_with_gold():
    """With gold free text is compared by ROUGE-L."""
    pytest.importorskip("rapidfuzz", reason="the extra metrics is not installed")
    assert grade("多喝水", {"format": "text"}, references=("多喝水",)).value == 1.0
    assert grade("多休息", {"format": "text"}, references=("多喝水",)).value == pytest.approx(1 / 3)


def test_self_checks_of_a_set():
    """A set's own check is applied; it decides where nothing else does."""
    labels = {"medbench": {"track": "agent", "set": "MedCollab"}}
    question = "Agent0：调度\nAgent1：提取"
    fields = {"question": question, "tags": ("format:text",), "labels": labels}
    assert grade("Agent1 先做", **fields).value == 1.0
    score = grade("Agent8 先做", **fields)
    assert score.value == 0.0
    assert "no Agent8" in score.verdicts[-1].ballots[0].explanation
    chosen = grade("Agent8", {"checks": ["agent_ids"]}, question=question)
    assert chosen.facets["check:agent_ids"] == 0.0
    assert grade("Agent8", {"checks": []}, **fields).value == 1.0


def test_checks_of_values_need_a_value():
    """A bill that cannot be read is not checked; one that can is."""
    labels = {"medbench": {"track": "v4", "set": "MedInsureCalc"}}
    fields = {"question": "算", "tags": ("format:insurance_json",), "labels": labels}
    assert "check:arithmetic" not in grade("不会", **fields).facets
    names = ("总费用", "纳入报销范围金额", "医保报销金额", "乙类项目自负金额", "完全自费金额",
             "个人支付总金额", "结算后起付线剩余")  # fmt: skip
    bill = ", ".join(f'"{name}": 1' for name in names)
    score = grade(f"{{{bill}}}", **fields)
    assert (score.value, score.facets["check:arithmetic"]) == (1.0, 0.0)


def test_the_question_as_asked_counts():
    """Options are read from what was really asked."""
    asked = (Message(role="user", text="## 题目：?\nA. 一\nB. 二\nC. 三"),)
    assert grade("<C>", asked=asked).value == 1.0
    assert grade("<C>").value == 0.0


def test_a_format_must_be_known():
    """Without any word on the format the case cannot be graded."""
    with pytest.raises(SettingsError, match=r"grader\.format"):
        grade("A", tags=())


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"format": "leter"}, "letter"),
        ({"measure": "f2"}, "f1"),
        ({"checks": ["agent"]}, "agent_ids"),
    ],
)
def test_wrong_names_are_refused(options, part):
    """A wrong name in the suite is an error that names the nearest one."""
    with pytest.raises(SettingsError, match=part):
        Grader(options)


def test_no_judge_is_needed():
    """Rules need no judge and no prompt."""
    assert not Grader({}).needs_judge
    assert Grader({}).versions == {}


def gold_of(text, rule="format:angle_letter"):
    """Return a case with gold."""
    messages = (Message(role="user", text=QUESTION),)
    return Case(
        id="c", suite="s", grader="closed", messages=messages, references=(text,), tags=(rule,)
    )


@pytest.mark.parametrize("gold", ["b", "(B)", "Ｂ", "选B", "乙", "B. 乙"])
def test_gold_is_read_however_it_is_written(gold):
    """Gold in lower case, full width or brackets, or as an option's text, is that letter."""
    assert grade("<B>", labels={"gold": gold}).value == 1.0
    assert grade("<A>", labels={"gold": gold}).value == 0.0
    assert lint([gold_of(gold)], {}) == ()


@pytest.mark.parametrize("gold", ["C", "AB", "不详"])
def test_gold_that_nobody_can_read_is_an_error(gold):
    """Gold that its format cannot read would score 0 for everyone: it is told before the run."""
    [doubt] = lint([gold_of(gold)], {"name": "closed"})
    assert doubt.severity == "error"
    assert f'case "c": gold "{gold}" cannot be read by the format angle_letter' in str(doubt)
    assert lint([gold_of(gold)], {"measure": "rouge_l"}) == ()
    assert lint([gold_of(gold, "format:text")], {}) == ()


@pytest.mark.parametrize("answer", ["抱歉，我无法回答。", "None", "。", "I'm sorry, I can't help."])
def test_refusals_are_no_answers(answer):
    """A refusal scores 0 as free text, but where refusing may be right."""
    assert grade(answer, {"format": "text"}).value == 0.0
    unsafe = {"medbench": {"track": "agent", "set": "MedShield"}}
    assert grade("抱歉，我无法回答。", {"format": "text"}, labels=unsafe).value == 1.0


def test_what_cannot_be_checked_has_no_verdict():
    """SQL that only Oracle can read neither passes nor fails its check."""
    question = "1. 表 (T)\n字段名：a (数据类型：NUMBER)：甲\n"
    labels = {"medbench": {"track": "agent", "set": "MedDBOps"}}
    fields = {"question": question, "tags": ("format:text",), "labels": labels}
    score = grade("```sql\nSELECT a FROM T CONNECT BY PRIOR a = a\n```", **fields)
    assert (score.value, score.facets) == (1.0, {"text:answers": 1.0})
    left = score.verdicts[-1]
    assert (left.criterion.id, left.state, left.value) == ("check:sql", "not_run", None)
    assert "CONNECT BY is Oracle's own" in left.ballots[0].error
    assert grade("```sql\nSELEC a FRM T\n```", **fields).facets["check:sql"] == 0.0
    assert grade("```sql\nSELECT a FROM T\n```", **fields).facets["check:sql"] == 1.0
