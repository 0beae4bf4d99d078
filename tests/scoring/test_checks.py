"""Deterministic checks: what each one accepts, and bad arguments found before a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import medcheck.scoring.checks as module
from medcheck.scoring.checks import CHECKS, describe, validate, words


@pytest.mark.parametrize(
    ("name", "answer", "argument", "met"),
    [
        ("contains", "Call 112 now", "112", True),
        ("contains", "Call 112 now", ["112", "CALL"], True),
        ("contains", "Call 112 now", ["112", "999"], False),
        ("contains", "请拨打１２０", "120", True),
        ("contains", "", "112", False),
        ("not_contains", "Take aspirin", "Aspirin", False),
        ("not_contains", "Take aspirin", ["ibuprofen", "paracetamol"], True),
        ("not_contains", "Take aspirin", ["ibuprofen", "aspirin"], False),
        ("equals", " b.\n", ["A.", "B."], True),
        ("equals", "B. because", "B.", False),
        ("regex", "dose: 5 mg", r"\b\d+ mg\b", True),
        ("regex", "dose: five", r"\d", False),
        ("regex", "ASPIRIN", "(?i)aspirin", True),
        ("not_regex", "dose: five", r"\d", True),
        ("not_regex", "dose: 5", r"\d", False),
        ("max_words", "one two three", 3, True),
        ("max_words", "one two three four", 3, False),
        ("min_words", "one two three", 3, True),
        ("min_words", "one two", 3, False),
        ("max_words", "立即拨打120", 5, True),
        ("max_words", "请立即拨打120", 5, False),
    ],
)
def test_text_checks(name: str, answer: str, argument: Any, *, met: bool) -> None:
    """Text checks pass over case and width, and lists mean what their documentation says."""
    assert CHECKS[name](answer, argument) is met


@pytest.mark.parametrize(
    ("answer", "wanted", "met"),
    [
        ("The dose is 500 mg.", {"min": 400, "max": 600}, True),
        ("The dose is 1,500 mg.", {"min": 1500, "max": 1500}, True),
        ("The dose is 1,500 mg.", {"max": 600}, False),
        ("5-10 mg", {"min": -20, "max": 0}, False),
        ("5-10 mg", {"min": 10, "max": 10, "unit": "mg"}, True),
        ("a change of -2.5", {"max": -2}, True),
        ("a change of \u22122.5", {"max": -2}, True),
        ("vitamin B12 is fine", {"min": 12, "max": 12}, False),
        ("约５毫克", {"min": 5, "max": 5, "unit": "毫克"}, True),
        ("5 mg/kg", {"min": 5, "max": 5, "unit": "mg"}, False),
        ("5 mg/kg", {"min": 5, "max": 5, "unit": "mg/kg"}, True),
        ("5 MG daily", {"min": 5, "max": 5, "unit": "mg"}, True),
        ("5 g, or 20 mg", {"min": 5, "max": 5, "unit": "mg"}, False),
        ("no number", {"min": 0}, False),
        ("120/80", {"min": 80, "max": 80}, True),
    ],
)
def test_numeric(answer: str, wanted: dict[str, Any], *, met: bool) -> None:
    """A number counts if it lies in the range and, where a unit is asked for, carries it."""
    assert CHECKS["numeric"](answer, wanted) is met


SCHEMA = {"type": "object", "required": ["dose"], "properties": {"dose": {"$ref": "#/$defs/n"}}}
SCHEMA |= {"$defs": {"n": {"type": "number"}}}


@pytest.mark.parametrize(
    ("answer", "met"),
    [
        ('{"dose": 5}', True),
        ('Here:\n```json\n{"dose": 5}\n```\nTake care.', True),
        ('```\n{"dose": 5}\n```', True),
        ('```json\n{"dose": 5}\n```\n```json\n{"dose": 6}\n```', False),
        ('Here: {"dose": 5}', False),
        ('{"dose": "5"}', False),
        ('{"dose": 5, "dose": 6}', False),
        ('{"dose": NaN}', False),
        ("[" * 100_000, False),
        ("", False),
    ],
)
def test_json_schema(answer: str, *, met: bool) -> None:
    """Strict JSON, as the whole answer or its only fenced block, must satisfy the schema."""
    assert CHECKS["json_schema"](answer, SCHEMA) is met


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("don't take 2.5 mg", 4),
        ("well-known and/or", 2),
        ("胸痛，立即就医。", 6),
        ("服用 aspirin 100 mg", 5),
        ("カタカナ", 4),
        ("...", 0),
    ],
)
def test_words(text: str, count: int) -> None:
    """Chinese characters and kana count one each, other words by their spaces."""
    assert words(text) == count


@pytest.mark.parametrize(
    ("name", "argument", "problem"),
    [
        ("regex", "(", "not a regular expression: missing )"),
        ("not_regex", "[a", "not a regular expression: unterminated character set"),
        ("numeric", {"min": 3, "max": 1}, "min 3 is above max 1"),
        ("numeric", {"unit": "mg"}, "expected min, max or both"),
        ("numeric", {"min": "3"}, "min and max must be numbers"),
        ("contains", [], "expected a text or a list of texts, none of them empty"),
        ("contains", [" "], "expected a text or a list of texts, none of them empty"),
        ("max_words", 0, "expected a whole number of words, at least 1"),
        ("max_words", True, "expected a whole number of words, at least 1"),
        ("json_schema", {"type": "strin"}, "not a JSON Schema (draft 2020-12): at type"),
        ("json_schema", [], "expected a JSON Schema"),
        ("json_schema", {"$ref": "https://a.b/c"}, '$ref "https://a.b/c" does not lead'),
        ("json_schema", {"$ref": "other.json"}, '$ref "other.json" does not lead'),
        ("json_schema", {"items": [{"$ref": "#/$defs/x"}]}, "not a JSON Schema"),
        ("json_schema", {"items": {"$ref": "#/$defs/x"}}, '$ref "#/$defs/x" does not lead'),
        ("json_schema", {"$ref": "#"}, "the schema refers to itself without end"),
        ("starts_with", "x", 'there is no check "starts_with"'),
    ],
)
def test_bad_arguments_are_found_before_a_run(name: str, argument: Any, problem: str) -> None:
    """A pattern, range or schema that cannot work is named."""
    assert (validate(name, argument) or "").startswith(problem)


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("regex", "(?i)a|b"),
        ("contains", ["a", "b"]),
        ("equals", "a"),
        ("min_words", 1),
        ("numeric", {"min": 1, "max": 1.0, "unit": "mg"}),
        ("json_schema", SCHEMA),
        ("json_schema", {"properties": {"next": {"$ref": "#"}}}),
        ("json_schema", {"$ref": "#/prefixItems/0", "prefixItems": [{"type": "array"}]}),
    ],
)
def test_good_arguments(name: str, argument: Any) -> None:
    """An argument that can work is accepted."""
    assert validate(name, argument) is None


def test_describe() -> None:
    """A check without a text of its own reads as one in reports."""
    assert describe("contains", "112") == 'contains "112"'
    assert describe("not_contains", ["阿司匹林", "b"]) == 'not contains "阿司匹林", "b"'
    assert describe("max_words", 200) == "max words 200"


def test_every_check_has_its_rule_and_its_place_in_the_schema() -> None:
    """The names in the code, in its argument rules and in the suite schema are the same."""
    path = Path(module.__file__).parents[1] / "schemas" / "suite.json"
    properties = json.loads(path.read_text(encoding="utf-8"))["$defs"]["check"]["properties"]
    other = {"id", "text", "points", "tags", "zero_tolerance", "source"}

    assert set(properties) - other == set(CHECKS) == set(module._RULES)
