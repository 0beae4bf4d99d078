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
        drift = recheck(kept, runs.settings_for(folder), {})
        assert len(server.requests) - asked == 30
    assert (drift.n, drift.planned, drift.share) == (30, 30, 1.0)
    assert drift.measured
    assert not drift.drifted
    assert drift.lines == ("sentinels of r: 30 of 30 verdicts as before (1.000)",)


def test_a_changed_judge(tmp_path):
    """Below .98 the judge has drifted, and the flipped criteria are named."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        runs.measure(folder)
        kept = keep(stored(folder))
    with runs.server(moody) as server:
        runs.place(folder, server.url)
        drift = recheck(kept, runs.settings_for(folder), {})
    assert drift.drifted
    assert 0.5 < drift.share < 0.98
    assert all(name.endswith("/4") for name in drift.flipped)
    assert "NOT COMPARABLE: the judge has drifted" in drift.lines[0]


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
        drift = recheck(kept, runs.settings_for(folder), {})
        assert (drift.n, drift.measured, drift.drifted) == (0, False, False)
        assert "another model" in drift.lines[0]
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
