"""Samples are drawn once: stratified, whole conversations, and locked by what they hold."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from refine_runs import ratings, result

from medcheck.errors import DatasetError, SettingsError
from medcheck.refining.samples import (
    FILE,
    SIDES,
    Lock,
    draw,
    hashes,
    rated_cases,
    read,
    write,
)
from medcheck.suites import load_suite

LOCK = Lock(
    suite="s",
    run="r",
    ratings=("a.csv",),
    judges=("j",),
    conditions="c",
    seed=0,
    calibration=0.5,
    target=0.6,
    epsilon=0.02,
    max_rounds=5,
    samples={"calibration": {"a": "1"}, "validation": {"b": "2"}},
)
CASES = {f"{c}-{g}-{r}": (c, f"{c}-{g}") for c in "xy" for g in range(10) for r in (1, 2)}


def test_samples_are_disjoint_and_complete():
    """Each case is on one side, and the rounds of a conversation are on the same one."""
    found = draw(CASES, share=0.5, seed=1)
    assert set(found["calibration"]) | set(found["validation"]) == set(CASES)
    assert not set(found["calibration"]) & set(found["validation"])
    sides = [{CASES[name] for name in found[side]} for side in SIDES]
    assert not sides[0] & sides[1]


@pytest.mark.parametrize(
    ("share", "learned"), [(0.5, 5), (0.7, 7), (0.29, 2), (0.01, 1), (0.99, 9)]
)
def test_every_category_has_its_share(share, learned):
    """The share holds within each category, rounded down, and no side is left without it."""
    found = draw(CASES, share=share, seed=0)
    for category in "xy":
        drawn = {CASES[n] for n in found["calibration"] if CASES[n][0] == category}
        assert len(drawn) == learned


def test_a_category_of_one_conversation_is_held_out():
    """What cannot be on both sides is on the one whose figures are reported."""
    found = draw({"a-1-1": ("a", "a-1")}, share=0.5, seed=0)
    assert found == {"calibration": (), "validation": ("a-1-1",)}


def test_the_drawing_repeats_and_depends_on_its_seed():
    """The same seed draws the same; a category more does not move the cases of another."""
    first = draw(CASES, share=0.5, seed=0)
    assert draw(dict(reversed(CASES.items())), share=0.5, seed=0) == first
    assert any(draw(CASES, share=0.5, seed=n) != first for n in range(1, 4))
    more = draw({**CASES, "z-1-1": ("z", "z-1")}, share=0.5, seed=0)
    assert set(more["calibration"]) >= set(first["calibration"])


def test_only_answers_with_a_verdict_of_people_count():
    """Unrated answers, ties of people and lost answers hold nothing against a judge."""
    tied = [*ratings({"d": 5}), replace(ratings({"d": 1})[0], rater="q")]
    said = [*ratings({"a": 5, "c": 2}), *tied]
    results = [result("a", [4]), result("b", [4]), result("c", [4], state="judge_error"),
               result("d", [4])]  # fmt: skip
    assert rated_cases(results, said) == {"a": ("医疗推理", "a")}


@pytest.mark.parametrize("changed", ["question", "checklist", "answer", "rating", "rater"])
def test_a_changed_sample_is_refused(tmp_path, changed):
    """Whatever a verdict rests on is locked: a change of it names the case."""

    def suite(question="q", checklist="核心需求：1"):
        path = tmp_path / "s.yaml"
        case = f"{{id: a, prompt: {question}, criteria: [{{text: '{checklist}', points: 1}}]}}"
        path.write_text(f"suite: s\ngrader: {{name: rubric, judges: [j]}}\ncases: [{case}]\n",
                        encoding="utf-8")  # fmt: skip
        return load_suite(path)

    said = ratings({"a": 5})
    before = hashes(suite(), [result("a", [4])], said, ["a"])
    lock = replace(LOCK, samples={"calibration": before, "validation": {}})
    lock.check(hashes(suite(), [result("a", [1])], said, ["a", "gone"]))
    after = {
        "question": lambda: hashes(suite(question="r"), [result("a", [4])], said, ["a"]),
        "checklist": lambda: hashes(suite(checklist="x"), [result("a", [4])], said, ["a"]),
        "answer": lambda: hashes(suite(), [result("a", [4], model="n")], said, ["a"]),
        "rating": lambda: hashes(suite(), [result("a", [4])], ratings({"a": 4}), ["a"]),
        "rater": lambda: hashes(suite(), [result("a", [4])], [replace(said[0], rater="q")], ["a"]),
    }[changed]()
    with pytest.raises(SettingsError, match=r"locked sample has changed: a\."):
        lock.check(after)


def test_many_changed_cases_are_counted():
    """The message names five and counts the others."""
    lock = replace(
        LOCK, samples={"calibration": {f"c{n}": "1" for n in range(8)}, "validation": {}}
    )
    with pytest.raises(SettingsError, match="c0, c1, c2, c3, c4 and 3 more"):
        lock.check({})


def test_a_lock_comes_back_as_it_was(tmp_path):
    """What is read is what was written; a file that somebody edited is refused."""
    write(LOCK, tmp_path)
    assert read(tmp_path) == LOCK
    assert read(tmp_path).cases == {"a", "b"}
    path = tmp_path / FILE
    kept = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**kept, "target": 0.1}), encoding="utf-8")
    with pytest.raises(DatasetError, match="the lock was changed"):
        read(tmp_path)
    for text in ("[]", "{", '{"sha256": "x"}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DatasetError, match="not the lock of a refinement"):
            read(tmp_path)


def test_a_folder_without_a_lock_says_how_to_begin(tmp_path):
    """The error names the command."""
    with pytest.raises(DatasetError, match="medcheck refine start"):
        read(tmp_path)
