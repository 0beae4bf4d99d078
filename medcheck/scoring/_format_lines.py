"""Formats of labelled lines: headings of a record, entities by kind, relations line by line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from medcheck.scoring._reading import Reading, fail, recoverable, strict

_ENTITIES = (
    "药物",
    "医疗设备",
    "医院科室",
    "微生物类",
    "身体部位",
    "医疗程序",
    "医学检验项目",
    "症状和体征",
    "疾病",
)
_CLINIC = ("诊断", "诊断依据", "需立即完善的检查")
_DIAGNOSIS = ("初步诊断", "诊断依据")
_IMAGE = ("影像表现", "诊断意见")
_AROUND = "text/markdown before or around headings"
_DECORATION = r"[ \t#*>\-•【\[（(\d.、]{0,40}"
_CLOSING = r"[】\]）)*\s]{0,10}"
_ASKED = re.compile(r"(?m)^[ \t]*([\u4e00-\u9fff]{2,8})[:：]“”")
_RELATION = re.compile(r"关系类型[:：](.+?)[，,]\s*头实体[:：](.+?)[，,]\s*尾实体[:：](.+?)[。.]?")
_FENCE = "```"
_NAMED = 3
"""How many missing headings a reason names."""


def record_headings(question: str, answer: str) -> Reading:
    """Read the parts of a record under the headings that the item shows."""
    return _headed(answer, tuple(dict.fromkeys(_ASKED.findall(question))), ordered=False)


def clinic_headings(_question: str, answer: str) -> Reading:
    """Read diagnosis, grounds and examinations, in this order."""
    return _headed(answer, _CLINIC, ordered=True)


def diagnosis_headings(_question: str, answer: str) -> Reading:
    """Read diagnosis and grounds, in this order."""
    return _headed(answer, _DIAGNOSIS, ordered=True)


def image_headings(_question: str, answer: str) -> Reading:
    """Read findings and impression of a picture, in this order."""
    return _headed(answer, _IMAGE, ordered=True)


def entities(_question: str, answer: str) -> Reading:
    """Read entities by kind: pairs of kind and text."""
    reading = _headed(answer, _ENTITIES, ordered=False)
    if not reading.usable:
        return reading
    pairs = [
        (kind, text)
        for kind, line in reading.value.items()
        for part in _entities_in(line)
        if (text := part.strip(" \t\n“”\"'。*"))
    ]
    return Reading(state=reading.state, why=reading.why, value=tuple(dict.fromkeys(pairs)))


def _entities_in(line: str) -> list[str]:
    """Return the entities of a line: with commas between them, else with `、`.

    An entity may hold a `、` itself, as the platform's own sample shows.
    """
    return re.split("[,，;；]" if re.search("[,，;；]", line) else "、", line)


def relations(_question: str, answer: str) -> Reading:
    """Read relations: triples of kind, head and tail."""
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    found = [_RELATION.fullmatch(line) for line in lines]
    triples = tuple(
        tuple(part.strip(" “”\"'") for part in match.groups()) for match in found if match
    )
    value = tuple(dict.fromkeys(triples))
    if not value:
        return fail("no relation line")
    return strict(value) if all(found) else recoverable(value, "other lines mixed in")


def _headed(answer: str, headings: Sequence[str], *, ordered: bool) -> Reading:
    """Read parts under headings; each must begin a line and end with a colon."""
    if not headings:
        return fail("the item shows no headings")
    plain = _places(answer, headings, before=r"[ \t]*", after=r"[ \t]*[:：]")
    all_plain = len(plain) == len(headings) and _opens(answer, plain, headings[0])
    if all_plain and (not ordered or _in_order(plain, headings)):
        return strict(_parts(answer, plain))
    found = _places(answer, headings, before=_DECORATION, after=rf"{_CLOSING}[:：]")
    if len(found) == len(headings):
        late = ordered and not _in_order(found, headings)
        return recoverable(_parts(answer, found), "headings out of order" if late else _AROUND)
    loose = _places(answer, headings, before=_DECORATION, after="")
    if ordered and len(loose) == len(headings):
        return recoverable(_parts(answer, loose), "headings without colon/line start")
    missing = [name for name in headings if name not in found]
    return fail(f"missing heading {'/'.join(missing[:_NAMED])}")


Places = dict[str, tuple[int, int]]


def _places(answer: str, headings: Sequence[str], *, before: str, after: str) -> Places:
    """Return where each heading begins and where its text begins."""
    found = {}
    for name in headings:
        match = re.search(rf"(?m)^{before}{re.escape(name)}{after}", answer)
        if match:
            found[name] = (match.start(), match.end())
    return found


def _opens(answer: str, places: Places, first: str) -> bool:
    """Tell whether an answer begins with its first heading."""
    return not answer[: places[first][0]].strip()


def _in_order(places: Places, headings: Sequence[str]) -> bool:
    starts = [places[name][0] for name in headings]
    return starts == sorted(starts)


def _parts(answer: str, places: Places) -> dict[str, str]:
    starts = sorted(begin for begin, _ in places.values())
    ends = dict(zip(starts, [*starts[1:], len(answer)], strict=True))
    parts = {name: answer[text : ends[begin]].strip() for name, (begin, text) in places.items()}
    # the fence that an answer stands in closes behind its last part
    return {name: part.removesuffix(_FENCE).rstrip() for name, part in parts.items()}
