"""Tools, arguments and agents that an answer names are held against the question."""

from __future__ import annotations

import json
import time

import pytest

from medcheck.scoring.toolchecks import (
    agent_ids,
    api_call,
    api_names,
    api_steps,
    sql,
    tools_of,
)

CALL = (
    "API 描述：BookBed（床位）描述：申请。输入参数：patient_id (string，必填)：号。"
    "days (number，必填)：天数。tests (list，可选)：检验。is_urgent (boolean，非必填)：急。"
    '输出：{ "status": "" }用户问题：请申请。'
)
STEPS = (
    "API1：get_profile（档案）\n输入参数：user_id (string, 必填): 号；fields (list, 必填): 字段。\n"
    "API2：make_plan（方案）\n输入参数：user_id (string, 必填): 号；note (string, 选填): 备注。\n"
)
GOOD = {"patient_id": "1", "days": 3}


def messages(findings):
    """Return what was found, as text."""
    return " ".join(finding.message for finding in findings)


def test_tools_are_read_from_the_question():
    """Names, arguments, types and needs are read; what a tool gives back is not."""
    [tool] = tools_of(CALL)
    assert tool.name == "BookBed"
    found = [(p.name, p.type, p.needed) for p in tool.parameters]
    assert found == [
        ("patient_id", "string", True), ("days", "number", True),
        ("tests", "list", False), ("is_urgent", "boolean", False),
    ]  # fmt: skip
    assert [tool.name for tool in tools_of(STEPS)] == ["get_profile", "make_plan"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (GOOD, ""),
        ({**GOOD, "tests": None}, ""),
        ({"patient_id": "1"}, "argument days is missing"),
        ({**GOOD, "days": "3"}, "days is str, expected number"),
        ({**GOOD, "days": True}, "days is bool"),
        ({**GOOD, "room": 4}, "room is not described"),
        ({"api": "BookBed", "parameters": GOOD}, ""),
    ],
)
def test_arguments(arguments, message):
    """Arguments must be complete, known and of the right type, wherever the object stands."""
    answer = f"调用如下：\n```json\n{json.dumps(arguments)}\n```"
    assert message in messages(api_call(CALL, answer))
    assert bool(message) == bool(api_call(CALL, answer))


def test_arguments_in_other_forms():
    """Comments in JSON and a call with names are read; no arguments at all are an error."""
    assert api_call(CALL, '{"patient_id": "1", // 号\n"days": 3}') == ()
    assert api_call(CALL, 'BookBed(\n patient_id = "1",\n days = 3\n)') == ()
    assert "no arguments" in messages(api_call(CALL, "我会申请。"))
    written = api_call(CALL, "- patient_id: 1\n- is_urgent: true")
    assert "days is missing" in messages(written)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("先 get_profile：user_id, fields；再 make_plan：user_id", ""),
        ("调用 API2，user_id=1", ""),
        ("get_profile：user_id", "argument fields is not given"),
        ("API3：x user_id fields get_profile", "there is no API3"),
        ("API：`get_profile` user_id fields\nAPI：`drop_all`", 'no tool "drop_all"'),
        ("我建议休息", "no tool of the question"),
    ],
)
def test_steps(answer, message):
    """Steps name tools that exist and speak of the arguments that they need."""
    found = api_steps(STEPS, answer)
    assert message in messages(found)
    assert bool(message) == bool(found)


def test_names_only():
    """Where only names count, arguments are not looked at."""
    assert api_names(STEPS, "get_profile") == ()
    assert "no tool" in messages(api_names(STEPS, "休息"))
    assert api_names("没有工具", "休息") == api_call("没有工具", "休息") == ()


def test_agents():
    """Agents must be named, and be among those listed."""
    question = "Agent0：调度；\nAgent1：提取；"
    assert agent_ids(question, "Agent 0 → agent1") == ()
    assert "no Agent7" in messages(agent_ids(question, "Agent0, Agent7"))
    assert "no agent" in messages(agent_ids(question, "完成"))


def test_sql_is_looked_for():
    """SQL is read from fences or from the text; none is an error."""
    question = "1. 表 (T)\n字段名：a (数据类型：NUMBER)：甲\n"
    assert sql(question, "```sql\nSELECT a FROM T;\n```") == ()
    assert sql(question, "SELECT a FROM T") == ()
    assert "no such column" in messages(sql(question, "```sql\nSELECT b FROM T\n```"))
    assert "no SQL" in messages(sql(question, "查询即可。"))
    assert "no SQL" in messages(sql(question, "```\n我不知道\n```"))
    assert "no SQL" in messages(sql(question, "```sql\nDROP TABLE T\n```"))
    assert sql(question, "```sql\nSELECT a FROM T\n```\n结果：\n```\na\n1\n```") == ()
    assert sql(question, "SELECT a FROM T; 以上是查询。") == ()


@pytest.mark.parametrize(
    "answer",
    [
        '{"tool": "delete_all", "arguments": {"patient_id": "1", "days": 3}}',
        '{"function": {"name": "delete_all", "arguments": "{\\"patient_id\\": \\"1\\", '
        '\\"days\\": 3}"}}',
        'delete_all(patient_id="1", days=3)',
        'delete_all({"patient_id": "1", "days": 3})',
    ],
)
def test_another_tool_is_called(answer):
    """Right arguments to a tool that the question does not describe are an error."""
    assert messages(api_call(CALL, answer)) == 'there is no tool "delete_all".'
    assert api_call(CALL, answer.replace("delete_all", "BookBed")) == ()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ('BookBed(patient_id="(1)", days=3, is_urgent=true)', ""),
        ("BookBed(patient_id=pid, days=n)", ""),
        ('请看 f(x)：BookBed(patient_id="1", days="3")', "days is str, expected number"),
        ('BookBed(patient_id="1")', "argument days is missing"),
        ('[{"name": "BookBed", "arguments": {"patient_id": "1", "days": 3}}]', ""),
    ],
)
def test_calls_on_one_line(answer, message):
    """A call with names and values is checked as an object is."""
    found = api_call(CALL, answer)
    assert message in messages(found)
    assert bool(message) == bool(found)


def test_hostile_calls_take_no_time():
    """Calls that never close are given up."""
    started = time.process_time()
    api_call(CALL, "f(a=1 " * 20_000 + ")" * 20_000)
    assert time.process_time() - started < 2
