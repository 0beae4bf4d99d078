"""Stored answers are graded again without asking the model, as a run of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
import runs

from medcheck.engine.regrading import SOURCE, plan, regrade
from medcheck.errors import SettingsError
from medcheck.noise import noises
from medcheck.store.database import open_database
from medcheck.store.runs import Runs
from medcheck.suites import load_suite
from medcheck.summary import summarize

REGISTRY = "{name}: {{base_url: '{url}', timeout: {{idle: 20, total: 20}}}}\n"


def place(folder, url, **suite):
    """Write suite and models file, with a second judge."""
    runs.place(folder, url, **suite)
    text = "".join(REGISTRY.format(name=name, url=url) for name in ("m", "judge", "other"))
    (folder / "models.yaml").write_text(text, encoding="utf-8")
    return folder


def again(folder, *, source="r", overrides=None, **changes):
    """Grade a run again; return its results, summary and meta."""
    settings = runs.settings_for(folder, run="r2", **changes)
    suite = load_suite(folder / "cases" / "faults.yaml", overrides=overrides or {})
    with open_database(settings.store) as database:
        regrade(plan(Runs(database).read(source), [suite], settings, {}), {})
        run = Runs(database).read("r2")
        return tuple(run.results), summarize(run), run.meta


def test_another_judge_sees_the_same_answers(tmp_path):
    """The model is not asked, each criterion goes to the new judge, the old run stays."""
    with runs.server() as server:
        folder = place(tmp_path, server.url)
        before = runs.measure(folder)
        asked = len(server.bodies)
        results, summary, meta = again(folder, judges=("other",))
        new = server.bodies[asked:]
    assert {body["model"] for body in new} == {"other"}
    assert len(new) == runs.CASES * runs.CRITERIA
    assert [r.completion.text for r in results] == [r.completion.text for r in before.results]
    assert {ballot.judge for r in results for v in r.score.verdicts for ballot in v.ballots} == {
        "other"
    }
    assert (summary.judges, meta[SOURCE]) == (("other",), "r")
    with open_database(runs.settings_for(folder).store) as database:
        kept = Runs(database).read("r")
        assert tuple(kept.results) == before.results


def test_the_same_judge_costs_nothing_and_says_the_same(tmp_path):
    """With nothing changed every verdict comes from the store, and the scores are equal."""
    with runs.server() as server:
        folder = place(tmp_path, server.url)
        before = runs.measure(folder, repeats=2)
        asked = len(server.bodies)
        results, _, _ = again(folder)
        assert len(server.bodies) == asked
    assert [r.score.value for r in results] == before.scores
    assert [(r.case_id, r.repeat) for r in results] == [
        (r.case_id, r.repeat) for r in before.results
    ]


def test_a_changed_rubric_is_asked_where_it_changed(tmp_path):
    """Only the verdicts on a criterion of new wording are asked for."""
    with runs.server() as server:
        folder = place(tmp_path, server.url)
        runs.measure(folder)
        asked = len(server.bodies)
        path = folder / "cases" / "faults.yaml"
        text = path.read_text(encoding="utf-8").replace("case 03 demand 1", "case 03 new demand")
        path.write_text(text, encoding="utf-8")
        again(folder)
        new = server.bodies[asked:]
    assert len(new) == 1
    assert "case 03 new demand" in str(new[0])


def test_what_has_no_answer_stays_unmeasured(tmp_path):
    """A result without an answer keeps its state and cause; nothing is made of it."""
    from servers import Reply

    def fault(body, time):
        lost = not runs.is_judge(body) and runs.question(body) == 4
        return Reply(status=400, body={"error": {"message": "no"}}) if lost else None

    with runs.server(fault) as server:
        folder = place(tmp_path, server.url)
        before = runs.measure(folder)
        results, summary, _ = again(folder, judges=("other",))
    assert (results[4].state, results[4].error) == (
        before.results[4].state,
        before.results[4].error,
    )
    assert not summary.complete
    assert sum(r.state == "scored" for r in results) == runs.CASES - 1


def test_cases_that_are_gone_are_named(tmp_path):
    """A suite that lost cases is refused before anybody is asked."""
    with runs.server() as server:
        folder = place(tmp_path, server.url)
        runs.measure(folder)
        asked = len(server.bodies)
        path = folder / "cases" / "faults.yaml"
        path.write_text(runs.suite_text(cases=10), encoding="utf-8")
        with pytest.raises(SettingsError, match='no case "case-11" any more'):
            again(folder)
        place(folder, server.url)
        with pytest.raises(SettingsError, match='unknown judge "absent"'):
            again(folder, judges=("absent",))
        assert len(server.bodies) == asked


def losing(folder, lost):
    """Measure four repeats of each case; of case and repeat in `lost` no answer came back."""
    found = runs.measure(folder, repeats=4)
    gone = [
        replace(r, state="model_error", error="no", completion=None, score=None)
        for r in found.results
        if (r.case_id, r.repeat) in lost
    ]
    with open_database(runs.settings_for(folder).store) as database:
        Runs(database).record_many(gone)
        return tuple(Runs(database).read("r").results)


def told(results):
    """Return what became of each repeat."""
    return [
        (r.case_id, r.repeat, r.state, r.error, r.completion.text if r.completion else None)
        for r in results
    ]


def test_repeats_keep_their_numbers(tmp_path):
    """Every repeat keeps its number and its answer, and one without an answer its place and cause,
    wherever among the repeats it stands."""
    first, last, middle = "case-00", "case-01", "case-02"
    lost = {(first, 1), (last, 1), (last, 4), (middle, 2), (middle, 3)}
    with runs.server() as server:
        folder = place(tmp_path, server.url)
        before = losing(folder, lost)
        asked = len(server.bodies)
        same, _, _ = again(folder)
        assert len(server.bodies) == asked
        other, summary, _ = again(folder, judges=("other",))
    assert told(same) == told(other) == told(before)
    assert len(same) == 4 * runs.CASES
    assert [r.score and r.score.value for r in same] == [r.score and r.score.value for r in before]
    assert (summary.rows[0].ungraded, summary.complete) == (len(lost), False)


def test_a_regrading_with_gaps_is_compared_answer_by_answer(tmp_path):
    """A second grading of a run that lost some repeats still tells the judge's noise."""
    with runs.server() as server:
        folder = place(tmp_path, server.url)
        losing(folder, {("case-00", 1), ("case-03", 2)})
        again(folder)
    with open_database(runs.settings_for(folder).store) as database:
        stored = Runs(database)
        (noise,), left_out = noises(stored.read("r"), [stored.read("r2")])
    assert left_out == ()
    assert (noise.found.answers, noise.found.gradings) == (46, 92)
