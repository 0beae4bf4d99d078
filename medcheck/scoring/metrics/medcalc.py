"""MedCalc-Bench: a value from a patient note, judged by what its calculator puts out.

Facts: `calculator` (id), `output` (its type, for ids that are not listed), `lower`, `upper`,
`category`. The reference is the ground truth.

Source: medhelm.md section 3 (ncbi-nlp/MedCalc-Bench evaluation/evaluate.py) and section 7, item 1
(stanford-crfm/helm metrics/medcalc_bench_metrics.py).
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from typing import Literal

from medcheck.scoring.metrics._base import EMPTY, Gold, Measured, decided, plain, shown, unmeasured
from medcheck.scoring.metrics.extraction import boxed

Kind = Literal["date", "weeks", "integer", "decimal"]

DATES = frozenset({13, 68})
WEEKS = frozenset({69})
INTEGERS = frozenset({4, 15, 16, 17, 18, 20, 21, 25, 27, 28, 29, 32, 33, 36, 43, 45, 48, 51})
DECIMALS = frozenset({
    2, 3, 5, 6, 7, 8, 9, 10, 11, 19, 22, 23, 24, 26, 30, 31, 38, 39, 40, 44, 46, 49, 56, 57, 58, 59,
    60, 61, 62, 63, 64, 65, 66, 67,
})  # fmt: skip
"""Calculator ids by what they put out."""
NO_VALUE = "no single value can be read."
NO_NUMBER = "no single number can be read."
TOLERANCE = 0.05
"""Of the gold value, where a decimal has no limits of its own: the benchmark's are so."""

