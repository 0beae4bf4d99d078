"""Shuffled copies: what agrees and what is credited."""

from __future__ import annotations

import pytest

from medcheck.scoring.circular import (
    Copy,
    Mark,
    consistency,
    credit,
    grouped,
    is_consistent,
    is_keyed,
    number_of,
    size_of,
)

FIRST = "哪项?\nA. 甲\nB. 乙\nC. 丙"
SECOND = "哪项?\nA. 丙\nB. 甲\nC. 乙"


def copy(question, letter, group=1):
    """Return one answered copy."""
    return Copy(group=group, question=question, letter=letter)


@pytest.mark.parametrize(
    ("answers", "agree"),
    [
        ([(FIRST, "A"), (SECOND, "B")], True),
        ([(FIRST, "A"), (SECOND, "A")], False),
        ([(FIRST, "A"), (SECOND, None)], False),
        ([(FIRST, "A"), (FIRST, "A")], True),
        ([(FIRST, "A"), (FIRST, "B")], False),
        ([("无选项", "A"), ("无选项", "A")], True),
    ],
)
def test_copies_agree_by_text(answers, agree):
    """Copies agree when they point at one option text; a missing answer points at nothing."""
    assert is_consistent([copy(*answer) for answer in answers]) is agree


def test_figures_of_a_set():
    """Groups, consistent ones, and repeated prompts with different answers are counted."""
    found = consistency(
        [copy(FIRST, "A"), copy(SECOND, "B"), copy(FIRST, "B", 2), copy(FIRST, "C", 2)]
    )
    assert (found.groups, found.consistent, found.repeats, found.split) == (2, 1, 1, 1)
    assert (found.bound, found.noise) == (0.5, 1.0)


def test_nothing_is_not_zero():
    """Without groups or repeats there is no bound and no noise, rather than 0."""
    assert consistency([]).bound is None
    assert consistency([copy(FIRST, "A")]).noise is None


def test_groups_keep_their_order():
    """Groups come in the order of their first copies."""
    assert list(grouped([copy(FIRST, "A", "b"), copy(FIRST, "A", "a")])) == ["b", "a"]


def test_a_copy_that_was_not_measured_is_in_no_share():
    """A group that lacks a copy or the answer to one is counted beside the others, in no share."""
    lost = Copy(group=2, question=SECOND, letter=None, measured=False)
    alone = Copy(group=3, question=FIRST, letter="A", of=2)
    found = consistency([copy(FIRST, "A"), copy(SECOND, "B"), copy(FIRST, "A", 2), lost, alone])
    assert (found.groups, found.consistent, found.undecided) == (1, 1, 2)
    nothing = consistency([lost])
    assert (nothing.groups, nothing.bound, nothing.undecided) == (0, None, 1)


def test_several_letters_agree_by_their_texts():
    """Answers of several letters agree when they name the same options, wherever these stand."""
    assert is_consistent([copy(FIRST, "AC"), copy(SECOND, "AB")])
    assert not is_consistent([copy(FIRST, "AC"), copy(SECOND, "AC")])
    assert not is_consistent([copy(FIRST, "AC"), copy(SECOND, "B")])


def mark(group, right, number=None, of=None):
    """Return one copy that was right or not."""
    return Mark(group=group, right=right, number=number, of=of)


def test_one_wrong_copy_is_enough():
    """A group is right only if all copies are; one with a missing copy counts nowhere."""
    rows = [
        (1, True),
        (1, True),
        (2, True),
        (2, False),
        (3, None),
        (3, True),
        (4, None),
        (4, False),
    ]
    found = credit([*(mark(*row) for row in rows), mark(5, True, of=2)])
    assert (found.groups, found.right, found.undecided, found.accuracy) == (2, 1, 3, 0.5)
    assert credit([mark(1, None)]).accuracy is None
    assert credit([mark(1, None)]).drop is None


def test_the_drop_is_against_the_question_as_written():
    """Plain accuracy is that of the first copies; where none is the original, that of all."""
    rows = [mark(1, True, 0), *(mark(1, False, number) for number in (1, 2, 3))]
    assert (credit(rows).plain, credit(rows).drop) == (1.0, 1.0)
    assert credit([mark(1, True), mark(1, False)]).drop == 0.5
    # what stands beside an incomplete group is measured on the same groups
    assert credit([*rows, mark(2, True, 0), mark(2, None, 1)]).plain == 1.0


def test_labels_tell_of_copies():
    """Size, number and gold of copies are read from labels, and unknown where they do not say."""
    told = {"circular": {"copies": 4, "copy": 0, "keyed": False}}
    assert (size_of(told), number_of(told), is_keyed(told)) == (4, 0, False)
    assert (size_of({}), number_of({}), is_keyed({})) == (None, None, True)
