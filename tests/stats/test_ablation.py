"""Each juror alone and the panel without each, over the same answers."""

import pytest

from medcheck.stats.ablation import Marked, ablation, answers_of, compared, silent
from medcheck.types import Ballot, Criterion, Result, Score, Verdict

JUDGES = ("g", "c", "l")


def marked(model, benchmark, *marks, names=JUDGES):
    return Marked(model=model, benchmark=benchmark, marks=dict(zip(names, marks, strict=True)))


ANSWERS = (
    marked("m1", "b1", 5, 3, 4),
    marked("m1", "b1", 5, 1, 4),
    marked("m1", "b2", 4, 4, 4),
    marked("m2", "b1", 4, 4, 4),
    marked("m2", "b2", 3, 5, 4),
)


def test_panels():
    """All, each alone, all without each; benchmarks weigh the same, whatever their answers."""
    panels = {panel.name: panel for panel in ablation(ANSWERS)}
    assert list(panels) == [
        "all", "only g", "only c", "only l", "without g", "without c", "without l",
    ]  # fmt: skip
    assert panels["only g"].means["m1"] == {"b1": 5, "b2": 4}
    assert panels["only g"].overall["m1"] == 4.5
    assert panels["only c"].overall["m1"] == 3
    assert panels["all"].overall["m1"] == pytest.approx(((4 + 10 / 3) / 2 + 4) / 2)
    assert panels["without l"].judges == ("g", "c")


def test_order_and_swaps():
    """Who swaps places is named; ties are no order."""
    panels = {panel.name: panel for panel in ablation(ANSWERS)}
    assert panels["all"].order == ("m2", "m1")
    assert panels["only g"].order == ("m1", "m2")
    assert panels["only g"].swapped == (("m2", "m1"),)
    assert panels["only g"].agreement == pytest.approx(-1)
    assert panels["only l"].swapped == ()
    assert panels["only l"].agreement is None
    assert panels["all"].swapped == ()


def test_only_answers_that_all_marked():
    """An answer that a juror missed is in no table, so that tables differ by jurors alone."""
    lost = marked("m1", "b1", 1, 1, names=("g", "c"))
    assert ablation([*ANSWERS, lost])[0].overall == ablation(ANSWERS)[0].overall
    assert ablation([*ANSWERS, lost])[0].answers == len(ANSWERS)
    assert ablation([lost], JUDGES)[0].overall == {}


def test_small_panels():
    """One juror has no ablation; of two each is alone once."""
    one = [marked("m", "b", 4, names=("g",))]
    assert [panel.name for panel in ablation(one)] == ["all"]
    two = [marked("m", "b", 4, 5, names=("g", "c"))]
    assert [panel.name for panel in ablation(two)] == ["all", "only g", "only c"]
    assert ablation([])[0].answers == 0


def test_tables_of_means():
    """Any two tables can be compared by the models that they share."""
    agreement, swapped = compared({"a": 1, "b": 2, "z": 9}, {"a": 3, "b": 2, "c": 1})
    assert agreement == pytest.approx(-1)
    assert swapped == (("a", "b"),)
    assert compared({}, {"a": 1}) == (None, ())


def test_of_results():
    """A juror's mark is the mean of its criteria; one that missed a criterion is missing."""
    verdicts = tuple(
        Verdict(
            criterion=Criterion(id=name, text="t", points=1.0, scale=(1, 5)),
            state="scored",
            value=4,
            ballots=(
                Ballot(judge="g", state="scored", value=first),
                Ballot(judge="c", state="scored" if second else "judge_error", value=second),
            ),
        )
        for name, first, second in (("accuracy", 5, 4), ("clarity", 4, None))
    )
    result = Result(
        run="r", case_id="c", suite="s", model="m", state="scored",
        score=Score(value=0.75, verdicts=verdicts),
    )  # fmt: skip
    failed = Result(run="r", case_id="d", suite="s", model="m", state="model_error")
    found = Marked(model="m", benchmark="s", marks={"g": 4.5}, asked=("g", "c"))
    assert answers_of([result, failed]) == (found,)


def test_rules_are_no_jurors():
    """What a metric or a check says in the same run is no juror's mark."""
    ballots = tuple(Ballot(judge=name, state="scored", value=1.0) for name in ("rule", "check"))
    verdict = Verdict(criterion=Criterion(id="x", text="", points=1.0), state="scored", value=1.0,
                      ballots=ballots)  # fmt: skip
    result = Result(run="r", case_id="c", suite="s", model="m", state="scored",
                    score=Score(value=1.0, verdicts=(verdict,)))  # fmt: skip
    assert answers_of([result]) == ()


def test_silent_jurors_are_counted():
    """A juror that marked nothing is told with how often it was asked; suites without marks not."""
    jury = ("g", "c", "bad")
    answers = [
        Marked(model="m", benchmark="b", marks={"g": 4, "c": 3}, asked=jury),
        Marked(model="m", benchmark="b", marks={"g": 4}, asked=jury),
        Marked(model="m", benchmark="rubric", marks={}, asked=("bad",)),
    ]
    assert silent(answers) == {"c": (1, 2), "bad": (2, 2)}
    assert [panel.judges for panel in ablation(answers)] == [("g", "c"), ("g",), ("c",)]
    assert ablation(answers)[0].answers == 1
