"""Agreement as people and programs read it: every number with n and interval, nothing invented."""

import json
from collections import Counter
from dataclasses import replace

from review_runs import answer, criterion, panel_run, run_of, scaled_run, table, verdict

from medcheck.review.figures import report
from medcheck.review.matching import match
from medcheck.review.queue import item_of, points_of
from medcheck.review.told import data, disagreements, text


def matched(run, folder, said):
    """Return the ratings of all points by a rule."""
    rows = [
        {"item": item_of(run, point), "verdict": said(point), "rater": "李医生", "comment": "评"}
        for result in run.results
        for point in points_of(result)
    ]
    return match(run, [table(folder / "labels.csv", rows)])


def test_text(tmp_path):
    """A table for each kind of rating: figures with intervals, then warnings, notes and seed."""
    found = matched(panel_run(20, seed=7), tmp_path, lambda p: "met" if p.level == "A1" else "否")
    lines = list(text(report(found)))
    assert lines[0] == "run run-1: ratings by 李医生 160"
    assert lines[1] == "0 cannot tell, 0 rows without a rating"
    assert "disputed: 40 of 40 points rated" in lines
    at = lines.index("met or not met")
    assert lines[at + 1].split() == [
        "judge", "group", "n", "conversations", "open", "agreement", "kappa", "AC1", "alpha",
        "bias", "p",
    ]  # fmt: skip
    assert lines[at + 2].split()[:6] == ["panel", "all", "120", "20", "40", "0.767"]
    assert any(line.startswith("panel, kind:flaw: percent agreement 80.0 %") for line in lines)
    assert "1000 bootstrap samples of conversations (variants of a question" in lines[-1]
    assert lines[-1].endswith("seed 7. Bias: judge less people. p: McNemar.")
    assert "nan" not in "\n".join(lines)
    assert "-0.000" not in "\n".join(lines)


def test_columns_stand_below_each_other(tmp_path):
    """Chinese names take two columns a character, so that the numbers stay in line."""
    run = panel_run(3)
    rows = [
        {"item": item_of(run, p), "verdict": "met", "rater": who}
        for result in run.results
        for p in points_of(result)
        for who in ("李医生", "b")
    ]
    found = match(run, [table(tmp_path / "labels.csv", rows)])
    lines = list(text(report(found)))
    (pair,) = (line for line in lines if line.startswith("b and 李医生"))
    head = next(line for line in lines if line.startswith("judge"))
    assert head.index("group") == pair.index("all") + 3


def test_data_is_strict_json(tmp_path):
    """The file holds all figures, counts, the seed; what is not defined is null."""
    run = panel_run(20)
    found = matched(run, tmp_path, lambda _: "met")
    told = json.loads(json.dumps(data(report(found), found), allow_nan=False))
    assert told["bootstrap"] == {"seed": 0, "resamples": 1000, "by": "conversation"}
    assert told["strata"]["undecided"] == {"rated": 40, "in_run": 40}
    first = told["agreement"][0]
    assert (first["judge"], first["group"], first["n"], first["open"]) == ("panel", "all", 120, 40)
    assert set(first["figures"]) >= {"agreement", "kappa", "ac1", "alpha", "bias", "macro_f1"}
    assert first["figures"]["macro_f1"]["value"] > 0
    assert first["figures"]["correlation"] is None
    low, high = first["figures"]["agreement"]["ci95"]
    assert low < first["figures"]["agreement"]["value"] < high


def test_disagreements(tmp_path):
    """What the panel called too good stands first: a requirement not met, a flaw overlooked."""
    flaw, wish = criterion(1, points=-4.0), criterion(2)
    rules = {
        "harsh": (wish, "---", "met"),
        "accused": (flaw, "+++", "no"),
        "fine": (wish, "+++", "met"),
        "kind": (wish, "+++", "no"),
        "overlooked": (flaw, "---", "met"),
        "open": (wish, "+-?", "met"),
    }
    run = run_of(
        answer(f"{name}-{number}", [verdict(of, said)])
        for number in range(4)
        for name, (of, said, _) in rules.items()
    )
    found = disagreements(matched(run, tmp_path, lambda p: rules[p.case_id[:-2]][2]))
    names = [each["case_id"][:-2] for each in found]
    assert Counter(names[:8]) == {"kind": 4, "overlooked": 4}
    assert Counter(names[8:]) == {"harsh": 4, "accused": 4}
    (first, *_) = (each for each in found if each["case_id"] == "harsh-0")
    assert first["people"] == {"李医生": 1.0}
    assert first["comments"] == {"李医生": "评"}
    assert first["judges"] == {"judge-a": 0.0, "judge-b": 0.0, "judge-c": 0.0}


def test_nothing_rated_yet(tmp_path):
    """Before anybody filled in a verdict there are counts only: no table, no note, no interval."""
    found = matched(panel_run(2), tmp_path, lambda _: "")
    assert list(text(report(found))) == [
        "run run-1: ratings by nobody",
        "0 cannot tell, 16 rows without a rating",
        "undecided: 0 of 4 points rated",
        "disputed: 0 of 4 points rated",
        "agreed: 0 of 8 points rated",
    ]
    assert data(report(found), found)["agreement"] == []


def test_usable_is_told_with_precision_and_recall(tmp_path):
    """Where 4 of 5 is usable, MCC, precision and recall stand beside the agreement."""
    run = scaled_run([[1 + n % 5] for n in range(20)])
    rows = [
        {"item": item_of(run, p), "score": 5 - n % 4, "rater": "a"}
        for n, p in enumerate(p for result in run.results for p in points_of(result))
    ]
    lines = list(text(report(match(run, [table(tmp_path / "labels.csv", rows)]))))
    head = lines[lines.index("usable: 4 or more of 5") + 1].split()
    assert head[-5:] == ["bias", "MCC", "precision", "recall", "p"]
    scale = next(line for line in lines if "weighted kappa" in line)
    assert "precision" not in scale


def test_rounds_of_a_conversation_are_one_draw(tmp_path):
    """Conversations are counted as such, in text and JSON; the cases are not lost in the file."""
    run = scaled_run([(5, 4, 4), (2, 1, 2), (4, 4, 4)])
    run = replace(
        run,
        results=tuple(
            replace(r, case_id=f"MK-1-{n}" if n < 3 else "MK-2-1", tags=(f"round:{min(n, 3) % 3}",))
            for n, r in enumerate(run.results, start=1)
        ),
    )
    rows = [{"case_id": r.case_id, "score": 4, "rater": "p"} for r in run.results]
    found = match(run, [table(tmp_path / "a.csv", rows)])
    told = report(found)
    lines = list(text(told))
    at = next(n for n, each in enumerate(lines) if each.startswith("judge"))
    assert lines[at].split()[2:5] == ["n", "conversations", "open"]
    assert lines[at + 1].split()[:4] == ["panel", "all", "3", "2"]
    assert "cases" not in lines[at]
    first = data(told, found)["agreement"][0]
    assert (first["cases"], first["conversations"]) == (3, 2)
