"""Answers with labels come out of a suite as they are, drawn by category."""

from __future__ import annotations

from collections import Counter

import doubles
import pytest

from medcheck.certifying.bench import Said
from medcheck.certifying.labeled import balanced_f1, rows, subjects
from medcheck.errors import SettingsError
from medcheck.suites import load_suite


def test_rows_of_the_meta_evaluation(folder):
    """Answer, criterion, labels and category of each row; one cluster for each prompt."""
    found = subjects(load_suite(folder / "labels.yaml"), sample=None, seed=0)
    assert len(found) == 24
    assert found[0].answer == "Answer 0 is **ideal**."
    assert found[0].truth == {"1": (True, False)}
    assert found[0].category == f"cluster:{doubles.THEMES[0]}"
    assert len({subject.cluster for subject in found}) == 24


def test_a_sample_keeps_the_shares(folder):
    """A part is drawn by category with a seed, in the file's order."""
    suite = load_suite(folder / "labels.yaml")
    found = subjects(suite, sample=12, seed=3)
    assert Counter(subject.category for subject in found) == {
        f"cluster:{t}": 6 for t in doubles.THEMES
    }
    assert found == subjects(suite, sample=12, seed=3)
    assert found != subjects(suite, sample=12, seed=4)


def test_undecided_verdicts_are_no_rows(folder):
    """What the judge did not decide takes no part in agreement."""
    found = subjects(load_suite(folder / "labels.yaml"), sample=None, seed=0)
    verdicts = [{"1": Said(met=None)}] + [{"1": Said(met="ideal" in s.answer)} for s in found[1:]]
    kept = [row for _, row in rows(found, verdicts)]
    assert len(kept) == 23
    assert 0.85 < balanced_f1(kept) < 1


def test_a_suite_without_labels(folder):
    """A suite of questions only is refused by name."""
    (folder / "bare.yaml").write_text(
        "suite: bare\ngrader: {name: rubric, judges: [j]}\ncases:\n"
        "  - {id: a, prompt: Hello?, criteria: [{text: x, points: 1}]}\n", encoding="utf-8"
    )  # fmt: skip
    with pytest.raises(SettingsError, match='suite "bare" has no answers with labels'):
        subjects(load_suite(folder / "bare.yaml"), sample=None, seed=0)
