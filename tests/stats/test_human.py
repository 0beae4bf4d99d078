"""People and judge: pairs by answer, figures by group, intervals that draw conversations."""

from dataclasses import replace

import numpy as np
import pytest

from medcheck.scoring.usability import Rules
from medcheck.stats.agreement import Confusion, icc, krippendorff_alpha, spearman, weighted_kappa
from medcheck.stats.human import (
    FIGURES,
    POOLED,
    Pair,
    Rating,
    agreement_table,
    among_people,
    consensus,
    human_rate,
    matched,
)
from medcheck.types import Criterion, Result, Score, Verdict


def pairs(n=60, group="MK", seed=0, per=1):
    """Pairs of a judge that mostly agrees; `per` answers a conversation."""
    draw = np.random.default_rng(seed)
    made = []
    for number in range(n):
        human = int(draw.integers(1, 6))
        judge = min(5, max(1, human + int(draw.integers(-1, 2))))
        made.append(
            Pair(
                group=group, cluster=f"{group}-{number // per}", human=human >= 4,
                judge=judge >= 4, scores=(float(judge), float(human)),
            )
        )  # fmt: skip
    return made


def test_figures_are_those_of_the_measures():
    """Each figure of the table is what its own function says of the same pairs."""
    rows = pairs()
    [found] = agreement_table(rows, seed=1, n=50)
    counts = Confusion.of((row.judge, row.human) for row in rows)
    scores = [row.scores for row in rows]
    assert found.counts == counts
    for name in ("agreement", "kappa", "ac1", "mcc", "precision", "recall"):
        assert found.figures[name].value == pytest.approx(getattr(counts, name), abs=1e-12)
    assert found.figures["weighted_kappa"].value == weighted_kappa(scores)
    assert found.figures["icc"].value == icc(scores)["ICC(2,1)"]
    assert found.figures["spearman"].value == spearman(scores)
    assert (found.n, found.scored, found.clusters) == (60, 60, 60)
    for estimate in found.figures.values():
        assert estimate.ci95[0] <= estimate.value <= estimate.ci95[1]


def test_by_group_and_pooled():
    """Groups come first, the pool last; a group's figures do not depend on the others."""
    rows = [*pairs(group="MK"), *pairs(group="MR", seed=2)]
    table = agreement_table(rows, seed=1, n=50)
    assert [row.group for row in table] == ["MK", "MR", POOLED]
    assert table[2].n == 120
    assert table[2].counts == table[0].counts + table[1].counts
    assert agreement_table(rows[:60], seed=1, n=50)[0] == table[0]
    assert agreement_table(rows, seed=1, n=50) == table
    assert agreement_table(rows, seed=2, n=50) != table
    assert agreement_table([], seed=1) == ()


