"""One call for all criteria beside one call for each, on the stored answers of a run."""

from __future__ import annotations

import doubles
import pytest
import runs
from servers import Reply, Server

from medcheck.certifying.batching import prove
from medcheck.errors import SettingsError
from medcheck.store.database import open_database
from medcheck.store.runs import Runs
from medcheck.suites import load_suite


def fair(answer, criterion):
    """Return a verdict that does not depend on how it is asked for."""
    return doubles.coin(answer, criterion)


def script(batch=fair):
    """Return a server whose judge decides by `fair` singly, by `batch` in batch."""

    def reply(body):
        if not runs.is_judge(body):
            return Reply(text=runs.healthy(body))
        several = "# POINTS" in doubles.texts(body)
        return doubles.judge(batch if several else fair)(body)

    return reply


def proved(folder, server, **more):
    """Measure a run and prove batch judging on it; return the proof and the new requests."""
    runs.place(folder, server.url)
    protocol = more.pop("protocol", "strict")
    settings = runs.settings_for(folder, protocol=protocol)
    runs.measure(folder, protocol=protocol)
    asked = len(server.requests)
    suite = load_suite(folder / "cases" / "faults.yaml")
    with open_database(settings.store) as database:
        run = Runs(database).read("r")
        proof = prove("judge", run, suite, settings, {}, **more)
    return proof, len(server.requests) - asked


def test_a_judge_that_says_the_same(tmp_path):
    """Single verdicts come from the store; one call an answer is new; agreement is by theme."""
    with Server(script()) as server:
        proof, asked = proved(tmp_path, server)
    assert asked == runs.CASES
    assert proof.calls == (runs.CASES * runs.CRITERIA, runs.CASES)
    assert (proof.check.outcome, proof.check.value) == ("PASS", 1.0)
    assert {"theme:x", "theme:y", "theme:z"} <= set(proof.check.figures)
    assert sorted(proof.prompts) == ["prompt gaps/answer_strict", "prompt gaps/batch_strict"]


def test_a_judge_that_is_milder_in_batch(tmp_path):
    """Where the verdicts differ the check fails, with the met rates and the criteria."""
    with Server(script(batch=lambda *_: True)) as server:
        proof, _ = proved(tmp_path, server)
    check = proof.check
    assert check.outcome == "FAIL"
    assert check.figures["met_rate_batch"] == 1 > check.figures["met_rate_single"]
    assert check.failures


def test_a_sample_is_drawn_by_seed(tmp_path):
    """A part of the answers suffices, and the same seed gives the same part."""
    with Server(script()) as server:
        proof, asked = proved(tmp_path, server, sample=3)
        assert asked == 3
        again, asked = proved(tmp_path, server, sample=3)
        assert (again, asked) == (proof, 0)


def test_never_under_official(tmp_path):
    """Batch judging is refused where the official protocol is asked for."""
    with Server(script()) as server, pytest.raises(SettingsError, match="official protocol"):
        proved(tmp_path, server, protocol="official")