_OUTPUTS: dict[str, Kind] = {
    "date": "date", "integer": "integer", "decimal": "decimal", "integer (a, b)": "weeks",
}  # fmt: skip
_NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+]?\.\d+"
_ABOUT = re.compile(r"(?i)(?:about|approximately|approx\.?|circa|大约|约)[^\w.+-]*")
_BEFORE = re.compile(r"[^\w.+-]*")
_RANGE = re.compile(rf"\s*(?:-|–|—|~|to|or|and|或|至|到)\s*(?:{_NUMBER})")
_UNIT = re.compile(r"(?i)1\.73\s*m?(?:\^?2|²)?|m\^?2\b|(?:x|×|\*)\s*10\^?\d+(?:/\w+)?|\b\w+[\^]\d+")
_MARK = re.compile(
    r"(?:(?i:\b(?:final\s+)?(?:answer|result|score|total)\b(?:\s+(?:is|equals))?)|答案|结果|总分|得分)"
    r"\s*(?:[是为:=]|(?i:is))?\s*[:=]?\s*"
)
_LAST_DIGIT = re.compile(r".*\d")
_WEEKS = re.compile(
    r"(?<!\d)(\d{1,4})(?!\d)['\"\s]*(?:weeks?|wks?|w|周)?['\"\s]*(?:,|and|又|零|\+)?['\"\s]*"
    r"(\d{1,4})(?!\d)['\"\s]*(?:days?|d|天)?"
)
_WEEKS_ONLY = re.compile(r"(?<!\d)(\d{1,4})\s*(?:weeks?|周)")
_OFFICIAL_WEEKS = re.compile(r"\('(\d+) weeks', '(\d+) days'\)")
_YMD = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})")
_MDY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_SHORT_YEAR = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{2})(?![\d/])")
_PIVOT = 69
"""From here two digits are a year of the 20th century. Source: POSIX strptime, %y."""
_NAMED = re.compile(r"(?i)\b([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_NAMED_DAY = re.compile(r"(?i)\b(\d{1,2})(?:st|nd|rd|th)?(?: of)? ([a-z]{3,9})\.?,? (\d{4})")


def medcalc(answer: str, gold: Gold) -> Measured:
    """Compare by calculator: dates as dates, weeks and days, rounded integers, decimals by limits.

    A unit behind the number, and words around it, do not count; two different numbers are no
    answer. A percent sign may stand for a hundredth.
    """
    kind = kind_of(gold)
    if kind is None:
        named = shown(gold.facts.get("calculator"))
        return unmeasured(f"calculator {named} is not known, and nothing says its output type.")
    if not answer.strip():
        return EMPTY
    text = _segment(answer)
    if kind == "date":
        return _compared(_date(text), _date(gold.reference))
    if kind == "weeks":
        return _compared(_weeks(text), _weeks(gold.reference))
    return _number(text, gold, kind)


def medcalc_official(answer: str, gold: Gold) -> Measured:
    """Compare by category, as MedHELM does: "10 kg" is wrong for 10, "3" for the score 3.0.

    The categories "lab test" and "dosage" of the benchmark are not known: there every answer is
    wrong.
    """
    if not gold.references:
        return unmeasured("there is no reference.")
    text, category = answer.strip(), gold.facts.get("category")
    if category in ("risk", "severity", "diagnosis"):
        return decided(text == gold.reference, f"read: {shown(text)}.")
    try:
        return decided(_official(text, gold, category), f"read: {shown(text)}.")
    except ValueError as error:
        return Measured(value=0.0, why=f"{error}.")


def kind_of(gold: Gold) -> Kind | None:
    """Return what the calculator of a question puts out; `None`: that is not known."""
    calculator = str(gold.facts.get("calculator", "")).strip().removesuffix(".0")
    number = int(calculator) if calculator.isdecimal() else 0
    kinds: tuple[tuple[frozenset[int], Kind], ...] = (
        (DATES, "date"), (WEEKS, "weeks"), (INTEGERS, "integer"), (DECIMALS, "decimal"),
    )  # fmt: skip
    listed = next((kind for ids, kind in kinds if number in ids), None)
    return listed or _OUTPUTS.get(str(gold.facts.get("output", "")).strip().lower())


def _segment(answer: str) -> str:
    """Return the part of a reply that gives the value."""
    text = plain(answer)
    inside = boxed(text)
    if inside is not None:
        return inside
    for line in reversed(text.splitlines()):
        last = _LAST_DIGIT.match(line)
        marks = [m.end() for m in _MARK.finditer(line) if last and m.end() < last.end()]
        if marks:
            return line[marks[-1] :].strip()
    return text


def _compared(given: object, wanted: object) -> Measured:
    if wanted is None:
        return unmeasured("the reference cannot be read.")
    if given is None:
        return Measured(value=0.0, why=NO_VALUE)
    return decided(given == wanted, f"read: {shown(given)}.")


def _number(text: str, gold: Gold, kind: Kind) -> Measured:
    wanted = number_of(gold.reference)
    if wanted is None:
        return unmeasured("the reference is no number.")
    given = number_of(text)
    if given is None:
        return Measured(value=0.0, why=NO_NUMBER)
    readings = [given, given / 100] if "%" in text else [given]
    if kind == "integer":
        right = any(round(reading) == wanted for reading in readings)
    else:
        low, high = _limits(gold, wanted)
        right = any(low <= reading <= high for reading in readings)
    return decided(right, f"read: {given:g}.")


def _limits(gold: Gold, wanted: float) -> tuple[float, float]:
    found = [number_of(str(gold.facts.get(name, ""))) for name in ("lower", "upper")]
    near = [wanted * (1 - TOLERANCE), wanted * (1 + TOLERANCE)]
    low, high = (own if own is not None else ours for own, ours in zip(found, near, strict=True))
    return min(low, high), max(low, high)


def number_of(value: str) -> float | None:
    """Return the one number that a text gives; `None`: none, or several.

    One that begins the text counts, whatever follows but a range; else the one behind the last
    equals sign; else the only one. Numbers in units (mL/min/1.73 m²) are none.
    """
    cut = _UNIT.sub(" ", plain(value).rpartition("=")[2])
    begin = _BEFORE.match(cut)
    text = cut[begin.end() if begin else 0 :]
    text = _ABOUT.sub("", text, count=1) if _ABOUT.match(text) else text
    if leading := re.match(_NUMBER, text):
        return None if _RANGE.match(text, leading.end()) else _float(leading[0])
    found = {_float(number) for number in re.findall(_NUMBER, cut)}
    return found.pop() if len(found) == 1 else None


def _float(text: str) -> float | None:
    value = float(text.replace(",", ""))
    return value if math.isfinite(value) else None


def _weeks(text: str) -> tuple[int, int] | None:
    found = {(int(weeks), int(days)) for weeks, days in _WEEKS.findall(plain(text))}
    if len(found) == 1:
        return found.pop()
    only = {int(weeks) for weeks in _WEEKS_ONLY.findall(plain(text))}
    return (only.pop(), 0) if not found and len(only) == 1 else None


def _date(text: str) -> date | None:
    """Return the one date of a text, whose numbers are month, day, year; `None`: none, several."""
    folded = plain(text)
    found = {_day(y, m, d) for y, m, d in _YMD.findall(folded)}
    found |= {_day(y, m, d) for m, d, y in _MDY.findall(folded)}
    found |= {_day(_long(y), m, d) for m, d, y in _SHORT_YEAR.findall(folded)}
    found |= {_day(y, _month(name), d) for name, d, y in _NAMED.findall(folded)}
    found |= {_day(y, _month(name), d) for d, name, y in _NAMED_DAY.findall(folded)}
    known = {day for day in found if day is not None}
    return known.pop() if len(known) == 1 else None


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _month(name: str) -> int:
    short = name[:3].lower()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


def _long(year: str) -> str:
    return f"{'19' if int(year) >= _PIVOT else '20'}{year}"


def _day(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _official(text: str, gold: Gold, category: object) -> bool:
    lower, upper = (str(gold.facts.get(name, "")) for name in ("lower", "upper"))
    if category == "date" and _OFFICIAL_WEEKS.match(gold.reference):
        return _days(lower) <= _days(text) <= _days(upper)
    if category == "date":
        return _official_date(lower) <= _official_date(text) <= _official_date(upper)
    if category in ("dosage conversion", "physical"):
        return float(lower) <= float(text) <= float(upper)
    raise ValueError(f"the category {shown(category)} is not known to the original")


def _days(text: str) -> int:
    found = _OFFICIAL_WEEKS.match(text)
    if not found:
        raise ValueError(f"not in the original's form of weeks and days: {shown(text)}")
    return int(found[1]) * 7 + int(found[2])


def _official_date(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y")  # noqa: DTZ007 - a day, not a moment
