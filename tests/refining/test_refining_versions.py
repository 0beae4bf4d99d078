"""Versions stand alone, say what they change, and notice when their file was changed."""

from __future__ import annotations

import pytest
import yaml
from refine_runs import EDIT, PROJECT

from medcheck.errors import DatasetError, SettingsError, SuiteError
from medcheck.refining.versions import (
    Edit,
    Version,
    block,
    changed_cases,
    diff,
    edit_of,
    edited,
    first,
    load,
    next_name,
    overrides,
    read_edit,
    save,
)
from medcheck.suites import load_suite
from medcheck.suites.yaml_lines import read_value

LIST = "核心需求：\n1. 说出诊断"


@pytest.fixture(scope="module")
def suite():
    """Return the starter suite."""
    return load_suite(PROJECT / "cases" / "llmeval_starter.yaml")


@pytest.fixture
def base():
    """Return the first version."""
    return Version(name="v0", parent=None, by="", reason="")


def test_the_first_version_is_the_suites_own(tmp_path):
    """Checklists and guidance that the suite file has already are its beginning."""
    path = tmp_path / "s.yaml"
    text = (PROJECT / "cases" / "llmeval_starter.yaml").read_text(encoding="utf-8")
    edits = "checklists: {MK-1-1: '核心'}, guidance: {医疗知识: g}"
    grader = f"grader: {{name: checklist, judges: [j], {edits}}}"
    (tmp_path / "llmeval_starter.json").write_bytes(
        (PROJECT / "cases" / "llmeval_starter.json").read_bytes()
    )
    path.write_text(text.replace("grader: {name: checklist, judges: [gpt-4.1]}", grader),
                    encoding="utf-8")  # fmt: skip
    found = first(load_suite(path), "v0")
    assert (found.checklists, found.guidance) == ({"MK-1-1": "核心"}, {"MK": "g"})


def test_other_graders_are_refused():
    """Rubrics and claims have no such option, and the error says what to do instead."""
    rubric = load_suite(PROJECT / "cases" / "starter.yaml")
    with pytest.raises(SettingsError, match=r'graded by "rubric".*edit the criteria'):
        first(rubric, "v0")


def test_an_edit_adds_to_its_parent(base):
    """A version holds all of its parent's changes and its own; null takes one back."""
    one = edited(base, Edit(checklists={"a": LIST, "b": LIST}), name="v1", by="x", reason="r")
    two = edited(one, Edit(checklists={"a": None}, guidance={"MK": "g"}), name="v2", by="x",
                 reason="r")  # fmt: skip
    assert (two.checklists, two.guidance, two.parent) == ({"b": LIST}, {"MK": "g"}, "v1")
    assert changed_cases(one, two) == {"a"}
    back = edited(two, Edit(checklists={"a": LIST}, guidance={"MK": None}), name="v3", by="y",
                  reason="s")  # fmt: skip
    assert back.sha256 == one.sha256
    with pytest.raises(SettingsError, match="changes nothing of v1"):
        edited(one, Edit(checklists={"a": LIST}), name="v2", by="x", reason="r")


def test_a_version_comes_back_as_it_was(tmp_path, base):
    """Texts of several lines, quotes and Chinese survive the file; it is never overwritten."""
    text = "核心需求：\n1. “P=0.08”: yes, # no\n\n次要需求：\n1. no"
    found = edited(base, Edit(checklists={"a": text, "b": "3"}, guidance={"MK": "null"}),
                   name="v1", by="李医生", reason="why: so")  # fmt: skip
    save(found, tmp_path)
    assert load(tmp_path, "v1") == found
    assert next_name(tmp_path) == "v2"
    with pytest.raises(SettingsError, match="exists already"):
        save(found, tmp_path)
    with pytest.raises(SettingsError, match=r'no version "v7".*Known: v1'):
        load(tmp_path, "v7")
    with pytest.raises(SettingsError, match=r'no version "\.\./v1"'):
        load(tmp_path / "x", "../v1")


def test_a_changed_file_is_refused(tmp_path, base):
    """The text of a version is known by its hash."""
    path = save(edited(base, Edit(guidance={"MK": "one"}), name="v1", by="x", reason="r"), tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("one", "two"), encoding="utf-8")
    with pytest.raises(DatasetError, match="changed after it was written"):
        load(tmp_path, "v1")
    path.write_text("version: v1\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="not a version"):
        load(tmp_path, "v1")


def test_overrides_reach_the_grader_unchanged(base):
    """What `--set` is given means the same text again, characters that YAML folds included."""
    text = "核心需求：\n1. a\u2028b\x85c\u00a0\t\"'\\ {x}: [y] #z 😀 \ufeff"
    found = edited(base, Edit(checklists={"a": text}), name="v1", by="x", reason="r")
    checklists, guidance = overrides(found, "s")
    assert guidance == "s.grader.guidance={}"
    assert read_value(checklists.removeprefix("s.grader.checklists="), where="x") == {"a": text}


def test_the_block_can_be_copied_into_a_suite(base):
    """The lines are YAML with the grader's own options, and hold nothing else."""
    found = edited(base, Edit(checklists={"a": LIST}), name="v1", by="x", reason="r")
    grader = yaml.safe_load(block(found))["grader"]
    assert grader == {"name": "checklist", "checklists": {"a": LIST}}


def test_a_diff_starts_from_the_datas_own_checklist(base):
    """Lines are taken from and added to what held before, the data's own words included."""
    own = {"a": "核心需求：\n1. 旧"}
    found = edited(base, Edit(checklists={"a": "核心需求：\n1. 新"}, guidance={"MK": "g"}),
                   name="v1", by="x", reason="r")  # fmt: skip
    lines = list(diff(base, found, own))
    assert lines[:2] == ["--- v0 checklist a", "+++ v1 checklist a"]
    assert {"-1. 旧", "+1. 新", "+g"} <= set(lines)


def test_the_example_is_an_edit_of_the_starter(suite):
    """The edit in the docs is understood."""
    found = read_edit(EDIT, suite)
    assert sorted(found.checklists) == ["MR-1-1", "MR-2-1", "MR-3-1", "MTG-1-1", "MTG-2-1"]
    assert not found.guidance


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "not an edit"),
        ([], "not an edit"),
        ({}, "not an edit"),
        ({"checklist": {}}, "not an edit"),
        ({"checklists": ["a"]}, "checklists: expected texts"),
        ({"checklists": {"MR-1-1": 3}}, "checklists: expected texts"),
        ({"checklists": {"MR-1-1": " "}}, "checklists: expected texts"),
        ({"checklists": {"MR-9-9": LIST}}, 'no case "MR-9-9"'),
        ({"checklists": {"MR-1-1": "次要需求：\n1. x"}}, "has no core requirement"),
        ({"guidance": {"MX": "g"}}, 'no category "MX"'),
    ],
)
def test_what_is_no_edit_is_refused(suite, data, said):
    """Unknown fields, cases and categories and empty texts are told with the file."""
    with pytest.raises(DatasetError, match=f"edit.yaml: .*{said}"):
        edit_of(data, suite, where="edit.yaml")


def test_a_broken_file_is_told_with_its_line(suite, tmp_path):
    """YAML errors name line and column."""
    path = tmp_path / "edit.yaml"
    path.write_text("checklists: [\n", encoding="utf-8")
    with pytest.raises(SuiteError, match=r"edit\.yaml:\d+"):
        read_edit(path, suite)
