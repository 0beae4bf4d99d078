"""Checks that an answer could hang: bounded in time, and otherwise as if run here."""

import asyncio
import threading
from time import perf_counter

import pytest

from medcheck.errors import MedcheckError
from medcheck.graders.rubric import Grader
from medcheck.scoring import _bounded
from medcheck.scoring.checks import CHECKS, checked
from medcheck.types import Case, Completion, Criterion, Message

EVIL = "(a+)+$"
HANGS = "a" * 44 + "!"


def criterion(**check):
    return Criterion(id="1", text="t", points=1.0, check=check)


def test_a_pattern_that_hangs_is_not_measured():
    """An answer that hangs a check is soon not measured, with the cause; the next check works."""
    case = Case(
        id="c",
        suite="s",
        grader="rubric",
        messages=(Message(role="user", text="q"),),
        criteria=(criterion(regex=EVIL), criterion(contains="a")),
    )
    started = perf_counter()
    score = asyncio.run(Grader({}).grade(case, Completion(text=HANGS), (), asked=case.messages))
    assert perf_counter() - started < _bounded.SECONDS + 3
    assert score.value is None
    assert score.verdicts[0].value is None
    assert score.verdicts[1].state == "met"
    assert "the check regex came to no end within 2 s" in (score.verdicts[0].ballots[0].error or "")
    assert checked(criterion(regex=EVIL), "aaa").state == "met"


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": EVIL},
        {"items": {"properties": {"a": {"patternProperties": {EVIL: {}}}}}},
    ],
)
def test_a_schema_that_hangs_is_not_measured(monkeypatch, schema):
    """Patterns inside a schema are bounded as well, wherever they stand."""
    asked = []
    monkeypatch.setattr(_bounded._WORKER, "ask", lambda question: asked.append(question) or b"")
    with pytest.raises(MedcheckError, match="came to no end"):
        CHECKS["json_schema"]('"x"', schema)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("name", "answer", "argument", "met"),
    [
        ("regex", "dose: 5 mg", r"\b\d+ mg\b", True),
        ("regex", "剂量\n5毫克\u2028\ud800\x00", r"[0-9]+毫克", True),
        ("not_regex", "dose 5", r"\d+", False),
        ("json_schema", '["ab", "b"]', {"items": {"pattern": "^a?b$"}, "uniqueItems": True}, True),
        ("json_schema", '["c"]', {"items": {"pattern": "^a?b$"}}, False),
        ("json_schema", "[1e999]", {"uniqueItems": True}, False),
    ],
)
def test_the_other_process_finds_the_same(name, answer, argument, met):
    """What is found in the other process is what Python finds, whatever the text holds."""
    assert CHECKS[name](answer, argument) is met


def test_many_threads_one_process():
    """Threads get their own results, and one process serves them all."""
    CHECKS["regex"]("a", "a+")
    process = _bounded._WORKER._process
    found = {}

    def check(number):
        found[number] = CHECKS["regex"](f"n{number}x" * (number % 2), rf"n{number}x+")

    threads = [threading.Thread(target=check, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: bool(number % 2) for number in range(20)}
    assert _bounded._WORKER._process is process


def test_a_killed_process_is_replaced():
    """When the other process is gone, one check is not measured and the next has a new process."""
    CHECKS["regex"]("a", "a+")
    process = _bounded._WORKER._process
    assert process is not None
    process.kill()
    process.wait()
    with pytest.raises(MedcheckError):
        CHECKS["regex"]("a", "a+")
    assert CHECKS["regex"]("a", "a+") is True


def test_fences_of_a_hostile_answer_take_no_time():
    """A hundred thousand opened fences are searched in a moment."""
    started = perf_counter()
    assert CHECKS["json_schema"]("```a\n" * 100_000, {}) is False
    assert perf_counter() - started < 1
