"""Parity with the official GAPS code: recorded verdicts must give the recorded numbers."""

import json
import statistics
from collections import Counter
from dataclasses import replace

import pytest

from medcheck.readers import _gaps_verdicts, gaps
from medcheck.scoring.gaps import (
    IRRELEVANT,
    WEIGHTS,
    level_vote,
    polarity_of,
    score_card,
    undecided_range,
)
from medcheck.scoring.points import points
from medcheck.scoring.truncation import (
    CELL_LIMIT,
    FINAL,
    judged_items,
    judged_json,
    leading_objects,
)
from medcheck.scoring.voting import UNUSABLE, vote
from medcheck.stats.agreement import judge_pair
from medcheck.summary import Summary
from medcheck.types import Ballot, Completion, Criterion, Message, Result, Run, Verdict
from medcheck.writers import gaps_xlsx

FINALS = {"met": "Met", "not_met": "Not Met", "undecided": "ReviewNeeded"}


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "gaps"


@pytest.fixture(scope="module")
def recorded(folder):
    """The recorded answers of AntAngelMed from the JSON lines."""
    return list(_gaps_verdicts.read_verdicts(folder / "gaps_verdicts_antangelmed.jsonl.gz"))


@pytest.fixture(scope="module")
def imported(folder):
    """The same from the original's output workbook."""
    return list(_gaps_verdicts.read_verdicts(folder / "quick_check_ant.xlsx"))


@pytest.fixture(scope="module")
def expected(folder):
    return json.loads((folder / "gaps_expected.json").read_text(encoding="utf-8"))["antangelmed"]


def loaded(folder, name):
    return json.loads((folder / name).read_text(encoding="utf-8"))


def official(verdicts):
    """The score of one question as the original computes it."""
    return points(verdicts, rule="gaps_official", undecided="not_met").value


def test_judge_votes(folder):
    """All 56 recorded votes are equal, but for 2-2 ties, and for the panel of one.

    A tie is undecided here and chance there. A panel of one decides here; there it never does, and
    every answer scores 0.
    """
    vectors = loaded(folder, "gaps_vote_vectors.json")["judge_vote"]
    assert len(vectors) == 56
    states = {"Met": ("met", 1.0, None), "Not Met": ("not_met", 0.0, None)}
    differing = []
    for vector in vectors:
        ballots = []
        for number, said in enumerate(vector["judgments"]):
            state, value, label = states.get(said, ("judge_error", None, UNUSABLE))
            ballots.append(Ballot(judge=f"m{number}", state=state, value=value, label=label))
        found = vote(Criterion(id="1", text="t", points=1.0), ballots, "gaps").state
        wanted = vector["result"] or "ReviewNeeded"
        if FINALS.get(found, "ReviewNeeded") != wanted:
            differing.append(vector["judgments"])
    assert differing == [["Met"], ["Not Met"]]


def test_level_votes(folder):
    """All 125 recorded votes over levels are equal under each of the three rules."""
    vectors = loaded(folder, "gaps_vote_vectors.json")["level_vote"]
    assert len(vectors) == 125
    for vector in vectors:
        for how in ("conservative", "majority", "average"):
            assert level_vote(vector["levels"], how) == vector[how], vector


def test_score_objects(folder):
    """All 17 recorded score objects are equal, in every field."""
    vectors = loaded(folder, "gaps_score_vectors.json")
    assert len(vectors) == 17
    for vector in vectors:
        verdicts = [
            *(of_item(item) for item in vector["items"]),
            *(of_statement(item) for item in statements(vector["irrelevant"])),
        ]
        assert score_card(verdicts) == vector["expected"], vector["name"]
        score = points(verdicts, rule="gaps_official", undecided="not_met")
        if score.earned is not None:
            assert score.value == vector["expected"]["normalized"]
            assert score.earned == vector["expected"]["final_total_score"]


def of_item(item):
    """A verdict from the original's record; whatever it does not know it calls not met."""
    final = item.get("judge_results", {}).get("final_results")
    state = {v: k for k, v in FINAL.items()}.get(final, "not_run")
    level = item["level"].strip()
    tags = (f"polarity:{item['type']}",)
    criterion = Criterion(
        id=str(item["id"]), text=item["claim"], points=WEIGHTS.get(level, 0.0), level=level,
        tags=tags,
    )  # fmt: skip
    return Verdict(criterion=criterion, state=state, value=None)


def of_statement(item):
    """A statement as the original's scorer reads it: without a final level it is an S1."""
    level = item.get("final_level", "S1")
    criterion = Criterion(
        id="i", text=item.get("content", ""), points=WEIGHTS.get(level, 0.0), level=level,
        tags=(IRRELEVANT,),
    )  # fmt: skip
    return Verdict(criterion=criterion, state="met", value=1.0)


