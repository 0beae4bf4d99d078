"""Whether two sides may be compared at all, and which sides belong together.

Source: interface.md (exit status): the same cases with the same criteria, judges, judge prompts,
parameters and protocol; not the same file, and not the same number of repeats. Categories and
clusters are among it, since what is gated follows from them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from medcheck.gate.measured import Measured, Side

_NAMED = 3
"""Cases that a line names."""


def differences(old: Side, new: Side) -> tuple[str, ...]:
    """Return why two sides are not comparable, a line each; empty: they are."""
    return tuple(_differences(old, new))


def pairs(olds: Sequence[Side], news: Sequence[Side]) -> Iterator[tuple[Side | None, Side | None]]:
    """Yield what belongs together, in the order of `news`.

    By suite, then by model; a suite's only old model is compared with every new one. `None` stands
    for what the other has and this side has not.
    """
    used: set[int] = set()
    for new in news:
        own = [(at, old) for at, old in enumerate(olds) if old.suite == new.suite]
        named = [(at, old) for at, old in own if old.model == new.model]
        chosen = named or (own if len(own) == 1 else [])
        used.update(at for at, _ in chosen)
        yield (chosen[0][1] if chosen else None), new
    done = {new.suite for new in news}
    for at, old in enumerate(olds):
        # A model that is tested no more is no loss; a suite that was not run is.
        if at not in used and old.suite not in done:
            yield old, None


def _differences(old: Side, new: Side) -> Iterator[str]:
    if old.suite != new.suite:
        yield f'the suite is "{new.suite}", the baseline\'s is "{old.suite}".'
    if old.protocol != new.protocol:
        yield f'the protocol is "{new.protocol}", the baseline\'s is "{old.protocol}".'
    if old.judges != new.judges:
        yield f"judged by {_listed(new.judges)}, the baseline by {_listed(old.judges)}."
    for name in sorted({*old.compared, *new.compared}):
        before, after = old.compared.get(name), new.compared.get(name)
        if before != after:
            yield f"{name}: {_shown(after)}, the baseline's: {_shown(before)}."
    yield from _other_cases(old, new)


def _other_cases(old: Side, new: Side) -> Iterator[str]:
    before = {case.case_id: case for case in old.cases}
    after = {case.case_id: case for case in new.cases}
    both = [(before[name], after[name]) for name in after if name in before]
    asked = [now.case_id for was, now in both if _differ(was.question, now.question)]
    judged = [now.case_id for was, now in both if _differ(was.rubric, now.rubric)]
    yield from _about(len(after), "are not in the baseline", [n for n in after if n not in before])
    yield from _about(
        len(before), "are only in the baseline", [n for n in before if n not in after]
    )
    yield from _about(len(both), "ask something else than in the baseline", asked)
    yield from _about(len(both), "have other criteria (text, points or tags)", judged)
    yield from _other_terms(both)


def _other_terms(both: Sequence[tuple[Measured, Measured]]) -> Iterator[str]:
    """Yield what would move the decision although questions and criteria read the same."""
    same = [(was, now) for was, now in both if not _differ(was.rubric, now.rubric)]
    terms = [now.case_id for was, now in same if _differ(was.terms, now.terms)]
    moved = [now.case_id for was, now in both if set(was.categories) != set(now.categories)]
    joined = [now.case_id for was, now in both if was.cluster != now.cluster]
    what = "have criteria of other zero tolerance, scale, level or check"
    yield from _about(len(both), what, terms)
    yield from _about(len(both), "stand in other categories (tags, or `summary.by`)", moved)
    yield from _about(len(both), "belong to other clusters", joined)


def _differ(before: str | None, after: str | None) -> bool:
    # What was not measured cannot be another: it is missing, which is counted elsewhere.
    return before is not None and after is not None and before != after


def _about(count: int, what: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"{len(names)} of {count} cases {what}: {_few(names)}."


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "no judge"


def _shown(value: Any) -> str:
    if value is None:
        return "not recorded"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
