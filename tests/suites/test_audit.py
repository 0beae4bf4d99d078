"""Doubts about a suite's data are told before anything is asked."""

from __future__ import annotations

import json

import pytest

from medcheck.__main__ import main
from medcheck.suites import load_suite
from medcheck.suites.audit import audit

FINE = {"id": 1, "claim": "Names chest pain as a warning sign", "level": "A1", "type": "positive"}
UNKNOWN = {"id": 2, "claim": "Names sweating", "level": "A4", "type": "positive"}
DOUBTFUL = {"id": 3, "claim": "Omits the ambulance", "level": "S4", "type": "negative"}
SUITE = "suite: s\ndata: {format: gaps, path: q.jsonl}\ngrader: {name: claims, judges: [j]}\n"


@pytest.fixture
def placed(tmp_path, monkeypatch):
    """Return a function that writes a suite over one question with the given points."""
    monkeypatch.chdir(tmp_path)

    def place(*points):
        row = {"id": "q-1", "question": "胸痛?", "category": "G1", "points": points}
        (tmp_path / "q.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
        path = tmp_path / "s.yaml"
        path.write_text(SUITE, encoding="utf-8")
        return path

    return place


def test_a_sound_rubric_has_no_findings(placed):
    """Nothing is said of data that nothing is wrong with, and of suites without a data file."""
    assert audit(load_suite(placed(FINE))) == ()


def test_doubts_name_file_row_column_and_point(placed, capsys):
    """`medcheck check` prints each doubt with its place; doubts alone do not fail it."""
    path = placed(FINE, UNKNOWN, DOUBTFUL)
    findings = audit(load_suite(path))
    assert {finding.severity for finding in findings} == {"warning"}
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr().out
    assert 'q.jsonl: warning: row 1, column "points", point "2": level "A4" has no weight' in said
    assert 'point "3": punishes an omission' in said


def test_a_run_says_how_many_doubts_there_are(placed, pytester):
    """The first line of a run counts the doubts and says how to read them."""
    text = placed(FINE, DOUBTFUL).read_text(encoding="utf-8")
    (pytester.path / "cases").mkdir()
    (pytester.path / "cases" / "s.yaml").write_text(text, encoding="utf-8")
    row = (placed(FINE, DOUBTFUL).parent / "q.jsonl").read_bytes()
    (pytester.path / "cases" / "q.jsonl").write_bytes(row)
    pytester.makeini("[pytest]\ntestpaths = cases\n")
    done = pytester.runpytest_subprocess("--model=echo", "--judge=echo", "cases/s.yaml")
    done.stdout.fnmatch_lines(["medcheck: s: doubts about its data: 1; medcheck check *s.yaml"])


def test_a_column_that_is_not_there_is_refused(placed, pytester):
    """A mistyped answer column is a usage error that names the columns, not a run of nothing."""
    row = {
        "id": "q-1", "question": "胸痛?", "category": "G1", "points": [FINE],
        "answers": {"model-one": "拨打120"},
    }  # fmt: skip
    text = placed(FINE).read_text(encoding="utf-8")
    (pytester.path / "cases").mkdir()
    (pytester.path / "cases" / "s.yaml").write_text(text, encoding="utf-8")
    line = json.dumps(row, ensure_ascii=False) + "\n"
    (pytester.path / "cases" / "q.jsonl").write_text(line, encoding="utf-8")
    pytester.makeini("[pytest]\ntestpaths = cases\n")
    for workers in ("0", "2"):
        done = pytester.runpytest_subprocess(
            "-n", workers, "--model=answers:model-on", "--judge=echo", "cases/s.yaml"
        )
        assert done.ret == pytest.ExitCode.USAGE_ERROR
        done.stderr.fnmatch_lines(['*--model=answers:model-on: no case*Did you mean "model-one"?*'])
    assert main(["check", str(pytester.path / "cases" / "s.yaml")]) == 0


def test_the_system_text_is_audited_too(tmp_path, monkeypatch, capsys):
    """A reader that asks for it is told what the suite says before each question."""
    monkeypatch.chdir(tmp_path)
    row = {"question": '严格遵守 JSON 格式：{"诊断": ""}', "other": {}}
    (tmp_path / "MedPrimary.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    text = (
        "suite: s\ndata: {format: medbench, path: MedPrimary.jsonl, options: {track: v4}}\n"
        "grader: closed\nsystem: 禁止输出json格式结果\n"
    )
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    assert main(["check", "s.yaml"]) == 1
    said = capsys.readouterr().out
    assert "MedPrimary.jsonl:1: error contradiction: JSON demanded and forbidden" in said


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("params: {temprature: 0.3}", 'params: "temprature" is sent as it is. Did you mean "temp'),
        ("params: {temperature: 0.3, house_setting: 1}", None),
        ("summary: {by: [them]}", 'summary.by: no case has a tag "them:...". Did you mean "theme"'),
        ("summary: {by: [theme, usable_rate]}", None),
        ("defaults: {pass_at: 50}", "case a: pass_at 50 is above 1, the highest score."),
        ("defaults: {pass_at: 1}", None),
    ],
)
def test_slips_that_no_schema_knows(tmp_path, line, told):
    """What a file asks for and can never get is a doubt; what may be meant is not."""
    case = "{id: a, prompt: q, tags: ['theme:x'], checks: [{contains: ok}]}"
    path = tmp_path / "s.yaml"
    path.write_text(f"suite: s\n{line}\ncases: [{case}]\n", encoding="utf-8")
    found = [finding.text for finding in audit(load_suite(path))]
    assert found == [] if told is None else told in found[0]


def test_check_refuses_what_a_run_refuses(tmp_path, capsys):
    """A grader's option that is spelled wrong fails the check, as it would fail a run."""
    path = tmp_path / "s.yaml"
    grader = "grader: {name: rubric, judges: [a, b, c], vote: majorty}"
    path.write_text(
        f"suite: s\n{grader}\ncases: [{{id: a, prompt: q, criteria: [{{text: x, points: 1}}]}}]\n",
        encoding="utf-8",
    )
    assert main(["check", str(path)]) == 1
    assert "majority" in capsys.readouterr().out
