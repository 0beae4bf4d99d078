"""Closed questions without a judge: the format that an answer keeps, and agreement with gold.

The rules are in `scoring.formats`, `scoring.selfchecks` and `scoring.gold`; figures over a set
(consistency, groups, F1) in `scoring.closedset`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from medcheck.client import Askable
from medcheck.errors import SettingsError, nearest
from medcheck.packs.warnings import suspicions
from medcheck.scoring.closedset import FORMAT, tagged
from medcheck.scoring.formats import RULES, Reading, read_answer
from medcheck.scoring.gold import MEASURES, Measure, compared, measure_of
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
        "measure": {"enum": list(MEASURES), "description": "How answers are compared with gold."},
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

    Source: medbench.md section 4.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.format: str | None = options.get("format")
        self.measure: Measure | None = options.get("measure")
        self.checks: Sequence[str] | None = options.get("checks")
        known = {"format": (*RULES, FREE_TEXT), "measure": MEASURES}
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
        """Return False: rules decide."""
        return False

    @property
    def versions(self) -> dict[str, str]:
        """Return nothing: there are no prompts."""
        return {}

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
            SettingsError: nothing tells the format, or a needed package is missing.
        """
        del judges
        question = _question(asked) or _question(case.messages)
        rule = self.format or tagged(case.tags, FORMAT)
        if rule is None:
            raise SettingsError(
                f'case "{case.id}": nothing says how the answer must look.',
                hint="Set grader.format, or tag the case format:NAME.",
            )
        reading = read_answer(rule, question, completion.text)
        found = [
            *(self._format(reading, rule) or [_answers(question, completion.text)]),
            *self._checked(case, question, completion, reading),
        ]
        gold = _gold(case)
        if gold is not None:
            found.insert(0, self._against(rule, question, reading, gold))
        return _score(found, gold is not None)

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
        wanted = read_answer(rule, question, gold)
        # gold that keeps no format is compared as it stands
        target = wanted.value if wanted.value is not None else gold
        measure = self.measure or measure_of(rule)
        usable = reading.usable or reading.state is None
        value = compared(rule, reading.value, target, measure=measure) if usable else 0.0
        why = f"{measure}; read: {_shown(reading.value)}; gold: {_shown(target)}"
        return _verdict("gold", "The answer agrees with the gold answer.", value, why)


def _question(messages: Sequence[Message]) -> str:
    return next((message.text for message in reversed(messages) if message.role == "user"), "")


def _answers(question: str, answer: str) -> Verdict:
    found = [told for rule, told in suspicions(question, answer, long=inf) if rule in NO_ANSWER]
    text = "The text answers: no thinking aloud, no refusal, no error text."
    return _verdict("text:answers", text, not found, "; ".join(found))


def _gold(case: Case) -> str | None:
    given = case.labels.get("gold")
    if isinstance(given, str) and given.strip():
        return given
    return case.references[0] if case.references else None


def _checks(case: Case) -> tuple[str, ...]:
    """Return the self-check of a case's set, where there is one."""
    row = case.labels.get("medbench")
    if not isinstance(row, Mapping):
        return ()
    check = set_of(str(row["track"]), str(row["set"])).check
    return () if check is None else (check,)


def _check_verdict(name: str, found: Sequence[Finding]) -> Verdict:
    errors = [finding for finding in found if finding.severity == "error"]
    told = "\n".join(f"{finding.severity}: {finding.message}" for finding in found)
    return _verdict(f"check:{name}", f"The self-check {name} finds no error.", not errors, told)


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


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
