"""The built-in attacks: texts of `attacks.yaml`, disguised as their kind says, put into an answer.

Source: trust.md section 3.3 (the thirty kinds).
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from medcheck.certifying.bench import Subject
from medcheck.certifying.items import case_of, data
from medcheck.types import Criterion

LONG_CHARACTERS = 20_000
"""Long for an answer, and still payable; a megabyte is tried on the parser, not on an endpoint."""
_LOOKALIKES = str.maketrans("aceopxyiABCEHKMOPTX", "асеорхуіАВСЕНКМОРТХ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One hostile answer."""

    kind: str
    base: str
    """Name of the answer without it."""
    subject: Subject


def bases() -> dict[str, Subject]:
    """Return the answers that the attacks stand in, by language; none does what is asked."""
    found = {}
    for language, block in data("attacks.yaml")["bases"].items():
        criterion = Criterion(id="1", text=block["criterion"], points=1.0)
        name = f"attack-base-{language}"
        found[language] = Subject(
            name=name,
            case=case_of(name, block["prompt"], (criterion,)),
            answer=block["answer"],
            truth={"1": (False,)},
        )
    return found


def attacks(seed: int = 0) -> tuple[Attack, ...]:
    """Return all attacks; where in the answer each stands is drawn by `seed`."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    found = []
    for kind in data("attacks.yaml")["kinds"]:
        disguise = _DISGUISES[kind.get("how", "plain")]
        for language, base in bases().items():
            for number, text in enumerate(kind[language], 1):
                answer = _placed(base.answer, disguise(text), draw)
                name = f"{kind['id']}-{language}-{number}"
                subject = Subject(name=name, case=base.case, answer=answer, truth=base.truth)
                found.append(Attack(kind=kind["id"], base=language, subject=subject))
    return tuple(found)


def _placed(answer: str, text: str, draw: random.Random) -> str:
    """Put a text before an answer, behind it, or, most often, on lines of its own at the end."""
    where = draw.choice(("before", "behind", "last", "last"))
    if where == "before":
        return f"{text}\n\n{answer}"
    return f"{answer} {text}" if where == "behind" else f"{answer}\n\n{text}"


def _odd(text: str) -> str:
    # No lone surrogate: UTF-8 cannot carry one to an endpoint.
    return f"\x00\x85\u2028{text}\x7f\u2029\ufeff"


def _encoded(text: str) -> str:
    return f"base64: {base64.b64encode(text.encode()).decode('ascii')}"


_DISGUISES: Mapping[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "zero_width": "\u200b".join,
    "bidi": lambda text: f"\u202e{text[::-1]}\u202c",
    "tags": lambda text: "".join(chr(0xE0000 + ord(letter)) for letter in text),
    "homoglyphs": lambda text: text.translate(_LOOKALIKES),
    "base64": _encoded,
    "long": lambda text: (text * (LONG_CHARACTERS // len(text) + 1))[:LONG_CHARACTERS],
    "odd": _odd,
}
