"""The GAPS export has the original's columns and words, and nothing that was not measured."""

import json
from dataclasses import replace

import openpyxl
import pytest
from report_runs import result, run_of

from medcheck.errors import WriterError
from medcheck.readers import _gaps_verdicts, gaps
from medcheck.scoring.gaps import IRRELEVANT, WEIGHTS
from medcheck.scoring.points import points
from medcheck.types import Ballot, Completion, Criterion, Message, Verdict
from medcheck.writers.gaps_xlsx import ADDED, write

LEVELS = ("A1", "A2", "A4", "S4")


def verdict(number, level, state, *, explanation="因为", tags=()):
    """Return a verdict of two judges."""
    kind = "positive" if level.startswith("A") else "negative"
    criterion = Criterion(
        id=str(number), text=f"要点 {number}", points=WEIGHTS.get(level, 0.0), level=level,
        tags=tags or (f"tier:{level}", f"polarity:{kind}"),
    )  # fmt: skip
    said = {"undecided": ("met", "not_met")}.get(state, (state, state))
    ballots = tuple(
        Ballot(judge=judge, state=each, value=float(each == "met"), explanation=explanation)
        for judge, each in zip(("m3", "m4"), said, strict=True)
    )
    value = {"met": 1.0, "not_met": 0.0}.get(state)
    return Verdict(criterion=criterion, state=state, value=value, ballots=ballots, how="gaps")


def answered(number=1, model="alpha", *, states=("met", "undecided", "met", "not_met"), **changes):
    """Return the result of a question with four points."""
    verdicts = changes.pop("verdicts", None) or tuple(
        verdict(at, level, state)
        for at, (level, state) in enumerate(zip(LEVELS, states, strict=True), start=1)
    )
    score = replace(points(verdicts, rule="gaps_official", undecided="not_met"), verdicts=verdicts)
    return result(
        f"gaps-nsclc-{number:03d}", model, score=score, suite="gaps", category=("G2",),
        messages=(Message(role="system", text="s"), Message(role="user", text=f"问题 {number}?")),
        completion=Completion(text="回答"), **changes,
    )  # fmt: skip


def table(path, results, *, models=("alpha",), **settings):
    """Write a run and return its rows by column."""
    run, summary = run_of(results, models=models)
    write(replace(run, settings=settings), summary, path)
    book = openpyxl.load_workbook(path)
    header, *rows = book.active.iter_rows(values_only=True)
    book.close()
    return header, [dict(zip(header, cells, strict=True)) for cells in rows]


def test_columns(tmp_path):
    """The question's columns, then the answer's of each model with what the original adds."""
    header, [row] = table(
        tmp_path / "g.xlsx", [answered(7), answered(7, "beta")], models=("alpha", "beta")
    )
    assert header[:5] == ("index", "question", "分类", "rubrics", "alpha")
    assert header[5:12] == (*(f"alpha{ending}" for ending in ADDED), "beta")
    assert (row["index"], row["question"], row["分类"]) == (7, "问题 7?", "G2")
    assert json.loads(row["rubrics"])[3] == {
        "id": 4, "claim": "要点 4", "level": "S4", "type": "negative",
    }  # fmt: skip
    assert row["alpha"] == row["beta"] == "回答"


def test_an_answer(tmp_path):
    """Verdicts, their split by polarity, the count and the score object are the original's."""
    _, [row] = table(tmp_path / "g.xlsx", [answered()])
    items = json.loads(row["alpha_judged_json"])
    finals = [item["judge_results"]["final_results"] for item in items]
    assert finals == ["Met", "ReviewNeeded", "Met", "Not Met"]
    assert json.loads(row["alpha_positive_items"]) == items[:3]
    assert json.loads(row["alpha_negative_items"]) == items[3:]
    assert row["alpha_judge_summary"] == "Total: 4, Met: 2, Not Met: 1, Error: 1"
    assert row["alpha_irrelevant_content"] is None
    card = json.loads(row["alpha_judged_json_scores"])
    assert (card["max_possible"], card["final_total_score"], card["normalized"]) == (8, 5, 0.625)


def test_irrelevant_content(tmp_path):
    """Statements found irrelevant stand in their own column, under the key the scorer reads."""
    search = replace(verdict(0, "A4", "met"), criterion=Criterion(
        id="irrelevant", text="x", points=0.0, tags=(IRRELEVANT,)))  # fmt: skip
    statement = verdict(9, "S3", "met", tags=(IRRELEVANT, "irrelevant:S3"))
    verdicts = (*answered().score.verdicts, search, statement)
    _, [row] = table(tmp_path / "g.xlsx", [answered(verdicts=verdicts)])
    found = json.loads(row["alpha_irrelevant_content"])
    assert [item["content"] for item in found["extracted_contents"]] == ["要点 9"]
    assert [item["final_level"] for item in found["final_grades"]] == ["S3"]
    assert len(json.loads(row["alpha_judged_json"])) == 4
    card = json.loads(row["alpha_judged_json_scores"])
    assert (card["final_total_score"], card["irrelevant_total_penalty"]) == (2, 3)


