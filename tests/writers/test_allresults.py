"""`_allresults.json`: the official layout, and back: equal answers, equal scores, no judge."""

import hashlib
import json
import tracemalloc
from dataclasses import replace

import pytest
import report_runs

from medcheck.answers import load_answers, read_allresults
from medcheck.errors import WriterError
from medcheck.scoring.points import points
from medcheck.types import Completion, Criterion, Score, Usage
from medcheck.writers import allresults

PENALTY = Criterion(id="wait", text="Suggests\nwaiting", points=-2.5, tags=("axis:x", "level:y"))


def graded(case_id="chest-pain", *, answer="Call 120.", met=True, **changes):
    """A result whose score is what its verdicts give."""
    verdicts = (
        report_runs.verdict(report_runs.RESCUE, "met", explanation="说了"),
        report_runs.verdict(PENALTY, "met" if met else "not_met"),
    )
    usage = Usage(input=10, cached_input=4, output=5, reasoning=2)
    fields = {
        "score": points(verdicts),
        "completion": Completion(text=answer, usage=usage),
        **changes,
    }
    return report_runs.result(case_id, verdicts=verdicts, **fields)


def export(tmp_path, results, **changes):
    run, summary = report_runs.run_of(results, **{"models": ("alpha",), **changes})
    return allresults.write(run, summary, tmp_path / "r_allresults.json")


def loaded(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_layout(tmp_path):
    """The file has the official keys, and each example the official record."""
    path = export(tmp_path, [graded()])
    found = loaded(path)
    assert list(found) == ["score", "metrics", "htmls", "convos", "metadata"]
    assert (found["score"], found["htmls"]) == (0.5, [])
    assert found["metrics"] == {
        "overall_score": 0.5,
        "overall_score:n_samples": 10,
        "overall_score:bootstrap_std": 0.01,
        "score:n_samples": 10,
        "score:bootstrap_std": 0.01,
    }
    (example,) = found["metadata"]["example_level_metadata"]
    prompt = [{"content": "胸口很痛 for 30 minutes. What now?", "role": "user"}]
    answer = [{"content": "Call 120.", "role": "assistant"}]
    assert found["convos"] == [prompt + answer]
    assert example == {
        "score": 0.5,
        "usage": {
            "input_tokens": 10,
            "input_cached_tokens": 4,
            "output_tokens": 5,
            "output_reasoning_tokens": 2,
            "total_tokens": 15,
        },
        "rubric_items": [
            {
                "criterion": "Tells the user to call 120 now",
                "points": 5,
                "tags": ["axis:acc"],
                "criteria_met": True,
                "explanation": "说了",
            },
            {
                "criterion": "Suggests\nwaiting",
                "points": -2.5,
                "tags": ["axis:x", "level:y"],
                "criteria_met": True,
                "explanation": "It says so.",
            },
        ],
        "prompt": prompt,
        "completion": answer,
        "prompt_id": "chest-pain",
        "completion_id": hashlib.sha256(b"chest-painCall 120.").hexdigest(),
    }


def test_round_trip(tmp_path):
    """What is exported is imported: answers in order, and scores computed again without a judge."""
    hostile = "a\u2028b \ud800 {{ x }} </script>\r\n"
    results = [
        graded("a", answer=hostile),
        graded("a", answer="", met=False, repeat=2),
        graded("b", answer="三"),
    ]
    path = export(tmp_path, results)
    assert load_answers(path).by_case == {"a": (hostile, ""), "b": ("三",)}
    found = list(read_allresults(path))
    assert [(r.prompt_id, r.repeat) for r in found] == [("a", 1), ("a", 2), ("b", 1)]
    for recorded, result in zip(found, results, strict=True):
        assert recorded.score == result.score.value
        again = points(recorded.verdicts)
        assert again.value == result.score.value
        assert again.facets == result.score.facets
        assert recorded.messages == result.messages
    again = export(tmp_path / "again", results)
    assert again.read_bytes() == path.read_bytes()


def test_unmeasured(tmp_path):
    """What was not measured is no example; it is counted by its state."""
    lost = graded("lost", state="judge_error", score=Score(value=None))
    cut = graded("cut", state="truncated", score=None)
    found = loaded(export(tmp_path, [lost, graded(), cut]))
    assert len(found["metadata"]["example_level_metadata"]) == len(found["convos"]) == 1
    assert found["metadata"]["unmeasured"] == {"judge_error": 1, "truncated": 1}


def test_nothing_measured(tmp_path):
    """Without a measured answer the score is null, never 0."""
    row = report_runs.row(value=None, raw=None, std=None, ci95=None, n=0, ungraded=1)
    found = loaded(export(tmp_path, [graded(state="empty", score=None)], rows=(row,)))
    assert found["score"] is None
    assert found["metrics"] == {}
    assert found["metadata"]["example_level_metadata"] == []


def test_undecided(tmp_path):
    """An undecided criterion is null, and comes back as undecided."""
    verdicts = (
        report_runs.verdict(report_runs.RESCUE, "met"),
        report_runs.verdict(PENALTY, "undecided"),
    )
    path = export(tmp_path, [report_runs.result(verdicts=verdicts, score=points(verdicts))])
    (found,) = read_allresults(path)
    assert [v.state for v in found.verdicts] == ["met", "undecided"]
    assert points(found.verdicts).value == found.score


def test_other_scales(tmp_path):
    """A verdict on a scale cannot be told as met or not met: no file rather than a wrong one."""
    verdicts = (report_runs.verdict(report_runs.RESCUE, "scored"),)
    results = [report_runs.result(verdicts=verdicts)]
    with pytest.raises(WriterError, match='a verdict "scored"'):
        export(tmp_path, results)
    assert list(tmp_path.iterdir()) == []


def test_several_models(tmp_path):
    """A run of several models becomes a file for each."""
    results = [graded(model="alpha"), graded(model="org/beta", answer="No.")]
    path = export(tmp_path, results, models=("alpha", "org/beta"))
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["r_allresults-triage-alpha.json", "r_allresults-triage-org-beta.json"]
    assert path.name == files[0]
    assert load_answers(tmp_path / files[1]).by_case == {"chest-pain": ("No.",)}


def test_empty_run(tmp_path):
    """A run without results is an error, not an empty benchmark."""
    with pytest.raises(WriterError, match="no results"):
        export(tmp_path, [], rows=())


def test_streams(tmp_path):
    """Memory does not grow with the run."""
    run, summary = report_runs.run_of((), models=("alpha",))
    many = type(run)(
        id="r", started="", settings={}, versions={}, results=report_runs.many(400), suites={}
    )
    tracemalloc.start()
    try:
        path = allresults.write(many, summary, tmp_path / "a.json")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 4
    assert len(load_answers(path).by_case) == 400


def test_figures_of_our_own_stay_out(tmp_path):
    """Length-adjusted scores go by their official name; worst-at-k and spread stay out."""
    _, summary = report_runs.run_of([graded()], models=("alpha",))
    overall = next(row for row in summary.rows if row.group == "overall")
    groups = ("length_adjusted", "worst_at:2", "run_std")
    rows = [replace(overall, group=group, value=0.25, std=None) for group in groups]
    summary = replace(summary, rows=(*summary.rows, *rows))
    found = allresults.metrics(summary, overall.model, overall.suite)
    assert found["overall_score_length_adjusted"] == 0.25
    assert not [name for name in found if name.startswith(("worst_at", "run_std"))]
