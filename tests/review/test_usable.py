"""Agreement on usable or not, as people read it: every figure with n, interval and warning."""

from __future__ import annotations

from dataclasses import replace

import pytest
from refine_runs import pairs, ratings, result

from medcheck.errors import DatasetError
from medcheck.review.usable import SCORES, VERDICTS, cell, check, table, tables, text
from medcheck.stats.human import Estimate, agreement_table
from medcheck.types import Run


def test_published_counts_give_the_known_kappa():
    """Kappa, MCC, precision and recall stand in the table. Source: arXiv 2506.04078 figure 6."""
    head, row = table(agreement_table(pairs(16, 6, 40, 40), seed=0), VERDICTS)
    assert head.split() == [
        "category", "n", "conversations", "agreement", "kappa", "AC1", "MCC", "precision", "recall",
    ]  # fmt: skip
    assert row.split()[:3] == ["MR", "102", "102"]
    assert " 0.146 [" in row
    assert " 0.286 [" in row  # 16/56
    assert " 0.727 [" in row  # 16/22


def test_an_empty_percentage_is_warned_of():
    """Where nearly all answers are unusable, percent agreement says little."""
    lines = list(tables(agreement_table(pairs(1, 1, 9, 91), seed=0)))
    assert any("percent agreement 0.902 says little" in line for line in lines)
    assert not any(name in line for line in lines for name in SCORES.values())


def test_intervals_that_tell_nothing_are_left_out():
    """Full agreement has no interval, an undefined figure is a dash, and 0 has no sign."""
    assert cell(Estimate(value=1.0, ci95=(1.0, 1.0))) == "1.000"
    assert cell(Estimate(value=None, ci95=None)) == "-"
    assert cell(Estimate(value=-0.0, ci95=(-0.0001, 0.5))) == "0.000 [0.000, 0.500]"


def test_a_run_is_told_by_suite():
    """Answers without a verdict are counted, strays named, people compared with each other."""
    told = {"usability": {"runs": 1}}
    run = Run(id="r", started="", settings={}, versions={}, suites={"s": told, "t": {}},
              results=(result("a", [5]), result("b", [2]), result("c", [5])))  # fmt: skip
    said = [*ratings({"a": 5, "b": 1, "z": 3}), replace(ratings({"a": 4})[0], rater="q")]
    lines = list(text(run, said, seed=0))
    assert lines[0] == "run r: 4 ratings by 2 people"
    assert "s: 2 answers with a verdict of judge and people; 1 not rated or tied" in lines[2]
    assert "ratings of answers that are not there: 1, of z" in lines
    assert any("weighted kappa" in line for line in lines)
    assert any(line.startswith("people among themselves, 1 answers") for line in lines)
    assert not any(line.startswith("t:") for line in lines)


def test_ratings_of_an_unknown_model_are_refused():
    """A model that the run does not have is told with its first row, before any figure."""
    answers = [result("a", [5]), result("b", [2])]
    said = [
        replace(each, where=f"p.csv:{row}")
        for row, each in enumerate([*ratings({"a": 5}), *ratings({"a": 5, "b": 1}, model="M")], 2)
    ]
    with pytest.raises(DatasetError) as caught:
        check(said, answers, of="run r")
    assert str(caught.value) == (
        'p.csv:3: model "M" is not in run r, but 2 ratings are of it. Known: m.'
    )
    check([*said[:1], *ratings({"z": 3})], answers, of="run r")


def test_ratings_of_nothing_are_refused():
    """Ratings of which none has an answer give an error, not empty tables."""
    for answers in ([result("a", [5])], []):
        with pytest.raises(DatasetError, match="none of 2 ratings is of an answer of run r"):
            check(ratings({"y": 5, "z": 1}), answers, of="run r")
