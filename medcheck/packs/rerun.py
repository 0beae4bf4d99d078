"""The rows of a pack to ask again; `repair` puts their answers back in place.

A row is asked again because it has no answer, never because of what its answer says: asking until
an answer pleases would measure the asking.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medcheck.errors import SettingsError
from medcheck.packs.checking import Checked, SetCheck
from medcheck.packs.findings import RULES, Layout
from medcheck.packs.rules import Row, settled
from medcheck.packs.warnings import no_answer

ADDABLE = ("W1", "W2", "W3", "W4")
"""Rules whose rows are asked again on demand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """One row to ask again."""

    set: str
    line: int
    """Of the question file, where the answer belongs."""
    why: str
    record: Mapping[str, Any]
    """The untouched line of the question file."""

    @property
    def case_id(self) -> str:
        """The name of the case in medcheck."""
        return f"{self.set}-{self.line}"

    def dumped(self) -> str:
        """Return it as a line of JSON: the question's own fields behind what names the row."""
        named = {"case_id": self.case_id, "set": self.set, "line": self.line, "why": self.why}
        return json.dumps({**named, **self.record}, ensure_ascii=False)


def rows_again(checked: Checked, also: Collection[str] = ()) -> tuple[Again, ...]:
    """Return the rows without a usable answer, in the order of the question files.

    Usable is an answer that is a text and no error text of an API or web page. `also` adds the
    rows that break one of `ADDABLE`.

    Raises:
        SettingsError: the pack was checked without its questions, or a rule cannot be added.
    """
    if unknown := set(also) - set(ADDABLE):
        hint = f"Known: {', '.join(ADDABLE)}."
        raise SettingsError(f'rule "{min(unknown)}" names no rows to ask again.', hint=hint)
    if checked.pack.unread:
        hint = "Make the zip again from its files."
        raise SettingsError(
            "a pack that breaks E1 has no rows.", where=checked.pack.path, hint=hint
        )
    if checked.sets and all(each.questions is None for each in checked.sets):
        hint = "Name their folder with --questions."
        raise SettingsError("rows to ask again are taken from the question files.", hint=hint)
    return tuple(again for each in checked.sets for again in _of_set(each, checked.layout, also))


def _of_set(checked: SetCheck, layout: Layout, also: Collection[str]) -> Iterator[Again]:
    questions = checked.questions or ()
    there = settled(checked.rows or (), layout)
    rows = {row.place: row for row in there if row.place is not None}
    flagged = {found.line: found.rule for found in checked.findings if found.rule in also}
    for place, question in enumerate(questions):
        why = _why(checked, rows.get(place), flagged)
        if why:
            yield Again(set=checked.info.name, line=question.line, why=why, record=question.record)


def _why(checked: SetCheck, row: Row | None, flagged: Mapping[int | None, str]) -> str | None:
    if checked.rows is None:
        return "E2: the file is not there"
    if row is None:
        return "E7: the row is not there"
    if row.answer is None:
        empty = next(
            (f for f in checked.findings if f.line == row.line and f.rule[:2] == "E8"), None
        )
        return f"{empty.rule}: {empty.message}" if empty else "E8: no answer"
    said = no_answer(row.question, row.answer)
    if said and not said.startswith("the answer refuses"):
        return f"W4: {said}"
    rule = flagged.get(row.line)
    return f"{rule}: not so: {RULES[rule]}" if rule else None