def statements(text):
    """The statements of a recorded column; the original's scorer takes a broken one for empty."""
    try:
        return json.loads(text or "{}").get("final_grades", [])
    except ValueError:
        return []


def test_published_score(recorded, imported, expected):
    """With the original's truncation the mean is 0.253291, which is printed as 0.2533."""
    for rows in (recorded, imported):
        mean = statistics.fmean(official(row.kept) for row in rows)
        assert round(mean, 6) == expected["mean_recorded"] == 0.253291
        assert round(mean, 4) == expected["printed"]


def test_every_question(recorded, imported):
    """All 92 recorded score objects are equal in all fields, both mean and deviation with them."""
    for rows in (recorded, imported):
        assert len(rows) == 92
        differing = [row.case_id for row in rows if score_card(row.kept) != row.card]
        assert not differing
        for row in rows:
            score = points(row.kept, rule="gaps_official", undecided="not_met")
            assert score.value == row.card["normalized"]
            assert score.earned == row.card["final_total_score"]
            assert score.possible == row.card["max_possible"]


def test_without_truncation(recorded, imported, expected):
    """Over all verdicts that are there the mean is 0.251932; with lost ones undecided 0.251927."""
    for rows in (recorded, imported):
        mean = statistics.fmean(official(row.there) for row in rows)
        assert round(mean, 6) == expected["mean_without_truncation"] == 0.251932
        lost = [
            [v if v.state != "not_run" else replace(v, state="undecided") for v in row.verdicts]
            for row in rows
        ]
        assert round(statistics.fmean(official(verdicts) for verdicts in lost), 6) == 0.251927


def test_undecided_and_lost(recorded, imported, expected):
    """Of 1,691 points 303 are undecided and 2 lost; of those that count under truncation 301."""
    for rows in (recorded, imported):
        states = Counter(v.state for row in rows for v in row.verdicts)
        assert sum(states.values()) == 1691
        assert (states["undecided"], states["not_run"]) == (303, 2)
        assert sum(v.state == "undecided" for row in rows for v in row.kept) == 301
        by_level = Counter((v.criterion.level, v.state) for row in rows for v in row.verdicts)
        for level, counts in expected["by_level"].items():
            assert by_level[level, "met"] == counts["met"]
            assert by_level[level, "undecided"] == counts["review_needed"]
            judged = sum(by_level[level, s] for s in ("met", "not_met", "undecided"))
            assert judged == counts["judged"]


def test_recorded_votes(recorded, imported):
    """Every vote that the original recorded comes out the same, in both files."""
    for rows in (recorded, imported):
        for row in rows:
            found = {v.criterion.id: FINALS[v.state] for v in row.there}
            assert found == row.finals
    for one, other in zip(recorded, imported, strict=True):
        assert one.case_id == other.case_id
        assert one.scored == other.scored
        assert one.answer == other.answer
        assert [v.state for v in one.verdicts] == [v.state for v in other.verdicts]


def test_bounds(recorded, expected):
    """All undecided points against or for the model give 0.2290 and 0.5082."""
    spans = [undecided_range(row.there, rule="gaps_official") for row in recorded]
    low, high = (statistics.fmean(span[side] for span in spans) for side in (0, 1))
    assert [round(low, 6), round(high, 6)] == expected["bounds_review_needed"]
    assert (round(low, 4), round(high, 4)) == (0.2290, 0.5082)
    for policy in ("exclude", "half", "not_met"):
        scores = [points(r.there, rule="gaps", undecided=policy).value for r in recorded]
        ranges = [undecided_range(row.there) for row in recorded]
        assert all(lo <= score <= hi for (lo, hi), score in zip(ranges, scores, strict=True))


def test_categories(recorded, expected):
    """Mean and n of each grounding level, and the deviation over all, are the recorded ones."""
    groups = {}
    for row in recorded:
        groups.setdefault(row.category, []).append(official(row.kept))
    assert set(groups) == set(expected["categories"])
    for name, values in groups.items():
        assert round(statistics.fmean(values), 6) == expected["categories"][name]["mean"]
        assert len(values) == expected["categories"][name]["n"]
    everything = [value for values in groups.values() for value in values]
    assert round(statistics.stdev(everything), 6) == expected["sd"]


def test_agreement_of_the_judges(recorded):
    """The two judges over the 1,688 points that both decided: kappa, AC1, alpha and bias."""
    found = judge_pair((v for row in recorded for v in row.verdicts), "m3", "m4")
    assert found.n == 1688
    assert round(found.kappa, 4) == 0.5788
    assert round(found.ac1, 4) == 0.6937
    assert round(found.alpha, 4) == 0.5700
    assert tuple(round(rate, 4) for rate in found.met_rates) == (0.2287, 0.3614)
    assert found.p_value < 1e-9


