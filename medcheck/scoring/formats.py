"""Format rules of the MedBench sets, by name: what an answer must look like, and what it says.

A rule is a small pure function of question and answer; `medbench_sets.yaml` names one for each
closed set. Whether a value is right needs gold and is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from medcheck.errors import SettingsError, nearest
from medcheck.scoring import _format_labels as labels
from medcheck.scoring import _format_letters as letters
from medcheck.scoring import _format_lines as lines
from medcheck.scoring import _format_objects as objects
from medcheck.scoring._reading import Reading, Rule, State, fail, recoverable
from medcheck.scoring.medbench_sets import FREE_TEXT, SetInfo

__all__ = ["RULES", "Reading", "State", "format_state", "read_answer"]

RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        letters.letter,
        letters.angle_letter,
        letters.joined_letters,
        letters.comma_letters,
        letters.angle_letters,
        lines.record_headings,
        lines.clinic_headings,
        lines.diagnosis_headings,
        lines.image_headings,
        lines.entities,
        lines.relations,
        labels.listed_label,
        labels.intent,
        labels.candidate,
        labels.listed_line,
        labels.departments_bar,
        labels.departments_listed,
        labels.quality_labels,
        labels.outcome,
        labels.prescription,
        labels.insurance_verdict,
        labels.length,
        objects.events,
        objects.record_dict,
        objects.insurance_json,
        objects.fields_json,
        objects.plan_json,
        objects.treatment_json,
        objects.ocr_json,
        objects.numbered_json,
        objects.report_errors,
        objects.boxes,
    )
}
"""The closed formats by name."""
_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_THINKING = re.compile(r"<think(?:ing)?>", re.IGNORECASE)


def read_answer(rule: str, question: str, answer: str | None) -> Reading:
    """Return how an answer keeps a format, and the value that it gives.

    Args:
        rule: a name in `RULES`, or `text` for free text, which is only looked at for being there.
        question: as it was asked; lists of options and labels are read from it.
        answer: `None`: none was given.

    Raises:
        SettingsError: unknown rule.

    Source: medbench.md section 4; column format_check of its inventory.
    """
    if rule not in RULES and rule != FREE_TEXT:
        raise SettingsError(f'unknown format "{rule}".', hint=nearest(rule, [*RULES, FREE_TEXT]))
    if answer is None:
        return Reading(state="null", why="null answer")
    if not answer.strip():
        return Reading(state="empty", why="empty answer")
    if rule == FREE_TEXT:
        return Reading(state=None, why="free text", value=answer)
    return _read(RULES[rule], question, answer.strip())


def _read(rule: Rule, question: str, answer: str) -> Reading:
    """Read what follows the thinking of an answer, where its tags were left in."""
    *thought, said = _THOUGHT.split(answer)
    if _THINKING.match(said.lstrip()):
        return fail("thinking that never ends")
    if not thought:
        return rule(question, answer)
    reading = rule(question, said.strip()) if said.strip() else fail("nothing but thinking")
    return recoverable(reading.value, "thinking before it") if reading.usable else reading


def format_state(info: SetInfo, question: str, answer: str | None) -> State | None:
    """Return the state of an answer to a set's question; `None`: free text."""
    return read_answer(info.format, question, answer).state
