"""Frozen verdicts are asked for anew: an unchanged judge passes, a changed one is noticed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
import runs

from medcheck.certifying.sentinels import Drift, beside, keep, read, recheck, write
from medcheck.errors import DatasetError
from medcheck.store.database import open_database
from medcheck.store.runs import Runs


def stored(folder, run="r"):
    """Return the stored run."""
    with open_database(runs.settings_for(folder).store) as database:
        found = Runs(database).read(run)
        return replace(found, results=tuple(found.results))


def moody(body, _time):
    """Turn the verdicts on every fourth demand."""
    if not runs.is_judge(body) or "demand 3" not in runs.identity(body):
        return None
    said = json.loads(runs.healthy(body))
    return runs.Reply(text=json.dumps({**said, "criteria_met": not said["criteria_met"]}))


@pytest.mark.parametrize("protocol", ["strict", "official"])
def test_an_unchanged_judge(tmp_path, protocol):
    """All verdicts come out as before; each is a new request, not a stored reply."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        runs.measure(folder, protocol=protocol)
        kept = keep(stored(folder))
        asked = len(server.requests)
        found = recheck(kept, runs.settings_for(folder), {})
        assert len(server.requests) - asked == 30
    assert (found.n, found.planned, found.share) == (30, 30, 1.0)
    assert found.measured
    assert not found.drifted
    assert found.lines == ("sentinels of r: 30 of 30 verdicts as before (1.000)",)


def test_a_changed_judge(tmp_path):
    """Below .98 the judge has drifted, and the flipped criteria are named."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        runs.measure(folder)
        kept = keep(stored(folder))
    with runs.server(moody) as server:
        runs.place(folder, server.url)
        found = recheck(kept, runs.settings_for(folder), {})
    assert found.drifted
    assert 0.5 < found.share < 0.98
    assert all(name.endswith("/4") for name in found.flipped)
    assert "NOT COMPARABLE: the judge has drifted" in found.lines[0]


def drift(n, flipped, **more):
    """Return a drift of `n` verdicts of 30, of which some came out otherwise."""
    names = tuple(f"s/c{at}/1" for at in range(flipped))
    return Drift(**{"run": "r", "n": n, "planned": 30, "flipped": names, **more})


@pytest.mark.parametrize(("flipped", "drifted"), [(0, False), (1, False), (2, False), (3, True)])
def test_chance_flips_are_no_drift(flipped, drifted):
    """Of 30 verdicts one or two may flip by chance, three may not; all flips are named."""
    found = drift(30, flipped)
    assert found.drifted is drifted
    assert [line for line in found.lines if "flipped: " in line] == [
        f"  flipped: s/c{at}/1" for at in range(flipped)
    ]


def test_how_often_an_honest_judge_alarms():
    """A judge that repeats 98 % of its verdicts is called drifted in at most 5 % of runs."""
    from scipy.stats import binom

    for n in (5, 10, 20, 30, 50, 100):
        alarm = sum(binom.pmf(k, n, 0.02) for k in range(n + 1) if drift(n, k).drifted)
        assert alarm <= 0.05
    # A judge that repeats three of four is noticed nearly always.
    assert sum(binom.pmf(k, 30, 0.25) for k in range(31) if drift(30, k).drifted) > 0.98


def test_what_was_not_judged_is_said():
    """How many sentinels were not judged, and why, stands in a line; those judged still count."""
    (line,) = drift(0, 0, cause="HTTP 422.").lines
    assert line == (
        "sentinels of r: the judge's drift could not be checked: 30 of 30 sentinels were not "
        "judged (HTTP 422.)"
    )
    few = drift(20, 5, cause="HTTP 422.")
    assert few.drifted
    assert "NOT COMPARABLE" in few.lines[0]
    assert "not all of them: 10 of 30 sentinels were not judged" in few.lines[-1]
    assert not drift(20, 1).drifted
    assert "could not be checked: 10 of 30" in drift(20, 1).lines[-1]


def test_they_count_against_the_limits_of_a_run(tmp_path):
    """What a run has used up of its limits is gone; what is asked and paid is told."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        runs.measure(folder, max_calls=1000)
        asked = len(server.requests)
        kept = keep(stored(folder))
        limited = runs.settings_for(folder, max_calls=asked + 10)
        found = recheck(kept, limited, {}, account="r")
        assert len(server.requests) == asked + 10
        assert (found.n, found.traffic["sent"]) == (10, 10)
        assert f"--max-calls {asked + 10}) is used up" in found.lines[-1]
        alone = recheck(kept, runs.settings_for(folder, max_calls=30), {})
        assert (alone.n, alone.traffic["sent"]) == (30, 30)


def test_the_draw_is_seeded_and_spread(tmp_path):
    """As many cases as possible have a sentinel; a seed gives the same ones."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        runs.measure(folder)
    run = stored(folder)
    counts = Counter(place.case_id for place in keep(run).places)
    assert len(counts) == runs.CASES
    assert set(counts.values()) == {2, 3}
    assert keep(run) == keep(run)
    assert keep(run).places != keep(run, seed=1).places
    assert len(keep(run, most=5).places) == 5


def test_a_file_and_back(tmp_path):
    """The file is complete: neither store nor suite is needed to ask again."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        runs.measure(folder)
        kept = keep(stored(folder))
        path = write(kept, beside(tmp_path / "base.json"))
        assert path.name == "base.sentinels.json"
        assert read(path) == kept
        (folder / "cases" / "faults.yaml").unlink()
        fresh = runs.settings_for(folder, store=str(tmp_path / "other.sqlite"))
        assert recheck(read(path), fresh, {}).share == 1.0
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"met": true', '"met": false', 1), encoding="utf-8")
    with pytest.raises(DatasetError, match="changed after it was written"):
        read(path)
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(DatasetError, match="no sentinels"):
        read(path)


def test_what_cannot_be_asked_is_missing(tmp_path):
    """Another model under the judge's name, or a dead endpoint, is no measurement of drift."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        runs.measure(folder)
        kept = keep(stored(folder))
        text = (folder / "models.yaml").read_text(encoding="utf-8")
        other = text.replace("judge: {", "judge: {model: another, ")
        (folder / "models.yaml").write_text(other, encoding="utf-8")
        found = recheck(kept, runs.settings_for(folder), {})
        assert (found.n, found.measured, found.drifted) == (0, False, False)
        assert "another model" in found.lines[0]
        assert found.traffic == {}
        changed = replace(kept, asked={"faults": {**kept.asked["faults"], "prompts": {}}})
        assert "prompts of suite" in recheck(changed, runs.settings_for(folder), {}).cause


def test_too_few_verdicts():
    """More than a twentieth missing is too few to tell; nothing compared is no share."""
    assert not Drift(run="r", n=28, planned=30).measured
    assert Drift(run="r", n=29, planned=30).measured
    assert Drift(run="r", n=0, planned=30).share is None


def test_runs_without_judges_have_none():
    """Checks need no sentinel: they cannot drift."""
    import gate_runs

    assert keep(gate_runs.run([gate_runs.result("a")])).places == ()
