"""HELM's configurable benchmarks are read as they are, and become a suite."""

from __future__ import annotations

import json

import medhelm_files as files
import pytest
import yaml

from medcheck.errors import DatasetError
from medcheck.readers import helm_yaml

PROMPT = 'Note:\n{note}\nQuestion: {question}\nReply in JSON: {{"answer": "..."}}\n'
ROWS = [
    {
        "note": "BP {high}",
        "question": "High?",
        "correct_answer": "Yes",
        "incorrect_answers": '["No"]',
    },
    {
        "note": "{note} {{x}}",
        "question": "Low?",
        "correct_answer": "No",
        "incorrect_answers": '["Yes"]',
    },
]
CONFIG = {
    "name": "EXACT-MATCH-DEMO",
    "description": "Yes or no from a note.",
    "prompt_file": "prompt.txt",
    "dataset_file": "data.csv",
    "max_tokens": 5,
    "metrics": [{"name": "exact_match"}],
}
JURY = {
    "name": "jury_score",
    "prompt_file": "judge.txt",
    "judges": [
        {"name": "stanford/gpt-4o", "model_name": "openai/gpt-4o"},
        {"name": "x/claude", "model_name": "anthropic/claude-3-7-sonnet"},
    ],
}
RUBRIC = (
    'Judge it.\n<rubric_criteria>\n{"accuracy": ["score", "explanation"], '
    '"tone": ["score", "explanation"]}\n</rubric_criteria>\n'
)


@pytest.fixture
def folder(tmp_path):
    """Return a benchmark's folder."""
    files.put(tmp_path / "prompt.txt", PROMPT)
    files.put(tmp_path / "data.csv", files.table_text(ROWS, tuple(ROWS[0])))
    files.put(tmp_path / "judge.txt", RUBRIC)
    write(tmp_path)
    return tmp_path


def write(folder, name="bench.yaml", **changes):
    return files.put(folder / name, yaml.safe_dump({**CONFIG, **changes}))


def failure(path, **options):
    with pytest.raises(DatasetError) as caught:
        list(helm_yaml.read(path, options))
    return str(caught.value)


def test_cases(folder):
    """Columns are filled in once: braces of a cell stay text, doubled ones become one."""
    first, second = helm_yaml.read(folder, {})
    assert first.id == "exact-match-demo-1"
    assert first.messages[0].text == (
        'Note:\nBP {high}\nQuestion: High?\nReply in JSON: {"answer": "..."}'
    )
    assert "{note} {{x}}" in second.messages[0].text
    assert first.references == ("Yes",)
    assert first.labels["task"] == {"name": "exact-match-demo", "incorrect": ["No"]}
    assert [c.id for c in first.criteria] == ["answer"]
    assert [c.id for c in helm_yaml.read(folder / "bench.yaml", {})] == [first.id, second.id]


def test_a_folder_of_several(folder):
    """Among several benchmarks one is named; files may stand beside each other in its folders."""
    files.put(folder / "config" / "other.yaml", yaml.safe_dump(
        {**CONFIG, "name": "Other one", "prompt_file": "../prompt.txt",
         "dataset_file": "../data.csv"}
    ))  # fmt: skip
    assert "bench.yaml, config/other.yaml" in failure(folder)
    first, _ = helm_yaml.read(folder, {"config": "config/other.yaml"})
    assert first.id == "other-one-1"


def test_the_place_in_the_taxonomy(folder):
    """A benchmark of one's own can be placed."""
    first, _ = helm_yaml.read(folder, {"category": "Planning Treatments"})
    assert first.category == ("clinical_decision_support", "planning_treatments")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"prompt_file": "../outside.txt"}, '"../outside.txt" leads out of the folder'),
        ({"prompt_file": "/etc/passwd"}, "leads out of the folder"),
        ({"dataset_file": "none.csv"}, "none.csv: no such file"),
        ({"max_tokens": "many"}, 'max_tokens is "many"'),
        ({"metrics": []}, "metrics is []"),
        ({"metrics": [{"name": "exactmatch"}]}, 'Did you mean "exact_match"'),
        ({"metrics": ["exact_match"]}, "expected an object"),
        ({"metric": 1}, 'unknown field "metric"'),
        ({"metrics": [{**JURY, "prompt_file": "prompt.txt"}]}, "no <rubric_criteria>"),
        ({"metrics": [{"name": "jury_score"}]}, "lacks the field"),
    ],
)
def test_benchmarks_that_cannot_be_used(folder, changes, told):
    """Files outside the folder, unknown fields and metrics are refused by name."""
    write(folder, **changes)
    assert told in failure(folder)


def test_files_that_are_none(folder, tmp_path):
    """What is no YAML, and a folder without a benchmark, are refused."""
    assert "not YAML" in failure(files.put(tmp_path / "bad.yaml", "a: [1"))
    (tmp_path / "empty").mkdir()
    assert "benchmark files in the folder: none" in failure(tmp_path / "empty")


def test_a_rubric_that_is_none(folder):
    """A rubric that is no object of criteria is refused."""
    files.put(folder / "judge.txt", "<rubric_criteria>{}</rubric_criteria>")
    write(folder, metrics=[JURY])
    assert "rubric_criteria is {}" in failure(folder)


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("{gone}", 'no column "gone"'),
        ("{note!r}", 'no column "note!r"'),
        ("{note.__class__}", 'no column "note.__class__"'),
        ("{}", 'stray "{}"'),
        ("a } b", 'stray "}"'),
    ],
)
def test_prompts_that_cannot_be_filled(folder, prompt, told):
    """A column that is not there, and anything but a plain name, is refused."""
    files.put(folder / "prompt.txt", prompt)
    assert told in failure(folder)


