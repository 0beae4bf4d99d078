"""The recorded GAPS verdicts through queue, labels and figures give the known numbers."""

import pytest
from review_runs import run_of, table

from medcheck.readers import _gaps_verdicts
from medcheck.review.figures import report
from medcheck.review.matching import match
from medcheck.review.queue import chosen, points_of
from medcheck.types import Completion, Message, Result, Score


@pytest.fixture(scope="module")
def run(shared_data):
    """The recorded answers of AntAngelMed as a run."""
    path = shared_data / "gaps" / "gaps_verdicts_antangelmed.jsonl.gz"
    return run_of(
        Result(
            run="run-1", case_id=row.case_id, suite="gaps", model=row.model, state="scored",
            completion=Completion(text=row.answer), score=Score(value=0.0, verdicts=row.verdicts),
            category=(row.category,), messages=(Message(role="user", text="q"),),
        )
        for row in _gaps_verdicts.read_verdicts(path)
    )  # fmt: skip


def test_the_queue(run):
    """All 303 undecided points come first, then a tenth of the 1,386 that both judges agree on."""
    points = [point for result in run.results for point in points_of(result)]
    assert sum(point.stratum == "lost" for point in points) == 2
    assert sum(point.stratum == "undecided" for point in points) == 303
    assert len(chosen(run)) == 303 + 139


def test_two_judges(run, tmp_path):
    """One judge in the place of a person: kappa .5788, AC1 .6937, alpha .5700 on 1,688 points."""
    rows = [
        {"case_id": point.case_id, "criterion": point.criterion_id, "rater": "m4",
         "verdict": "符合" if point.judges["m4"] else "不符合"}
        for result in run.results
        for point in points_of(result)
        if point.judges.get("m4") is not None
    ]  # fmt: skip
    matched = match(run, [table(tmp_path / "m4.csv", rows)])
    (line,) = (each for each in report(matched, ["m3"]).lines if each.group == "all")
    assert line.n == 1688
    figures = {name: round(found.value, 4) for name, found in line.figures.items()}
    assert (figures["kappa"], figures["ac1"], figures["alpha"]) == (0.5788, 0.6937, 0.57)
    assert (figures["judge_mean"], figures["people_mean"]) == (0.2287, 0.3614)
