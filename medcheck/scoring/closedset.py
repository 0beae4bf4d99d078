"""Figures over the answers to closed sets: format shares, consistency, accuracy, F1; from results.

One answer is read by `formats` and compared by `gold`; graders write neither of these figures.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medcheck.scoring import gold as golds
from medcheck.scoring.circular import GROUP, Consistency, Copy, consistency, credited
from medcheck.scoring.formats import Reading, read_answer
from medcheck.scoring.medbench_sets import FREE_TEXT
from medcheck.types import Result

FORMAT = "format:"
SET = "set:"
MISSING = "missing"
"""The state of an answer that the model did not give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFigures:
    """What one model did on one closed set."""

    name: str
    model: str
    n: int
    """Answers, missing ones included."""
    states: Mapping[str, int]
    """Answers by format state; `missing` where the model gave none."""
    consistency: Consistency | None = None
    """Of shuffled copies; `None`: the set has none."""
    accuracy: float | None = None
    """Mean of each answer's comparison with gold; `None`: no gold."""
    group_accuracy: float | None = None
    """Share of groups with every copy right; unmeasured groups are left out."""
    micro_f1: float | None = None
    macro_f1: float | None = None
    """Over kinds of entities, relations or labels; `None` where the set is not counted so."""

    @property
    def strict(self) -> float:
        """Share of answers exactly as asked."""
        return self.states.get("strict", 0) / self.n

    @property
    def usable(self) -> float:
        """Share of answers with a value that can be read."""
        return (self.states.get("strict", 0) + self.states.get("recoverable", 0)) / self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One answer, read."""

    result: Result
    rule: str
    reading: Reading | None
    """`None`: the model gave no answer."""
    wanted: Any
    """The gold value; `None`: no gold."""

    @property
    def given(self) -> Any:
        return self.reading.value if self.reading and self.reading.usable else None


def figures(results: Iterable[Result]) -> tuple[SetFigures, ...]:
    """Return the figures of each closed set and model, in order of appearance.

    Sets and formats are known by the tags `set:` and `format:`, copies by `group:`, gold by
    `labels["gold"]`. An answer that the model did not give counts as wrong in nothing: it is
    counted as missing, and left out of accuracy and F1.
    """
    groups: dict[tuple[str, str], list[_Read]] = {}
    for result in results:
        rule, name = tagged(result.tags, FORMAT), tagged(result.tags, SET)
        if rule is not None and rule != FREE_TEXT:
            groups.setdefault((name or result.suite, result.model), []).append(_read(result, rule))
    return tuple(_figures(name, model, found) for (name, model), found in groups.items())


def tagged(tags: Sequence[str], prefix: str) -> str | None:
    """Return the rest of the first tag with a prefix; `None`: there is none."""
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), None)


def _read(result: Result, rule: str) -> _Read:
    question = result.messages[-1].text if result.messages else ""
    reading = (
        None if result.completion is None else read_answer(rule, question, result.completion.text)
    )
    given = result.labels.get("gold")
    wanted = read_answer(rule, question, given).value if isinstance(given, str) else None
    return _Read(result=result, rule=rule, reading=reading, wanted=wanted)


def _figures(name: str, model: str, found: Sequence[_Read]) -> SetFigures:
    states = Counter(each.reading.state or "" if each.reading else MISSING for each in found)
    scored = [each for each in found if each.wanted is not None and each.reading is not None]
    values = [_value(each) for each in scored]
    rule = found[0].rule
    counted = golds.measure_of(rule) == "f1" or rule == "listed_label"
    pairs = [(golds.items(e.rule, e.given), golds.items(e.rule, e.wanted)) for e in scored]
    return SetFigures(
        name=name,
        model=model,
        n=len(found),
        states=dict(states),
        consistency=_consistency(found),
        accuracy=math.fsum(values) / len(values) if values else None,
        group_accuracy=_group_accuracy(found),
        micro_f1=golds.micro_f1(pairs) if counted else None,
        macro_f1=golds.macro_f1(pairs) if counted else None,
    )


def _value(each: _Read) -> float:
    """Return an answer's score; one that cannot be read earns nothing."""
    return 0.0 if each.given is None else golds.compared(each.rule, each.given, each.wanted)


def _consistency(found: Sequence[_Read]) -> Consistency | None:
    copies = [
        Copy(group=group, question=each.result.messages[-1].text, letter=each.given)
        for each in found
        if (group := tagged(each.result.tags, GROUP)) is not None and each.result.repeat == 1
    ]
    return consistency(copies) if copies else None


def _group_accuracy(found: Sequence[_Read]) -> float | None:
    rows = [
        (group, None if each.reading is None else _value(each) == 1.0)
        for each in found
        if each.wanted is not None
        and (group := tagged(each.result.tags, GROUP)) is not None
        and each.result.repeat == 1
    ]
    decided = [right for right in credited(rows).values() if right is not None]
    return sum(decided) / len(decided) if decided else None
