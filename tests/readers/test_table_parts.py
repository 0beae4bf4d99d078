"""Templates, options, gold letters and sections of a table's rows."""

from __future__ import annotations

import pytest

from medcheck.errors import DatasetError, MedcheckError, SettingsError
from medcheck.readers import _table_parts as parts

OPTIONS = {"A": "one", "B": "two"}


def test_a_prompt():
    """Columns stand under their names, or as row[...]; options are a block."""
    prompt = parts.Prompt('{{ note }}: {{ row["A Question"] }}\n{{ options }}\n')
    record = {"note": "N", "A Question": "Q?"}
    assert prompt.render(record, OPTIONS) == "N: Q?\nA. one\nB. two"


@pytest.mark.parametrize("text", ["{{ 6 * 7 }}", "{% for x in y %}", "{# no #}", "<b>&amp;</b>"])
def test_cells_are_values(text):
    """What a cell holds is sent as it stands, template signs included."""
    assert parts.Prompt("{{ a }}").render({"a": text}) == text
    assert parts.Prompt("{{ options }}").render({}, {"A": text}) == f"A. {text}"


@pytest.mark.parametrize(
    ("source", "record", "told"),
    [
        ("{{ gone }}", {"a": 1}, "'gone' is undefined. There are: a."),
        ("{{ a }}", {"a": " "}, "the prompt has 0 characters"),
        ("{{ 1 / a }}", {"a": 0}, "data.options.prompt: division by zero"),
        ("{{ a.__class__.__mro__ }}", {"a": ""}, "data.options.prompt"),
        ("{{ a + 1 }}", {"a": "x"}, "data.options.prompt"),
        ("{{ a.__class__ }}", {"a": "x"}, "is unsafe. Correct"),
    ],
)
def test_prompts_that_cannot_be_filled(source, record, told):
    """A missing column, an empty prompt and what the sandbox forbids are told."""
    with pytest.raises(MedcheckError) as caught:
        parts.Prompt(source).render(record)
    assert told in str(caught.value)


def test_a_template_that_is_none():
    """A syntax error names the line of the template."""
    with pytest.raises(SettingsError, match="line 2"):
        parts.Prompt("fine\n{% if %}")


@pytest.mark.parametrize(
    ("record", "columns"),
    [
        ({"a": "one", "b": "two"}, ["a", "b"]),
        ({"o": ["one", "two"]}, "o"),
        ({"o": '["one", "two"]'}, "o"),
        ({"o": {"B": "two", "A": "one"}}, "o"),
    ],
)
def test_options(record, columns):
    """Options stand in columns of their own, in a list, in its JSON text, or by letter."""
    assert parts.choices_of(record, columns) == OPTIONS


@pytest.mark.parametrize(
    ("record", "columns", "told"),
    [
        ({"a": "one", "b": ""}, ["a", "b"], "option B has no text"),
        ({"o": "one, two"}, "o", 'column "o": not JSON'),
        ({"o": 3}, "o", "expected the options"),
        ({"o": {"A": "x", "C": "y"}}, "o", "has the options A, C"),
        ({}, "o", 'no column "o"'),
    ],
)
def test_options_that_are_none(record, columns, told):
    """Options that are empty, unreadable or not lettered from A are refused."""
    with pytest.raises(DatasetError) as caught:
        parts.choices_of(record, columns)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("found", "how"),
    [("B", "letter"), ("b", "letter"), ("two", "text"), ("1", "from_0"), ("2", "from_1")],
)
def test_the_right_option(found, how):
    """Letter, text, and numbers from 0 or 1 name the same option."""
    assert parts.letter_of(found, OPTIONS, how) == "B"


@pytest.mark.parametrize(
    ("found", "how"),
    [("C", "letter"), ("three", "text"), ("2", "from_0"), ("0", "from_1"), ("3", "from_1"),
     ("-1", "from_0"), ("x", "from_1"), ("", "letter")],
)  # fmt: skip
def test_no_such_option(found, how):
    """What names no option is refused, and never counted from the end."""
    with pytest.raises(DatasetError, match=f"{how}.*but the options are A, B"):
        parts.letter_of(found, OPTIONS, how)


