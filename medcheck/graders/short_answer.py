"""Answers compared with gold by metrics, without a judge; the metrics are in `scoring.metrics`.

Figures over a whole set (macro-F1, balanced accuracy) are in `scoring.metrics.classes`.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import re
from collections.abc import Mapping, Sequence
from typing import Any

from medcheck.client import Askable
from medcheck.errors import SettingsError
from medcheck.scoring import metrics
from medcheck.scoring.metrics import Gold, Measured
from medcheck.types import Ballot, Case, Completion, Criterion, Message, Score, Verdict

DEFAULT = "exact_match"
FACET = "metric:"
"""Before a metric's name in a score's facets."""
JUDGE = "rule"
"""What stands where a judge's name would."""
_PACKAGES = {"rouge_": "rouge-score", "bleu": "sacrebleu", "BERTScore-": "bert-score"}
OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "metric": {
            "type": ["string", "array"],
            "pattern": f"^({'|'.join(map(re.escape, metrics.METRICS))})$",
            "x-expected": f"a metric: {', '.join(metrics.METRICS)}",
            "items": {"enum": list(metrics.METRICS)},
            "minItems": 1,
            "uniqueItems": True,
            "description": "How answers are compared with the gold; the first of a list is the "
            "score. Under protocol official, the original's own variant of each.",
        },
    },
}


class Grader:
    """Compares each answer with its case's gold: references and the facts of `labels["task"]`.

    The score is that of the first metric. One verdict a metric, in state `scored`; where answers
    choose a class, the verdict's label is that one and its ballot's label the right one. A metric
    that measures nothing is `not_run` with the cause, and the score is then `None` if it leads.
    Facets: `metric:NAME`. `official` takes each metric's own variant of the original, where there
    is one, and the name says so.

    Source: medhelm.md sections 3 and 7.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        given = options.get("metric", DEFAULT)
        named = [given] if isinstance(given, str) else list(given)
        if not named:
            raise SettingsError("grader.metric names no metric.", hint=f"Write {DEFAULT}.")
        for name in named:
            metrics.check(str(name))
        if options.get("protocol") == "official":
            named = [metrics.official_of(name) for name in named]
        self.metrics: tuple[str, ...] = tuple(dict.fromkeys(named))

    @property
    def needs_judge(self) -> bool:
        """Return False: rules decide."""
        return False

    @property
    def versions(self) -> dict[str, str]:
        """Return the versions of the libraries that the metrics need."""
        needed = {p for start, p in _PACKAGES.items() for m in self.metrics if m.startswith(start)}
        return {f"package {name}": importlib.metadata.version(name) for name in sorted(needed)}

    async def grade(
        self,
        case: Case,
        completion: Completion,
        judges: Sequence[Askable],
        *,
        asked: Sequence[Message] = (),
    ) -> Score:
        """Return the score of one answer; see `Grader` in the shelf's contract.

        Raises:
            DatasetError: a database that the case names is none.
        """
        del judges, asked
        gold = Gold(references=case.references, facts=_facts(case))
        # Queries and long texts take up to a second: the loop serves other cases meanwhile.
        verdicts = await asyncio.to_thread(self._verdicts, completion.text, gold)
        facets = {f"{FACET}{v.criterion.id}": v.value for v in verdicts if v.value is not None}
        value = verdicts[0].value
        return Score(value=value, earned=value, possible=1.0, facets=facets, verdicts=verdicts)

    def _verdicts(self, answer: str, gold: Gold) -> tuple[Verdict, ...]:
        return tuple(
            _verdict(name, metrics.measure(name, answer, gold), gold, leads=not at)
            for at, name in enumerate(self.metrics)
        )


def _facts(case: Case) -> Mapping[str, Any]:
    found = case.labels.get("task", {})
    return found if isinstance(found, Mapping) else {}


def _verdict(name: str, found: Measured, gold: Gold, *, leads: bool) -> Verdict:
    text = f"The answer agrees with the gold answer by {name}."
    # Only the first metric is the score: the others must not move its bounds.
    criterion = Criterion(id=name, text=text, points=float(leads))
    if found.value is None:
        lost = Ballot(judge=JUDGE, state="not_run", value=None, error=found.why)
        return Verdict(criterion=criterion, state="not_run", value=None, ballots=(lost,))
    wanted = gold.wanted if name in metrics.CLASSED else None
    ballot = Ballot(
        judge=JUDGE, state="scored", value=found.value, label=wanted, explanation=found.why
    )
    return Verdict(
        criterion=criterion,
        state="scored",
        value=found.value,
        label=found.given if wanted is not None else None,
        ballots=(ballot,),
    )
