"""Score files of LLMEval-Med's scripts are taken as they are; what is no score is missing."""

import json

import pytest

from medcheck.errors import DatasetError
from medcheck.readers._llmeval_scores import load_scores
from medcheck.scoring.usability import Rules, usability

BASE = {"category2": "药物相关", "problem": "问", "round": 1, "sanswer": "答"}


def write(folder, name, scores, *, category="医疗知识", more=None):
    """Write a score file: one item a score, groups from 1; `...` leaves the score out."""
    items = []
    for group, score in enumerate(scores, start=1):
        item = {**BASE, "groupCode": group, "model_answer": "甲", "model_answer_judgement": "[4]"}
        items.append(item if score is ... else {**item, "model_answer_score": score})
    path = folder / f"{name}.json"
    path.write_text(json.dumps({category: items, **(more or {})}), encoding="utf-8")
    return path


def test_runs_are_matched_by_their_key(tmp_path):
    """One to three files give each item one score a file, in the first file's order."""
    paths = [
        write(tmp_path, "a", ["5", 4, 3.5]),
        write(tmp_path, "b", ["4", "1"]),
        write(tmp_path, "c", [5, 5, 5, 5]),
    ]
    found = load_scores(paths)
    assert [item.id for item in found.items] == ["MK-1-1", "MK-2-1", "MK-3-1", "MK-4-1"]
    assert [item.scores for item in found.items] == [
        (5, 4, 5), (4, 1, 5), (3.5, None, 5), (None, None, 5),
    ]  # fmt: skip
    assert found.missing == 3
    assert found.items[0].category == "医疗知识"
    assert found.items[0].subcategory == "药物相关"
    assert found.items[0].conversation == "MK-1"
    assert load_scores(paths[:1]).items[0].scores == (5,)


def test_the_scripts_own_figures(tmp_path):
    """Under the script's rules the figure is the script's: missing counts, the mean decides."""
    paths = [write(tmp_path, "a", ["5", "", "3"]), write(tmp_path, "b", ["3", -1, "4"])]
    script = Rules(score_rule="mean_then_threshold", op_rule="micro", missing="unusable")
    found = usability(load_scores(paths).items, script)
    assert found.op == pytest.approx(1 / 3)
    assert found.missing == 1
    paper = Rules(missing="unusable")
    assert usability(load_scores(paths).items, paper).op == pytest.approx(2 / 6)


@pytest.mark.parametrize("score", ["", "-1", -1, None, float("nan"), ...])
def test_errors_of_the_original_are_missing(tmp_path, score):
    """What the original writes for an error is missing, neither a score nor a crash."""
    found = load_scores([write(tmp_path, "a", [5, score])])
    assert found.items[1].scores == (None,)
    assert (found.missing, found.out_of_range) == (1, 0)


@pytest.mark.parametrize("score", ["12", 6, -2, "2024"])
def test_citations_beyond_the_scale_are_told(tmp_path, score):
    """A number beyond 0 to 5 is missing, as in the script, and counted."""
    found = load_scores([write(tmp_path, "a", [5, score])])
    assert found.items[1].scores == (None,)
    assert (found.missing, found.out_of_range) == (1, 1)


@pytest.mark.parametrize("score", ["good", "nan", True, [5], {}])
def test_other_values_are_refused(tmp_path, score):
    """Anything else is an error with its place."""
    with pytest.raises(DatasetError, match=r"a\.json: 医疗知识\[1\]: model_answer_score is"):
        load_scores([write(tmp_path, "a", [5, score])])


def test_a_file_without_scores_is_refused(tmp_path):
    """A file of answers that nobody graded is no run of zero usable answers."""
    with pytest.raises(DatasetError, match="no item has a model_answer_score"):
        load_scores([write(tmp_path, "a", [..., ...])])


def test_a_run_of_the_judge_that_failed(tmp_path):
    """A file whose scores are all missing is a run that failed: counted, and alone no rate."""
    lost = write(tmp_path, "b", ["", "-1"])
    found = load_scores([write(tmp_path, "a", [5, 4]), lost])
    assert [item.scores for item in found.items] == [(5, None), (4, None)]
    assert found.missing == 2
    rules = Rules(missing="unusable")
    assert usability(found.items, rules).op == 0.5
    assert usability(load_scores([lost]).items, rules).op is None


def test_items_stand_once(tmp_path):
    """The same key twice in one file is an error; another category is another key."""
    item = {**BASE, "groupCode": 1, "model_answer_score": 5}
    path = write(tmp_path, "a", [5], more={"医疗推理": [item]})
    assert [found.id for found in load_scores([path]).items] == ["MK-1-1", "MR-1-1"]
    with pytest.raises(DatasetError, match="stand twice"):
        load_scores([write(tmp_path, "b", [5], more={"医疗推理": [item, item]})])


def test_another_column(tmp_path):
    """The score may stand in a field of another name."""
    item = {**BASE, "groupCode": 1, "claude_score": "3"}
    path = write(tmp_path, "a", [], more={"医疗推理": [item]})
    assert load_scores([path], column="claude_score").items[0].scores == (3,)
