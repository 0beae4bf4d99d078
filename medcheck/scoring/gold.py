"""Comparing what was read from an answer with gold: exact, by field, F1, overlap of boxes, ROUGE-L.

Reading the value is the business of `formats`; figures over many answers are in `closedset`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from medcheck.errors import SettingsError

Measure = Literal["exact", "fields", "f1", "iou", "rouge_l"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

_EXACT = (
    "letter", "angle_letter", "joined_letters", "comma_letters", "departments_listed",
    "listed_label", "listed_line", "candidate", "intent", "outcome", "insurance_verdict",
)  # fmt: skip
_F1 = (
    "angle_letters", "departments_bar", "quality_labels", "entities", "relations", "events",
    "report_errors", "prescription",
)  # fmt: skip
_FIELDS = ("insurance_json", "fields_json", "record_dict")
_DEFAULT: Mapping[str, Measure] = {
    **dict.fromkeys(_EXACT, "exact"),
    **dict.fromkeys(_F1, "f1"),
    **dict.fromkeys(_FIELDS, "fields"),
    "boxes": "iou",
}
_TOKEN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[A-Za-z]+|\d+(?:\.\d+)?")

_LARGEST = 1e15

Item = tuple[str, str]
"""The kind of a thing, and the thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many things two sets share."""

    hits: int
    given: int
    """In the answer."""
    wanted: int
    """In the gold."""

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 where both sets are empty."""
        return 2 * self.hits / (self.given + self.wanted) if self.given + self.wanted else 1.0


def measure_of(rule: str) -> Measure:
    """Return the measure that fits a format; ROUGE-L for texts and whatever else."""
    return _DEFAULT.get(rule, "rouge_l")


def compared(rule: str, given: Any, wanted: Any, *, measure: Measure | None = None) -> float:
    """Return how near a value is to gold, 0 to 1; both as the rule reads them.

    Source: medbench.md section 2: exact match of sets (MedHG, DDx-advanced), share of fields
    (MedInsureCalc), F1 (old track).

    Raises:
        SettingsError: ROUGE-L without rapidfuzz.
    """
    how = measure or measure_of(rule)
    if how == "iou":
        return box_score(given, wanted)
    if how == "rouge_l":
        return rouge_l(_text(given), _text(wanted))
    ours, theirs = items(rule, given), items(rule, wanted)
    if how == "exact":
        return float(ours == theirs)
    if how == "fields":
        return len(ours & theirs) / len(theirs) if theirs else float(not ours)
    return counts(ours, theirs).f1


def counts(given: frozenset[Item], wanted: frozenset[Item]) -> Counts:
    """Return how many things two sets share."""
    return Counts(hits=len(given & wanted), given=len(given), wanted=len(wanted))


def micro_f1(pairs: Iterable[tuple[frozenset[Item], frozenset[Item]]]) -> float | None:
    """Return F1 over all things of all answers together; `None`: no answers."""
    found = [counts(given, wanted) for given, wanted in pairs]
    if not found:
        return None
    return Counts(
        hits=sum(c.hits for c in found),
        given=sum(c.given for c in found),
        wanted=sum(c.wanted for c in found),
    ).f1


def macro_f1(pairs: Iterable[tuple[frozenset[Item], frozenset[Item]]]) -> float | None:
    """Return the mean of the F1 of each kind of thing; `None`: no kinds.

    Kinds are those of the gold and the answers.
    """
    by_kind: dict[str, list[int]] = {}
    for given, wanted in pairs:
        for kind, _ in given | wanted:
            by_kind.setdefault(kind, [0, 0, 0])
        for kind, _ in given & wanted:
            by_kind[kind][0] += 1
        for place, things in ((1, given), (2, wanted)):
            for kind, _ in things:
                by_kind[kind][place] += 1
    scores = [Counts(hits=h, given=g, wanted=w).f1 for h, g, w in by_kind.values()]
    return math.fsum(scores) / len(scores) if scores else None


def items(rule: str, value: Any) -> frozenset[Item]:
    """Return the things that a value holds, so that two values can be compared."""
    if value is None:
        return frozenset()
    if rule.endswith(("letter", "letters")):
        return frozenset(("letter", sign) for sign in value)
    if isinstance(value, str):
        return frozenset({(_folded(value), _folded(value))})
    if isinstance(value, Mapping):
        return frozenset((str(name), _folded(part)) for name, part in value.items())
    if rule == "report_errors":
        return frozenset((_folded(kind), _folded(kind)) for kind, _ in value)
    return frozenset(_item(part) for part in value)


def rouge_l(given: str, wanted: str) -> float:
    """Return the F measure of the longest common subsequence; Chinese counts by characters.

    Source: Lin, ROUGE (2004), with beta 1.

    Raises:
        SettingsError: rapidfuzz is not installed.
    """
    try:
        from rapidfuzz.distance import LCSseq
    except ImportError:
        raise SettingsError(
            "ROUGE-L needs rapidfuzz.", hint="Run: pip install medcheck[metrics]"
        ) from None
    ours, theirs = tokens(given), tokens(wanted)
    if not ours or not theirs:
        return float(ours == theirs)
    return 2 * LCSseq.similarity(ours, theirs) / (len(ours) + len(theirs))


def tokens(text: str) -> list[str]:
    """Return Chinese characters, words of Latin letters in lower case, and numbers."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())


def box_score(given: Any, wanted: Any) -> float:
    """Return the mean overlap of lesions, 0 to 1: missed and invented ones count as 0.

    Lesions of the same label are paired by overlap, the largest first; `无病变` on both sides is 1.
    """
    ours, theirs = _lesions(given), _lesions(wanted)
    if not ours or not theirs:
        return float(not ours and not theirs)
    pairs = sorted(
        ((iou(a[1], b[1]), i, j) for i, a in enumerate(ours) for j, b in enumerate(theirs)
         if a[0] == b[0]),
        key=lambda pair: -pair[0],
    )  # fmt: skip
    used: set[tuple[str, int]] = set()
    total = 0.0
    for overlap, i, j in pairs:
        if ("ours", i) not in used and ("theirs", j) not in used:
            used |= {("ours", i), ("theirs", j)}
            total += overlap
    return total / max(len(ours), len(theirs))


def iou(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the overlap of two boxes (x1, y1, x2, y2): shared area by joint area."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0.0) * max(height, 0.0)
    joint = _area(first) + _area(second) - shared
    return shared / joint if joint else 0.0


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _lesions(value: Any) -> list[tuple[str, Sequence[float]]]:
    return [(item["类别"][0], item["边界框"]) for item in value or () if item["边界框"]]


def _item(part: Any) -> Item:
    if isinstance(part, str):
        return _folded(part), _folded(part)
    if isinstance(part, Mapping):
        kind = _folded(part.get("主体词", ""))
        return kind, " | ".join(f"{name}={_folded(part[name])}" for name in sorted(part))
    kind, *rest = part
    return _folded(kind), " | ".join(_folded(text) for text in rest)


def _folded(value: Any) -> str:
    """Return a value as text to compare: numbers by value, width, case and spaces do not count."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, float)):
        return f"{value:.10g}" if abs(value) < _LARGEST else str(value)
    if isinstance(value, (list, tuple)):
        return ",".join(sorted(_folded(part) for part in value))
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", str(value))).casefold()
    return f"{float(text):.10g}" if re.fullmatch(r"-?\d{1,15}(?:\.\d+)?", text) else text


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(_text(part) for part in value.values())
    if isinstance(value, (list, tuple)):
        return "\n".join(_text(part) for part in value)
    return "" if value is None else str(value)
