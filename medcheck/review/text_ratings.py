"""People's ratings of generated texts, in the place of the judge's rate of that category.

Ratings are read by `readers._human_ratings`; what usable means is decided there and in `scoring`.

Source: llmeval_med.md section 4 (in the paper's tables people rate generated texts).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from medcheck.errors import DatasetError, SettingsError, nearest
from medcheck.scoring.usability import CODES, Item, Rate, Usability, overall, place
from medcheck.stats.human import Rating, consensus, human_rate

TEXT = "医疗文本生成"
_PREFIX = f"{CODES[TEXT]}-"
_SHOWN = 5
"""How many ids a message names."""
_YES, _NO = 5.0, 0.0
"""Scores on either side of any threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByPeople:
    """The figures of one model, generated texts by people."""

    usability: Usability
    items: tuple[Item, ...]
    """What the figures rest on, for their intervals: a text has one score, on either side of the
    threshold; texts without a verdict are not in them."""
    model: str | None
    """Whose texts people rated; `None`: the ratings name no model."""


def by_people(
    found: Usability, items: Sequence[Item], ratings: Sequence[Rating], model: str | None = None
) -> ByPeople:
    """Return figures in which generated texts have the rate that people gave them.

    Texts on which people are tied, or that nobody rated, are missing and not part of the rate,
    whatever the rule for missing scores: so count the paper's tables, over 91 to 97 of 102 texts.

    Args:
        found: the figures by the judge.
        items: what they rest on.
        ratings: of generated texts, each with a verdict.
        model: whose texts; `None`: of the only one that the ratings name, if any.

    Raises:
        SettingsError: several models and none is named, or no rating is of this one.
        DatasetError: a rating is of no generated text, or of one that the items do not have.
    """
    model = _whose(ratings, model)
    own = [replace(each, model=None) for each in ratings if each.model in (None, model)]
    texts = {item.id: item for item in items if item.category == TEXT}
    _check(own, texts)
    subs = dict.fromkeys(item.subcategory for item in texts.values() if item.subcategory)
    parts = {
        (TEXT, sub): _rate(own, [i for i, item in texts.items() if item.subcategory == sub])
        for sub in subs
    }
    rates = {**found.categories, TEXT: _rate(own, texts or {each.case_id for each in own})}
    ordered = {name: rates[name] for name in sorted(rates, key=place)}
    return ByPeople(
        usability=replace(
            found,
            op=overall(list(ordered.values()), found.rules.op_rule),
            categories=ordered,
            subcategories={**found.subcategories, **parts},
        ),
        items=(*(item for item in items if item.category != TEXT), *_judged(own, texts)),
        model=model,
    )


def _whose(ratings: Sequence[Rating], model: str | None) -> str | None:
    names = sorted({each.model for each in ratings if each.model is not None})
    if model is None and len(names) > 1:
        raise SettingsError(
            f"ratings of {len(names)} models: {', '.join(names)}.", hint="Name one with --model."
        )
    if model is not None and not any(each.model in (None, model) for each in ratings):
        raise SettingsError(f'no rating of the model "{model}".', hint=nearest(model, names))
    return model or next(iter(names), None)


def _check(ratings: Sequence[Rating], texts: Collection[str]) -> None:
    ids = dict.fromkeys(each.case_id for each in ratings)
    strays = [name for name in ids if not name.startswith(_PREFIX) or (texts and name not in texts)]
    if strays:
        named = ", ".join(strays[:_SHOWN]) + (", ..." if len(strays) > _SHOWN else "")
        raise DatasetError(
            f"{len(strays)} of {len(ids)} rated cases are no text of the scores: {named}.",
            hint=f"Rate cases of {TEXT}, such as {_PREFIX}1-1.",
        )


def _rate(ratings: Sequence[Rating], ids: Collection[str]) -> Rate:
    rate = human_rate(each for each in ratings if each.case_id in ids)
    unrated = len(set(ids) - {each.case_id for each in ratings})
    return replace(rate, items=rate.items + unrated, missing=rate.missing + unrated)


def _judged(ratings: Sequence[Rating], texts: dict[str, Item]) -> Iterator[Item]:
    for (name, _, _), said in consensus(ratings).items():
        if said.usable is None:
            continue
        blank = Item(id=name, category=TEXT, scores=(), conversation=name.rpartition("-")[0])
        yield replace(texts.get(name, blank), scores=(_YES if said.usable else _NO,))
