"""A version is kept or rolled back, and the end comes, by the validation sample alone."""

from __future__ import annotations

import pytest

from medcheck.errors import SettingsError
from medcheck.refining.rounds import Rule, decide, state_of

RULE = Rule(target=0.6, epsilon=0.02, max_rounds=5)


def played(*kappas, rule=RULE, lows=()):
    """Return the decisions on versions with these kappas, one after the other."""
    found = []
    for number, kappa in enumerate(kappas):
        low = lows[number] if lows else None
        found.append(decide([f.round for f in found], f"v{number}", kappa, low, rule))
    return found


def test_what_falls_is_rolled_back():
    """A version below the one that holds is not kept, and the next is held to the kept one."""
    found = played(0.5, 0.6, 0.55, 0.58, 0.6)
    assert [each.round.kept for each in found] == [True, True, False, False, True]
    assert [each.round.gained for each in found] == [False, True, False, False, False]


def test_the_target_is_for_the_lower_bound():
    """A high kappa with a low bound goes on; without an interval nothing is reached."""
    assert played(0.9, lows=[0.59])[-1].stop is None
    assert played(0.9)[-1].stop is None
    assert "0.600 reached 0.6" in played(0.9, lows=[0.6])[-1].stop


def test_a_version_that_is_rolled_back_reaches_nothing():
    """The bound counts only if the version is kept."""
    assert played(0.9, 0.8, lows=[0.5, 0.7])[-1].stop is None


def test_two_rounds_without_gain_end_it():
    """A rise below epsilon is no gain, one round without it is not the end, a gain starts anew."""
    stops = [each.stop for each in played(0.5, 0.51, 0.6, 0.61, 0.615)]
    assert stops[:4] == [None] * 4
    assert stops[4] == "2 rounds without a gain of 0.02"


def test_epsilon_counts_as_a_gain():
    """A rise of exactly epsilon is one, whatever the rounding; no rise is none even with 0."""
    assert played(0.1, 0.12)[-1].round.gained
    assert not played(0.5, 0.5, rule=Rule(epsilon=0.0))[-1].round.gained


def test_the_number_of_rounds_is_limited():
    """The last allowed round ends it although there was a gain."""
    stops = [each.stop for each in played(0.1, 0.2, 0.3, rule=Rule(target=1, max_rounds=2))]
    assert stops == [None, None, "2 rounds were run"]


def event(name, version="v0", **more):
    """Return an event as the journal has it."""
    base = {"kappa": 0.5, "low": None, "kept": True, "gained": False, "stop": None, "run": "r"}
    return {"event": name, "version": version, **(base if name in ("start", "run") else {}), **more}


def test_the_state_follows_from_the_journal():
    """The version that was kept last holds; a model's proposal waits for a person."""
    state = state_of([
        event("start"),
        event("propose", "v1", by="a", model=None),
        event("run", "v1", kappa=0.7),
        event("propose", "v2", by="", model="m"),
        event("accept", "v2", by="a"),
        event("run", "v2", kappa=0.6, kept=False),
        event("propose", "v3", by="", model="m"),
    ])  # fmt: skip
    assert (state.current, state.held.kappa, state.stopped) == ("v1", 0.7, None)
    assert state.runs == {"v0": "r", "v1": "r", "v2": "r"}
    with pytest.raises(SettingsError, match="v3 is a model's proposal that nobody accepted"):
        state.check_ready("v3", "v1")
    with pytest.raises(SettingsError, match='no version "v9" was proposed'):
        state.check_ready("v9", "v1")
    with pytest.raises(SettingsError, match="v2 was judged already"):
        state.check_ready("v2", "v1")


def test_a_version_must_change_what_holds():
    """A version of a parent that was rolled back or overtaken is not judged."""
    proposals = [event("propose", version, by="a") for version in ("v1", "v2")]
    state = state_of([event("start"), *proposals, event("run", "v1", kappa=0.7)])
    with pytest.raises(SettingsError, match="v2 changes v0, but v1 holds now"):
        state.check_ready("v2", "v0")
    state.check_ready("v2", "v1")


def test_after_the_end_nothing_is_judged():
    """The reason is told."""
    state = state_of([event("start", stop="the end"), event("propose", "v1", by="a")])
    with pytest.raises(SettingsError, match="the refinement has ended: the end"):
        state.check_ready("v1", "v0")