def test_judged_column(folder):
    """The recorded column is what we would write, but for its constants; its cut is found again."""
    rows = list(_gaps_verdicts._workbook.rows(folder / "quick_check_ant.xlsx"))
    answers = _gaps_verdicts.read_verdicts(folder / "quick_check_ant.xlsx")
    cut = 0
    for (_, row), answer in zip(rows, answers, strict=True):
        text = row["ant_answer_judged_json"]
        cut += len(text) == CELL_LIMIT
        items = leading_objects(text)
        ours = judged_items(answer.kept)
        for one, other in zip(items, ours, strict=True):
            for record in one["judge_results"]["origin_results"]:
                record["confidence"] = record["latency"] = None
            assert list(one) == list(other)
            assert one == {**other, "claim": one["claim"]}
            assert one["claim"].strip() == other["claim"]
        if len(text) < CELL_LIMIT:
            assert judged_json(json.loads(text)) == text
    assert cut == 5


def test_official_questions(folder):
    """The official workbook and the JSON lines hold the same 92 questions with 1,691 points."""
    book = list(gaps.read(folder / "GAPS-NSCLC-preview.xlsx", {}))
    rows = list(gaps.read(folder / "gaps_nsclc_questions.jsonl", {}))
    assert [case.id for case in book] == [f"gaps-nsclc-{n:03d}" for n in range(1, 93)]
    assert len(book) == len(rows) == 92
    for one, other in zip(book, rows, strict=True):
        assert (one.id, one.messages, one.criteria) == (other.id, other.messages, other.criteria)
        assert (one.tags, one.category) == (other.tags, other.category)
        assert len(one.answers) == 3
    grounding = Counter(case.category[0] for case in book)
    assert grounding == {"G1": 39, "G2": 29, "G3": 17, "G4": 7}
    levels = Counter(criterion.level for case in book for criterion in case.criteria)
    assert levels == {
        "A1": 382, "A2": 442, "A3": 246, "A4": 3, "S1": 7, "S2": 200, "S3": 202, "S4": 209,
    }  # fmt: skip
    assert {polarity_of(c) for case in book for c in case.criteria if c.level == "A4"} == {
        "positive"
    }


def test_lint_of_the_official_questions(folder):
    """The three undefined levels are found, and the negatives that repeat a missed positive."""
    found = gaps.lint(gaps.read(folder / "GAPS-NSCLC-preview.xlsx", {}))
    rules = Counter(finding.rule for finding in found)
    unknown = {(f.case_id[-3:], f.point) for f in found if f.rule == "unknown_level"}
    assert unknown == {("027", "17"), ("074", "4"), ("074", "11")}
    # The published count of such negatives, by another list of words, is 236 of 618.
    assert 225 <= rules["restates_positive"] <= 250
    assert not {finding.severity for finding in found} - {"warning"}
    community = gaps.read(folder / "community_contributions.xlsx", {"prefix": "community"})
    rules = Counter(finding.rule for finding in gaps.lint(community))
    assert rules["instruction"] == 5


def test_export_and_import(folder, imported, tmp_path):
    """What is exported is imported again: every verdict, and the original's score objects."""
    results = [
        Result(
            run="r", case_id=row.case_id, suite="gaps", model="ant_answer", state="scored",
            completion=Completion(text=row.answer), category=(row.category,),
            messages=(Message(role="user", text="问题"),),
            score=replace(points(row.there, rule="gaps_official", undecided="not_met"),
                          verdicts=row.there),
        )
        for row in imported
    ]  # fmt: skip
    run = Run(id="r", started="", settings={}, versions={}, results=tuple(results))
    summary = Summary(run="r", complete=True, models=("ant_answer",), judges=(), protocol={},
                      versions={}, rows=(), usage={}, states={})  # fmt: skip
    path = gaps_xlsx.write(run, summary, tmp_path / "out.xlsx")
    beside = [
        json.loads(line)
        for line in (tmp_path / "out.cells.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    long = {row["cell"] for row in beside}
    assert len(long) == len(beside)
    again = list(_gaps_verdicts.read_verdicts(path))
    header = _gaps_verdicts._workbook.columns(path)
    assert header[4:] == ("ant_answer", *(f"ant_answer{ending}" for ending in gaps_xlsx.ADDED))
    for one, other in zip(imported, again, strict=True):
        assert score_card(one.there) == other.card
        whole = {v.criterion.id: v.state for v in one.there}
        found = {v.criterion.id: v.state for v in other.there}
        assert found.items() <= whole.items()
        if len(other.scored) == len(whole):
            assert found == whole
    assert sum(not row.scored for row in again) <= len(long)
