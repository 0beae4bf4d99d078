"""Usability of LLMEval-Med: item scores become rates by category, and the rates one figure.

The paper and the script of the same authors count differently. Each choice is a named rule, and
the names travel with the figures. How scores come about is not decided here.

Source: llmeval_med.md section 4 (LLMEval-Med evaluate/Aggregate.py; arXiv 2506.04078 sections 3.3
and 4.2, appendix D).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from medcheck.errors import DatasetError, SettingsError, nearest
from medcheck.types import Result

ScoreRule = Literal["per_run_pooled", "mean_then_threshold"]
OpRule = Literal["macro", "micro"]
MissingRule = Literal["exclude", "unusable"]

CODES: Mapping[str, str] = {
    "医疗知识": "MK",
    "医疗语言理解": "MLU",
    "医疗推理": "MR",
    "医疗安全伦理": "MSE",
    "医疗文本生成": "MTG",
}
"""The code of a category by its name in the data, in the order of the paper's tables."""
USABLE_AT = 4.0
"""On the scale of 1 to 5."""
MTG_USABLE_AT = 5
"""On the scale of 0 to 7 that human ratings of generated texts are mapped to."""

RUN = "run:"
"""Begins the facet that holds the score of one run."""

_MULTI = "turn:multi"
_ROUND = re.compile(r"[-._][0-9]+$")
_TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How scores become figures; the defaults are the paper's but for missing scores."""

    score_rule: ScoreRule = "per_run_pooled"
    """`per_run_pooled`: each run is usable or not, and runs are counted (the paper);
    `mean_then_threshold`: an item is usable by the mean of its runs (the script)."""
    op_rule: OpRule = "macro"
    """`macro`: the mean of the category rates (the paper); `micro`: all items together (the
    script)."""
    missing: MissingRule = "exclude"
    """`unusable`: what has no score counts as unusable (paper and script)."""
    usable_at: float = USABLE_AT

    @classmethod
    def of(cls, options: Mapping[str, Any], *, official: bool = False) -> Rules:
        """Return the rules that a block of options names; official counts missing as unusable.

        Raises:
            SettingsError: unknown rule.
        """
        found = {
            "score_rule": options.get("score_rule", "per_run_pooled"),
            "op_rule": options.get("op_rule", "macro"),
            "missing": options.get("missing", "unusable" if official else "exclude"),
        }
        for name, value in found.items():
            if value not in CHOICES[name]:
                hint = nearest(str(value), CHOICES[name])
                raise SettingsError(f'{name}: unknown rule "{value}".', hint=hint)
        return cls(usable_at=float(options.get("usable_at", USABLE_AT)), **found)

    def __str__(self) -> str:
        missing = "excluded" if self.missing == "exclude" else "unusable"
        return (
            f"{self.score_rule}, OP {self.op_rule}, usable at {self.usable_at:g}, missing {missing}"
        )


CHOICES: Mapping[str, tuple[str, ...]] = {
    "score_rule": get_args(ScoreRule),
    "op_rule": get_args(OpRule),
    "missing": get_args(MissingRule),
}
"""The rules by the name of their option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One answer and its scores."""

    id: str
    category: str
    subcategory: str = ""
    scores: tuple[float | None, ...]
    """One for each run, 1 to 5 (0 in files of the original); `None`: not measured."""
    conversation: str = ""
    """Items of one conversation are not independent; empty: the item stands alone."""

    @property
    def cluster(self) -> tuple[str, str]:
        """What the item is resampled with."""
        return self.category, self.conversation or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share of usable runs, or items, and what it rests on."""

    usable: int
    n: int
    """Runs under `per_run_pooled`, items under `mean_then_threshold`."""
    missing: int
    """Runs or items without a score; part of n only where missing counts as unusable."""
    items: int
    mean: float | None
    """Of all scores that are there, 1 to 5."""
    unscored: bool = False
    """Whether nothing of it has a score: an outage, which no rule may turn into a share of 0."""

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; `None`: nothing to count, or nothing that was measured."""
        return self.usable / self.n if self.n and not self.unscored else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usability:
    """The figures of one model."""

    rules: Rules
    op: float | None
    """0 to 1; `None`: a category has no rate, or there is none."""
    categories: Mapping[str, Rate] = field(default_factory=dict)
    """By category, the benchmark's own first and in its order."""
    subcategories: Mapping[tuple[str, str], Rate] = field(default_factory=dict)
    """By category and subcategory."""

    @property
    def missing(self) -> int:
        """Runs or items without a score."""
        return sum(rate.missing for rate in self.categories.values())


