"""Figures that single benchmarks count beside the means: usable answers, closed sets, coverage.

A collector takes the results of one model on one suite while they stream by and gives figures and
notes. Which collectors a suite needs is told by its description in the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from medcheck.extras import Figure
from medcheck.losses import Silent, Unread
from medcheck.scoring import taxonomy
from medcheck.scoring.circular import (
    GROUP,
    LABEL,
    Credit,
    Mark,
    credit,
    is_keyed,
    number_of,
    size_of,
)
from medcheck.scoring.closedset import ANSWERED, FORMAT, SET, SetFigures, figures, tagged
from medcheck.scoring.metrics import METRICS
from medcheck.scoring.metrics.classes import (
    Pair,
    are_classes,
    class_figures,
    class_intervals,
    pair_of,
)
from medcheck.scoring.usability import Item, Rules, item_of, op_interval, scope, usability
from medcheck.stats.means import interval, wilson
from medcheck.stats.repeats import pass_all_k, pass_at_k
from medcheck.types import Completion, Message, Result, Score

OP, USABLE = "op", "usable_rate"
STRICT, READ = "strict", "readable"
CONSISTENT, ACCURACY, GROUPS = "consistent", "accuracy", "group_accuracy"
MICRO, MACRO = "micro_f1", "macro_f1"
BALANCED = "balanced_accuracy"
DROP = "circular_drop"
PASS_ANY, PASS_ALL = "pass_any", "pass_all"
NAMES = (OP, USABLE, STRICT, READ, CONSISTENT, ACCURACY, GROUPS, DROP, MICRO, MACRO, BALANCED)
"""The groups that are counted here, without what follows their colon."""

COPIES = GROUP
"""Prefix of tags that make no rows: there are as many as questions."""
_NAMED = 3
"""Subcategories that a note names: those touched, or those missing."""


def is_of_metric(group: str) -> bool:
    """Return whether a metric names the group: its mean, or a figure over the classes it reads."""
    name, _, metric = group.partition(":")
    return name in ("metric", BALANCED, MACRO) and metric in METRICS


class Collector(Protocol):
    """What counts something of one model on one suite."""

    def add(self, result: Result) -> None:
        """Count one result; nothing may be held of it but what the figures need."""
        ...

    def figures(self) -> Iterable[Figure]:
        """Return the figures, in the order of their rows."""
        ...

    def notes(self) -> Iterable[str]:
        """Return what a reader must know beside them."""
        ...


def collectors(described: Mapping[str, Any], *, seed: int) -> tuple[Collector, ...]:
    """Return the collectors that a suite needs, by its description in the run."""
    found: list[Collector] = []
    if usable := described.get("usability"):
        found.append(Usable(rules=Rules.of(usable), runs=int(usable["runs"]), seed=seed))
    counted = (Passes(), Closed(), Copies(), Classes(seed=seed), Coverage())
    return (*found, *counted, Unread(), Silent())


@dataclass(slots=True)
class Usable:
    """Scores by run, for the rates of usable answers.

    Source: llmeval_med.md section 4.
    """

    rules: Rules
    runs: int
    seed: int
    items: list[Item] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Keep the scores of a result; one that was not measured has missing ones."""
        self.items.append(item_of(result, runs=self.runs))

    def figures(self) -> Iterator[Figure]:
        """Yield `op`, then `usable_rate:CATEGORY` and `usable_rate:CATEGORY/SUBCATEGORY`.

        n is runs, or items, as the rule counts; the intervals draw conversations.
        """
        found = usability(self.items, self.rules)
        yield self._figure(OP, found.op, self.items, n=sum(r.n for r in found.categories.values()))
        named = [((name,), rate) for name, rate in found.categories.items()]
        for path, rate in [*named, *found.subcategories.items()]:
            own = [i for i in self.items if (i.category, i.subcategory)[: len(path)] == path]
            name = f"{USABLE}:{'/'.join(path)}"
            yield self._figure(name, rate.value, own, n=rate.n)

    def _figure(self, group: str, value: float | None, items: Sequence[Item], *, n: int) -> Figure:
        missing = usability(items, self.rules).missing
        between = op_interval(items, self.rules, seed=self.seed)
        return Figure(group=group, value=value, raw=value, ci95=between, n=n, ungraded=missing)

    def notes(self) -> Iterator[str]:
        """Yield the rule that the rates were counted by, what was missing, and what OP is over."""
        found = usability(self.items, self.rules)
        lost = f"; {found.missing} without a score" if found.missing else ""
        part = scope(found.categories)
        yield f"op and usable_rate by {self.rules}{lost}{f'; op is {part}' if part else ''}."


