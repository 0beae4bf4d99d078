"""JSON is found in answers without guessing, and without being led astray."""

from __future__ import annotations

import time

import pytest

from medcheck.scoring._format_json import json_value, values_in, without_comments


def has_a(value):
    """Accept objects with the key a."""
    return None if isinstance(value, dict) and "a" in value else "no a"


@pytest.mark.parametrize(
    ("answer", "state", "why"),
    [
        ('{"a": 1}', "strict", None),
        ('```json\n{"a": 1}\n```', "recoverable", "code fence"),
        ('```json\n{"b": 1}\n```', "fail", "schema: no a"),
        ('{"a": 1,}', "recoverable", "trailing comma / quotes"),
        ('好的：{"a": 1}', "recoverable", "JSON inside other text"),
        ('{"b": 1} 然后 {"a": 2}', "recoverable", "JSON inside other text"),
        ('{"b": 1}', "fail", "schema: no a"),
        ('说明 {"b": 1}', "fail", "schema: no a"),
        ('{"a": 1', "fail", "truncated JSON"),
        ("没有", "fail", "no JSON"),
        ("{'a': 1}", "recoverable", "trailing comma / quotes"),
    ],
)
def test_states(answer, state, why):
    """Plain JSON is strict, one value within other text recoverable, all else fails."""
    found = json_value(answer, has_a)
    assert (found.state, found.why) == (state, why)


def test_python_literals_where_the_prompt_shows_them():
    """A Python literal is strict only where it was asked for."""
    assert json_value("{'a': 1}", has_a, python=True).state == "strict"


def test_a_fence_can_be_asked_for():
    """A code fence is strict where the prompt shows one."""
    assert json_value('```json\n{"a": 1}\n```', has_a, fence="strict").state == "strict"


def test_the_last_fitting_value_counts():
    """Thinking aloud comes before the answer, so the last value that fits is read."""
    assert json_value('先写 {"a": 0}，再改为 {"a": 7}。', has_a).value == {"a": 7}


def test_brackets_in_texts_do_not_count():
    """Brackets and quotes within JSON texts do not end a value."""
    assert values_in('x {"a": "}{ \\" ]"} y [1, 2]') == [{"a": '}{ " ]'}, [1, 2]]


@pytest.mark.parametrize(
    "answer", ["[" * 50_000, "{" * 50_000, '{"a":' * 20_000, "[" * 200 + "]" * 200, "['" * 30_000]
)
def test_hostile_brackets_end_soon(answer):
    """Deep and unclosed brackets are refused within a second or so."""
    began = time.perf_counter()
    assert json_value(answer, has_a).state == "fail"
    assert time.perf_counter() - began < 5


def test_comments_are_left_out():
    """Comments behind values go; addresses within texts stay."""
    text = '{"a": 1, // one\n"u": "http://x"} // "done"'
    assert values_in(without_comments(text)) == [{"a": 1, "u": "http://x"}]


@pytest.mark.parametrize("answer", ['{"a": 1, "a": 99}', '好的：{"a": 1, "a": 99}'])
def test_a_name_with_two_values_is_not_read(answer):
    """Of two values of one name neither is taken; the same value twice is one."""
    found = json_value(answer, has_a)
    assert (found.state, found.why) == ("fail", "a name with two values")
    assert json_value("{'a': 1, 'a': 99}", has_a, python=True).state == "fail"
    assert json_value('{"a": 1, "a": 1}', has_a).value == {"a": 1}
