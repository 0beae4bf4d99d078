"""`medcheck refine` on the demo models: from the first figures to the lines for the suite."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from refine_runs import EDIT, RATINGS, SUITE, make
from servers import Server

from medcheck.__main__ import main
from medcheck.providers import replay

FOLDER = f"cases/refine/{SUITE}"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Return a folder with a run of the starter suite."""
    return make(tmp_path_factory.mktemp("starter") / "project")


@pytest.fixture
def call(measured, tmp_path, monkeypatch, capsys):
    """Run `medcheck refine` in a copy of that folder; return what it printed."""
    shutil.copytree(measured, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")

    def called(*arguments, status=0):
        assert main(["refine", *map(str, arguments)]) == status
        said = capsys.readouterr()
        return said.err if status else said.out

    return called


@pytest.fixture(scope="module")
def locked(measured, tmp_path_factory):
    """Return a folder in which a refinement was begun."""
    folder = tmp_path_factory.mktemp("begun") / "project"
    shutil.copytree(measured, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["refine", "start", SUITE, "starter", "--ratings", str(RATINGS)]) == 0
    return folder


@pytest.fixture
def begun(locked, call):
    """Return the command, in a folder in which a refinement was begun."""
    shutil.copytree(locked, Path.cwd(), dirs_exist_ok=True)
    return call


def write_edit(text, name="edit.yaml"):
    path = Path(name)
    path.write_text(yaml.safe_dump(text, allow_unicode=True), encoding="utf-8")
    return path


def by_hand(call, path, version):
    """Propose and run an edit of a person's; return what the run said."""
    call("propose", "--edit", path, "--by", "Li", "--reason", "why")
    return call("run", version)


def test_the_loop_from_end_to_end(call):
    """Start, show, propose, run, log and apply work offline; the edit of the docs is a gain."""
    told = call("start", SUITE, "starter", "--ratings", RATINGS)
    assert "v0: validation kappa 0.913, lower bound unknown" in told
    assert "calibration, a work aid and no result: kappa 0.696" in told
    shown = call("show")
    assert "医疗推理/科学研究: 1 false unusable, 1 scores apart" in shown
    assert "MTG-2-1" not in shown  # held out
    told = call("propose", "--edit", EDIT, "--by", "Li", "--reason", "no checklist")
    assert "+1. 内容要求：明确指出“显著降低”的结论不合理。" in told
    assert "v1: checklists of 5 cases change, 2 of calibration, 3 of validation" in told
    told = call("run", "v1")
    assert "v1: validation kappa 1.000" in told
    assert "v1 holds now.\n" in told
    log = call("log")
    assert log.count("validation kappa") == 2
    assert "calibration" not in log
    assert log.endswith("v1 holds; it may go on\n")
    block = yaml.safe_load(call("apply", "v1"))["grader"]
    assert block["checklists"] == yaml.safe_load(EDIT.read_text(encoding="utf-8"))["checklists"]
    assert "0 disagreements on 10 answers" in call("show")


def test_the_suite_file_is_never_edited(begun):
    """Applying prints or writes lines; the suite stays, and takes them when they are copied."""
    suite = Path(f"cases/{SUITE}.yaml")
    before = suite.read_bytes()
    by_hand(begun, EDIT, "v1")
    assert "wrote block.yaml" in begun("apply", "v1", "--out", "block.yaml")
    assert suite.read_bytes() == before
    block = Path("block.yaml").read_text(encoding="utf-8")
    text = suite.read_text(encoding="utf-8")
    text = text.replace("grader: {name: checklist, judges: [gpt-4.1]}\n", block)
    suite.write_text(text, encoding="utf-8")
    assert main(["check", str(suite)]) == 0


def test_two_rounds_without_gain_end_it(begun):
    """Edits that change no verdict are kept without a gain; after the second nothing is run."""
    for number in (1, 2):
        path = write_edit({"guidance": {"MK": f"看清剂量 {number}"}})
        told = by_hand(begun, path, f"v{number}")
        assert f"v{number} holds now, without a gain." in told
    assert "ended: 2 rounds without a gain of 0.02" in begun("log")
    said = begun("propose", "--edit", EDIT, "--by", "Li", "--reason", "r", status=2)
    assert "the refinement has ended: 2 rounds without a gain of 0.02." in said


def test_a_version_is_rolled_back(begun):
    """A judge whom an edit leads away from people brings the version before it back."""
    demo = replay.DEMO / "llmeval_starter.jsonl"
    lines = [json.loads(line) for line in demo.read_text(encoding="utf-8").split("\n") if line]
    wrong = "核心需求：\n1. 错"
    for record in lines:
        if record["case"] == "MK-1-1":
            record["criteria"].append(
                {"criterion": wrong, "reply": {"explanation": "错", "score": 5}}
            )
    names = ("demo", "demo-weak", "demo-judge")
    entries = "".join(
        f"{name}: {{provider: replay, model: {name}, judge: demo-judge, "
        f"params: {{path: own.jsonl}}}}\n"
        for name in names
    )
    with Path("own.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(line)}\n" for line in lines)
    with Path("models.yaml").open("w", encoding="utf-8") as file:
        file.write(entries)
    begun("start", SUITE, "starter", "--ratings", RATINGS, "--folder", "own")
    path = write_edit({"checklists": {"MK-1-1": wrong}})
    begun("propose", "--folder", "own", "--edit", path, "--by", "Li", "--reason", "r")
    told = begun("run", "v1", "--folder", "own")
    assert "v1 is rolled back: validation fell." in told
    assert begun("log", "--folder", "own").endswith("v0 holds; it may go on\n")
    said = begun("apply", "v1", "--folder", "own", status=2)
    assert "v1 was rolled back, or never run. Kept: v0." in said


def test_a_model_proposes_and_a_person_accepts(begun):
    """The proposal is shown as a diff and judges nothing before a person stands for it."""
    text = yaml.safe_load(EDIT.read_text(encoding="utf-8"))["checklists"]["MR-3-1"]
    reply = {"reason": "vague", "checklists": [{"case": "MR-3-1", "text": text}], "guidance": []}
    with Server(json.dumps(reply, ensure_ascii=False)) as server:
        with Path("models.yaml").open("w", encoding="utf-8") as file:
            file.write(f"p: {{base_url: '{server.url}'}}\n")
        told = begun("propose", "--model", "p")
        sent = server.bodies[0]["messages"][-1]["content"]
    assert "MTG-2-1" not in sent  # held out
    assert "+1. 内容要求：明确指出“显著降低”的结论不合理。" in told
    assert "nobody accepted" in begun("run", "v1", status=2)
    begun("accept", "v1", "--by", "Li")
    assert "v1 holds now" in begun("run", "v1")
    assert "by model p, vague" in begun("log")


def test_a_changed_sample_is_refused(begun):
    """Ratings that were changed after the start stop every further step."""
    lock = Path(FOLDER, "lock.json")
    assert str(RATINGS) in lock.read_text(encoding="utf-8")
    changed = RATINGS.read_text(encoding="utf-8").replace(
        "MR-3-1,demo,rater-1,2", "MR-3-1,demo,rater-1,5"
    )
    shutil.rmtree(FOLDER)
    own = Path("ratings.csv")
    shutil.copy(RATINGS, own)
    begun("start", SUITE, "starter", "--ratings", own)
    own.write_text(changed, encoding="utf-8")
    for step in (["show"], ["propose", "--edit", EDIT, "--by", "x", "--reason", "r"]):
        assert "the locked sample has changed: MR-3-1." in begun(*step, status=2)


def test_another_judge_is_refused(begun):
    """Versions are judged under the conditions of the first one; nobody is asked."""
    begun("propose", "--edit", EDIT, "--by", "Li", "--reason", "r")
    said = begun("run", "v1", "--judge", "demo-judge-2", status=2)
    assert "demo-judge-2 would judge under other conditions than before." in said
    assert "conditions" in begun("run", "v1", "--protocol", "official", status=2)
    assert "v1 holds now" in begun("run", "v1")


def test_wrong_use_is_told(begun):
    """Missing names, numbers out of range, unknown suites and second starts are named."""
    assert "Add --by NAME" in begun("propose", "--edit", EDIT, status=2)
    blank = ("propose", "--edit", EDIT, "--by", " ", "--reason", "r")
    assert "Add --by NAME" in begun(*blank, status=2)
    assert "Add --by NAME" in begun("propose", "--edit", "", "--by", "", status=2)
    wrong = Path("wrong.csv")
    wrong.write_text("case_id,model,score\nMK-1-1,Demo,5\n", encoding="utf-8")
    said = begun("start", SUITE, "starter", "--ratings", wrong, "--folder", "other", status=2)
    assert f'wrong.csv:2: model "Demo" is not in {SUITE} in run starter' in said
    start = ["start", SUITE, "starter", "--ratings", RATINGS]
    assert "holds a refinement already" in begun(*start, status=2)
    for option, value in (("--calibration", 1), ("--target", 2), ("--max-rounds", 0)):
        said = begun(*start, "--folder", "other", option, value, status=2)
        assert option in said
    said = begun("start", "starter", "starter", "--ratings", RATINGS, status=2)
    assert 'run starter has no suite "starter"' in said


def test_other_graders_are_refused(begun, monkeypatch, project):
    """A suite that is graded by a rubric is told what to do instead."""
    shutil.copytree(project / "cases", "cases", dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("data", "refine"))  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "cases/starter.yaml",
               "--model=demo", "--run", "rubric"]  # fmt: skip
    subprocess.run(command, capture_output=True)
    said = begun("start", "starter", "rubric", "--ratings", RATINGS, status=2)
    assert 'suite "starter" is graded by "rubric". Only checklists' in said


def test_two_refinements_of_a_run_do_not_mix(begun):
    """Each folder has judged runs of its own: one's version does not write over the other's."""
    other = ("--folder", "other")
    begun("start", SUITE, "starter", "--ratings", RATINGS, "--seed", 3, *other)
    edit = write_edit({"guidance": {"MK": "看清剂量"}})
    begun("propose", "--edit", edit, "--by", "Li", "--reason", "r", *other)
    begun("run", "v1", *other)
    before = begun("show", *other)
    assert "v1, calibration, a work aid and no result: 3 disagreements" in before
    by_hand(begun, EDIT, "v1")
    assert begun("show", *other) == before
