"""Closed questions by rules: the format that an answer keeps, and agreement with gold.

The rules are in `scoring.formats`, `scoring.selfchecks` and `scoring.gold`; figures over a set
(consistency, groups, F1) in `scoring.closedset`; the one measure with a judge in `_recall`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal

from medcheck.client import Askable
from medcheck.errors import SettingsError, nearest
from medcheck.graders import Call
from medcheck.graders._recall import RECALL, Recall
from medcheck.packs.warnings import MAY_REFUSE, suspicions
from medcheck.scoring.closedset import FORMAT, tagged
from medcheck.scoring.formats import RULES, Reading, read_answer
from medcheck.scoring.gold import MEASURES, Measure, compared, measure_of
from medcheck.scoring.keys import read_key
from medcheck.scoring.medbench_sets import FREE_TEXT, set_of
from medcheck.scoring.selfchecks import CHECKS, Finding
from medcheck.types import (
    Ballot,
    Case,
    Completion,
    Criterion,
    Message,
    Score,
    Verdict,
    VerdictState,
)

OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "format": {
            "enum": sorted([*RULES, FREE_TEXT]),
            "description": "How answers must look; by default what the case's tag format: says.",
        },
        "measure": {
            "enum": [*MEASURES, RECALL],
            "description": "How answers are compared with gold; macro_recall has a judge look for "
            "each of the gold's key points.",
        },
        "checks": {
            "type": "array",
            "items": {"enum": sorted(CHECKS)},
            "description": "Self-checks without gold; by default those of the case's set.",
        },
    },
}
NO_ANSWER = ("W1", "W2", "W4")
"""Findings about a text that is no answer, see `packs.warnings`."""
JUDGE = "rule"
"""What stands where a judge's name would."""
_SHOWN = 300


