"""The engine of one process: conversations, repeats, and an end that keeps what is paid."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
import runs
from servers import Reply

from medcheck.engine.planning import forecast
from medcheck.engine.session import Engine, Share, Work, owner_prefix
from medcheck.errors import MedcheckError
from medcheck.store.database import open_database
from medcheck.store.runs import Runs

TALK = """\
suite: faults
grader: {name: rubric, judges: [judge]}
cases:
  - {id: one, prompt: 'question 01', checks: [{contains: question, points: 1}]}
  - {id: two, follows: one, prompt: 'question 02', checks: [{contains: question, points: 1}]}
  - {id: three, follows: two, prompt: 'question 03', checks: [{contains: question, points: 1}]}
"""


def results_in(settings):
    """Return the recorded results of a run."""
    with open_database(settings.store) as database:
        return list(Runs(database).read(settings.run).results)


@pytest.fixture
def talk(tmp_path):
    """A suite of one conversation of three turns, at a healthy server."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        (folder / "cases" / "faults.yaml").write_text(TALK, encoding="utf-8")
        yield folder, server


def test_turns_of_a_conversation_are_asked_once(talk):
    """Each turn is asked after the answers before it, once, whoever needs it."""
    folder, server = talk
    settings = runs.settings_for(folder)
    setup, works = runs.started(folder, settings)
    engine = Engine(setup, settings, Share(), {})
    last, first = engine.wait(works[2])[0], engine.wait(works[0])[0]
    engine.wait(works[1])
    engine.close()
    assert [len(body["messages"]) for body in server.bodies] == [1, 3, 5]
    assert len(last.messages) == 5
    assert last.messages[1].text == first.completion.text
    assert [result.state for result in results_in(settings)] == ["scored"] * 3


def test_a_lost_turn_stops_its_conversation_only(tmp_path):
    """A turn without an answer leaves those after it not run, and says so."""
    fault = Reply(status=400, body={"error": "no"})
    with runs.server(lambda body, _: fault if len(body["messages"]) == 3 else None) as server:
        folder = runs.place(tmp_path, server.url)
        (folder / "cases" / "faults.yaml").write_text(TALK, encoding="utf-8")
        measured = runs.measure(folder)
        assert len(server.requests) == 2
    assert [result.state for result in measured.results] == ["scored", "model_error", "not_run"]
    assert "the turn before (two)" in measured.results[2].error


def test_a_gap_in_existing_answers(tmp_path):
    """A turn that existing answers lack is not run, nor is what follows; nobody is asked."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        (folder / "cases" / "faults.yaml").write_text(TALK, encoding="utf-8")
        given = folder / "given.jsonl"
        lines = ('{"case_id": "one", "answer": "a question"}\n',
                 '{"case_id": "three", "answer": "a question"}\n',
                 '{"case_id": "three", "repeat": 2, "answer": "a question"}\n')  # fmt: skip
        given.write_text("".join(lines), encoding="utf-8")
        settings = runs.settings_for(folder, models=(f"answers:{given}",))
        setup, works = runs.started(folder, settings)
        assert forecast(setup, settings, works, None).calls == 0
        engine = Engine(setup, settings, Share(), {})
        found = [engine.wait(work) for work in works]
        engine.close()
    states = [[result.state for result in results] for results in found]
    assert states == [["scored"], ["not_run"], ["not_run", "not_run"]]
    why = f'"answers:{given}" holds no answer to it'
    assert found[1][0].error == why
    assert found[2][0].error == f"the turn before (two) has no answer: {why}"
    assert "holds no answer 2 to it" in found[2][1].error
    assert server.bodies == []


def test_repeats_are_answers_of_their_own(tmp_path):
    """Each repeat is its own request, and an item's results come in their order."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url, cases=2)
        measured = runs.measure(folder, repeats=3)
        counts = Counter(body["messages"][-1]["content"] for body in server.bodies
                         if not runs.is_judge(body))  # fmt: skip
    assert set(counts.values()) == {3}
    assert [(r.case_id, r.repeat) for r in measured.results] == [
        (case, repeat) for case in ("case-00", "case-01") for repeat in (1, 2, 3)
    ]
    assert measured.overall.n == 6


def test_results_do_not_depend_on_order_or_concurrency(tmp_path):
    """Whatever is awaited first and however many run at once, the run reads the same."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        first = runs.measure(folder)
        settings = runs.settings_for(folder, run="backwards", concurrency=1)
        setup, works = runs.started(folder, settings)
        engine = Engine(setup, settings, Share(ahead=works[::2], cautious=True), {})
        engine.start()
        for work in reversed(works):
            engine.wait(work)
        engine.close()
    scores = [result.score.value for result in results_in(settings)]
    assert scores == first.scores


def test_closing_keeps_what_is_paid(tmp_path):
    """An engine that is closed half way leaves its replies in the store, and no open call."""
    with runs.server(delay=0.05) as server:
        folder = runs.place(tmp_path, server.url)
        settings = runs.settings_for(folder, concurrency=4)
        setup, works = runs.started(folder, settings)
        engine = Engine(setup, settings, Share(ahead=works), {})
        engine.start()
        engine.wait(works[0])
        engine.close()
        asked = len(server.requests)
        assert asked < 60
        names = {thread.name for thread in threading.enumerate()}
        assert not names & {"medcheck-engine", "medcheck-store"}
        states = Counter(result.state for result in results_in(settings))
        assert states["scored"] >= 1
        assert states["not_run"] >= 1
        again = runs.measure(folder, run="again", concurrency=4)
        assert len(server.requests) <= 60 + 4
    assert again.states == {"scored": 12}


def test_traffic_is_noted_by_process(tmp_path):
    """Each process leaves what it sent with the run."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url, cases=1)
        settings = runs.settings_for(folder)
        setup, works = runs.started(folder, settings)
        engine = Engine(setup, settings, Share(owner="gw3", workers=2), {})
        engine.wait(works[0])
        engine.close()
    with open_database(settings.store) as database:
        noted = Runs(database).read("r").meta["traffic:gw3"]
    assert (noted["sent"], noted["by_role"]) == (5, {"model m": 1, "judge judge": 4})


def test_a_store_that_fails_stops_the_spending(tmp_path):
    """When results cannot be recorded, the item says so and nothing more is sent."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url)
        settings = runs.settings_for(folder)
        setup, works = runs.started(folder, settings)
        engine = Engine(setup, settings, Share(), {})
        with open_database(settings.store) as database:
            database.write(lambda c: c.exec_driver_sql("DROP TABLE results"))
        with pytest.raises(MedcheckError):
            engine.wait(works[0])
        sent = len(server.requests)
        assert engine.door.stopped is not None
        with pytest.raises(MedcheckError):
            engine.wait(works[1])
        assert len(server.requests) == sent
        engine.close()


def test_work_is_named_by_case_and_model(tmp_path):
    """Two works of the same case and model are the same, whatever their place."""
    with runs.server() as server:
        folder = runs.place(tmp_path, server.url, cases=1)
        _, [work] = runs.started(folder, runs.settings_for(folder))
    assert Work.of(work.case, "m", 5) == work
    assert Work.of(work.case, "n", 0) != work


def test_owners_are_told_apart_by_run():
    """Leases of one run can be freed without touching those of another."""
    assert owner_prefix("r") != owner_prefix("r2")
    assert not owner_prefix("r2").startswith(owner_prefix("r"))
