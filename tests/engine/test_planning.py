"""The forecast of a run says what is missing, before anybody is asked."""

from __future__ import annotations

import runs
from servers import Reply
from test_session import TALK

from medcheck.engine.planning import forecast
from medcheck.store.database import open_database
from medcheck.store.responses import Responses


def planned(folder, *, stored=True, **changes):
    """Return the forecast of a placed suite."""
    settings = runs.settings_for(folder, **changes)
    setup, works = runs.started(folder, settings)
    if not stored:
        return forecast(setup, settings, works, None)
    with open_database(settings.store) as database:
        return forecast(setup, settings, works, Responses(database))


def test_a_run_of_which_nothing_is_stored(tmp_path):
    """Every answer and every verdict is counted, by model and judge, and nobody is asked."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        found = planned(folder, stored=False)
        assert planned(folder).needs == found.needs
        assert not server.requests
    assert (found.cases, found.answers, found.calls) == (12, 12, 60)
    assert list(found.needs) == ["judge judge", "model m"]
    assert (found.needs["model m"].calls, found.needs["judge judge"].calls) == (12, 48)
    assert found.needs["judge judge"].cost_usd is None
    assert found.lines[0] == "12 cases, 12 answers, 60 calls not stored"
    assert "judge judge: 48 calls (0 more are stored)" in found.lines[1]
    assert "cost unknown" in found.lines[1]


def test_repeats_and_models_multiply(tmp_path):
    """Each repeat and each model needs its own answers and verdicts."""
    with runs.server() as server:
        found = planned(runs.place(tmp_path, server.url, cases=2), repeats=3)
    assert (found.cases, found.answers, found.calls) == (2, 6, 30)


def test_a_known_price_gives_a_cost(tmp_path):
    """Tokens times price, where the registry knows the price."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url, cases=1)
        path = folder / "models.yaml"
        text = path.read_text(encoding="utf-8").replace("}}", "}, price: {input: 2, output: 8}}")
        path.write_text(text, encoding="utf-8")
        need = planned(folder).needs["model m"]
    expected = (need.input_tokens * 2 + need.output_tokens * 8) / 1e6
    assert need.cost_usd == expected > 0


def test_what_is_stored_is_not_needed(tmp_path):
    """A complete run needs nothing; what failed in an incomplete one is all that is left."""
    broken = {"is": True}

    def fault(body, _):
        bad = broken["is"] and runs.is_judge(body) and runs.question(body) == 3
        return Reply(status=400, body={"error": "no"}) if bad else None

    with runs.server(fault) as server:
        folder = runs.place(tmp_path, server.url)
        runs.measure(folder)
        partly = planned(folder)
        broken["is"] = False
        runs.measure(folder)
        asked = len(server.requests)
        complete = planned(folder)
        fresh = planned(folder, responses="fresh", run="new")
        assert len(server.requests) == asked
    assert {who: need.calls for who, need in partly.needs.items()} == {
        "judge judge": 4, "model m": 0
    }  # fmt: skip
    assert complete.calls == 0
    assert complete.needs["judge judge"].stored == 48
    assert fresh.calls == 60


def test_turns_of_a_conversation_are_found_in_the_store(tmp_path):
    """A stored conversation needs nothing; without its first answer all its turns are missing."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        (folder / "cases" / "faults.yaml").write_text(TALK, encoding="utf-8")
        assert planned(folder).calls == 3
        runs.measure(folder)
        assert planned(folder).calls == 0
        assert planned(folder).needs["model m"].stored == 3
