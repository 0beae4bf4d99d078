"""Checklists of LLMEval-Med as demands: what an answer must hold, and what it should hold beside.

Who shows the demands to whom, and what they are worth, is not decided here.

Source: llmeval_med.md sections 1 and 3 (headings and numbering as counted in the public set).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Part = Literal["core", "secondary"]

REFERENCE_ONLY = "与参考答案一致（无检查清单）。"
"""What stands in the place of a checklist where a case has none."""

_HEADING = re.compile(
    r"^[\s#*]{0,8}(?:[一二三四五]、|\d{1,2}[.、])?[\s*]{0,4}"
    r"(?:(?P<core>核心需求|core requirements?)|(?P<secondary>次要需求|secondary requirements?))"
    r"[\s*]{0,4}(?:[:：][\s*]{0,4}(?P<rest>.*)|)$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^\s*\d{1,2}(?:[.．](?!\d)|[、)）])\s*")
_BULLET = re.compile(r"^\s*[-*•·–]\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """The demands of one checklist, in its order; sub-points stand below their demand."""

    core: tuple[str, ...] = ()
    secondary: tuple[str, ...] = ()
    preamble: str = ""
    """What stands before the first heading of a checklist that has headings."""

    @property
    def points(self) -> tuple[tuple[Part, int, str], ...]:
        """Every demand with its part and its number in the part, from 1."""
        core: list[tuple[Part, int, str]] = [("core", n, t) for n, t in enumerate(self.core, 1)]
        return (*core, *(("secondary", n, text) for n, text in enumerate(self.secondary, 1)))


@dataclass(slots=True)
class _Section:
    points: list[str] = field(default_factory=list)
    is_numbered: bool = False

    def add(self, line: str) -> None:
        """Take a line as a new demand, or as more of the last one."""
        number = _NUMBERED.match(line)
        if number is None and self.points and (self.is_numbered or _BULLET.match(line)):
            self.points[-1] += f"\n{line.strip()}"
            return
        self.is_numbered = self.is_numbered or number is not None
        self.points.append(line[number.end() :].strip() if number else line.strip())


def requirements(text: str | None) -> Requirements:
    """Return the demands of a checklist; a text without headings is all core.

    No words are lost but headings and numbers. `None`, an empty text and `REFERENCE_ONLY` hold no
    demand.
    """
    if text is None or text.strip() == REFERENCE_ONLY:
        return Requirements()
    sections: dict[str, _Section] = {name: _Section() for name in ("", "core", "secondary")}
    current = ""
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            current = "core" if heading["core"] else "secondary"
        demand = (heading["rest"] or "") if heading else line
        if demand.strip():
            sections[current].add(demand)
    core, secondary = sections["core"].points, sections["secondary"].points
    if not core and not secondary:
        return Requirements(core=tuple(sections[""].points))
    return Requirements(
        core=tuple(core), secondary=tuple(secondary), preamble="\n".join(sections[""].points)
    )
