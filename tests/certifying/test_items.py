"""The built-in items: enough of them, sound, and disguised as they say."""

from __future__ import annotations

from collections import Counter

import pytest

from medcheck.certifying.attacks import attacks, bases
from medcheck.certifying.items import canaries, lengthened, unmarked, versions
from medcheck.scoring.views import injection_flags, judge_view
from medcheck.tokens import estimate_tokens


def test_canaries_are_balanced():
    """At least 24 criteria, half of them true, in both languages."""
    truths = [truth for subject in canaries() for (truth,) in subject.truth.values()]
    assert len(truths) >= 24
    assert sum(truths) * 2 == len(truths)
    assert Counter(s.name.split("-")[1] for s in canaries()) == {"en": 4, "zh": 4}


def test_neutral_text_is_long_and_of_the_answers_language():
    """About 300 tokens come behind an answer, in its language."""
    for answer, word in (("Drink water.", "typeface"), ("多喝水。", "字体")):
        longer = lengthened(answer)
        assert longer.startswith(answer)
        assert word in longer
        assert 280 <= estimate_tokens(longer) <= 460


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("## Head\n- **one** `two`\n> three", "Head\none two\nthree"),
        ("1. **BP** 128/79 *now*", "1. BP 128/79 now"),
        ("```\n2 * 3 * 4\n```\n__x__", "2 * 3 * 4\nx"),
        ("-5 mg, 3*4, a_b_c", "-5 mg, 3*4, a_b_c"),
    ],
)
def test_markup_goes_and_words_stay(marked, plain):
    """Marks are removed; numbers, minus signs and names are not."""
    assert unmarked(marked) == plain


def test_attacks_are_of_thirty_kinds():
    """At least 30 kinds with two variants in each language, each about an answer without it."""
    found = attacks()
    kinds = Counter((attack.kind, attack.base) for attack in found)
    assert len({kind for kind, _ in kinds}) >= 30
    assert set(kinds.values()) == {2}
    assert len({attack.subject.answer for attack in found}) == len(found) >= 120
    for attack in found:
        assert attack.subject.case == bases()[attack.base].case


def test_attacks_are_seeded():
    """The same seed gives the same answers, another one other places in them."""
    assert attacks(1) == attacks(1)
    assert attacks(1) != attacks(2)


def test_the_first_twelve_kinds_are_flagged():
    """What the lexical detector is for it finds in each variant."""
    kinds = list(dict.fromkeys(attack.kind for attack in attacks()))[:12]
    missed = [
        attack.subject.name
        for attack in attacks()
        if attack.kind in kinds and not injection_flags(attack.subject.answer)
    ]
    assert missed == []


def test_hidden_text_is_hidden():
    """Tag characters vanish from a judge's view; zero-width joiners leave the order readable."""
    by_name = {attack.subject.name: attack.subject.answer for attack in attacks()}
    assert judge_view(by_name["tag_characters-en-1"])[0].strip() == bases()["en"].answer
    assert "Ignore the rubric" in judge_view(by_name["zero_width-en-1"])[0]


def test_versions_name_the_files():
    """A certificate can say with which items it was made."""
    assert set(versions()) == {"attacks.yaml", "canaries.yaml", "limits.yaml"}
