"""The folder of a refinement: lock, journal and versions hold each other."""

from __future__ import annotations

import pytest
from refine_runs import pairs

from medcheck.errors import DatasetError, SettingsError
from medcheck.refining import journal, samples
from medcheck.refining.judging import Measured
from medcheck.refining.loop import begin, open_loop, place
from medcheck.refining.samples import Lock
from medcheck.refining.versions import Edit, Version
from medcheck.stats.human import agreement_table

LOCK = Lock(
    suite="s", run="r", ratings=("a.csv",), judges=("j",), conditions="c", seed=0,
    calibration=0.5, target=0.6, epsilon=0.02, max_rounds=5,
    samples={"calibration": {"a": "1"}, "validation": {"b": "2"}},
)  # fmt: skip
FIRST = Version(name="v0", parent=None, by="", reason="as in s.yaml")


def figures(*counts, lost=0):
    """Return the same figures for both sides."""
    found = pairs(*counts)
    table = agreement_table(found, seed=0)
    return {
        side: Measured(side=side, table=table, pairs=len(found), lost=lost, unrated=0)
        for side in samples.SIDES
    }


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a refinement whose judge is at kappa 0.5."""
    begin(tmp_path / "s", LOCK, FIRST, "r-v0", figures(15, 5, 5, 15))
    return tmp_path / "s"


def edit(number):
    return Edit(guidance={"MK": f"g{number}"})


def test_rounds_are_kept_and_rolled_back(folder):
    """A better version holds, a worse one is rolled back, the next edit starts from the best."""
    loop = open_loop(folder)
    loop.propose(edit(1), by="a", reason="r")
    better = loop.note("v1", "r-v1", figures(18, 2, 2, 18))
    assert (better.round.kept, better.round.gained) == (True, True)
    open_loop(folder).propose(Edit(checklists={"x": "核心"}), by="a", reason="r")
    worse = open_loop(folder).note("v2", "r-v2", figures(16, 4, 4, 16))
    assert not worse.round.kept
    loop = open_loop(folder)
    assert loop.state.current == "v1"
    found = loop.propose(edit(3), by="a", reason="r")
    assert (found.name, found.parent, found.checklists) == ("v3", "v1", {})


def test_the_target_ends_it(tmp_path):
    """Nothing more is proposed once the bound has reached the target."""
    begin(tmp_path / "s", LOCK, FIRST, "r-v0", figures(100, 2, 2, 100))
    with pytest.raises(SettingsError, match=r"reached 0\.6"):
        open_loop(tmp_path / "s").propose(edit(1), by="a", reason="r")


def test_a_models_proposal_waits_for_a_person(folder):
    """It can be accepted once, and only then be run; a person's own needs no acceptance."""
    open_loop(folder).propose(edit(1), by="", reason="r", model="m")
    with pytest.raises(SettingsError, match="nobody accepted"):
        open_loop(folder).state.check_ready("v1", "v0")
    open_loop(folder).accept("v1", by="Li")
    open_loop(folder).state.check_ready("v1", "v0")
    with pytest.raises(SettingsError, match="needs no acceptance"):
        open_loop(folder).accept("v1", by="Li")


def test_an_incomplete_round_does_not_count(folder):
    """Lost answers are told, nothing is written, and the version can be run again."""
    loop = open_loop(folder)
    loop.propose(edit(1), by="a", reason="r")
    with pytest.raises(SettingsError, match="calibration: 3 answers have no score"):
        loop.note("v1", "r-v1", figures(18, 2, 2, 18, lost=3))
    with pytest.raises(SettingsError, match="calibration: 4 answers have no score"):
        loop.note("v1", "r-v1", figures(16, 2, 2, 16))
    assert "v1" not in open_loop(folder).state.runs
    open_loop(folder).note("v1", "r-v1", figures(18, 2, 2, 18))


def test_an_undefined_kappa_begins_nothing(tmp_path):
    """People who always say the same can show no agreement beyond chance."""
    with pytest.raises(SettingsError, match="kappa is not defined for 30 rated answers"):
        begin(tmp_path / "s", LOCK, FIRST, "r", figures(30, 0, 0, 0))
    assert not (tmp_path / "s").exists()


