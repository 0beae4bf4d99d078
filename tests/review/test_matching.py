"""Each rating finds its one point, or is an error that names file, row, value and what is known."""

import pytest
from review_runs import answer, criterion, panel_run, run_of, scaled_run, table, verdict

from medcheck.errors import DatasetError
from medcheck.review.matching import WORDS, match, value_of
from medcheck.review.queue import item_of, points_of
from medcheck.types import Criterion


def point(of=None):
    """Return one point to rate."""
    (found,) = points_of(answer("a", [verdict(of or criterion(), "+++")]))
    return found


def failure(run, path):
    """Return the lines of the error that matching raises."""
    with pytest.raises(DatasetError) as raised:
        match(run, [path])
    return str(raised.value).splitlines()


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("met", "Met", " MET ", "met 符合", "yes", "True", "1", "符合", "是", "１"), 1.0),
        (("not met", "Not  Met", "not_met", "no", "FALSE", "0", "不符合", "否"), 0.0),
        (("not met 不符合", "ｎｏｔ ｍｅｔ"), 0.0),
        (("cannot tell", "can't tell", "无法判断", "cannot tell 无法判断", "不确定"), None),
    ],
)
def test_words(words, value):
    """Verdicts in English and Chinese, in any case and width, mean the same."""
    assert [value_of(word, point()) for word in words] == [value] * len(words)


def test_no_word_has_two_meanings():
    """Every word stands for one verdict."""
    words = [word for words in WORDS.values() for word in words]
    assert len(words) == len(set(words))


def test_scores():
    """On a scale a number within it counts, a full-width one and one with 分 too."""
    scored = point(Criterion(id="s", text="t", points=1, scale=(1.0, 5.0)))
    assert [value_of(text, scored) for text in ("4", "５", "3分", "3.5", "无法判断")] == [
        4.0, 5.0, 3.0, 3.5, None,
    ]  # fmt: skip
    for text in ("0", "6", "met", "nan", "inf", "-"):
        with pytest.raises(DatasetError, match=rf'score "{text}", expected 1 to 5'):
            value_of(text, scored)


@pytest.mark.parametrize("text", ["4", "maybe", "mett", "符", "2"])
def test_wrong_verdicts(text):
    """Any other word on a criterion is refused and named, with what was expected."""
    with pytest.raises(DatasetError, match=f'verdict "{text}", expected met, not met or cannot'):
        value_of(text, point())


def test_items_and_names_find_the_same_points(tmp_path):
    """An item id and the names of case, model and criterion are two ways to one point."""
    run = panel_run(4)
    points = [(item_of(run, p), p) for r in run.results for p in points_of(r)]
    items = [{"item": item, "verdict": "met", "rater": "a"} for item, _ in points]
    names = [
        {"case_id": p.case_id, "criterion": p.criterion_id, "model": p.model, "verdict": "met",
         "rater": "b", "comment": "好"}
        for _, p in points
    ]  # fmt: skip
    paths = [table(tmp_path / "a.csv", items), table(tmp_path / "b.jsonl", names)]
    found = match(run, paths)
    by_rater = {who: [(r.item, r.point) for r in found.ratings if r.rater == who] for who in "ab"}
    assert by_rater["a"] == by_rater["b"] == points
    assert {rating.comment for rating in found.ratings} == {"", "好"}
    assert (found.run, found.seed, found.blank) == ("run-1", 0, 0)


def test_the_population_is_the_whole_run(tmp_path):
    """Points are counted by stratum whether they were rated or not; lost ones are not."""
    run = panel_run(10)
    lost = answer("z", [verdict(criterion(), "++x")])
    run = run_of([*run.results, lost])
    path = table(tmp_path / "a.csv", [{"case_id": "case-00", "model": "alpha", "criterion": "c1",
                                       "verdict": "met"}])  # fmt: skip
    assert match(run, [path]).population == {
        ((0.0, 1.0), "agreed"): 40, ((0.0, 1.0), "disputed"): 20, ((0.0, 1.0), "undecided"): 20,
    }  # fmt: skip


