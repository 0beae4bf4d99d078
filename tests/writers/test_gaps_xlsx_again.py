"""The GAPS export is an input again: the same questions and answers, whatever they hold."""

from dataclasses import replace

from test_gaps_xlsx import answered, table

from medcheck.readers import gaps
from medcheck.types import Completion

HARD = "=1+1\r\n\x07 停药"


def test_answers_come_back_as_they_were(tmp_path):
    """Control characters, formulas and texts beyond the cell limit survive there and back."""
    texts = {1: HARD, 2: "长" * 40_000 + HARD, 3: "@\ttab", 4: "plain"}
    results = [replace(answered(n), completion=Completion(text=text)) for n, text in texts.items()]
    path = tmp_path / "g.xlsx"
    table(path, results)
    cases = list(gaps.read(path, {}))
    assert [case.answers["alpha"] for case in cases] == [(text,) for text in texts.values()]
    assert [case.id for case in cases] == [result.case_id for result in results]


def test_ids_come_back(tmp_path):
    """Variants keep their ids; a number that another suite has taken is written as the whole id."""
    results = [
        answered(1),
        replace(answered(1), case_id="gaps-nsclc-001-p1"),
        replace(answered(1), suite="other", case_id="other-001"),
    ]
    path = tmp_path / "g.xlsx"
    _, rows = table(path, results)
    assert [row["index"] for row in rows] == [1, "gaps-nsclc-001-p1", "other-001"]
    assert [case.id for case in gaps.read(path, {})] == [
        "gaps-nsclc-001", "gaps-nsclc-001-p1", "gaps-nsclc-other-001",
    ]  # fmt: skip
