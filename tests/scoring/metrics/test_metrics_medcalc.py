"""Calculations are judged by what their calculator puts out; the original's defects are its own."""

import pytest

from medcheck.scoring.metrics import Gold, measure
from medcheck.scoring.metrics.medcalc import DATES, DECIMALS, INTEGERS, WEEKS, kind_of, number_of


def gold(calculator, reference, lower=None, upper=None, **more):
    """Return a question's gold, as the table's mapping makes it."""
    facts = {"calculator": calculator, "lower": lower, "upper": upper, **more}
    return Gold(references=(reference,), facts=facts)


KG = gold("2", "10", "9.5", "10.5", category="physical")
SCORE = gold("4", "3.0", "3.0", "3.0", category="risk")
DUE = gold(68, "03/05/2020", "03/05/2020", "03/05/2020", category="date")
AGE = gold(69, "('14 weeks', '2 days')", "('14 weeks', '2 days')", "('14 weeks', '2 days')",
           category="date")  # fmt: skip
LAB = gold("10", "10", "9.5", "10.5", category="lab test")
DOSE = gold("49", "10", "9.5", "10.5", category="dosage")


@pytest.mark.parametrize(
    ("answer", "case", "ours", "theirs"),
    [
        ("10", KG, 1, 1), ("10 kg", KG, 1, 0), ("9.5", KG, 1, 1), ("10.6", KG, 0, 0),
        ("3", SCORE, 1, 0), ("3.0", SCORE, 1, 1), ("The score is 3 points.", SCORE, 1, 0),
        ("10", LAB, 1, 0), ("10", DOSE, 1, 0),
        ("3/5/2020", DUE, 1, 1), ("2020-03-05", DUE, 1, 0), ("03/06/2020", DUE, 0, 0),
        ("('14 weeks', '2 days')", AGE, 1, 1), ("14 weeks, 2 days", AGE, 1, 0),
        ("14周2天", AGE, 1, 0), ("14 weeks 3 days", AGE, 0, 0), ("2 weeks 14 days", AGE, 0, 0),
    ],
)  # fmt: skip
def test_by_calculator_and_by_category(answer, case, ours, theirs):
    """Right values are right in any form; the original loses units, "3", and two categories."""
    assert measure("medcalc", answer, case).value == ours
    assert measure("medcalc_official", answer, case).value == theirs


@pytest.mark.parametrize(
    "day", ["March 5, 2020", "5 March 2020", "Mar. 5th, 2020", "2020年3月5日", "due 03/05/2020."]
)
def test_dates_in_any_form(day):
    """A date is compared as a date."""
    assert measure("medcalc", day, DUE).value == 1


def test_integers_are_rounded():
    """An integer output is rounded before it is compared."""
    assert measure("medcalc", "2.6", SCORE).value == 1
    assert measure("medcalc", "3.6", SCORE).value == 0


def test_limits():
    """Limits may stand in either order; without them they are 5 % of the gold value."""
    negative = gold(10, "-2", "-1.9", "-2.1")
    assert measure("medcalc", "−2.05", negative).value == 1
    bare = gold(10, "100")
    assert [measure("medcalc", t, bare).value for t in ("95", "105", "94.9")] == [1, 1, 0]


def test_percent():
    """A percent sign may be the unit or a hundredth."""
    assert measure("medcalc", "1.2%", gold(10, "1.2")).value == 1
    assert measure("medcalc", "53%", gold(10, "0.53")).value == 1


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8.1 mL/min/1.73 m²", 8.1), ("1,234.5 mL", 1234.5), ("(140-40)*70/72 = 97.2 mL/min", 97.2),
        ("3 out of 5", 3), ("about 12.3", 12.3), ("-2.5", -2.5), ("1e3", 1000), ("5-7", None),
        ("5 or 7", None), ("first 4, then 5", None), ("", None), ("no", None), ("NaN", None),
        ("25 mmol/L (normal 22-26)", 25), ("1.2 × 10^9/L", 1.2), ("1e999", None),
    ],
)  # fmt: skip
def test_one_number_or_none(text, number):
    """One number is read, whatever its unit; a range or two numbers are none."""
    assert number_of(text) == number


def test_kinds():
    """A calculator has one kind; an unknown one goes by its output type, or is not measured."""
    assert not (DATES | WEEKS) & (INTEGERS | DECIMALS)
    assert not INTEGERS & DECIMALS
    assert kind_of(gold("69.0", "x")) == "weeks"
    assert kind_of(gold(99, "3", output="integer")) == "integer"
    found = measure("medcalc", "3", gold(99, "3"))
    assert found.value is None
    assert "99" in found.why


def test_gold_that_cannot_be_read():
    """A reference that is no number or date leaves the answer unmeasured, not wrong."""
    assert measure("medcalc", "3", gold(2, "unknown")).value is None
    assert measure("medcalc", "3", gold(13, "soon")).value is None
