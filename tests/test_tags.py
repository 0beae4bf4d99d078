"""Tag expressions select exactly what they say, or are refused."""

from __future__ import annotations

import pytest

from medcheck.errors import SettingsError
from medcheck.tags import expression, marker

TAGS = ("theme:hedging", "lang:zh", "主题:急诊", "two words")


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("theme:hedging", True),
        ("theme", False),
        ("Theme:hedging", False),
        ("主题:急诊", True),
        ('"two words"', True),
        ("not lang:zh", False),
        ("not not lang:zh", True),
        ("absent or lang:zh", True),
        ("absent and lang:zh", False),
        ("absent and absent or lang:zh", True),
        ("lang:zh or absent and absent", True),
        ("(lang:zh or absent) and absent", False),
        ("not absent and lang:zh", True),
        ("not (absent and lang:zh)", True),
        ("not(absent)and(lang:zh)", True),
        ('"and"', False),
        ("  lang:zh  ", True),
    ],
)
def test_expressions_choose(text, chosen):
    """Tags are exact; `not` binds before `and`, `and` before `or`."""
    assert expression(text)(TAGS) is chosen


def test_operators_can_be_tags_in_quotes():
    """A tag that looks like an operator is written in quotes."""
    assert expression('"and" and "or"')(["and", "or"])


@pytest.mark.parametrize(
    "text", ["", " ", "and", "a and", "a b", "(a", "a)", "not", '"a', "()", "a AND b", "or a"]
)
def test_what_cannot_be_read_is_refused(text):
    """A wrong expression is an error that quotes it, never a silent choice."""
    with pytest.raises(SettingsError, match="cannot be read near") as caught:
        expression(text)
    assert f'--tag "{text}"' in str(caught.value)


def test_deep_nesting_is_read():
    """Brackets may be nested as deep as anybody would write them."""
    assert expression("(" * 50 + "lang:zh" + ")" * 50)(TAGS)


@pytest.mark.parametrize(
    ("tag", "name"),
    [("theme:hedging", "theme_hedging"), ("主题:急诊", "主题_急诊"), ("a-b.c d", "a_b_c_d")],
)
def test_markers_keep_letters_digits_and_underscores(tag, name):
    """A marker is its tag with every other character made an underscore."""
    assert marker(tag) == name