@dataclass(slots=True)
class Coverage:
    """What of MedHELM's taxonomy the results touch, measured or not; no figures.

    Source: medhelm.md section 1.
    """

    paths: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, result: Result) -> None:
        """Note where a result stands."""
        if result.category:
            self.paths.add(result.category)

    def figures(self) -> Iterator[Figure]:
        """Yield nothing: coverage is no score."""
        yield from ()

    def notes(self) -> Iterator[str]:
        """Yield how many subcategories have a case; nothing where none stands in the taxonomy."""
        found = taxonomy.coverage(self.paths)
        if not found.categories:
            return
        total = found.touched + len(found.missing)
        text = f"touches {found.touched} of {total} MedHELM subcategories"
        if 0 < found.touched <= _NAMED:
            text += f": {_titles(found.cases)}"
        elif 0 < len(found.missing) <= _NAMED:
            text += f"; without a case: {_titles(found.missing)}"
        yield f"{text}."


def _titles(paths: Iterable[taxonomy.Path2]) -> str:
    return ", ".join(taxonomy.title(path)[-1] for path in paths)


@dataclass(slots=True)
class Closed:
    """Answers to closed questions: format, consistency of shuffled copies, agreement with gold.

    Source: medbench.md sections 1 and 4.
    """

    results: list[Result] = field(default_factory=list)
    """Without verdicts and reasoning."""
    found: tuple[SetFigures, ...] | None = None
    """Of all results, once somebody asked for it: reading the answers is the work."""

    def add(self, result: Result) -> None:
        """Keep what was asked and answered."""
        if tagged(result.tags, FORMAT) is None:
            return
        self.found = None
        said = None if result.completion is None else Completion(text=result.completion.text)
        asked: tuple[Message, ...] = result.messages[-1:]
        gold = {name: told for name, told in result.labels.items() if name in ("gold", LABEL)}
        score = None if result.score is None else Score(value=result.score.value)
        self.results.append(
            replace(result, completion=said, messages=asked, labels=gold, score=score)
        )

    def figures(self) -> Iterator[Figure]:
        """Yield by set: shares of strict and of readable answers, then what the set allows."""
        for found in self._sets():
            missing = found.states.get("missing", 0)
            strict = found.states.get("strict", 0)
            readable = strict + found.states.get("recoverable", 0)
            answered = found.n - missing
            yield _share(f"{STRICT}:{found.name}", strict, answered, missing)
            yield _share(f"{READ}:{found.name}", readable, answered, missing)
            yield from _copies(found)
            yield from _against_gold(found)

    def _sets(self) -> tuple[SetFigures, ...]:
        if self.found is None:
            self.found = figures(self.results)
        return self.found

    def notes(self) -> Iterator[str]:
        """Yield what the copies of each set say of the model's own noise."""
        for found in self._sets():
            copies = found.consistency
            if copies is None:
                continue
            yield from _left_out(found.name, copies.undecided, copies.groups + copies.undecided)
            if copies.repeats:
                yield (
                    f"{found.name}: {copies.split} of {copies.repeats} prompts that stand there "
                    "more than once, word for word, got different letters."
                )


@dataclass(slots=True)
class Copies:
    """Shuffled copies of choice questions by the scores of their answers, whatever the grader.

    A copy is right if it passes its threshold, without one if it scores full marks. Copies whose
    answers are read by a `format:` are counted in `Closed`, copies without gold nowhere.
    """

    marks: dict[str, list[Mark]] = field(default_factory=dict)
    """By set, or else suite."""

    def add(self, result: Result) -> None:
        """Note whether a copy was answered right."""
        group = tagged(result.tags, GROUP)
        if group is None or result.repeat != 1 or tagged(result.tags, FORMAT) is not None:
            return
        if is_keyed(result.labels):
            mark = Mark(
                group=group, right=_right(result), number=number_of(result.labels),
                of=size_of(result.labels),
            )  # fmt: skip
            self.marks.setdefault(tagged(result.tags, SET) or result.suite, []).append(mark)

    def figures(self) -> Iterator[Figure]:
        """Yield `group_accuracy` and `circular_drop` of each set; n is questions."""
        for name, marks in self.marks.items():
            yield from _credited(name, credit(marks))

    def notes(self) -> Iterator[str]:
        """Yield how many questions the figures leave out."""
        for name, marks in self.marks.items():
            found = credit(marks)
            yield from _left_out(name, found.undecided, found.groups + found.undecided)


