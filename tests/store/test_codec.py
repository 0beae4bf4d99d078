from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import Any

import pytest

from medcheck.errors import StoreError
from medcheck.store.codec import _NOUNS, decode, dumps, encode, storable
from medcheck.types import (
    Ballot,
    Completion,
    Criterion,
    Image,
    Message,
    Result,
    Score,
    Usage,
    Verdict,
)

CRITERION = Criterion(
    id="1",
    text="告诉用户立即拨打急救电话",
    points=-8.5,
    level="S4",
    zero_tolerance=True,
    scale=(1.0, 5.0),
    tags=("axis:accuracy", "轴:完整"),
    check={"contains": ["120", 911]},
    source="guideline",
)
FULL = Result(
    labels={"1": [True, False]},
    run="run",
    case_id="case",
    suite="suite",
    model="model",
    repeat=3,
    state="scored",
    completion=Completion(
        text="half a pair \ud83d, NUL \0, separator \u2028, 中文",
        reasoning="thought",
        finish="length",
        usage=Usage(input=1, cached_input=0, output=0, reasoning=7),
        seconds=1.25,
        cost_usd=0.1 + 0.2,
        key="ab",
        cached=True,
        evidence=({"tool": "search", "hits": [1.5, None, {"a": True}]},),
    ),
    score=Score(
        value=1 / 3,
        earned=-0.0,
        possible=5e-324,
        facets={"axis:accuracy": 0.1},
        verdicts=(
            Verdict(
                criterion=CRITERION,
                state="undecided",
                value=None,
                label="split",
                ballots=(
                    Ballot(
                        judge="j",
                        state="scored",
                        value=0.5,
                        label="4",
                        explanation="e",
                        key="k",
                        asks=2,
                        usage=Usage(input=11, output=None),
                        cost_usd=0.007,
                    ),
                    Ballot(judge="i", state="judge_error", value=None, error="timeout"),
                ),
                how="majority",
            ),
        ),
    ),
    error="why",
    seconds=2.5,
    tags=("t",),
    category=("a", "b"),
    messages=(Message(role="user", text="?", images=(Image(path="p", sha256="s", mime="m"),)),),
    pass_at=0.5,
    position=7,
)
EMPTY = Result(run="r", case_id="c", suite="s", model="m", state="not_run")


def through_json(result: Result) -> Result:
    return decode(json.loads(dumps(encode(result))))


@pytest.mark.parametrize("result", [FULL, EMPTY], ids=["full", "empty"])
def test_result_comes_back_exactly(result: Result) -> None:
    """A stored result equals the original in every field, with the same types and digits."""
    restored = through_json(result)
    assert restored == result
    assert repr(restored) == repr(result)


def nouns(value: object) -> Iterator[Any]:
    if is_dataclass(value):
        yield value
        value = [getattr(value, field.name) for field in fields(value)]
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from nouns(item)


def test_every_field_is_tried() -> None:
    """The example sets every field of every noun in it, so that a new one cannot be forgotten."""
    tried: dict[tuple[type, str], bool] = {}
    found = list(nouns(FULL))
    assert {type(noun) for noun in found} == set(_NOUNS)
    for noun in found:
        empty = type(noun)(**{f.name: None for f in fields(noun) if required(f)})
        for field in fields(noun):
            if required(field):
                continue
            name = (type(noun), field.name)
            differs = getattr(noun, field.name) != getattr(empty, field.name)
            tried[name] = tried.get(name, False) or differs
    assert [name for name, done in tried.items() if not done] == []


def required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def test_text_survives_a_utf8_column() -> None:
    """Half surrogates and NUL are stored as escapes that JSON reads back."""
    assert FULL.completion is not None
    text = dumps(encode(FULL))
    assert "\0" not in text
    assert json.loads(text.encode().decode())["completion"]["text"] == FULL.completion.text


def test_wall_times_stand_apart() -> None:
    """Two runs over the same replies store the same data, but for `timing`."""
    assert FULL.completion is not None
    other = replace(
        FULL, seconds=9.0, completion=replace(FULL.completion, seconds=8.0, cached=False)
    )
    first, second = encode(FULL), encode(other)
    assert first.pop("timing") != second.pop("timing")
    assert first == second


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    """NaN never stands for "not measured"."""
    with pytest.raises(StoreError, match="cannot be stored"):
        dumps(encode(replace(EMPTY, score=Score(value=number))))


@pytest.mark.parametrize(
    "change",
    [{"unheard_of": 1}, {"timing": None}, {"completion": {"text": "t"}}, {"tags": None}],
)
def test_data_of_another_version_is_named(change: dict[str, Any]) -> None:
    """Stored data with other fields is an error that says what to do, not a stack trace."""
    with pytest.raises(StoreError, match="another version of medcheck"):
        decode({**encode(EMPTY), **change})


def test_plain_text_is_stored_as_it_is() -> None:
    """Text that any column takes is left alone."""
    assert storable("plain 中文 😀") == "plain 中文 😀"
