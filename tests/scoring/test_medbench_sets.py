"""The sets of MedBench are described once, and found by track and name."""

from __future__ import annotations

import pytest

from medcheck.errors import SettingsError
from medcheck.scoring.formats import RULES
from medcheck.scoring.medbench_sets import FREE_TEXT, TRACKS, set_of, sets, sets_of
from medcheck.scoring.selfchecks import CHECKS


def test_names_are_unique_within_a_track():
    """A set is known by its track and name; four tracks hold 82 of them."""
    assert len({(info.track, info.name) for info in sets()}) == len(sets()) == 82
    assert [len(sets_of(track)) for track in TRACKS] == [20, 38, 10, 14]


def test_formats_and_checks_exist():
    """Each set names a format and a check that there are, and each of them is named by a set."""
    assert {info.format for info in sets()} == {*RULES, FREE_TEXT}
    assert {info.check for info in sets()} == {*CHECKS, None}


def test_old_files_have_their_ending():
    """Only the old track's files end in _test."""
    assert set_of("old", "SMDoc").stem == "SMDoc_test"
    assert set_of("v4", "SMDoc").stem == "SMDoc"


def test_circular_sets_have_fewer_groups():
    """Sets with shuffled copies know how many questions are behind their rows."""
    info = set_of("v4", "MedExam")
    assert (info.rows, info.groups, info.circular) == (150, 30, True)
    assert not set_of("v4", "MedHC").circular


def test_free_text_is_not_closed():
    """A set is closed if a rule checks its answers."""
    assert set_of("v4", "MedExam").closed
    assert not set_of("v4", "MedHC").closed


def test_prescription_files_share_a_platform_name():
    """The three MedRxCheck files are one set on the leaderboard."""
    names = {info.name for info in sets_of("v4") if info.platform == "MedRxCheck"}
    assert names == {"MedRxCheck_SCQ", "MedRxCheck_MSQ", "MedRxCheck_SQ"}


@pytest.mark.parametrize(
    ("track", "name", "hint"), [("v5", "x", "v4"), ("v4", "MedExm", "MedExam")]
)
def test_unknown_names_are_refused(track, name, hint):
    """An unknown track or set is an error that names the nearest one."""
    with pytest.raises(SettingsError, match=hint):
        set_of(track, name)
