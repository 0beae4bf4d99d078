"""Recorded GAPS verdicts: what the cell limit cut off is restored, told, or lost for good."""

import json

import pytest
from workbooks import HEADER, POINTS, lines, row, workbook

from medcheck.errors import DatasetError
from medcheck.readers._gaps_verdicts import read_verdicts
from medcheck.scoring.voting import UNUSABLE

ADDED = ("m_judged_json", "m_positive_items", "m_negative_items", "m_judged_json_scores")


def judged(point, *judgments):
    """Return a point with its judges' records."""
    records = [
        {"model_id": f"m{n}", "judgment": said, "explanation": "因为"}
        for n, said in enumerate(judgments, 3)
    ]
    return {**point, "judge_results": {"final_results": "Met", "origin_results": records}}


ITEMS = [
    judged(POINTS[0], "Met", "Met"),
    judged(POINTS[1], "Met", "Not Met"),
    judged(POINTS[2], "Unknown", "Not Met"),
]


def dumped(found):
    return json.dumps(found, ensure_ascii=False, indent=2)


def output(path, whole, positive, negative, header=(*HEADER, "m", *ADDED)):
    card = '{"normalized": 0.5}'
    return workbook(path, row(3, "q", "G2", None, "answer", whole, positive, negative, card),
                    header=header)  # fmt: skip


def test_a_judged_workbook(tmp_path):
    """Each point's ballots are voted anew; an unknown judgment is an unusable ballot."""
    path = output(tmp_path / "o.xlsx", dumped(ITEMS), dumped(ITEMS[:2]), dumped(ITEMS[2:]))
    [found] = read_verdicts(path)
    assert (found.case_id, found.model, found.category) == ("gaps-nsclc-003", "m", "G2")
    assert found.answer == "answer"
    assert [v.state for v in found.verdicts] == ["met", "undecided", "undecided"]
    assert found.kept == found.there == found.verdicts
    assert found.card == {"normalized": 0.5}
    assert found.finals == {"1": "Met", "2": "Met", "3": "Met"}
    ballot = found.verdicts[2].ballots[0]
    assert (ballot.judge, ballot.state, ballot.label) == ("m3", "judge_error", UNUSABLE)
    assert ballot.explanation == "因为"


def test_a_cut_workbook(tmp_path):
    """Cut points come back from the other columns, but were not scored; others are lost."""
    whole = dumped(ITEMS)
    cut = whole[: whole.index('"id": 2') + 20]
    positive = dumped(ITEMS[:2])
    path = output(tmp_path / "o.xlsx", cut, positive[:-40], dumped(ITEMS[2:]))
    [found] = read_verdicts(path, column="m", prefix="p")
    assert found.case_id == "p-003"
    assert [v.state for v in found.verdicts] == ["met", "not_run", "undecided"]
    assert found.scored == {"1"}
    assert [v.criterion.id for v in found.kept] == ["1"]
    assert [v.criterion.id for v in found.there] == ["1", "3"]


def test_json_lines(tmp_path):
    """JSON lines say themselves what was scored and what is lost."""
    points = [
        {"id": 1, "level": "A1", "type": "positive", "scored": True, "final": "Met",
         "judges": {"a": "Met", "b": "Met"}, "explanations": {"a": "so"}},
        {"id": 2, "level": "S4", "type": "negative", "scored": False, "final": None, "judges": {}},
    ]  # fmt: skip
    record = {"id": "x", "category": "G1", "model": "M", "answer": "a", "points": points}
    [found] = read_verdicts(lines(tmp_path / "v.jsonl", record))
    assert (found.case_id, found.model) == ("x", "M")
    assert [v.state for v in found.verdicts] == ["met", "not_run"]
    assert found.scored == {"1"}
    assert found.finals == {"1": "Met"}
    assert found.verdicts[0].ballots[0].explanation == "so"


def test_errors(tmp_path):
    """A file without judged columns, a broken cell or a broken line are errors with a place."""
    with pytest.raises(DatasetError, match="one judged answer column is expected, found none"):
        list(read_verdicts(workbook(tmp_path / "q.xlsx", row())))
    header = (*HEADER, "m", "m_judged_json", "n_judged_json", "x", "y")
    with pytest.raises(DatasetError, match="found m, n"):
        list(read_verdicts(output(tmp_path / "o.xlsx", "[]", "[]", "[]", header=header)))
    broken = workbook(tmp_path / "b.xlsx", (1, "q", "G1", "["), header=(*HEADER,))
    with pytest.raises(DatasetError, match=r'b\.xlsx:2: column "rubrics"'):
        list(read_verdicts(broken, column="m"))
    with pytest.raises(DatasetError, match=r"v\.jsonl:1: .*points"):
        list(read_verdicts(lines(tmp_path / "v.jsonl", {"id": "x", "answer": "a", "points": []})))