@dataclass(slots=True)
class Classes:
    """Which class each answer chose, for figures in which rare classes count as much.

    Source: medhelm.md section 7, item 6.
    """

    seed: int
    pairs: list[Pair] = field(default_factory=list)
    missing: int = 0
    metric: str = ""

    def add(self, result: Result) -> None:
        """Keep the right class and the chosen one; an answer that was not measured is missing."""
        pair = pair_of(result)
        if pair is None:
            self.missing += 1
            return
        self.pairs.append(pair)
        self.metric = result.score.verdicts[0].criterion.id if result.score else ""

    def figures(self) -> Iterator[Figure]:
        """Yield `balanced_accuracy:METRIC` and `macro_f1:METRIC`; nothing where no classes are."""
        if not are_classes(self.pairs):
            return
        found = class_figures(self.pairs, missing=self.missing)
        between = class_intervals(self.pairs, seed=self.seed)
        for name, value in ((BALANCED, found.balanced_accuracy), (MACRO, found.macro_f1)):
            yield Figure(
                group=f"{name}:{self.metric}", value=value, raw=value, ci95=between.get(name),
                n=found.n, ungraded=found.missing,
            )  # fmt: skip

    def notes(self) -> Iterator[str]:
        """Yield what always answering the most frequent class would score."""
        found = class_figures(self.pairs)
        if are_classes(self.pairs) and found.skew is not None:
            told = f"always giving the most frequent class is right in {found.skew:.1%}"
            yield f"{self.metric}: {told}."


@dataclass(slots=True)
class Passes:
    """Which of several answers to a case pass its threshold: any of k, all of k.

    Source: `stats.repeats`.
    """

    cases: dict[str, list[bool]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    """Cases of which an answer was not measured."""

    def add(self, result: Result) -> None:
        """Note whether an answer passes; cases without a threshold are left aside."""
        if result.pass_at is None:
            return
        if result.passed is None:
            self.lost.add(result.case_id)
        else:
            self.cases.setdefault(result.case_id, []).append(result.passed)

    def figures(self) -> Iterator[Figure]:
        """Yield `pass_any:K` and `pass_all:K` for each K up to the repeats; n is cases."""
        kept = [found for name, found in self.cases.items() if name not in self.lost]
        repeats = min((len(found) for found in kept), default=0)
        for k in range(1, repeats + 1) if repeats > 1 else ():
            for name, chance in ((PASS_ANY, pass_at_k), (PASS_ALL, pass_all_k)):
                each = [value for found in kept if (value := chance([found], k)) is not None]
                value = chance(kept, k)
                yield Figure(
                    group=f"{name}:{k}", value=value, raw=value, ci95=interval(each),
                    n=len(kept), ungraded=len(self.lost),
                )  # fmt: skip

    def notes(self) -> Iterator[str]:
        """Yield nothing."""
        yield from ()


def _share(group: str, count: int, n: int, missing: int) -> Figure:
    value = count / n if n else None
    between = wilson(count, n) if n else None
    return Figure(group=group, value=value, raw=value, ci95=between, n=n, ungraded=missing)


def _copies(found: SetFigures) -> Iterator[Figure]:
    copies = found.consistency
    if copies is not None:
        name = f"{CONSISTENT}:{found.name}"
        yield _share(name, copies.consistent, copies.groups, copies.undecided)
    if found.credit is not None:
        yield from _credited(found.name, found.credit)


def _credited(name: str, found: Credit) -> Iterator[Figure]:
    for group, value in ((GROUPS, found.accuracy), (DROP, found.drop)):
        yield Figure(
            group=f"{group}:{name}", value=value, raw=value, n=found.groups,
            ungraded=found.undecided,
        )  # fmt: skip


def _left_out(name: str, undecided: int, questions: int) -> Iterator[str]:
    if undecided:
        yield (
            f"{name}: {undecided} of {questions} questions lack a copy or the answer to one; what "
            "is said of copies leaves them out."
        )


def _right(result: Result) -> bool | None:
    if result.state not in ANSWERED or result.score is None or result.score.value is None:
        return None
    return bool(result.passed) and (result.pass_at is not None or result.score.value >= 1.0)


def _against_gold(found: SetFigures) -> Iterator[Figure]:
    kinds = ((ACCURACY, found.accuracy), (MICRO, found.micro_f1), (MACRO, found.macro_f1))
    for name, value in kinds:
        if value is not None or (name == ACCURACY and found.uncompared):
            yield Figure(
                group=f"{name}:{found.name}", value=value, raw=value, n=found.compared,
                ungraded=found.uncompared,
            )  # fmt: skip
