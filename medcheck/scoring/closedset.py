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
from medcheck.scoring.circular import (
    GROUP,
    Consistency,
    Copy,
    Credit,
    Mark,
    consistency,
    credit,
    number_of,
    size_of,
)
from medcheck.scoring.formats import Reading, read_answer
from medcheck.scoring.keys import read_key
from medcheck.scoring.medbench_sets import FREE_TEXT
from medcheck.types import Result, ResultState

FORMAT = "format:"
SET = "set:"
MISSING = "missing"
"""The state of an answer that the model did not give, or not to its end."""
ANSWERED: tuple[ResultState, ...] = ("scored", "judge_error", "undecided")
"""States of results that hold a whole answer."""


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
    compared: int = 0
    """Answers that were compared with gold."""
    uncompared: int = 0
    """Those that have gold and were not: missing, or their gold cannot be read."""
    credit: Credit | None = None
    """Of shuffled copies, every one of which must be right; `None`: no copies, or no gold."""
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

    @property
    def group_accuracy(self) -> float | None:
        """Share of groups with every copy right; groups that lack an answer are left out."""
        return None if self.credit is None else self.credit.accuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One answer, read."""

    result: Result
    rule: str
    reading: Reading | None
    """`None`: the model gave no answer."""
    keyed: bool
    """Whether there is gold."""
    wanted: Any
    """The gold value; `None`: no gold, or none that can be read."""

    @property
    def given(self) -> Any:
        return self.reading.value if self.reading and self.reading.usable else None

    @property
    def value(self) -> float | None:
        """How near the answer is to gold, 0 if it cannot be read; `None`: not measured."""
        if self.reading is None or self.wanted is None:
            return None
        return 0.0 if self.given is None else golds.compared(self.rule, self.given, self.wanted)


def figures(results: Iterable[Result]) -> tuple[SetFigures, ...]:
    """Return the figures of each closed set and model, in order of appearance.

    Sets and formats are known by the tags `set:` and `format:`, copies by `group:`, gold by
    `labels["gold"]`. An answer that the model did not give, or that was cut off or held back,
    counts as wrong in nothing: it is counted as missing, and left out of accuracy, F1, and, with
    its whole group, of what is said of copies.
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
    said = result.completion if result.state in ANSWERED else None
    reading = None if said is None else read_answer(rule, question, said.text)
    gold = result.labels.get("gold")
    keyed = isinstance(gold, str) and bool(gold.strip())
    wanted = read_key(rule, question, str(gold)) if keyed else None
    return _Read(result=result, rule=rule, reading=reading, keyed=keyed, wanted=wanted)


def _figures(name: str, model: str, found: Sequence[_Read]) -> SetFigures:
    states = Counter(each.reading.state or "" if each.reading else MISSING for each in found)
    values = {at: value for at, each in enumerate(found) if (value := each.value) is not None}
    scored = [found[at] for at in values]
    rule = found[0].rule
    counted = golds.measure_of(rule) == "f1" or rule == "listed_label"
    pairs = [(golds.items(e.rule, e.given), golds.items(e.rule, e.wanted)) for e in scored]
    return SetFigures(
        name=name,
        model=model,
        n=len(found),
        states=dict(states),
        consistency=_consistency(found),
        accuracy=math.fsum(values.values()) / len(values) if values else None,
        compared=len(values),
        uncompared=sum(each.keyed for each in found) - len(values),
        credit=_credit(found, values),
        micro_f1=golds.micro_f1(pairs) if counted else None,
        macro_f1=golds.macro_f1(pairs) if counted else None,
    )


def _consistency(found: Sequence[_Read]) -> Consistency | None:
    copies = [
        Copy(
            group=group,
            question=each.result.messages[-1].text,
            letter=None if each.given is None else str(each.given),
            measured=each.reading is not None,
            of=size_of(each.result.labels),
        )
        for each in found
        if (group := _group(each.result)) is not None
    ]
    return consistency(copies) if copies else None


def _credit(found: Sequence[_Read], values: Mapping[int, float]) -> Credit | None:
    """Return the credit of the copies' groups; values come by place, none where not measured."""
    keyed = {group for each in found if each.keyed and (group := _group(each.result)) is not None}
    marks = [
        Mark(
            group=group,
            right=None if at not in values else values[at] == 1.0,
            number=number_of(each.result.labels),
            of=size_of(each.result.labels),
        )
        for at, each in enumerate(found)
        if (group := _group(each.result)) in keyed
    ]
    return credit(marks) if marks else None


def _group(result: Result) -> str | None:
    """Return the group of a copy; only the first answer to each counts."""
    return tagged(result.tags, GROUP) if result.repeat == 1 else None