def test_rows_that_cannot_be_used(folder):
    """An empty right answer and unreadable wrong ones are told with their row."""
    rows = [{**ROWS[0], "correct_answer": ""}, {**ROWS[1], "incorrect_answers": "Yes"}]
    files.put(folder / "data.csv", files.table_text(rows, tuple(ROWS[0])))
    text = failure(folder)
    assert "data.csv:2: correct_answer is empty" in text
    assert "data.csv:3: not JSON" in text


def test_right_and_wrong_at_once(folder):
    """A right answer that stands among the incorrect ones is an error."""
    rows = [{**ROWS[0], "incorrect_answers": json.dumps(["No", "Yes"])}]
    files.put(folder / "data.csv", files.table_text(rows, tuple(ROWS[0])))
    (doubt,) = helm_yaml.lint(helm_yaml.read(folder, {}))
    assert (doubt.severity, doubt.rule) == ("error", "right_and_wrong")


def test_a_suite_of_metrics(folder):
    """Metrics keep their order; those that need a model of their own are named as left out."""
    names = ["rouge_l", "exact_match", "BERTScore-F"]
    write(folder, metrics=[{"name": name} for name in names])
    suite, left_out = helm_yaml.suite_of(folder, data_path="data/mine")
    assert suite["grader"] == {"name": "short_answer", "metric": ["rouge_l", "exact_match"]}
    assert suite["data"] == {
        "format": "helm_yaml", "path": "data/mine", "options": {"config": "bench.yaml"},
    }  # fmt: skip
    assert suite["suite"] == "exact-match-demo"
    assert suite["params"] == {"temperature": 0, "max_tokens": 5}
    assert left_out == ("BERTScore-F needs a model of its own; it is left out.",)


def test_a_suite_of_a_jury(folder):
    """The jury's criteria and judges come from the benchmark, or the judges from a judges.yaml."""
    write(folder, metrics=[JURY, {"name": "exact_match"}])
    suite, left_out = helm_yaml.suite_of(folder / "bench.yaml", data_path="data/bench.yaml")
    assert suite["grader"] == {
        "name": "jury", "judges": ["gpt-4o", "claude-3-7-sonnet"], "criteria": ["accuracy", "tone"],
        "scale": [1, 5],
    }  # fmt: skip
    assert "options" not in suite["data"]
    assert any("exact_match" in note for note in left_out)
    judges = files.put(
        folder / "j" / "judges.yaml",
        yaml.safe_dump(
            {"judges": [{"name": "l", "model": "meta/llama-3.3", "model_deployment": "x"}]}
        ),
    )
    assert helm_yaml.judges_of(judges) == ("llama-3.3",)
    suite, _ = helm_yaml.suite_of(folder / "bench.yaml", data_path="d", judges=judges)
    assert suite["grader"]["judges"] == ["llama-3.3"]


@pytest.mark.parametrize("key", ["model", "model_name"])
def test_judges_in_either_form(folder, key):
    """A judge in the benchmark's file may name its model as a judges.yaml does."""
    entry = {"name": "a", key: "openai/gpt-4.1", "model_deployment": "x/gpt"}
    write(folder, metrics=[{**JURY, "judges": [entry]}])
    suite, _ = helm_yaml.suite_of(folder, data_path="d")
    assert suite["grader"]["judges"] == ["gpt-4.1"]


@pytest.mark.parametrize("judges", [None, [], [{"name": "a"}]])
def test_judges_that_are_not_used(folder, judges):
    """Judges that a judges.yaml replaces are not read; without one they are refused."""
    write(folder, metrics=[{**JURY, "judges": judges}])
    entry = {"name": "l", "model": "meta/llama-3.3"}
    other = files.put(folder / "j" / "judges.yaml", yaml.safe_dump({"judges": [entry]}))
    suite, _ = helm_yaml.suite_of(folder / "bench.yaml", data_path="d", judges=other)
    assert suite["grader"]["judges"] == ["llama-3.3"]
    assert len(list(helm_yaml.read(folder / "bench.yaml", {}))) == 2
    with pytest.raises(DatasetError, match="judge"):
        helm_yaml.suite_of(folder / "bench.yaml", data_path="d")


def test_the_scale_of_a_jury_is_told(folder):
    """The scale of the marks is the suite's, not the prompt's, and is among what is left out."""
    write(folder, metrics=[JURY])
    suite, left_out = helm_yaml.suite_of(folder, data_path="d")
    assert suite["grader"]["scale"] == [1, 5]
    assert any("from 1 to 5" in note for note in left_out)


def test_the_main_metric_leads(folder):
    """The metric that a benchmark calls main is the score, wherever it stands."""
    write(folder, metrics=[{"name": "exact_match"}, {"name": "rouge_l", "main": True}])
    suite, _ = helm_yaml.suite_of(folder, data_path="d")
    assert suite["grader"]["metric"] == ["rouge_l", "exact_match"]


def test_a_jury_needs_no_gold(folder):
    """With the jury alone the data set needs no right answers."""
    write(folder, metrics=[JURY])
    rows = [{"note": "n", "question": "q"}]
    files.put(folder / "data.csv", files.table_text(rows, ("note", "question")))
    (case,) = helm_yaml.read(folder, {})
    assert (case.references, case.criteria) == ((), ())
