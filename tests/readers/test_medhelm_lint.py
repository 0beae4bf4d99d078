"""Doubts about questions with gold answers: each rule finds its defect and spares what is right."""

from __future__ import annotations

import pytest

from medcheck.readers import _medhelm, _medhelm_lint
from medcheck.types import Case, Message, Origin

LONG = "Start aspirin 100 mg a day and come back in two weeks."
ABC = {"A": "one", "B": "two"}


def made(number, text="A question?", gold=("yes",), *, closed=True, line=None, **facts):
    return Case(
        id=f"c{number}",
        suite="",
        messages=(
            Message(role="user", text=text if text != "A question?" else f"{text} {number}"),
        ),
        grader="",
        criteria=(_medhelm.ANSWER,) if closed else (),
        references=gold,
        labels={"task": facts},
        origin=Origin(path="f", line=line),
    )


def rules(*cases):
    return {found.rule: found for found in _medhelm_lint.findings(cases)}


def test_nothing_to_doubt():
    """Ordinary cases give no finding."""
    assert rules(made(1, gold=("A",), options=ABC), made(2, gold=("B",), options=ABC)) == {}


def test_a_reference_in_the_prompt():
    """A long reference that stands in the prompt is told, however it is spaced; a short one not."""
    copied = made(1, f"Report. PLAN: {LONG.upper()}\n\n", (LONG.replace(" ", "\n"),), line=7)
    found = rules(copied, made(2, "Is it yes or no?", ("yes",)))
    assert found["contained"].cases == ("c1",)
    assert str(found["contained"]).startswith("warning: row 7, contained: the reference stands")
    assert str(found["contained"]).endswith("(1 case: c1)")


@pytest.mark.parametrize(
    "gold", ["n/a", "No answers", "NULL", "none.", "-", "?", "无", "Unanswerable"]
)
def test_gold_that_says_nothing(gold):
    """Words for none are told as gold that says nothing; real short answers are not."""
    found = rules(made(1, gold=(gold,)), made(2, gold=("12mm",)), made(3, gold=("None of them",)))
    assert found["uninformative_gold"].cases == ("c1",)


def test_gold_that_is_not_there():
    """A case without a reference is told, unless its answer is to refuse."""
    found = rules(made(1, gold=()), made(2, gold=(" ",)), made(3, gold=(), answerable=False))
    assert found["empty_gold"].cases == ("c1", "c2")
    assert "uninformative_gold" not in found


def test_what_stands_twice():
    """Repeated keys and questions are told; another reference makes it a contradiction."""
    found = rules(
        made(1, "Same?", ("x",), key="k"),
        made(2, "same? ", ("x",), key="k"),
        made(3, "Same?", ("y",), key="l"),
    )
    assert found["duplicate_key"].cases == ("c2",)
    assert found["duplicate_question"].cases == ("c2",)
    assert found["contradictory_question"].cases == ("c3",)


def test_the_same_answer_behind_other_letters():
    """Copies with shuffled options do not contradict each other."""
    found = rules(
        made(1, "Same?", ("A",), options=ABC),
        made(2, "Same?", ("B",), options={"A": "two", "B": "one"}),
    )
    assert found["duplicate_question"].cases == ("c2",)
    assert "contradictory_question" not in found


def test_options_that_are_wrong():
    """An empty option, a right answer that is none, and two alike are told; two are errors."""
    found = _medhelm_lint.findings(
        [
            made(1, gold=("A",), options={"A": "x", "B": " "}),
            made(2, gold=("C",), options=ABC),
            made(3, gold=("A",), options={"A": "x", "B": "X "}),
        ]
    )
    assert [(doubt.severity, doubt.rule, doubt.cases) for doubt in found] == [
        ("error", "option_missing", ("c1",)),
        ("error", "option_missing", ("c2",)),
        ("warning", "option_twice", ("c3",)),
    ]


@pytest.mark.parametrize(
    "text",
    ["As seen in Figure A.", "linked to image nº1", "is shown in the photograph", "如图所示"],
)
def test_pictures_that_are_not_there(text):
    """A question that speaks of a picture is told; findings listed below are none."""
    found = rules(made(1, text), made(2, "Laboratory findings are shown below."))
    assert found["picture_missing"].cases == ("c1",)


def test_uneven_classes():
    """Classes so uneven that always giving one answer does well are told with their shares."""
    cases = [made(n, gold=("no" if n else "yes",)) for n in range(25)]
    found = rules(*cases)["skewed"]
    assert '"no" 96.0%, "yes" 4.0%' in found.message
    assert "right in 96.0%" in found.message
    assert found.cases == ("c0",)


@pytest.mark.parametrize(
    "cases",
    [
        [made(n, gold=("no" if n % 3 else "yes",)) for n in range(30)],
        [made(n, gold=("no" if n else "yes",)) for n in range(10)],
        [made(n, gold=("no" if n else "yes",), closed=False) for n in range(30)],
        [made(n, gold=(f"{n}",)) for n in range(30)],
        [made(n, gold=("no",)) for n in range(30)],
    ],
    ids=["even", "few", "open", "numbers", "one class"],
)
def test_classes_that_are_no_matter(cases):
    """Fairly even, few, open and single answers are no classes to warn of."""
    assert "skewed" not in rules(*cases)


def test_calculations():
    """Categories that the original's metric lacks, unknown ones and impossible limits are told."""

    def calculation(number, category, lower="9", upper="11", gold="10"):
        return made(
            number, gold=(gold,), calculator="3", category=category, lower=lower, upper=upper
        )

    found = rules(
        calculation(1, "lab test"),
        calculation(2, "Dosage"),
        calculation(3, "magic"),
        calculation(4, "risk", lower="11", upper="12"),
        calculation(5, "date", gold="01/02/2020", lower="a", upper="b"),
        calculation(6, "physical"),
    )
    assert found["unhandled_category"].cases == ("c1", "c2")
    assert found["unknown_category"].cases == ("c3",)
    assert (found["limits"].severity, found["limits"].cases) == ("error", ("c4",))


def test_many_cases_are_counted():
    """A finding about many cases names the first three and how many more."""
    found = rules(*(made(n, gold=()) for n in range(1500)))["empty_gold"]
    assert str(found).endswith("(1,500 cases: c0, c1, c2 and 1,497 more)")
    assert found.count == 1500
