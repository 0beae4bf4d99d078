"""What is doubtful about sets of questions with gold answers; one finding a rule, with its cases.

The rules read cases alone, so that they hold for every reader that fills `references` and
`labels["task"]`.

Source: medhelm.md section 7 (defects found in the original's sets).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from medcheck.types import Case

Severity = Literal["error", "warning"]
HANDLED = ("risk", "severity", "diagnosis", "date", "dosage conversion", "physical")
"""Categories that the original's calculation metric knows. Source: medhelm.md section 3."""
UNHANDLED = ("lab test", "dosage")
"""Categories of its data that it does not. Source: medhelm.md section 7, item 1."""
GOLD = "gold:"
"""Tag prefix: what a gold query gave; see the reader `ehr_sql`."""

_SHOWN = 3
_LONG = 40
"""Characters from which a reference in the prompt is no chance."""
_FEWEST = 20
"""Cases below which class shares say nothing."""
_CLASSES = 10
"""Different references above which they are no classes."""
_RARE = 0.5
"""Of an even share: a rarer class makes accuracy misleading."""
_NOTHING = re.compile(
    r"(?:n\.?\s*/?\s*a\.?|none|null|nan|nil|no (?:answers?|data|information)|not (?:available|"
    r"applicable|known)|unknown|unanswerable|tbd|todo|无|未知|不详|暂无|没有)[.。]?|[\W_]*",
    re.IGNORECASE,
)
_FIGURE = re.compile(
    r"\b(?:figures?|images?|photographs?|illustrations?) (?:[A-E]\b|n[º°.o]|\d)|"
    r"\bshown in (?:the|this) (?:figure|image|picture|photograph)|如图|下图|见图",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One rule that cases break."""

    severity: Severity
    rule: str
    """Such as `contained`."""
    message: str
    cases: tuple[str, ...]
    """Ids, in the file's order."""
    row: int | None = None
    """Line of the first one."""

    @property
    def count(self) -> int:
        """How many cases."""
        return len(self.cases)

    def __str__(self) -> str:
        place = f"row {self.row}, " if self.row else ""
        listed = ", ".join(self.cases[:_SHOWN])
        more = f" and {self.count - _SHOWN:,} more" if self.count > _SHOWN else ""
        number = f"{self.count:,} case{'s' if self.count > 1 else ''}"
        return f"{self.severity}: {place}{self.rule}: {self.message} ({number}: {listed}{more})"


Rule = Callable[[Sequence[Case]], Iterator[Doubt]]


def lint(cases: Iterable[Case], options: Mapping[str, Any] | None = None) -> tuple[Doubt, ...]:
    """Return what is doubtful about the cases of a reader that has no rules of its own."""
    del options
    return findings(cases)


def findings(cases: Iterable[Case], *rules: Rule) -> tuple[Doubt, ...]:
    """Return what the common rules, and further ones, doubt about cases."""
    listed = tuple(cases)
    return tuple(found for rule in (*COMMON, *rules) for found in rule(listed))


def facts(case: Case) -> Mapping[str, Any]:
    """Return what a case tells its metric."""
    found = case.labels.get("task", {})
    return found if isinstance(found, Mapping) else {}


def says_nothing(text: str) -> bool:
    """Return whether a gold answer is a word for none, such as `n/a` or `No answers`."""
    return _NOTHING.fullmatch(text.strip()) is not None


def doubt(severity: Severity, rule: str, message: str, cases: Sequence[Case]) -> Iterator[Doubt]:
    """Yield one finding, unless no case is concerned."""
    if cases:
        row = cases[0].origin.line if cases[0].origin else None
        ids = tuple(case.id for case in cases)
        yield Doubt(severity=severity, rule=rule, message=message, cases=ids, row=row)


def contained(cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find references that stand word for word in the question: copying is enough."""
    found = [case for case in cases if any(_copied(case, text) for text in case.references)]
    text = "the reference stands word for word in the prompt. Cut it out."
    yield from doubt("warning", "contained", text, found)


def empty_gold(cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find cases that cannot be scored, or whose gold says nothing."""
    needed = [case for case in cases if facts(case).get("answerable", True)]
    empty = [case for case in needed if not _golds(case)]
    yield from doubt("warning", "empty_gold", "there is no reference.", empty)
    blank = [case for case in needed if _golds(case) and _empty_words(case)]
    text = "the reference says nothing. Leave these out, or do not count them."
    yield from doubt("warning", "uninformative_gold", text, blank)


def duplicates(cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find keys and questions that stand twice."""
    keys, questions = defaultdict(list), defaultdict(list)
    for case in cases:
        if key := facts(case).get("key"):
            keys[str(key)].append(case)
        questions[_question(case)].append(case)
    twice = {case.id for group in keys.values() for case in group[1:]}
    found = [case for case in cases if case.id in twice]
    yield from doubt("warning", "duplicate_key", "the key of an earlier case.", found)
    first = {question: group[0] for question, group in questions.items()}
    again = [(case, first[_question(case)]) for case in cases]
    again = [(case, earlier) for case, earlier in again if case.id != earlier.id]
    same = [case for case, earlier in again if _gold(case) == _gold(earlier)]
    other = [case for case, earlier in again if _gold(case) != _gold(earlier)]
    text = "the question of an earlier case, with the same reference: it counts twice."
    yield from doubt("warning", "duplicate_question", text, same)
    text = "the question of an earlier case, with another reference: no answer meets both."
    yield from doubt("warning", "contradictory_question", text, other)


def options(cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find choice questions whose options are wrong."""
    chosen = [(case, found) for case in cases if (found := facts(case).get("options"))]
    blank = [
        case for case, found in chosen if not all(str(text).strip() for text in found.values())
    ]
    yield from doubt("error", "option_missing", "an answer option has no text.", blank)
    absent = [case for case, found in chosen if not set(case.references) <= found.keys()]
    text = "the right answer is no letter of its options."
    yield from doubt("error", "option_missing", text, absent)
    alike = [case for case, found in chosen if len({*map(_plain, found.values())}) < len(found)]
    text = "two options have the same text: a right answer may count as wrong."
    yield from doubt("warning", "option_twice", text, alike)


def figures(cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find questions about a picture that is not sent."""
    found = [
        case
        for case in cases
        if not any(message.images for message in case.messages)
        and (facts(case).get("picture") or _FIGURE.search(case.messages[-1].text))
    ]
    text = "speaks of a picture that is not there."
    yield from doubt("warning", "picture_missing", text, found)


def balance(cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find classes so uneven that accuracy misleads."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        name = facts(case).get("class") or (case.references[0] if case.references else None)
        if name is not None and case.criteria:
            groups[str(name)].append(case)
    total = sum(map(len, groups.values()))
    if total < _FEWEST or not 1 < len(groups) <= _CLASSES:
        return
    rarest = min(groups, key=lambda name: len(groups[name]))
    if len(groups[rarest]) / total >= _RARE / len(groups):
        return
    counts = Counter({name: len(group) for name, group in groups.items()})
    shares = ", ".join(f'"{name}" {count / total:.1%}' for name, count in counts.most_common())
    most = counts.most_common(1)[0]
    text = (
        f'the classes are uneven ({shares}): always answering "{most[0]}" is right in '
        f"{most[1] / total:.1%}. Read macro-F1 or balanced accuracy."
    )
    yield from doubt("warning", "skewed", text, groups[rarest])


def calculations(cases: Sequence[Case]) -> Iterator[Doubt]:
    """Find calculations that the original's metric cannot score, or whose limits are wrong."""
    asked = [case for case in cases if facts(case).get("calculator") is not None]
    names = {case.id: str(facts(case).get("category", "")).strip().lower() for case in asked}
    known = [case for case in asked if names[case.id] in UNHANDLED]
    text = (
        "the original metric does not know the category: there a right answer scores 0. The "
        "metric by calculator does not need it."
    )
    yield from doubt("warning", "unhandled_category", text, known)
    other = [case for case in asked if names[case.id] not in (*HANDLED, *UNHANDLED)]
    yield from doubt("warning", "unknown_category", "no category of this set.", other)
    wrong = [case for case in asked if _outside(case)]
    text = "the reference lies outside its own limits: a right answer scores 0."
    yield from doubt("error", "limits", text, wrong)


COMMON: tuple[Rule, ...] = (
    contained, empty_gold, duplicates, options, figures, balance, calculations,
)  # fmt: skip


def _plain(value: object) -> str:
    return " ".join(str(value).split()).casefold()


def _question(case: Case) -> str:
    return "\n".join(_plain(message.text) for message in case.messages)


def _gold(case: Case) -> tuple[str, ...]:
    chosen = facts(case).get("options") or {}
    return tuple(_plain(chosen.get(text, text)) for text in case.references)


def _copied(case: Case, reference: str) -> bool:
    plain = _plain(reference)
    return len(plain) >= _LONG and plain in _question(case)


def _golds(case: Case) -> list[str]:
    return [text for text in case.references if text.strip()]


def _empty_words(case: Case) -> bool:
    if facts(case).get("options"):
        return False
    return all(says_nothing(text) for text in case.references)


def _outside(case: Case) -> bool:
    try:
        gold = float(case.references[0])
        low, high = (float(facts(case)[name]) for name in ("lower", "upper"))
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    return not min(low, high) <= gold <= max(low, high)
