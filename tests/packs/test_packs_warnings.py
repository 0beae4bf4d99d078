"""Each rule W1 to W8 finds what looks odd, keeps quiet about good answers, and is no error."""

import time
from pathlib import Path

import pytest
from medbench_packs import OPTIONS, checked, errors, questions, rows_of, warned, zipped

from medcheck.packs.repair import without_thinking
from medcheck.packs.warnings import breaks_off, no_answer, suspicions

LONG = 1000.0
PROSE = "先查血常规。再复查胸片。" * 20


def rules(answer, question="问题？", *, long=LONG):
    """Return the rules that an answer breaks."""
    return [rule for rule, _ in suspicions(question, answer, long=long)]


@pytest.mark.parametrize(
    "answer",
    [
        "<A>",
        "诊断：肺炎。",
        "首先，进行甲状腺功能检查。",
        "好的，以下是您的申请信息。",
        '{"总费用": 3.5}',
        "1. 休息\n2. 多饮水",
        "药物：阿司匹林\n疾病：",
        f"{PROSE}加油！😊",
        f"{PROSE}—— 完 ——",
        "a < b，且 p < 0.05。",
    ],
)
def test_good_answers(answer):
    """Good answers of every kind raise no suspicion."""
    assert rules(answer) == []


@pytest.mark.parametrize(
    "answer",
    [
        "<think>嗯</think>A。",
        "想好了</THINK>A。",
        "<think>没有完。",
        "<thinking>嗯</thinking>A。",
        "◁think▷嗯◁/think▷A。",
    ],
)
def test_w1(answer):
    """W1: a think tag that is left, whole or half."""
    assert "W1" in rules(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "首先，任务是计算费用。",
        "首先，用户想知道答案。",
        "好的，首先，这道题目问的是剂量。",
        "用户要求输出一个字母。",
        "我们需要分析每个选项。",
        "We need to pick one option.",
        "Okay, the user wants a letter.",
    ],
)
def test_w2_thinking_aloud(answer):
    """W2: an answer that begins with talk about the task."""
    assert rules(answer) == ["W2"]


def test_w2_ten_medians(tmp_path):
    """W2: an answer ten times as long as the set's median, but no short one."""
    files = rows_of("agent")
    files["MedCOT.jsonl"][3]["answer"] = "很长的回答。" * 50
    files["MedCOT.jsonl"][4]["answer"] = "不太长的回答。" * 12
    found = checked(zipped(tmp_path / "p.zip", "agent", files))
    assert [each.line for each in found.findings if each.rule == "W2"] == [4]


@pytest.mark.parametrize(
    "answer",
    [
        '{"总费用": 315, "报销": 2',
        "```json\n{}",
        "建议如下，",
        f"{PROSE}随访期间应监测血常规、肝肾功能、电解质，以及凝血功能和血",
        "因此需要手术治疗的指征包括以下几项：",
    ],
)
def test_w3(answer):
    """W3: an open bracket, an open fence, or an end within a sentence."""
    assert breaks_off(answer)
    assert "W3" in rules(answer, "```")


@pytest.mark.parametrize(
    "answer",
    [
        "Error code: 429 - rate limit reached",
        "502 Bad Gateway",
        '{"error": {"message": "no"}}',
        "请求超时，请稍后再试。",
        "<html><body>x</body></html>",
        "抱歉，我无法回答这个问题。",
        "注意到你要求“禁止输出JSON格式结果”，无法照办。",
        "好的，请提供题目。",
    ],
)
def test_w4(answer):
    """W4: an error text, a web page, a refusal of the task or its format."""
    assert no_answer("问题？", answer)
    assert "W4" in rules(answer)


def test_w4_html_that_was_asked_for():
    """HTML that stands in the question is no fault of the answer."""
    assert no_answer("请补全 <div>。", "<div>好</div>") is None


def test_w5():
    """W5: a code fence, unless the question shows or asks for one."""
    answer = "```json\n{}\n```"
    assert rules(answer) == ["W5"]
    assert rules(answer, "输出格式：```json{}```") == []
    assert rules(answer, "请放在代码块中") == []


