"""`medcheck usability`: score files of the original become rates, with the rule beside them."""

from __future__ import annotations

import csv
import json
import re
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
                {"category2": "甲" if n else "乙", "round": 1, "problem": "p", "groupCode": n + 1,
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
    assert "医疗知识: 50.00 % [0.00, 100.00] (3/6), 3 items, 2 missing" in told
    assert "  乙: 100.00 % (2/2), 1 items, 0 missing" in told
    assert "  甲: 25.00 % [0.00, 50.00] (1/4), 2 items, 2 missing" in told
    assert "医疗文本生成: 75.00 % [50.00, 100.00] (3/4), 2 items, 0 missing" in told
    op = r"^OP: 62.50 % \[\d+.\d\d, \d+.\d\d\], over 2 of 5 categories$"
    assert re.search(op, told, re.MULTILINE)
    assert "rule: per_run_pooled, OP macro, usable at 4, missing unusable; 2 of the scores" in told
    with Path("figures.json").open(encoding="utf-8") as file:
        found = json.load(file)
    assert (found["op"], found["categories"]["医疗知识"]["n"]) == (0.625, 6)
    assert found["op_ci95"][0] < 0.625 < found["op_ci95"][1]
    assert found["op_categories"] == 2
    part = found["subcategories"]["医疗知识/甲"]
    assert (part["rate"], part["ci95"], part["n"]) == (0.25, [0.0, 0.5], 4)
    assert found["subcategories"]["医疗知识/乙"]["ci95"] is None


def test_the_scripts_rule(files, capsys):
    """With the script's rules the figures are those that Aggregate.py prints."""
    assert (
        main(["usability", *files, "--score-rule", "mean_then_threshold", "--op-rule", "micro"])
        == 0
    )
    told = capsys.readouterr().out
    assert re.search(r"医疗知识: 33.33 % \[.*\] \(1/3\)", told)
    assert "OP: 40.00 %" in told


@pytest.mark.parametrize("threshold", ["nan", "inf", "0.9", "9", "x"])
def test_thresholds_beyond_the_scale_are_refused(files, capsys, threshold):
    """A threshold is a score of 1 to 5, as in a suite; anything else is no 0 %."""
    with pytest.raises(SystemExit):
        main(["usability", *files, "--threshold", threshold])
    assert f"{threshold}: a score from 1 to 5 is needed" in capsys.readouterr().err


def test_scores_in_another_field(files, capsys):
    """What Aggregate.py calls SCORE_FIELD can be named; a field that no item has is an error."""
    for name in files:
        text = Path(name).read_text(encoding="utf-8").replace("model_answer_score", "score_2")
        Path(name).write_text(text, encoding="utf-8")
    assert main(["usability", *files, "--field", "score_2"]) == 0
    assert "OP: 62.50 %" in capsys.readouterr().out
    assert main(["usability", *files]) != 0
    assert "no item has a model_answer_score" in capsys.readouterr().err


def test_people_rate_generated_texts(files, capsys):
    """Ratings by five dimensions take the judge's place in the last category, safety as a veto."""
    names = (
        "case_id",
        "model",
        "instruction_following",
        "correctness",
        "effectiveness",
        "readability",
        "safety",
    )
    rows = [("MTG-1-1", "demo", 5, 5, 3, 3, 1), ("MTG-2-1", "demo", 5, 5, 5, 5, 0)]
    with Path("texts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    given = ["usability", *files, "--text-ratings", "texts.csv", "--out", "f.json"]
    assert main(given) == 0
    told = capsys.readouterr().out
    assert "医疗文本生成: 50.00 % [0.00, 100.00] (1/2), 2 items, 0 missing" in told
    assert "OP: 50.00 %" in told
    source = "医疗文本生成 by people (texts.csv, model demo), ties and unrated texts left out"
    assert f"missing unusable; {source}; 2 of the scores missing" in told
    assert source in json.loads(Path("f.json").read_text(encoding="utf-8"))["rule"]
    assert main([*given, "--model", "weak"]) != 0
    assert 'texts.csv: no rating of the model "weak"' in capsys.readouterr().err
    assert main(["usability", *files, "--model", "weak"]) != 0
