"""The leaderboard of runs: who is compared with whom, on which items, and what is flagged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from board_runs import THREE, answers, run_of
from gate_runs import result

from medcheck.errors import SettingsError
from medcheck.leaderboard import board
from medcheck.summary import summarize


def labels(found):
    return [who.label for who in found.contestants]


def test_the_best_stands_first():
    """Contestants are ranked by win rate, then mean; all benchmarks weigh the same."""
    found = board([run_of(THREE)])
    assert labels(found) == ["b", "a", "c"]
    assert [s.win_rate for s in found.standings] == [0.75, 0.75, 0.0]
    assert found.standings[0].mean > found.standings[1].mean
    assert [column.name for column in found.columns] == ["triage", "dosing"]
    assert [round(v, 9) for v in found.columns[0].values] == [0.5, 0.8, 0.2]
    assert found.notes == ()
    assert found.pool == ((None, 1.0, 0.5), (1.0, None, 0.5), (0.0, 0.0, None))


def test_scores_are_those_of_the_summary():
    """Where everything was measured, a benchmark's score is the summary's overall score."""
    run = run_of(THREE, suites={"triage": {"summary": {"measure": "clipped_mean"}}})
    found = board([run])
    rows = {(r.suite, r.model): r.value for r in summarize(run).rows if r.group == "overall"}
    for column in found.columns:
        for who, value in zip(found.contestants, column.values, strict=True):
            assert value == pytest.approx(rows[column.suite, who.label], abs=1e-12)


def test_a_clipped_measure_is_clipped_after_averaging():
    """A HealthBench mean below 0 counts as 0; in a plain mean it does not."""
    scores = {"triage": {"a": [-0.5, 0.1], "b": [-0.9, 0.1]}}
    clipped = {"triage": {"summary": {"measure": "clipped_mean"}}}
    assert board([run_of(scores, suites=clipped)]).columns[0].values == (0.0, 0.0)
    assert board([run_of(scores, suites=clipped)]).standings[0].win_rate == 0.5
    assert board([run_of(scores)]).standings[0].win_rate == 1.0


def test_equal_scores_in_another_order_tie():
    """The order of summing makes no winner."""
    values = [0.1, 0.2, 0.3, 0.7, 1e-9]
    found = board([run_of({"triage": {"a": values, "b": values[::-1]}})])
    assert [s.win_rate for s in found.standings] == [0.5, 0.5]


def test_several_runs_make_one_table():
    """A model's suites may stand in several runs."""
    one = run_of({"triage": THREE["triage"]}, name="one")
    two = run_of({"dosing": THREE["dosing"]}, name="two")
    found, whole = board([one, two]), board([run_of(THREE)])
    assert labels(found) == labels(whole)
    assert (found.standings, found.spreads) == (whole.standings, whole.spreads)


def test_a_model_run_twice_is_two_contestants():
    """The same suite in two runs makes two contestants, named by their runs."""
    runs = [run_of({"triage": {"a": [0.1, 0.2]}}, name="old"),
            run_of({"triage": {"a": [0.3, 0.4]}}, name="new")]  # fmt: skip
    assert labels(board(runs)) == ["a · new", "a · old"]


def test_other_items_are_refused():
    """Models that answered other cases are not ranked; the message counts and says what to do."""
    scores = {"triage": {"a": [0.9, 0.8, 0.7], "b": [0.5, 0.6]}}
    with pytest.raises(SettingsError) as raised:
        board([run_of(scores)])
    assert "2 of 3 are the same for all (cases: a 3; b 2)" in str(raised.value)
    assert "--shared" in str(raised.value)


def test_shared_compares_on_the_common_items():
    """With `shared` the common cases are compared, and the note counts them."""
    found = board([run_of({"triage": {"a": [0.9, 0.8, 0.1], "b": [0.5, 0.6]}})], shared=True)
    assert found.columns[0].n == 2
    assert found.columns[0].values[0] == pytest.approx(0.85)
    assert found.notes == ("triage: the items differ; 2 of 3 are the same for all, compared.",)


