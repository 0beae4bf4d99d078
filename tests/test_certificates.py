"""Certificates: what they back, what voids them, and that nobody changes one unnoticed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from medcheck.certificates import (
    Certificate,
    Check,
    backing,
    backings,
    known,
    place,
    read,
    text,
    write,
)
from medcheck.errors import DatasetError, SettingsError

DAY = date(2026, 11, 21)
PASS = Check(name="canaries", outcome="PASS", value=1.0, limit=1.0, n=32)
FAIL = replace(PASS, name="injection", outcome="FAIL", ci95=(0.0, 1.0), failures=("a",))
LOST = replace(PASS, name="agreement", outcome="NOT MEASURED", value=None, note="no labels")
SIGNED = Certificate(
    judge="j",
    provider="openai",
    model="gpt-x",
    params={"temperature": 0.0},
    judge_params={"max_tokens": 2048},
    protocol="strict",
    grader="rubric",
    prompts={"prompt a": "11", "prompt b": "22"},
    by="吴医生",
    day="2026-11-01",
    valid_until="2027-04-30",
    data={"canaries.yaml": "ab"},
    sample=None,
    gradings=3,
    seed=0,
    checks=(PASS,),
)

ENTRY = ("openai", "gpt-x", {"temperature": 0})


def suites(*, protocol="strict", entry=ENTRY, **compared):
    """Return what a run knows of one suite."""
    told = {
        "prompts": {"prompt a": "11"},
        "judges": {"j": list(entry)},
        "judge_params": {"max_tokens": 2048},
        **compared,
    }
    return {"triage": {"protocol": protocol, "judges": ["j"], "compared": told}}


def test_backed():
    """A judge that is asked as it was certified is backed, whatever its name."""
    (found,) = backings(suites(), [SIGNED], DAY)
    assert found.certificate == SIGNED
    assert backing(suites(), [SIGNED], DAY) == [
        'triage: judge "j" is certified by 吴医生 (2026-11-01, until 2027-04-30)'
    ]
    (found,) = backings(suites(), [replace(SIGNED, judge="other")], DAY)
    assert found.certificate is not None


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"entry": ("openai", "gpt-y", {"temperature": 0})}, "none is for this model"),
        ({"entry": ("azure", "gpt-x", {"temperature": 0})}, "none is for this model"),
        ({"entry": ("openai", "gpt-x", {"temperature": 1})}, "parameters have changed"),
        ({"judge_params": {}}, "other parameters"),
        ({"protocol": "official"}, "for the strict protocol"),
        ({"prompts": {"prompt a": "12"}}, "prompt a is not covered, or has changed"),
        ({"prompts": {"prompt c": "33"}}, "prompt c is not covered"),
    ],
)
def test_any_change_voids_it(told, reason):
    """Another model, parameter, prompt or protocol is not what was certified."""
    (found,) = backings(suites(**told), [SIGNED], DAY)
    assert found.certificate is None
    assert reason in found.line


def test_time():
    """A certificate holds from its day to its last day, both included."""
    for day, holds in (("2026-11-01", True), ("2027-04-30", True), ("2027-05-01", False),
                       ("2026-10-31", False)):  # fmt: skip
        (found,) = backings(suites(), [SIGNED], date.fromisoformat(day))
        assert (found.certificate is not None) is holds, day


@pytest.mark.parametrize(
    ("checks", "outcome"),
    [((PASS,), "PASS"), ((PASS, FAIL, LOST), "FAIL"), ((PASS, LOST), "NOT MEASURED"), ((), "FAIL"),
     ((PASS, replace(LOST, outcome="DOES NOT APPLY")), "PASS")],
)  # fmt: skip
def test_only_a_pass_backs(checks, outcome):
    """One failed check fails all; what was not measured is no pass either."""
    signed = replace(SIGNED, checks=checks)
    assert signed.outcome == outcome
    (found,) = backings(suites(), [signed], DAY)
    assert (found.certificate is not None) is (outcome == "PASS")


def test_the_longest_wins():
    """Of several that hold, the one that holds longest is named."""
    later = replace(SIGNED, valid_until="2027-06-30")
    (found,) = backings(suites(), [SIGNED, later], DAY)
    assert found.certificate == later


def test_a_run_that_does_not_say_how():
    """A judge of the run without a record of how it was asked cannot be backed."""
    told = {"triage": {"protocol": "strict", "judges": ["j"]}}
    (found,) = backings(told, [SIGNED], DAY)
    assert "does not say how" in found.line


def test_without_certificates_nothing_is_said():
    """A project that keeps none is not nagged."""
    assert backing(suites(), [], DAY) == []


def test_a_file_and_back(tmp_path):
    """A file holds all of it, the same bytes each time."""
    signed = replace(SIGNED, checks=(PASS, FAIL, LOST))
    path = write(signed, tmp_path / "certificates" / "j.json")
    assert read(path) == signed
    assert text(read(path)) == path.read_text(encoding="utf-8")
    assert known([tmp_path / "certificates"]) == known([path]) == (signed,)


def test_changes_by_hand_are_noticed(tmp_path):
    """A changed value, a missing field, a second key or NaN is refused with the file's name."""
    path = write(replace(SIGNED, checks=(FAIL,)), tmp_path / "j.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    data["checks"][0]["outcome"] = "PASS"
    whole = text(SIGNED)
    wrong = {
        json.dumps(data): "changed after it was signed",
        whole.replace('"seed": 0,', ""): "'seed' is a required property",
        whole.replace('"seed": 0,', '"seed": 0, "seed": 1,'): "stands twice",
        whole.replace('"value": 1.0', '"value": NaN'): "NaN is not a JSON number",
        "[]": "no certificate",
        "{": "cannot be read",
    }
    for written, said in wrong.items():
        path.write_text(written, encoding="utf-8")
        with pytest.raises(DatasetError, match=said) as caught:
            read(path)
        assert str(path) in str(caught.value)


def test_places(tmp_path, monkeypatch):
    """Without a place the project's folder is looked into; a named one must be there."""
    monkeypatch.chdir(tmp_path)
    assert known() == ()
    write(SIGNED, place("vendor/judge:1", "strict"))
    assert [path.name for path in (tmp_path / "cases" / "certificates").iterdir()] == [
        "vendor-judge-1-strict.json"
    ]
    assert known() == (SIGNED,)
    with pytest.raises(SettingsError, match="no such certificate"):
        known([tmp_path / "nowhere.json"])
