"""The MedBench export is the platform's zip: questions untouched, answers in place, causes kept."""

import json
import zipfile

import pytest
from medbench_packs import checked, errors, lines, questions, record, rows_of, warned
from report_runs import result, run_of

from medcheck.errors import WriterError
from medcheck.packs.answers import load_pack_answers
from medcheck.scoring.medbench_sets import TRACKS, set_of, sets_of
from medcheck.types import Completion
from medcheck.writers.medbench import write


def answered(info, number, text="答。", model="alpha", **changes):
    """Return the result of one row."""
    row = {"track": info.track, "set": info.name, "line": number, "record": record(info, number)}
    completion = None if text is None else Completion(text=text)
    fields = {"suite": "medbench", "completion": completion, "labels": {"medbench": row}, **changes}
    return result(f"{info.name}-{number}", model, **fields)


def exported(path, results):
    """Write a run and return the path."""
    run, summary = run_of(results)
    return write(run, summary, path)


@pytest.mark.parametrize("track", TRACKS)
def test_export_then_validate_is_clean(tmp_path, track):
    """The export of a whole track has no error against its question files, and equals them."""
    folder = questions(tmp_path / "q", track)
    results = [
        answered(info, number, f"第{number}个回答。")
        for info in sets_of(track)
        for number in range(1, info.rows + 1)
    ]
    path = exported(tmp_path / "p.zip", results)
    found = checked(path, folder)
    assert errors(found) == []
    assert found.pack.folder == found.layout.folder
    with zipfile.ZipFile(path) as archive:
        for name, rows in rows_of(track).items():
            assert archive.read(f"{found.layout.folder}/{name}") == lines(rows)
    assert [each.name for each in tmp_path.iterdir() if "missing" in each.name] == []


def test_the_same_run_gives_the_same_bytes(tmp_path):
    """Rows are in the question file's order, whatever the results' order."""
    info = set_of("agent", "MedCOT")
    results = [answered(info, number, f"{number}。") for number in range(1, 31)]
    one = exported(tmp_path / "1.zip", results)
    two = exported(tmp_path / "2.zip", results[::-1])
    assert one.read_bytes() == two.read_bytes()
    assert load_pack_answers(one)["MedCOT", 30] == "30。"


def test_missing_answers_keep_their_cause(tmp_path):
    """An answer that is not there is null; each cause stands beside the zip."""
    info = set_of("agent", "MedCOT")
    results = [
        answered(info, 1),
        answered(info, 2, None, state="model_error", error="HTTP 500 from x.", value=None),
        answered(info, 3, " ", state="empty", value=None),
        answered(info, 4, "写到一", state="truncated", value=None),
        answered(info, 5, "评不了。", state="judge_error", value=None),
    ]
    path = exported(tmp_path / "p.zip", results)
    answers = load_pack_answers(path)
    assert [answers["MedCOT", line] for line in range(1, 6)] == [
        "答。", None, " ", "写到一", "评不了。",
    ]  # fmt: skip
    notes = tmp_path / "p.zip.missing.jsonl"
    causes = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    assert [(each["line"], each["state"], each["written"]) for each in causes] == [
        (2, "model_error", False), (3, "empty", False), (4, "truncated", True),
    ]  # fmt: skip
    assert causes[0]["error"] == "HTTP 500 from x."
    assert causes[0]["id"] == 2
    assert warned(checked(path), "E8n") == [2, 3]
    exported(path, [answered(info, 1)])
    assert not notes.exists(), "no causes of an older export stay behind"


def test_a_pack_for_each_model_track_and_repeat(tmp_path):
    """Several models become several packs, named by what differs."""
    info = set_of("agent", "MedCOT")
    results = [answered(info, 1, model=model) for model in ("a", "org/b")]
    exported(tmp_path / "p.zip", results)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p-a.zip", "p-org-b.zip"]
    other = answered(set_of("v4", "MedExam"), 1)
    first = exported(tmp_path / "q.zip", [answered(info, 1), other, answered(info, 1, repeat=2)])
    names = sorted(path.name for path in tmp_path.glob("q*"))
    assert names == ["q-agent-1.zip", "q-agent-2.zip", "q-v4-1.zip"]
    assert first.name == "q-agent-1.zip"


def test_shuffled_copies_are_left_out(tmp_path):
    """Copies that medcheck made are no rows of the platform; another case on a line is an error."""
    info = set_of("agent", "MedCOT")
    copy = answered(info, 1, "另。")
    path = exported(
        tmp_path / "p.zip",
        [answered(info, 1), type(copy)(**{**fields(copy), "case_id": "MedCOT-1.c1"})],
    )
    assert load_pack_answers(path) == {("MedCOT", 1): "答。"}
    with pytest.raises(WriterError, match="answers line 1 of MedCOT again"):
        exported(path, [answered(info, 1), answered(info, 1)])


def fields(found):
    """Return the fields of a result."""
    return {name: getattr(found, name) for name in found.__slots__}


def test_other_runs_have_no_pack(tmp_path):
    """A run without a case of MedBench is refused; other cases in a run are left out."""
    with pytest.raises(WriterError, match="no case of MedBench"):
        exported(tmp_path / "p.zip", [result()])
    path = exported(tmp_path / "p.zip", [result(), answered(set_of("agent", "MedCOT"), 1)])
    assert len(load_pack_answers(path)) == 1


def test_texts_are_data(tmp_path):
    """Separators, tabs, quotes and lone surrogates in an answer come back as they were."""
    text = 'a\u2028b\u0085c\td\n"e"\\\ud800'
    path = exported(tmp_path / "p.zip", [answered(set_of("agent", "MedCOT"), 1, text)])
    assert load_pack_answers(path)["MedCOT", 1] == text