def test_what_need_not_be_named(tmp_path):
    """One model, one criterion and one repeat need no column; the criterion's text will do."""
    run = scaled_run([(4, 4, 5), (2, 2, 2)])
    named = (("MK-1-1", 5), ("triage::MK-2-1", 1))
    rows = [{"case_id": case, "rater": "p", "score": score} for case, score in named]
    path = table(tmp_path / "a.csv", rows)
    assert [(r.point.case_id, r.value) for r in match(run, [path]).ratings] == [
        ("MK-1-1", 5.0), ("MK-2-1", 1.0),
    ]  # fmt: skip
    rows = [{"case": "case-00", "model": "beta", "criterion": "要点  2", "label": "是"}]
    (rating,) = match(panel_run(1), [table(tmp_path / "b.csv", rows)]).ratings
    assert (rating.point.criterion_id, rating.point.model) == ("c2", "beta")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"item": "r123"}, 'item "r123" is no point of the run run-1. Name the run'),
        ({"case": "case-1"}, 'case "case-1" is not in the run run-1. Did you mean "case-01"?'),
        ({"case": "case-01", "criterion": "c1"}, "no model is named, but there are alpha, beta."),
        ({"case": "case-01", "model": "gamma"}, 'model "gamma" is not there. There are: alpha'),
        ({"case": "case-01", "model": "beta"}, "no criterion is named, but there are c1, c2, c3"),
        ({"case": "case-01", "model": "beta", "criterion": "c9"}, 'criterion "c9" is not there'),
        ({"case": "case-01", "model": "beta", "criterion": "c1", "repeat": 2}, 'repeat "2" is not'),
        ({"case": "case-01", "model": "beta", "criterion": "c1", "suite": "x"}, 'suite "x" is not'),
    ],
)
def test_unknown_names(tmp_path, row, message):
    """A label about no point of the run names the value, the place and what there is."""
    path = table(tmp_path / "a.csv", [row | {"verdict": "met"}])
    (line,) = failure(panel_run(2), path)
    assert line.startswith(f"{path}:2: {message}")


def test_a_text_that_two_points_share(tmp_path):
    """A criterion's text that stands twice in a case is no name."""
    verdicts = [verdict(Criterion(id=each, text="same", points=1), "+++") for each in "ab"]
    path = table(tmp_path / "a.csv", [{"case": "q", "criterion": "same", "verdict": "met"}])
    (line,) = failure(run_of([answer("q", verdicts)]), path)
    assert "is the text of 2 points. Name the id of one." in line


def test_an_answer_that_was_not_graded(tmp_path):
    """A label about a case without any verdict says so."""
    path = table(tmp_path / "a.csv", [{"case": "q", "verdict": "met"}])
    (line,) = failure(run_of([answer("q", [], score=None)]), path)
    assert 'case "q": none of its answers was graded.' in line


def test_a_person_rates_a_point_once(tmp_path):
    """The same person twice on a point is an error that names both rows; two people are welcome."""
    run = scaled_run([(4, 4, 4)])
    rows = [{"case": "MK-1-1", "score": 4, "rater": who} for who in ("p", "q", "P")]
    path = table(tmp_path / "a.csv", rows)
    (line,) = failure(run, path)
    assert line.startswith(f"{path}:4: rater P rated this point twice, first at {path}:2.")
    assert len(match(run, [table(tmp_path / "b.csv", rows[:2])]).ratings) == 2


def test_all_errors_come_together(tmp_path):
    """Every wrong row is told, none of them hides another, and nothing is returned."""
    rows = [{"case": "MK-1-1", "score": 9}, {"case": "MK-7-1", "score": 3},
            {"case": "MK-1-1", "score": 3}, {"item": "r0", "score": 3}]  # fmt: skip
    path = table(tmp_path / "a.jsonl", rows)
    lines = failure(scaled_run([(4, 4, 4)]), path)
    assert [line.partition(": ")[0] for line in lines] == [f"{path}:{n}" for n in (1, 2, 4)]