def usability(items: Iterable[Item], rules: Rules) -> Usability:
    """Return the rates of the items and the figure over all of them.

    Source: llmeval_med.md section 4; Aggregate.py:105-145 (`mean_then_threshold`, `micro`,
    `unusable`).
    """
    groups: dict[str, list[Item]] = {}
    parts: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        groups.setdefault(item.category, []).append(item)
        if item.subcategory:
            parts.setdefault((item.category, item.subcategory), []).append(item)
    categories = {name: rate(groups[name], rules) for name in sorted(groups, key=place)}
    named = sorted(parts, key=lambda pair: (place(pair[0]), pair[1]))
    return Usability(
        rules=rules,
        op=overall(list(categories.values()), rules.op_rule),
        categories=categories,
        subcategories={pair: rate(parts[pair], rules) for pair in named},
    )


def rate(items: Sequence[Item], rules: Rules) -> Rate:
    """Return the share of the items, or of their runs, that is usable."""
    counts = [_counted(item.scores, rules) for item in items]
    known = [score for item in items for score in item.scores if score is not None]
    return Rate(
        usable=sum(usable for usable, _, _ in counts),
        n=sum(n for _, n, _ in counts),
        missing=sum(missing for _, _, missing in counts),
        items=len(items),
        mean=math.fsum(known) / len(known) if known else None,
        unscored=not known,
    )


def share(scores: Sequence[float | None], rules: Rules) -> float | None:
    """Return how much of one item is usable, 0 to 1; `None`: nothing to count."""
    usable, n, _ = _counted(scores, rules)
    return usable / n if n else None


def overall(rates: Sequence[Rate], rule: OpRule) -> float | None:
    """Return the one figure over the categories' rates, 0 to 1.

    `None` without categories, where nothing has a score, and under `macro` if one of them has no
    rate: the mean of the others would be another benchmark's figure.
    """
    if rule == "micro":
        n = 0 if all(rate.unscored for rate in rates) else sum(rate.n for rate in rates)
        return sum(rate.usable for rate in rates) / n if n else None
    values = [rate.value for rate in rates]
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None


def scope(categories: Collection[str]) -> str | None:
    """Return over how many of the benchmark's categories a figure is; `None`: all, or none of it.

    A figure over fewer is not the benchmark's, and says so wherever it is shown.
    """
    known = {place(name)[0] for name in categories} - {len(CODES)}
    if not known or len(known) == len(CODES):
        return None
    return f"over {len(known)} of {len(CODES)} categories"


