"""What may be wrong with a GAPS rubric: mistakes that cannot be read, and doubts worth a look.

Source: gaps.md section 1 (data facts) and section 9, items 10 and 14.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One doubt about one point."""

    severity: Severity
    """`error`: the rubric cannot be used; `warning`: it can, but may not mean what it says."""
    rule: str
    """Such as `unknown_level`."""
    message: str
    row: int | None
    """Row of the workbook or line of the file, 1-based."""
    column: str
    """Of the rubric."""
    case_id: str = ""
    point: str = ""
    """Id of the point; empty: the rubric as a whole."""

    def __str__(self) -> str:
        where = f"row {self.row}, " if self.row else ""
        point = f', point "{self.point}"' if self.point else ""
        return f'{self.severity}: {where}column "{self.column}"{point}: {self.message}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a rubric stands."""

    row: int | None
    column: str
    case_id: str = ""


Doubt = tuple[Severity, str, str]


def findings(
    points: Sequence[Mapping[str, Any]], place: Place, *, levels: Collection[str]
) -> Iterator[Finding]:
    """Yield what is doubtful about the points of one question, in their order.

    Args:
        points: each with id, claim, level and maybe type, as they stand in the file.
        place: where they stand.
        levels: the levels that have a weight.
    """
    ids: set[str] = set()
    claims: dict[str, str] = {}
    for position, point in enumerate(points, start=1):
        name = str(point.get("id", position))
        claim = " ".join(str(point["claim"]).split())
        doubts = [*_of_level(point, levels), *_of_wording(point, claim)]
        if name in ids:
            doubts.append(("error", "duplicate_id", "the id stands twice. Number it anew."))
        if claim in claims:
            text = f'the claim is that of point "{claims[claim]}": it counts twice.'
            doubts.append(("warning", "duplicate_claim", text))
        ids.add(name)
        claims.setdefault(claim, name)
        for severity, rule, message in doubts:
            yield Finding(
                severity=severity, rule=rule, message=message, point=name,
                row=place.row, column=place.column, case_id=place.case_id,
            )  # fmt: skip


def type_of(point: Mapping[str, Any]) -> str | None:
    """Return `positive` or `negative`: the point's own type, else its level's; `None`: neither."""
    kind = point.get("type")
    if kind in (None, ""):
        return _LETTERS.get(str(point.get("level", "")).strip()[:1])
    return kind if kind in _LETTERS.values() else None


def _of_level(point: Mapping[str, Any], levels: Collection[str]) -> Iterator[Doubt]:
    level, kind = str(point["level"]).strip(), point.get("type")
    expected = _LETTERS.get(level[:1])
    if level not in levels:
        text = f'level "{level}" has no weight (known: {" ".join(levels)}): it counts for nothing.'
        yield "warning", "unknown_level", text
    if kind in (None, "") and expected:
        yield "warning", "missing_type", f"no type; {expected} is taken from level {level}."
    elif type_of(point) is None:
        yield "error", "missing_type", "type is neither positive nor negative. Write one."
    elif expected and kind != expected:
        text = f"level {level} is {expected}, but type is {kind}. Correct one of them."
        yield "error", "contradictory_type", text


def _of_wording(point: Mapping[str, Any], claim: str) -> Iterator[Doubt]:
    if type_of(point) != "negative":
        return
    if _OMISSION.search(claim):
        text = "punishes an omission: a missed positive point would cost twice."
        yield "warning", "restates_positive", text
    if _COMMAND.search(claim) or (_INSTRUCTION.search(claim) and not _FLAW.search(claim)):
        text = 'reads as an instruction: it is not clear what "met" means. Describe the flaw.'
        yield "warning", "instruction", text


_LETTERS: Mapping[str, str] = {"A": "positive", "S": "negative"}
_OMISSION = re.compile(
    r"遗漏|漏掉|漏述|忽略|忽视|缺失|缺乏|缺少|未(?:能|曾|充分|明确|具体|进一步)?"
    r"(?:提及|提到|提出|说明|强调|指出|考虑|区分|包括|包含|涉及|描述|阐明|阐述|解释|讨论|纳入|覆盖|"
    r"列出|给出|建议|推荐)|没有(?:提及|提到|说明|强调|指出|考虑|区分|包括|包含|涉及|描述|解释)|"
    r"\bomit|\bleaves? out\b|\bleft out\b|\bfail(?:s|ed|ure)? to\b|\bneglect|\boverlook|"
    r"\b(?:does|did|do) not (?:mention|state|say|address|include|explain|name|discuss)|"
    r"\bdoesn't (?:mention|state|say|address|include|explain)|\bwithout mentioning\b|"
    r"\bno mention of\b|\blacks?\b",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"^\W*(?:不应|不要|不得|不可|不宜|禁止|切勿|请勿|应避免|"
    r"(?:do not|don't|avoid|never|should not|must not)\b)",
    re.IGNORECASE,
)
_INSTRUCTION = re.compile(
    r"不应|不要|不得|不可|不宜|禁止|切勿|请勿|勿|避免|应避免|应当|必须|需要|"
    r"\b(?:should|must|ought to|shall|need to|needs to)\b",
    re.IGNORECASE,
)
_FLAW = re.compile(
    r"错误|误(?:认|将|把|判|诊|以为|导|用)|认为|声称|宣称|建议|推荐|主张|提出|指出|回答|LLM|遗漏|忽略|忽视|未|没有|混淆|将.+?(?:作为|视为|"
    r"当作|归|说成|描述)|把|仅|只|否认|断言|过度|不当|"
    r"\b(?:claims?|states?|says?|suggests?|recommends?|advises?|tells?|asserts?|denies|confus|wrong|"
    r"incorrect|fails?|omits?|the (?:answer|reply|response|model))",
    re.IGNORECASE,
)
