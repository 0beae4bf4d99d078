"""`medcheck validate` prints a table and the findings; its exit status says if a pack is fit."""

import argparse
import json

import pytest
from medbench_packs import checked, errors, lines, questions, rows_of, zipped

from medcheck.commands import validate
from medcheck.errors import SettingsError

FILE = "MedCOT.jsonl"


def run(*given):
    """Run the command."""
    parser = argparse.ArgumentParser()
    validate.arguments(parser)
    return validate.run(parser.parse_args([str(each) for each in given]))


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Return the agent track's question files."""
    return questions(tmp_path_factory.mktemp("questions"), "agent")


def test_a_fit_pack(tmp_path, asked, capsys):
    """Warnings leave the status 0; each set has a line in the table."""
    files = rows_of("agent")
    files[FILE][0]["answer"] = None
    path = zipped(tmp_path / "p.zip", "agent", files)
    assert run(path, "--questions", asked) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == list(validate.HEAD)
    cells = next(line.split() for line in said if line.startswith("MedCOT "))
    assert cells == ["MedCOT", "30", "29", "-", "-", "-", "-", "0", "1"]
    assert "14 of 14 sets of the track agent." in said
    assert f"MedBench_Agent/{FILE}:1: warning E8n (id 1): the answer is null" in said
    assert said[-1].startswith("0 errors")


def test_without_questions(tmp_path, capsys):
    """What was not checked is said."""
    assert run(zipped(tmp_path / "p.zip", "agent", rows_of("agent"))) == 0
    assert "E7 was not checked" in capsys.readouterr().out


def test_faults(tmp_path, asked, capsys):
    """Errors give 1, come first, and those that differ only in their line share one."""
    files = rows_of("agent")
    for row in files[FILE][2:9]:
        row["options"] = None
    files[FILE][20]["options"] = None
    files[FILE][0]["answer"] = None
    del files["MedDBOps.jsonl"]
    path = zipped(tmp_path / "p.zip", "agent", files)
    listed = tmp_path / "f.jsonl"
    assert run(path, "--questions", asked, "--findings", listed) == 1
    said = capsys.readouterr().out
    assert f'{FILE}:3-9,21: error E9: unknown key "options" (8)' in said
    assert said.index("error E9") < said.index("warning E8n")
    found = [json.loads(line) for line in listed.read_text(encoding="utf-8").splitlines()]
    assert sum(each["severity"] == "error" for each in found) == 9
    assert {"rule": "E8n", "line": 1, "id": "1"}.items() <= next(
        each for each in found if each["rule"] == "E8n"
    ).items()


def test_an_unsafe_zip(tmp_path, capsys):
    """A hostile zip is refused with E1 and nothing of it is read."""
    path = zipped(tmp_path / "p.zip", "agent", rows_of("agent"), more=[("../x", b"")])
    assert run(path) == 1
    assert 'pack: error E1: "../x" leads out' in capsys.readouterr().out


def test_fix(tmp_path, asked, capsys):
    """--fix writes a pack that is fit, and the log beside it."""
    files = rows_of("agent")
    files[FILE][3]["options"] = None
    path = zipped(tmp_path / "p.zip", "agent", files)
    out = tmp_path / "out.zip"
    assert run(path, "--questions", asked, "--fix", out) == 1
    assert "1 changes" in capsys.readouterr().out
    [change] = (tmp_path / "out.zip.log").read_text(encoding="utf-8").splitlines()
    assert json.loads(change) == {
        "file": f"MedBench_Agent/{FILE}", "line": 4, "what": 'key "options" removed',
    }  # fmt: skip
    assert run(out, "--questions", asked) == 0