@pytest.mark.parametrize("what", ["question", "criteria"])
def test_another_question_under_the_same_name_is_another_item(what):
    """Equal case ids are not enough: the question and the criteria must be the same."""
    one = run_of({"triage": {"a": [0.9, 0.8]}}, name="one")
    two = run_of({"triage": {"b": [0.5, 0.6]}}, name="two")
    first, *others = two.results
    if what == "question":
        messages = (replace(first.messages[-1], text="Something else?"),)
        first = replace(first, messages=messages)
    else:
        verdicts = tuple(
            replace(v, criterion=replace(v.criterion, points=1)) for v in first.score.verdicts
        )
        first = replace(first, score=replace(first.score, verdicts=verdicts))
    two = replace(two, results=(first, *others))
    said = {"question": "1 of 2 are the same", "criteria": "1 of 2 cases have other criteria"}
    with pytest.raises(SettingsError, match=said[what]) as raised:
        board([one, two])
    assert "--shared" in str(raised.value)
    assert board([one, two], shared=True).columns[0].n == 1


METRIC = {"compared": {"grader": {"name": "short_answer", "metric": ["medec_flag", "bleu"]}}}


def test_another_metric_is_the_cause_that_is_told():
    """Official and corrected figures of the same questions are refused for the metric."""
    runs = [
        run_of({"medec": {model: [0.9, 0.8]}}, name=model,
               suites={"medec": {**METRIC, "protocol": protocol}})
        for model, protocol in (("a", "official"), ("b", "strict"))
    ]  # fmt: skip
    changed = [
        replace(each, score=replace(each.score, verdicts=tuple(
            replace(v, criterion=replace(v.criterion, text="by medec_flag_official"))
            for v in each.score.verdicts)))
        for each in runs[0].results
    ]  # fmt: skip
    runs[0] = replace(runs[0], results=tuple(changed))
    with pytest.raises(SettingsError) as raised:
        board(runs)
    assert "2 of 2 cases have other criteria or metrics" in str(raised.value)
    assert "a by medec_flag_official, official protocol; b by medec_flag, strict" in str(
        raised.value
    )
    assert "--shared" not in str(raised.value)
    with pytest.raises(SettingsError, match=r"nothing to compare.*have other criteria or metrics"):
        board(runs, shared=True)


def test_a_column_tells_what_it_is_measured_by():
    """Metric, or else grader, and protocol stand with each benchmark."""
    jury = {"compared": {"grader": {"name": "jury"}}, "protocol": "official"}
    found = board([run_of(THREE, suites={"triage": METRIC, "dosing": jury})])
    assert [column.measure for column in found.columns] == [
        "medec_flag, strict protocol", "jury, official protocol",
    ]  # fmt: skip
    first = {"compared": {"grader": {"name": "short_answer"}}, "protocol": "official"}
    found = board([run_of(THREE, suites={"triage": first})])
    assert found.columns[0].measure == "exact_match_official, official protocol"


def test_a_lost_answer_is_left_out_for_all():
    """What was not measured for one is compared for none, and is counted."""
    found = board([run_of({"triage": {"a": [0.9, None, 0.1], "b": [0.5, 1.0, 0.6]}})])
    assert found.columns[0].n == 2
    assert labels(found) == ["b", "a"]
    assert found.columns[0].values == (pytest.approx(0.55), pytest.approx(0.5))
    assert found.notes == ("triage: compared on 2 of 3 cases, those that were measured for all.",)


def test_a_suite_without_any_score_is_missing():
    """Who has no score at all on a suite does not take it from the others, and is named."""
    scores = {**THREE, "dosing": {**THREE["dosing"], "c": [None, None]}}
    found = board([run_of(scores)])
    assert [column.n for column in found.columns] == [3, 2]
    assert found.columns[1].values[2] is None
    assert found.standings[2].columns == 1
    assert found.notes == (
        "c: not measured on 1 of 2 benchmarks (dosing); its win rate is over the others only.",
    )


def test_other_judges_are_flagged():
    """Runs whose judges or settings differ are ranked, and the difference is said."""
    one = run_of({"triage": {"a": [0.9, 0.8]}}, name="one")
    changed = {"triage": {"compared": {"params": {"temperature": 1}}, "protocol": "official"}}
    two = run_of({"triage": {"b": [0.5, 0.6]}}, name="two", suites=changed)
    found = board([one, two])
    assert found.notes == (
        'triage: b is not measured alike: the protocol is "official", a\'s is "strict".',
        'triage: b is not measured alike: params: {"temperature": 1}, a\'s: '
        '{"max_tokens": 100, "temperature": 0}.',
    )