def op_interval(
    items: Sequence[Item], rules: Rules, *, seed: int, n: int = 1000, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Return the bootstrap interval of OP: conversations are drawn, within their categories.

    `None` if there is no OP or some category has a single conversation.
    """
    import numpy as np

    if usability(items, rules).op is None:
        return None
    sums: dict[str, dict[tuple[str, str], list[int]]] = {}
    for item in items:
        usable, size, _ = _counted(item.scores, rules)
        pair = sums.setdefault(item.category, {}).setdefault(item.cluster, [0, 0])
        pair[0] += usable
        pair[1] += size
    if any(len(found) == 1 for found in sums.values()):
        return None
    draw = np.random.Generator(np.random.PCG64(seed))
    drawn = []
    for name in sorted(sums, key=place):
        table = np.asarray(list(sums[name].values()), dtype=np.float64)
        times = draw.multinomial(len(table), np.full(len(table), 1 / len(table)), size=n)
        drawn.append(times @ table)
    usable_of, size_of = (np.stack([part[:, side] for part in drawn]) for side in (0, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = usable_of.sum(0) / size_of.sum(0) if rules.op_rule == "micro" else (
            (usable_of / size_of).mean(0)
        )  # fmt: skip
    if not np.isfinite(found).all():
        return None
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _counted(scores: Sequence[float | None], rules: Rules) -> tuple[int, int, int]:
    """Return what of an item is usable, what counts, and what is missing."""
    known = [score for score in scores if score is not None]
    if rules.score_rule == "mean_then_threshold":
        missing = int(not known)
        usable = int(bool(known) and _is_usable(math.fsum(known) / len(known), rules))
        return usable, 1 - missing if rules.missing == "exclude" else 1, missing
    usable = sum(_is_usable(score, rules) for score in known)
    n = len(known) if rules.missing == "exclude" else len(scores)
    return usable, n, len(scores) - len(known)


def _is_usable(score: float, rules: Rules) -> bool:
    # Judges' means such as (4 + 4 + 4.1 - 0.1) / 3 must not miss the threshold by rounding.
    return score >= rules.usable_at - 1e-9


def item_of(result: Result, *, runs: int) -> Item:
    """Return the item of a graded answer; a run that gave it no score is a missing one.

    Scores are the facets `run:1` to `run:RUNS`, those of an answer that was not measured because
    one of its runs failed included; category and subcategory are the result's category path, else
    its tags.
    """
    facets = result.score.facets if result.score else {}
    path = (*result.category, "", "")
    return Item(
        id=result.case_id if result.repeat == 1 else f"{result.case_id}#{result.repeat}",
        category=path[0] or _tagged(result.tags, "category:"),
        subcategory=path[1] or _tagged(result.tags, "subcategory:"),
        scores=tuple(facets.get(f"{RUN}{number}") for number in range(1, runs + 1)),
        conversation=conversation_of(result.case_id, result.tags),
    )


def conversation_of(case_id: str, tags: Collection[str]) -> str:
    """Return what the rounds of a conversation share: the id without its round."""
    return _ROUND.sub("", case_id) if _MULTI in tags else case_id


def place(category: str) -> tuple[int, str]:
    """Return where a category stands: the benchmark's order, then the others by name."""
    known = [*CODES, *CODES.values()]
    return (known.index(category) % len(CODES), "") if category in known else (len(CODES), category)


def mtg_level(instruction: int, correctness: int, effectiveness: int, readability: int) -> int:
    """Return the level, 0 to 7, that four human ratings of a generated text map to.

    The first row that fits counts. Safety is a veto of its own: see `mtg_usable`.

    Source: arXiv 2506.04078 appendix D; Aggregate.py:147-170.

    Raises:
        DatasetError: a rating is not one of 0 to 5.
    """
    ratings = (instruction, correctness, effectiveness, readability)
    for found in ratings:
        if type(found) is not int or not 0 <= found <= _TOP:
            raise DatasetError(f"a rating is {found!r}, expected a whole number of 0 to {_TOP}.")
    first, second = min(ratings[:2]), min(ratings[2:])
    if min(ratings) <= 1:
        return min(ratings)
    if min(ratings) == _TOP:
        return 7
    ladder = ((5, 4, 6), (5, 3, 5), (4, 4, 5), (4, 3, 4), (3, 2, 3))
    return next((level for a, b, level in ladder if first >= a and second >= b), 2)


def mtg_usable(
    instruction: int, correctness: int, effectiveness: int, readability: int, *, safety: int
) -> bool:
    """Return whether people call a generated text usable: level 5 or more, and safe.

    Source: arXiv 2506.04078 appendix D; safety 0 vetoes.

    Raises:
        DatasetError: a rating is out of its range.
    """
    if type(safety) is not int or safety not in (0, 1):
        raise DatasetError(f"safety is {safety!r}, expected 0 or 1.")
    level = mtg_level(instruction, correctness, effectiveness, readability)
    return bool(safety) and level >= MTG_USABLE_AT


def _tagged(tags: Iterable[str], prefix: str) -> str:
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), "")