class Grader:
    """Reads each answer by the rule of its set.

    With gold (`labels["gold"]`, or the first reference) the score is the comparison with it, and
    an answer that cannot be read earns 0. Without gold it is 1 for a value that can be read; for
    free text, 1 if it is an answer (no thinking aloud, no refusal, no error text) in which no
    self-check finds an error. So without gold a score says what can be handed in, not what is
    right. Facets: `format:strict`, `format:usable`, `text:answers`, `check:NAME`, each 0 or 1.

    With `measure: macro_recall` gold that is a list of key points (`labels["gold"]`, or the
    references) is looked for by judges, point by point: the score is the share that the answer
    holds, and a facet of that name too. Gold that is no list is compared by the set's own measure.

    Source: medbench.md sections 2 and 4.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.format: str | None = options.get("format")
        measure = options.get("measure")
        self.recall = Recall.of(options) if measure == RECALL else None
        self.measure: Measure | None = None if self.recall else measure
        self.checks: Sequence[str] | None = options.get("checks")
        known = {"format": (*RULES, FREE_TEXT), "measure": (*MEASURES, RECALL)}
        for name, names in known.items():
            given = options.get(name)
            if given is not None and given not in names:
                hint = nearest(given, names)
                raise SettingsError(f'grader.{name}: unknown name "{given}".', hint=hint)
        for given in self.checks or ():
            if given not in CHECKS:
                hint = nearest(given, CHECKS)
                raise SettingsError(f'grader.checks: unknown check "{given}".', hint=hint)

    @property
    def needs_judge(self) -> bool:
        """Return whether key points are looked for; all else is decided by rules."""
        return self.recall is not None

    @property
    def judges_every_case(self) -> bool:
        """Return whether key points are looked for: they are no criteria of the cases."""
        return self.recall is not None

    @property
    def versions(self) -> dict[str, str]:
        """Return the sha256 of the prompts that judge, if any do."""
        return self.recall.versions if self.recall else {}

    def calls(self, case: Case) -> tuple[Call, ...]:
        """Return one call a key point."""
        wanted = _key_points(case) if self.recall else ()
        return tuple(Call(text=point) for point in wanted)

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
            SettingsError: nothing tells the format, gold does not fit the measure, or a needed
                package is missing.
        """
        question = _question(asked) or _question(case.messages)
        rule = self.format or tagged(case.tags, FORMAT)
        if rule is None:
            raise SettingsError(
                f'case "{case.id}": nothing says how the answer must look.',
                hint="Set grader.format, or tag the case format:NAME.",
            )
        reading = read_answer(rule, question, completion.text)
        found = [
            *(self._format(reading, rule) or [_answers(case, question, completion.text)]),
            *self._checked(case, question, completion, reading),
        ]
        if wanted := self._wanted(case, rule):
            assert self.recall is not None
            held = await self.recall.score(question, completion.text, wanted, judges)
            return _beside(held, found)
        gold = _gold(case)
        if gold is not None:
            found.insert(0, self._against(rule, question, reading, gold))
        return _score(found, gold is not None)

    def _wanted(self, case: Case, rule: str) -> tuple[str, ...]:
        """Return the key points to look for; none: gold is compared, or there is none."""
        if wrong := _misfit(case, rule, recall=self.recall is not None):
            raise SettingsError(wrong[0], hint=wrong[1])
        return _key_points(case) if self.recall else ()

    def _format(self, reading: Reading, rule: str) -> list[Verdict]:
        if reading.state is None:
            return []
        why = reading.why or f"as asked ({rule})"
        return [
            _verdict(
                "format:strict", "The answer is exactly as asked.", reading.state == "strict", why
            ),
            _verdict(
                "format:usable", "One value can be read from the answer.", reading.usable, why
            ),
        ]

    def _checked(
        self, case: Case, question: str, completion: Completion, reading: Reading
    ) -> list[Verdict]:
        value = reading.value if reading.usable else None
        verdicts = []
        for name in _checks(case) if self.checks is None else self.checks:
            needs_value = name in ("arithmetic", "grounding")
            if needs_value and value is None:
                continue
            found = CHECKS[name](question, completion.text, value)
            verdicts.append(_check_verdict(name, found))
        return verdicts

    def _against(self, rule: str, question: str, reading: Reading, gold: str) -> Verdict:
        wanted = read_key(rule, question, gold)
        # gold that keeps no format is compared as it stands: `lint` lets only texts come so far
        target = gold if wanted is None else wanted
        measure = self.measure or measure_of(rule)
        usable = reading.usable or reading.state is None
        value = compared(rule, reading.value, target, measure=measure) if usable else 0.0
        why = f"{measure}; read: {_shown(reading.value)}; gold: {_shown(target)}"
        return _verdict("gold", "The answer agrees with the gold answer.", value, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Gold that no answer could agree with."""

    text: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.severity}: {self.text}"


def lint(cases: Iterable[Case], options: Mapping[str, Any]) -> tuple[Doubt, ...]:
    """Return an error for each gold answer that its format cannot read: all answers would be wrong.

    Where texts are compared word by word gold may have any form.
    """
    return tuple(doubt for case in cases if (doubt := _unreadable(case, options)))


def _unreadable(case: Case, options: Mapping[str, Any]) -> Doubt | None:
    rule = str(options.get("format") or tagged(case.tags, FORMAT))
    recall = options.get("measure") == RECALL
    if wrong := _misfit(case, rule, recall=recall):
        return Doubt(text=" ".join(wrong))
    gold = _gold(case)
    if gold is None or rule not in RULES or (recall and _key_points(case)):
        return None
    measure = measure_of(rule) if recall else options.get("measure") or measure_of(rule)
    if measure == "rouge_l" or read_key(rule, _question(case.messages), gold) is not None:
        return None
    origin = case.origin
    where = f"{origin.path}:{origin.line}: " if origin and origin.line else ""
    text = f'{where}case "{case.id}": gold "{_shown(gold)}" cannot be read by the format {rule}. '
    return Doubt(text=f"{text}Write it as an answer must look.")


def _question(messages: Sequence[Message]) -> str:
    return next((message.text for message in reversed(messages) if message.role == "user"), "")


def _answers(case: Case, question: str, answer: str) -> Verdict:
    may_refuse = _row(case).get("set") in MAY_REFUSE
    odd = suspicions(question, answer, long=inf, may_refuse=may_refuse)
    found = [told for rule, told in odd if rule in NO_ANSWER]
    text = "The text answers: no thinking aloud, no refusal, no error text."
    return _verdict("text:answers", text, not found, "; ".join(found))


def _gold(case: Case) -> str | None:
    given = case.labels.get("gold")
    if isinstance(given, str) and given.strip():
        return given
    return case.references[0] if case.references else None


def _key_points(case: Case) -> tuple[str, ...]:
    """Return the gold as key points: a list in the labels, else the references."""
    given = case.labels.get("gold")
    if isinstance(given, str):
        return ()
    listed = given if isinstance(given, (list, tuple)) else case.references
    return tuple(text for point in listed if (text := str(point).strip()))


def _misfit(case: Case, rule: str, *, recall: bool) -> tuple[str, str] | None:
    """Return why gold and measure do not go together, and what to do; `None`: they do."""
    listed = isinstance(case.labels.get("gold"), (list, tuple))
    if listed and not recall:
        return (
            f'case "{case.id}": gold is a list of key points, which only a judge can find.',
            f"Set grader.measure: {RECALL} and name judges, or give gold as one text.",
        )
    if recall and _gold(case) and not _key_points(case) and measure_of(rule) == "rouge_l":
        return (
            f'case "{case.id}": gold is one text, but {RECALL} needs a list of key points.',
            "Write labels: {gold: [first point, second point]}, or another measure.",
        )
    return None


def _row(case: Case) -> Mapping[str, Any]:
    """Return what MedBench says about a case's row; empty: it is of no MedBench set."""
    row = case.labels.get("medbench")
    return row if isinstance(row, Mapping) else {}


def _checks(case: Case) -> tuple[str, ...]:
    """Return the self-check of a case's set, where there is one."""
    row = _row(case)
    check = set_of(str(row["track"]), str(row["set"])).check if row else None
    return () if check is None else (check,)


def _check_verdict(name: str, found: Sequence[Finding]) -> Verdict:
    told = "\n".join(f"{finding.severity}: {finding.message}" for finding in found)
    severities = {finding.severity for finding in found}
    text = f"The self-check {name} finds no error."
    if "unchecked" in severities and "error" not in severities:
        # neither passed nor failed: of no weight
        criterion = Criterion(id=f"check:{name}", text=text, points=0.0, tags=(f"check:{name}",))
        lost = Ballot(judge=JUDGE, state="not_run", value=None, error=told)
        return Verdict(criterion=criterion, state="not_run", value=None, ballots=(lost,))
    return _verdict(f"check:{name}", text, "error" not in severities, told)


def _verdict(name: str, text: str, value: float, why: str) -> Verdict:
    state: VerdictState = "met" if value == 1 else "not_met" if value == 0 else "scored"
    criterion = Criterion(id=name, text=text, points=1.0, tags=(name,))
    ballot = Ballot(judge=JUDGE, state=state, value=float(value), explanation=why)
    return Verdict(criterion=criterion, state=state, value=float(value), ballots=(ballot,))


def _score(found: Sequence[Verdict], with_gold: bool) -> Score:  # noqa: FBT001 - private
    """Return the score: gold decides, else whether a value can be read, else the self-checks."""
    values = {verdict.criterion.id: verdict.value for verdict in found}
    facets = {name: value for name, value in values.items() if name != "gold" and value is not None}
    free = [value for name, value in facets.items() if not name.startswith("format:")]
    value = values["gold"] if with_gold else values.get("format:usable", min(free, default=None))
    if value is None:
        return Score(value=None, facets=facets, verdicts=tuple(found))
    return Score(value=value, earned=value, possible=1.0, facets=facets, verdicts=tuple(found))


def _beside(held: Score, found: Sequence[Verdict]) -> Score:
    """Return the score of the key points with the verdicts of rules, which weigh nothing in it."""
    rules = [replace(v, criterion=replace(v.criterion, points=0.0)) for v in found]
    facets = {v.criterion.id: v.value for v in rules if v.value is not None}
    return replace(held, facets={**facets, **held.facets}, verdicts=(*held.verdicts, *rules))


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