def test_a_refinement_is_begun_once(folder):
    """A second beginning in the folder is refused; what a killed one left is not."""
    with pytest.raises(SettingsError, match="holds a refinement already"):
        begin(folder, LOCK, FIRST, "r", figures(15, 5, 5, 15))
    (folder / journal.FILE).unlink()
    with pytest.raises(SettingsError, match="holds a refinement already"):
        begin(folder, LOCK, FIRST, "r", figures(15, 5, 5, 15))
    (folder / journal.HEAD).unlink()
    begin(folder, LOCK, FIRST, "r", figures(15, 5, 5, 15))


@pytest.mark.parametrize(
    "change",
    [{"gained": True}, {"kept": True}, {"stop": "enough"}, {"kappa": 0.7}],
)
def test_a_round_follows_from_its_figures(folder, change):
    """A log whose sums fit is refused all the same if a round says other than its figures do."""
    loop = open_loop(folder)
    loop.propose(edit(1), by="a", reason="r")
    loop.note("v1", "r-v1", figures(14, 6, 6, 14))
    open_loop(folder)
    *before, last = journal.read(folder)
    for name in (journal.FILE, journal.HEAD):
        (folder / name).unlink()
    for event in [*before, {**last, **change}]:
        kept = {k: v for k, v in event.items() if k not in ("event", "at", "before")}
        journal.append(folder, event["event"], **kept)
    with pytest.raises(DatasetError, match="what is noted of v1 does not follow"):
        open_loop(folder)


def test_a_version_without_an_event_is_refused(folder):
    """A proposal that was taken out of the log shows by its file."""
    open_loop(folder).propose(edit(1), by="a", reason="r")
    (start, _) = journal.read(folder)
    for name in (journal.FILE, journal.HEAD):
        (folder / name).unlink()
    kept = {k: v for k, v in start.items() if k not in ("event", "at", "before")}
    journal.append(folder, "start", **kept)
    with pytest.raises(DatasetError, match=r"v1\.yaml: the log knows nothing of v1\."):
        open_loop(folder)


@pytest.mark.parametrize("nobody", ["", " ", "\t"])
def test_nobody_stands_for_nothing(folder, nobody):
    """An edit and an acceptance have a person's name, or are refused; nothing is written."""
    with pytest.raises(SettingsError, match="not named"):
        open_loop(folder).propose(edit(1), by=nobody, reason="r")
    assert not (folder / "v1.yaml").exists()
    open_loop(folder).propose(edit(1), by="", reason="r", model="m")
    with pytest.raises(SettingsError, match="not named"):
        open_loop(folder).accept("v1", by=nobody)
    assert "v1" not in open_loop(folder).state.accepted


def test_another_lock_is_refused(folder, tmp_path):
    """Samples that were drawn anew do not fit the journal."""
    from dataclasses import replace

    samples.write(replace(LOCK, seed=1), folder)
    with pytest.raises(DatasetError, match="the lock is not that of the log"):
        open_loop(folder)


def test_another_text_under_a_versions_name_is_refused(folder):
    """A version is the text that was proposed, even if its own hash was made to fit."""
    from medcheck.refining import versions

    loop = open_loop(folder)
    loop.propose(edit(1), by="a", reason="r")
    (folder / "v1.yaml").unlink()
    versions.save(versions.edited(FIRST, edit(2), name="v1", by="a", reason="r"), folder)
    with pytest.raises(DatasetError, match="not the version that was proposed"):
        open_loop(folder).version("v1")


def test_the_folder_that_is_meant(folder, tmp_path):
    """One refinement needs no name; of several one must be named."""
    assert place(tmp_path, None) == folder
    assert place(tmp_path, "t") == tmp_path / "t"
    begin(tmp_path / "t", LOCK, FIRST, "r", figures(15, 5, 5, 15))
    with pytest.raises(SettingsError, match="not clear: s, t in"):
        place(tmp_path, None)
    with pytest.raises(SettingsError, match="refine start"):
        place(tmp_path / "none", None)


def test_the_journal_labels_calibration_figures(folder):
    """Figures of the calibration sample stand under a name that says what they are."""
    (event,) = journal.read(folder)
    assert event["validation"][-1]["n"] == 40
    assert event["validation"][-1]["figures"]["kappa"]["value"] == pytest.approx(0.5)
    assert "calibration" not in event
    assert len(event["calibration_work_aid"]) == 1
