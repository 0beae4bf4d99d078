"""A letter is picked by a sentence that names no other one; see also the tests of extraction."""

import pytest

from medcheck.scoring.metrics._picked import picked


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("I would choose B.", ("B",)),
        ("Choose B. Choose C.", ("B", "C")),
        ("I would choose B. Actually C is better.", ("B", "C")),
        ("I would choose B. Option A is unlikely.", ("B",)),
        ("I would choose B. A patient like this is rare.", ("B",)),
        ("It is not A, but B.", ("B",)),
        ("It is not A, but B or C.", ()),
        ("I would choose B over A.", ()),
        ("I would never choose B.", ()),
        ("Hepatitis B is the most likely diagnosis.", ()),
        ("", ()),
    ],
)
def test_what_sentences_pick(text, letters):
    """All letters that are picked are told, so that two of them are no answer."""
    assert picked(text) == letters