def test_ask_again_and_merge(tmp_path, asked, capsys):
    """Rows to ask again go out by case, and answers come back to exactly these rows."""
    files = rows_of("agent")
    whole = lines(files[FILE])
    files[FILE][4]["answer"] = None
    del files[FILE][9]
    path, rows = zipped(tmp_path / "p.zip", "agent", files), tmp_path / "rerun.jsonl"
    assert run(path, "--questions", asked, "--rerun", rows) == 1
    again = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    assert [row["case_id"] for row in again] == ["MedCOT-5", "MedCOT-10"]
    given = [{"case_id": row["case_id"], "answer": f"第{row['line']}个回答。"} for row in again]
    given.append({"case_id": "MedCOT-1", "answer": "一个更好的。"})
    answers = tmp_path / "answers.jsonl"
    answers.write_text("".join(json.dumps(row) + "\n" for row in given), encoding="utf-8")
    out = tmp_path / "out.zip"
    run(path, "--questions", asked, "--fix", out, "--merge", answers)
    assert "2 of 2 rows have a new answer; 1 answers are to rows" in capsys.readouterr().out
    assert errors(checked(out, asked)) == []
    assert checked(out).pack.files[FILE]() == whole


def test_also(tmp_path, asked):
    """--also asks rows again that break off."""
    files = rows_of("agent")
    files[FILE][4]["answer"] = "因此，"
    path, rows = zipped(tmp_path / "p.zip", "agent", files), tmp_path / "rerun.jsonl"
    run(path, "--questions", asked, "--rerun", rows)
    assert rows.read_bytes() == b""
    run(path, "--questions", asked, "--rerun", rows, "--also", "W3")
    assert json.loads(rows.read_text(encoding="utf-8"))["case_id"] == "MedCOT-5"


def test_wrong_use(tmp_path):
    """--merge needs a place to write to and the questions."""
    path = zipped(tmp_path / "p.zip", "agent", rows_of("agent"))
    with pytest.raises(SettingsError, match="--merge needs"):
        run(path, "--merge", "a.jsonl")
    with pytest.raises(SettingsError, match="question files"):
        run(path, "--rerun", tmp_path / "r.jsonl")


def test_an_unsafe_zip_and_rows_to_ask_again(tmp_path, asked, capsys):
    """Why a zip is refused is said although rows to ask again are wanted, and none are written."""
    path = zipped(tmp_path / "p.zip", "agent", rows_of("agent"), more=[("../x", b"")])
    assert run(path, "--questions", asked, "--rerun", tmp_path / "r.jsonl") == 1
    said = capsys.readouterr().out
    assert 'pack: error E1: "../x" leads out' in said
    assert "the pack was not read, see E1" in said
    assert not (tmp_path / "r.jsonl").exists()


def test_answers_that_were_cut_off_are_not_merged(tmp_path, asked, capsys):
    """A result that ended at the limit is no answer: its row stays null, and that is said."""
    files = rows_of("agent")
    files[FILE][4]["answer"] = None
    path, out = zipped(tmp_path / "p.zip", "agent", files), tmp_path / "out.zip"
    cut = {"case_id": "MedCOT-5", "completion": {"text": "因为", "finish": "length"}}
    answers = tmp_path / "results.jsonl"
    answers.write_text(json.dumps(cut) + "\n", encoding="utf-8")
    run(path, "--questions", asked, "--fix", out, "--merge", answers)
    said = capsys.readouterr().out
    assert "0 of 1 rows have a new answer" in said
    assert "1 answers were cut off or held back, and are not taken: MedCOT-5." in said
    assert json.loads(checked(out).pack.files[FILE]().split(b"\n")[4])["answer"] is None


def test_answers_out_of_a_pack(tmp_path, asked):
    """A pack with the answers lacks rows itself, and gives each row its own all the same."""
    files, given = rows_of("agent"), rows_of("agent")
    whole = lines(files[FILE])
    files[FILE][4]["answer"] = None
    del given[FILE][1]
    path, out = zipped(tmp_path / "p.zip", "agent", files), tmp_path / "out.zip"
    answers = zipped(tmp_path / "given.zip", "agent", given)
    run(path, "--questions", asked, "--fix", out, "--merge", answers)
    assert checked(out).pack.files[FILE]() == whole


def test_one_file(tmp_path, asked, capsys):
    """A set's file is checked as it lies, without the sets beside it."""
    path = tmp_path / "MedCOT.some-model.jsonl"
    path.write_bytes(lines(rows_of("agent")[FILE]))
    assert run(path, "--questions", asked) == 0
    assert "One file of the track agent; the other sets were not looked for." in (
        capsys.readouterr().out
    )
