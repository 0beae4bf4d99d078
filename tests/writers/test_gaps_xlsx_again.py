"""The GAPS export is an input again: the same questions and answers, whatever they hold."""

from dataclasses import replace

from test_gaps_xlsx import answered, table

from medcheck.readers import _gaps_verdicts, gaps
from medcheck.types import Completion

HARD = "=1+1\r\n\x07 停药"


def test_answers_come_back_as_they_were(tmp_path):
    """Control characters, formulas and texts beyond the cell limit survive there and back."""
    texts = {
        1: HARD, 2: "长" * 40_000 + HARD, 3: "@\ttab", 4: "plain", 5: r"\u0007 \u005cu0007 \u005c",
        6: "see other.cells.jsonl, line 1", 7: "see g.cells.jsonl, line 1",
    }  # fmt: skip
    results = [replace(answered(n), completion=Completion(text=text)) for n, text in texts.items()]
    path = tmp_path / "g.xlsx"
    table(path, results)
    cases = list(gaps.read(path, {}))
    assert [case.answers["alpha"] for case in cases] == [(text,) for text in texts.values()]
    assert [case.id for case in cases] == [result.case_id for result in results]


def test_ids_come_back(tmp_path):
    """Every id is itself again; a number that another suite has taken is the whole id."""
    results = [
        answered(1),
        replace(answered(1), case_id="gaps-nsclc-001-p1"),
        replace(answered(1), suite="other", case_id="other-001"),
        replace(answered(1), suite="other", case_id="c-2"),
    ]
    path = tmp_path / "g.xlsx"
    _, rows = table(path, results)
    assert [row["index"] for row in rows] == [1, "gaps-nsclc-001-p1", "other-001", 2]
    ids = [result.case_id for result in results]
    assert [row["id"] for row in rows] == ids
    assert [case.id for case in gaps.read(path, {})] == ids
    header, _ = table(path, results[:2])
    assert "id" not in header


def test_control_characters_in_json_stay_json(tmp_path):
    """A verdict's words with a control character are read again from the judged column."""
    verdicts = answered().score.verdicts
    first = replace(verdicts[0].ballots[0], explanation="a\x07b \\u0007")
    changed = replace(verdicts[0], ballots=(first, *verdicts[0].ballots[1:]))
    path = tmp_path / "g.xlsx"
    table(path, [answered(verdicts=(changed, *verdicts[1:]))])
    [found] = _gaps_verdicts.read_verdicts(path)
    assert found.verdicts[0].ballots[0].explanation == first.explanation