def test_what_was_not_measured_is_blank(tmp_path):
    """An answer without a score has no verdicts and no score object; its state is told."""
    lost = answered(2, state="judge_error")
    lost = replace(lost, score=replace(lost.score, value=None))
    silent = replace(lost, case_id="gaps-nsclc-003", completion=None, state="model_error")
    _, rows = table(tmp_path / "g.xlsx", [answered(1), lost, silent])
    assert [row["alpha_judged_json"] is None for row in rows] == [False, True, True]
    assert [row["alpha_judged_json_scores"] is None for row in rows] == [False, True, True]
    assert [row["alpha"] for row in rows] == ["回答", "回答", None]
    assert rows[2]["alpha_judge_summary"] == "not measured: model_error"


def test_repeats_and_missing_answers(tmp_path):
    """Repeats have columns of their own; a model without an answer to a question has blanks."""
    results = [answered(1), answered(1, repeat=2), answered(2, "index")]
    header, rows = table(tmp_path / "g.xlsx", results, models=("alpha", "index"), repeats=2)
    assert {"alpha", "alpha_2", "index_answer", "index_answer_2"} <= set(header)
    assert (rows[0]["alpha_2"], rows[0]["index_answer"]) == ("回答", None)
    assert (rows[1]["alpha"], rows[1]["index_answer"]) == (None, "回答")


def test_only_questions_with_levels(tmp_path):
    """Results of other suites are left out; a run without any GAPS question is an error."""
    _, rows = table(tmp_path / "g.xlsx", [result(), answered(1)])
    assert [row["index"] for row in rows] == [1]
    with pytest.raises(WriterError, match="no question whose points have levels"):
        table(tmp_path / "none.xlsx", [result()])
    assert not (tmp_path / "none.xlsx").exists()


def test_other_ids(tmp_path):
    """A case id without a number stands as it is."""
    _, [row] = table(tmp_path / "g.xlsx", [replace(answered(1), case_id="mine")])
    assert row["index"] == "mine"


def test_long_columns_go_beside(tmp_path):
    """Judged JSON beyond the cell limit is whole in the file beside the workbook."""
    wordy = tuple(
        verdict(at, level, "met", explanation="长" * 9000) for at, level in enumerate(LEVELS, 1)
    )
    path = tmp_path / "g.xlsx"
    _, [row] = table(path, [answered(verdicts=wordy)])
    assert row["alpha_judged_json"] == "see g.cells.jsonl, line 1"
    beside = (tmp_path / "g.cells.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(json.loads(json.loads(beside[0])["text"])) == 4
    assert json.loads(beside[0])["cell"] == "F2"


def test_what_is_written_is_read_again(tmp_path):
    """The export is a question file for the reader, and recorded verdicts for the importer."""
    path = tmp_path / "g.xlsx"
    first = answered(1)
    table(path, [first])
    [case] = gaps.read(path, {})
    assert case.id == "gaps-nsclc-001"
    assert case.answers == {"alpha": ("回答",)}
    assert [(c.id, c.level) for c in case.criteria] == [
        (str(at), level) for at, level in enumerate(LEVELS, 1)
    ]
    [found] = _gaps_verdicts.read_verdicts(path)
    assert [v.state for v in found.verdicts] == ["met", "undecided", "met", "not_met"]
    assert found.card["normalized"] == first.score.value


def test_why_a_statement_is_irrelevant(tmp_path):
    """The extractor's reason stands beside each statement, with the original's other fields."""
    statements = [
        replace(v, criterion=replace(v.criterion, text=text))
        for v, text in (
            (verdict(8, "S1", "met", tags=(IRRELEVANT, "irrelevant:S1")), "喝热水"),
            (verdict(9, "S3", "met", tags=(IRRELEVANT, "irrelevant:S3")), "早睡: 好"),
        )
    ]
    why = "喝热水: serves no point\nsecond line\n早睡: 好: nobody asked"
    search = verdict(0, "A4", "met")
    criterion = Criterion(id="irrelevant", text="x", points=0.0, tags=(IRRELEVANT,))
    ballot = replace(search.ballots[0], explanation=why)
    search = replace(search, criterion=criterion, ballots=(ballot,))
    verdicts = (*answered().score.verdicts, search, *statements)
    _, [row] = table(tmp_path / "g.xlsx", [answered(verdicts=verdicts)])
    found = json.loads(row["alpha_irrelevant_content"])
    reasons = ["serves no point\nsecond line", "nobody asked"]
    assert [item["reasoning"] for item in found["extracted_contents"]] == reasons
    assert [item["original_reasoning"] for item in found["final_grades"]] == reasons
    assert {item["final_severity"] for item in found["final_grades"]} == {"Medium"}