def test_two_options_of_the_right_text():
    """A text that two options have names none."""
    with pytest.raises(DatasetError):
        parts.letter_of("one", {"A": "one", "B": "one"}, "text")


def test_values():
    """Numbers are texts, nothing is empty, and lists are no text."""
    assert parts.text_of({"a": 3}, "a") == "3"
    assert parts.text_of({"a": None}, "a") == ""
    with pytest.raises(DatasetError, match="expected a text or a number"):
        parts.text_of({"a": [1]}, "a")
    assert parts.text_of({"a": True}, "a") == "true"
    assert parts.text_of({"a": False}, "a") == "false"


def test_nothing_is_nothing_in_a_prompt():
    """A null is empty as an empty cell is, at any depth, and a boolean is spelled as in JSON."""
    record = {"q": "Q", "f": None, "n": {"a": None}, "t": True}
    source = "{{ q }}|{{ f }}|{{ row['f'] }}|{{ n.a }}|{{ f ~ 'x' }}|{{ 'y' if f }}|{{ t }}"
    assert parts.Prompt(source).render(record) == "Q||||x||true"


def test_a_column_called_options_or_row():
    """Without options such a column is itself; the whole row is never sent in its place."""
    record = {"options": "X Y", "row": "R"}
    assert parts.Prompt("{{ options }} {{ row['row'] }}").render(record) == "X Y R"
    assert parts.Prompt("{{ options }}").render(record, {"A": "one"}) == "A. one"
    with pytest.raises(SettingsError, match="is all columns"):
        parts.Prompt("{{ row }}").render(record)


def test_answers_that_are_mapped():
    """A gold value is a key or a value of the map; booleans in any spelling; the rest is told."""
    answers = {"True": "A", "0": "B"}
    assert parts.mapped("0", answers, "g") == "B"
    assert parts.mapped("A", answers, "g") == "A"
    assert parts.mapped("true", answers, "g") == "A"
    assert parts.mapped("7", {}, "g") == "7"
    for other in ("7", "false", "a"):
        with pytest.raises(DatasetError, match=r'column "g" is .* maps "True", "0"'):
            parts.mapped(other, answers, "g")


REPORT = (
    "Description: Cough.\nSUBJECTIVE: He coughs.FINDINGS: Crackles on the left."
    "ASSESSMENT AND PLAN: 1. Chest film in two days.\n2. Rest.\nKeywords: cough, film"
)


def test_a_section_is_cut():
    """A section reaches to the next heading, the keywords or the end, over several lines."""
    kept, section = parts.cut(REPORT, ["PLAN", "FINDINGS"])
    assert section == "1. Chest film in two days.\n2. Rest."
    assert "Chest film" not in kept
    assert "Crackles" in kept
    assert kept.endswith("Keywords: cough, film")
    kept, section = parts.cut(REPORT, ["SUMMARY", "FINDINGS"])
    assert section == "Crackles on the left."
    assert "Crackles" not in kept
    assert "Chest film" in kept


def test_what_repeats_a_section_is_cut_too():
    """All sections of the name go, and so does a word-for-word copy elsewhere in the text."""
    plan = "Give fluids and watch the pressure for a day."
    text = f"Description: {plan}\nPLAN: {plan}\nEXAM: Dry.\nPLAN: Call us."
    kept, section = parts.cut(text, ["PLAN"])
    assert section == f"{plan}\nCall us."
    assert "fluids" not in kept
    assert "Call us" not in kept
    assert "EXAM: Dry." in kept


@pytest.mark.parametrize("text", ["No plan: at all.", "PLAN:", "EXPLAN: x", ""])
def test_no_section(text):
    """A text without the section, or with an empty one, has none."""
    assert parts.cut(text, ["PLAN"]) is None
