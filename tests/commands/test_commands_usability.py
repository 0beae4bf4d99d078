"""`medcheck usability`: score files of the original become rates, with the rule beside them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from medcheck.__main__ import main

KEYS = {"医疗知识": 3, "医疗文本生成": 2}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write two score files: one item of each kind of score."""
    monkeypatch.chdir(tmp_path)
    for run, scores in enumerate(([5, 3, ""], [4, 4, "-1"]), start=1):
        data = {
            key: [
                {"category2": "x", "round": 1, "problem": "p", "groupCode": n + 1,
                 "sanswer": "s", "model_answer": "a", "model_answer_score": scores[n]}
                for n in range(size)
            ]
            for key, size in KEYS.items()
        }  # fmt: skip
        path = tmp_path / f"run{run}.json"
        path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return ["run1.json", "run2.json"]


def test_the_papers_rule(files, capsys):
    """Runs are pooled, the OP is the mean of the rates, missing scores are unusable and counted."""
    assert main(["usability", *files, "--out", "figures.json"]) == 0
    told = capsys.readouterr().out
    assert "医疗知识: 50.00 % (3/6), 3 items, 2 missing" in told
    assert "医疗文本生成: 75.00 % (3/4), 2 items, 0 missing" in told
    assert "OP: 62.50 %" in told
    assert "rule: per_run_pooled, OP macro, usable at 4, missing unusable; 2 of the scores" in told
    with Path("figures.json").open(encoding="utf-8") as file:
        found = json.load(file)
    assert (found["op"], found["categories"]["医疗知识"]["n"]) == (0.625, 6)


def test_the_scripts_rule(files, capsys):
    """With the script's rules the figures are those that Aggregate.py prints."""
    assert (
        main(["usability", *files, "--score-rule", "mean_then_threshold", "--op-rule", "micro"])
        == 0
    )
    told = capsys.readouterr().out
    assert "医疗知识: 33.33 % (1/3)" in told
    assert "OP: 40.00 %" in told


def test_people_rate_generated_texts(files, capsys):
    """Ratings by five dimensions take the judge's place in the last category, safety as a veto."""
    names = (
        "case_id",
        "instruction_following",
        "correctness",
        "effectiveness",
        "readability",
        "safety",
    )
    with Path("texts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, ("MTG-1-1", 5, 5, 3, 3, 1), ("MTG-2-1", 5, 5, 5, 5, 0)])
    assert main(["usability", *files, "--text-ratings", "texts.csv"]) == 0
    told = capsys.readouterr().out
    assert "医疗文本生成: 50.00 % (1/2), 2 items, 0 missing" in told
    assert "OP: 50.00 %" in told