def test_a_meta_evaluation_is_left_out():
    """A suite that measures judges ranks no models."""
    meta = {"dosing": {"summary": {"measure": "pairwise_f1"}}}
    found = board([run_of(THREE, suites=meta)])
    assert [column.suite for column in found.columns] == ["triage"]
    assert found.notes == ("dosing measures judges, not models: left out.",)
    with pytest.raises(SettingsError, match="nothing to compare"):
        board([run_of({"dosing": THREE["dosing"]}, suites=meta)])


def test_no_common_measured_case():
    """A suite on which no case was measured for all is named, not ranked."""
    scores = {**THREE, "empty": {"a": [0.1, None], "b": [None, 0.1]}}
    found = board([run_of(scores)])
    assert [column.suite for column in found.columns] == ["triage", "dosing"]
    assert found.notes == ("empty: no case was measured for all; left out.",)


def test_by_category_takes_the_path():
    """A benchmark may be a category: the case's path in the taxonomy."""
    results = [
        replace(each, category=("note", "visit" if at % 2 else "discharge"))
        for model in ("a", "b")
        for at, each in enumerate(answers("triage", model, [0.1, 0.2, 0.3, 0.4]))
    ]
    run = replace(run_of({"triage": {"a": [], "b": []}}), results=tuple(results))
    found = board([run], by="category")
    assert [column.name for column in found.columns] == [
        "triage: note/discharge",
        "triage: note/visit",
    ]
    assert [column.n for column in found.columns] == [2, 2]


def test_by_category_takes_tags_without_a_path():
    """Where cases have no path, the tags of the suite's first prefix are the categories."""
    found = board([run_of({"triage": THREE["triage"]})], by="category")
    assert [(column.group, column.n) for column in found.columns] == [
        ("theme:a", 2),
        ("theme:b", 1),
    ]
    bare = {"triage": {"summary": {}}}
    found = board([run_of({"triage": THREE["triage"]}, suites=bare)], by="category")
    assert [column.group for column in found.columns] == ["no category"]


def test_repeats_are_one_item():
    """Several answers to a case are averaged: a case is one item however often it was asked."""
    results = [
        result("case-00", model=model, suite="triage", value=value, repeat=repeat)
        for model, values in (("a", (0.2, 0.4)), ("b", (0.1, 0.1)))
        for repeat, value in enumerate(values, start=1)
    ]
    found = board([replace(run_of({"triage": {"a": [], "b": []}}), results=tuple(results))])
    assert found.columns[0].n == 1
    assert found.columns[0].values == (pytest.approx(0.3), pytest.approx(0.1))


def test_a_conversation_is_drawn_as_a_whole():
    """Turns of one conversation are one unit of the bootstrap."""
    talk = {"triage": {"conversations": {f"case-{n:02}": f"case-{n % 2:02}" for n in range(6)}}}
    scores = {"triage": {"a": [1.0, 0.0] * 3, "b": [0.5, 0.4] * 3}}
    assert len(set(board([run_of(scores, suites=talk)]).columns[0].items.clusters)) == 2
    assert len(set(board([run_of(scores)]).columns[0].items.clusters)) == 6


def test_one_contestant_has_no_rate():
    """Alone there is nobody to win against, and it is said."""
    found = board([run_of({"triage": {"a": [0.1, 0.3]}})])
    assert found.standings[0].win_rate is None
    assert found.standings[0].mean == pytest.approx(0.2)
    assert found.notes == ("one contestant: there is nobody to win against.",)


def test_the_order_of_runs_moves_no_interval():
    """Intervals are drawn by benchmark, so ranking does not change them."""
    scores = {"triage": {"c": THREE["triage"]["c"], "a": THREE["triage"]["a"]}}
    turned = {"triage": dict(reversed(list(scores["triage"].items())))}
    one, other = board([run_of(scores)]), board([run_of(turned)])
    assert labels(one) == labels(other)
    assert one.spreads == other.spreads
