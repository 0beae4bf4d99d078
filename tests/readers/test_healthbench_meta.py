"""Rows of the meta-evaluation: answer, criterion and labels as they stand, errors together."""

import json

import pytest

from medcheck.errors import DatasetError
from medcheck.readers import healthbench_meta

CATEGORY = "cluster:hedging_no-uncertainty_hedges"


def record(**changes):
    """A made-up row in the official layout."""
    return {
        "anonymized_physician_ids": ["p1", "p2"],
        "binary_labels": [True, False],
        "category": CATEGORY,
        "completion": "多喝水\u2028，休息",
        "completion_id": "c1",
        "prompt": [{"content": "头痛三天", "role": "user"}],
        "prompt_id": "made-up",
        "rubric": "Says what is uncertain",
        "canary": "x",
    } | changes


def write(tmp_path, *rows):
    file = tmp_path / "meta.jsonl"
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    file.write_text(text, encoding="utf-8", newline="\n")
    return file


def failure(file):
    with pytest.raises(DatasetError) as caught:
        list(healthbench_meta.read(file, {}))
    return str(caught.value)


def test_case(tmp_path):
    """A row becomes a case: one criterion, the answer to judge, the labels and who gave them."""
    file = write(tmp_path, record(), record())
    first, second = healthbench_meta.read(file, {})
    assert (first.id, second.id) == ("meta-1", "meta-2")
    assert [(m.role, m.text) for m in first.messages] == [("user", "头痛三天")]
    (criterion,) = first.criteria
    assert (criterion.id, criterion.text, criterion.points) == ("1", "Says what is uncertain", 1)
    assert first.answers == {"completion": ("多喝水\u2028，休息",)}
    assert first.labels == {"1": [True, False], "physicians": ["p1", "p2"]}
    assert first.tags == (CATEGORY,)
    assert (second.origin.path, second.origin.line) == (str(file), 2)


def test_rows_share_what_they_repeat(tmp_path):
    """Criteria, categories and physicians that thousands of rows repeat are held once."""
    first, second = healthbench_meta.read(write(tmp_path, record(), record()), {})
    assert first.criteria is second.criteria
    assert first.tags is second.tags
    assert first.labels["physicians"][0] is second.labels["physicians"][0]


def test_empty_answer(tmp_path):
    """An empty answer can be judged like any other."""
    (case,) = healthbench_meta.read(write(tmp_path, record(completion="")), {})
    assert case.answers == {"completion": ("",)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"binary_labels": []}, "binary_labels is [], expected a list that is not empty."),
        ({"binary_labels": [True, 1]}, "binary_labels[1] is 1, expected true or false."),
        ({"binary_labels": [True]}, "1 binary_labels, but 2 physicians."),
        ({"anonymized_physician_ids": [1, 2]}, "anonymized_physician_ids is not a list of texts."),
        ({"category": ""}, 'category is "", expected a text.'),
        ({"rubric": None}, "rubric is null, expected a text."),
        ({"completion": None}, "completion is null, expected a text."),
        ({"prompt": []}, "prompt is [], expected a list that is not empty."),
        ({"labels": []}, 'the line has the unknown field "labels".'),
    ],
)
def test_malformed_row(tmp_path, changes, message):
    """A malformed row is an error with file, line, what was found and what was expected."""
    file = write(tmp_path, record(), record(**changes))
    assert failure(file).startswith(f"{file}:2: {message}")


def test_all_errors_at_once(tmp_path):
    """All malformed rows are reported together."""
    file = write(tmp_path, record(rubric=""), record(), record(category=1))
    assert [line.split(": ")[0] for line in failure(file).split("\n")] == [f"{file}:1", f"{file}:3"]


def test_no_rows(tmp_path):
    """An empty or a missing file is an error."""
    assert failure(write(tmp_path)).endswith("no row.")
    assert "medcheck fetch healthbench_meta" in failure(tmp_path / "none.jsonl")