def test_w6_and_w7(tmp_path):
    """W6 names each answer out of form; W7 a set whose answers are all one text."""
    files = rows_of("v4")
    for name in ("MedExam.jsonl", "MedTeach.jsonl"):
        for row in files[name]:
            row["answer"] = "<A>"
    files["MedExam.jsonl"][1]["answer"] = "A"
    files["MedExam.jsonl"][2]["answer"] = "不知道。"
    found = checked(zipped(tmp_path / "p.zip", "v4", files), questions(tmp_path / "q", "v4"))
    assert errors(found) == []
    exam, teach = (
        next(each for each in found.sets if each.info.name == name)
        for name in ("MedExam", "MedTeach")
    )
    assert exam.states == {"strict": 148, "recoverable": 1, "fail": 1}
    assert [f.line for f in exam.findings if f.rule == "W6"] == [2, 3]
    assert [f.rule for f in teach.findings] == ["W7"]
    assert teach.states == {}


def test_w8(tmp_path):
    """W8: copies are alike when the text of the option is, not its letter."""
    files = rows_of("v4")
    for number, row in enumerate(files["MedExam.jsonl"]):
        place = (OPTIONS.index("就医") - number % 5) % 4
        row["answer"] = f"<{'ABCD'[place]}>"
    files["MedExam.jsonl"][7]["answer"] = "<B>"
    files["MedExam.jsonl"][11]["answer"] = None
    path = zipped(tmp_path / "p.zip", "v4", files)
    found = checked(path)
    exam = next(each for each in found.sets if each.info.name == "MedExam")
    assert [(f.line, f.id) for f in exam.findings if f.rule == "W8"] == [(6, "2")]
    assert exam.copies.groups == 30
    assert exam.copies.consistent == 28, "a copy without an answer points at nothing"


def test_warnings_are_no_errors(tmp_path):
    """A pack full of odd answers may still be uploaded."""
    files = rows_of("agent")
    for rows in files.values():
        for row in rows:
            row["answer"] = "<think>首先，任务是 ```"
    found = checked(zipped(tmp_path / "p.zip", "agent", files), questions(tmp_path / "q", "agent"))
    assert found.clean
    assert warned(found, "W1")


@pytest.mark.parametrize(
    "answer", [" " * 200_000 + "x", "<think>" * 30_000, "</think>" * 30_000, "首先，" * 70_000]
)
def test_long_hostile_answers_take_no_time(answer):
    """Rules look at an answer of any length in linear time."""
    started = time.process_time()
    rules(answer)
    without_thinking(answer)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "answer",
    [
        "抱歉，我无法回答。",
        "很抱歉，我不能提供医疗建议。请咨询医生。",
        "作为AI，我不能提供医疗建议",
        "<无法回答，问题未提供选项>",
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t help with that.",
        "None", "null", "N/A", "。", "<>",
    ],
)  # fmt: skip
def test_w4_an_answer_that_only_refuses_or_says_nothing(answer):
    """W4: a refusal that is all there is, or no word at all."""
    assert "W4" in rules(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "无", "不能饮酒。", "我无法判断，建议查血常规。", "无法提供精确数值，一般为 3-5 天。",
        "抱歉让您久等了，建议多喝水，若不能缓解请就医并提供病历。",
        "I cannot recommend aspirin for children because of Reye syndrome.",
        f"很抱歉，我无法提供诊断。{PROSE * 6}",
    ],
)  # fmt: skip
def test_w4_answers_that_say_more_than_no(answer):
    """A refusal of a part, or one that goes on to help, is an answer."""
    assert "W4" not in rules(answer)


def test_w4_where_refusing_is_right(tmp_path):
    """In the sets of unsafe requests a bare refusal may be the right answer."""
    files = rows_of("agent")
    for name in ("MedDefend.jsonl", "MedShield.jsonl", "MedCOT.jsonl"):
        files[name][0]["answer"] = "抱歉，我无法回答。"
    found = checked(zipped(tmp_path / "p.zip", "agent", files))
    assert [Path(each.file).stem for each in found.findings if each.rule == "W4"] == ["MedCOT"]
