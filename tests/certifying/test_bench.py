"""The bench asks through the real door: stored, limited, and never as part of a run."""

from __future__ import annotations

import doubles
import pytest

from medcheck.certifying.bench import Bench, Said, judge_entry, with_door
from medcheck.certifying.items import canaries
from medcheck.errors import SettingsError
from medcheck.graders.rubric import Grader
from medcheck.settings import Settings
from medcheck.store.database import open_database
from medcheck.store.runs import Runs
from medcheck.types import Ballot, Criterion, Verdict


def settings_for(folder, server, **changes):
    """Write a models file and return settings."""
    models = f"j: {{base_url: '{server.url}', timeout: {{idle: 20, total: 20}}}}\n"
    (folder / "models.yaml").write_text(models, encoding="utf-8")
    return Settings(
        models_file=str(folder / "models.yaml"), store=str(folder / "s.sqlite"), run="x", **changes
    )


def ask(settings, *, grading=1):
    """Return the verdicts on the first canary."""

    async def work(door):
        entry = judge_entry("j", settings, {})
        bench = Bench(judge=entry, door=door, grader=Grader({"protocol": "strict"}), params={})
        return await bench.said(canaries()[0], grading=grading)

    return with_door(settings, {}, work)


def test_stored_and_numbered(tmp_path):
    """The same grading comes from the store; another number is another request; no run is left."""
    with doubles.server(doubles.honest) as server:
        settings = settings_for(tmp_path, server)
        first = ask(settings)
        assert [said.met for said in first.values()] == [True, True, False, False]
        assert ask(settings) == first
        assert len(server.requests) == 4
        ask(settings, grading=2)
        assert len(server.requests) == 8
    with open_database(settings.store) as database:
        assert Runs(database).ids() == ()


def test_hard_stops(tmp_path):
    """What the limit of calls leaves out has no verdict, and says why."""
    with doubles.server(doubles.honest) as server:
        said = ask(settings_for(tmp_path, server, max_calls=2))
        assert len(server.requests) == 2
    assert all(each.met is None for each in said.values())
    assert "--max-calls 2" in said["1"].error


def test_a_budget_needs_a_price(tmp_path):
    """A limit in USD is refused where the price is not known."""
    with doubles.server(doubles.honest) as server:
        settings = settings_for(tmp_path, server, budget=1.0)
        with pytest.raises(SettingsError, match="price"):
            ask(settings)


def test_said():
    """A verdict of nobody keeps the cause, and whether there was a reply at all."""
    criterion = Criterion(id="1", text="x", points=1)
    lost = Ballot(judge="j", state="judge_error", value=None, error="why", asks=4)
    verdict = Verdict(criterion=criterion, state="judge_error", value=None, ballots=(lost,))
    assert Said.of(verdict) == Said(met=None, replied=True, error="why")