def test_conversations_are_drawn_whole():
    """Rounds of one conversation widen the interval that single questions would have."""
    rows = sorted(pairs(80), key=lambda row: (row.human, row.judge))
    alone = [Pair(group="MK", cluster=str(n), human=r.human, judge=r.judge)
             for n, r in enumerate(rows)]  # fmt: skip
    rounds = [Pair(group="MK", cluster=str(n // 8), human=r.human, judge=r.judge)
              for n, r in enumerate(rows)]  # fmt: skip

    def width(found):
        low, high = found[0].figures["agreement"].ci95
        return high - low

    assert width(agreement_table(rounds, seed=1, n=200)) > 1.3 * width(
        agreement_table(alone, seed=1, n=200)
    )


def test_what_is_not_there_is_none():
    """Without scores there is no figure of scores, without a spread none of chance, and no 0."""
    rows = [Pair(group="MK", cluster=str(n), human=True, judge=True) for n in range(5)]
    [found] = agreement_table(rows, seed=1, n=20)
    assert found.scored == 0
    for name in ("weighted_kappa", "icc", "spearman", "kappa", "mcc"):
        assert found.figures[name].value is None
        assert found.figures[name].ci95 is None
    assert found.figures["agreement"].value == 1
    assert set(found.figures) == set(FIGURES)
    assert "says little" in found.warning
    [one] = agreement_table(pairs(1), seed=1, n=20)
    assert one.figures["agreement"].ci95 is None


def rating(case_id, rater, usable=None, score=None, **more):
    """A rating."""
    return Rating(case_id=case_id, rater=rater, usable=usable, score=score, **more)


def test_people_together():
    """More than half decide, a tie is open, scores are averaged."""
    said = consensus(
        [
            rating("a", "1", usable=True, score=5),
            rating("a", "2", usable=True, score=4),
            rating("a", "3", usable=False),
            rating("b", "1", usable=True),
            rating("b", "2", usable=False),
            rating("c", "1", score=3),
        ]
    )
    first = said["a", None, 1]
    assert (first.usable, first.score, first.raters) == (True, 4.5, 3)
    assert said["b", None, 1].usable is None
    assert said["c", None, 1].usable is None


def test_ratings_without_a_model_are_never_lost():
    """They are of every model's answers: they count beside those that name one."""
    named = [rating("a", p, usable=False, model="m") for p in "123"]
    blank = [rating("a", p, usable=True) for p in "4567"]
    said = consensus([*named, *blank])
    assert (said["a", "m", 1].usable, said["a", "m", 1].raters) == (True, 7)
    assert (said["a", None, 1].usable, said["a", None, 1].raters) == (True, 4)


def test_the_rate_by_people():
    """People's own share of usable answers, of one model; ties are missing, not unusable."""
    ratings = [
        rating("a", "1", usable=True, model="m"),
        rating("b", "1", usable=False, model="m"),
        rating("c", "1", usable=True, model="m"),
        rating("c", "2", usable=False, model="m"),
        rating("a", "1", usable=False, model="n"),
    ]
    found = human_rate(ratings, model="m")
    assert (found.usable, found.n, found.missing, found.value) == (1, 2, 1, 0.5)
    assert human_rate(ratings, model="n").value == 0
    assert human_rate([], model="m").value is None


def test_people_among_themselves():
    """Figures of people alone: what a judge can be held against."""
    votes = [(True, True, False), (True, True, True), (False, False, False), (True, False, False)]
    marks = [(5, 4, 3), (5, 5, 4), (1, 2, 1), (4, 2, 2)]
    ratings = [
        rating(str(n), str(r), usable=vote, score=mark)
        for n, (row, scores) in enumerate(zip(votes, marks, strict=True))
        for r, (vote, mark) in enumerate(zip(row, scores, strict=True))
    ]
    found = among_people(ratings)
    assert (found.answers, found.raters) == (4, 3)
    assert found.agreement == pytest.approx((1 + 3 + 3 + 1) / 12)
    assert found.alpha == krippendorff_alpha(votes)
    assert found.icc == pytest.approx(icc(marks)["ICC(2,1)"])
    assert found.fleiss is not None
    uneven = among_people([*ratings, rating("9", "0", usable=True), rating("8", "0", usable=True),
                           rating("8", "1", usable=True)])  # fmt: skip
    assert uneven.fleiss is None
    assert uneven.answers == 5
    alone = among_people([rating("a", "1", usable=True, score=4)])
    assert (alone.answers, alone.agreement, alone.alpha, alone.icc) == (0, None, None, None)


def result(case_id, *runs, model="m", repeat=1):
    """An answer that a judge graded; without runs it was not measured."""
    criterion = Criterion(id="score", text="", points=1, scale=(1, 5))
    verdict = Verdict(criterion=criterion, state="scored", value=1)
    facets = {f"run:{n}": float(score) for n, score in enumerate(runs, start=1)}
    value = sum(runs) / len(runs) if runs else None
    return Result(
        run="r", case_id=case_id, suite="s", model=model, repeat=repeat, state="scored",
        score=Score(value=value, facets=facets, verdicts=(verdict,)),
        tags=("turn:multi",), category=("医疗知识", "x"),
    )  # fmt: skip


def test_a_failed_run_makes_no_pair():
    """An answer of which one run has no score is unmeasured here too, whatever the other runs."""
    graded = result("MK-5-1", 5, 5)
    partly = replace(graded, score=replace(graded.score, value=None))
    found = matched([partly], [rating("MK-5-1", "甲", usable=True)], rules=Rules(), runs=3)
    assert (found.pairs, found.unmeasured) == ((), 1)


def test_answers_and_ratings_meet():
    """Pairs are of the same case, model and repeat; what has no partner is counted, not paired."""
    results = [
        result("MK-5-1", 5, 4, 4),
        result("MK-5-2", 3, 3, 5),
        result("MK-6-1"),
        result("MK-7-1", 5, 5, 5),
        result("MK-8-1", 5, 5, 5),
        result("MK-5-1", 1, 1, 1, model="n"),
    ]
    ratings = [
        rating("MK-5-1", "甲", usable=True, score=5, model="m"),
        rating("MK-5-1", "甲", usable=False, model="n"),
        rating("MK-5-2", "甲", usable=True),
        rating("MK-6-1", "甲", usable=False),
        rating("MK-7-1", "甲", usable=True),
        rating("MK-7-1", "乙", usable=False),
        rating("MK-99-1", "甲", usable=True),
    ]
    found = matched(results, ratings, rules=Rules(), runs=3)
    assert [(pair.judge, pair.human) for pair in found.pairs] == [
        (True, True), (False, True), (False, False),
    ]  # fmt: skip
    assert found.pairs[0].scores == (pytest.approx(13 / 3), 5)
    assert found.pairs[1].scores is None
    assert {pair.cluster for pair in found.pairs} == {"医疗知识/MK-5"}
    assert {pair.group for pair in found.pairs} == {"医疗知识"}
    assert (found.unrated, found.unmeasured) == (2, 1)
    assert [each.case_id for each in found.strays] == ["MK-99-1"]


def test_ratings_of_another_model_or_repeat_are_strays():
    """A rating of a known case is a stray all the same if its model or repeat is not there."""
    said = [
        rating("MK-5-1", "甲", usable=True, model="M"),
        rating("MK-5-1", "乙", usable=True, model="m"),
        replace(rating("MK-5-1", "甲", usable=True), repeat=2),
        rating("MK-5-1", "丙", usable=True),
    ]
    found = matched([result("MK-5-1", 5, 5, 5)], said, rules=Rules(), runs=3)
    assert found.strays == (said[0], said[2])
