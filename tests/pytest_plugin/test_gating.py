"""`--baseline` and `--gate`: every exit status through the real command, alone and with workers."""

from __future__ import annotations

import json
import re

import pytest
import runs
from servers import Reply, Server

from medcheck.__main__ import main

CASES = 24


def script(quality):
    """Return a server script: an answer names its quality, the judge's verdict follows from it."""

    def reply(body):
        if not runs.is_judge(body):
            return Reply(text=f"answer {runs.question(body):02} of {quality}")
        text = "\n".join(message["content"] for message in body["messages"])
        verdict_id = text.partition("\nverdict_id: ")[2].strip()
        case, demand = map(int, re.search(r"case (\d\d) demand (\d)", text).groups())
        good = {"good": demand < 3, "bad": demand == 3 or (demand == 2 and case % 3 == 0)}
        # Two of 24 cases a little worse: too few to tell.
        good["mixed"] = demand < 3 and not (demand == 2 and case % 12 == 0)
        # From the answer, whatever this server's own: frozen answers must be judged as ever.
        judged = re.search(r"answer \d\d of (\w+)", text)[1]
        said = {"explanation": "so", "criteria_met": good[judged], "verdict_id": verdict_id}
        return Reply(text=json.dumps(said))

    return reply


def place(folder, url, *, more=""):
    """Write a suite of `CASES` cases, its models file and pytest.ini."""
    return runs.place(folder, url, cases=CASES, more=more)


def measured(folder, quality, *options, workers=0, run="r"):
    """Run the suite against a server of a quality; return the status and what was printed."""
    with Server(script(quality)) as server:
        for name in ("models.yaml",):
            path = folder / name
            path.write_text(runs.registry_text(server.url), encoding="utf-8")
        store = f"--store={quality}-{run}.sqlite"
        ended = runs.command(folder, f"--run={run}", store, *options, workers=workers)
        return ended, len(server.requests)


@pytest.fixture
def released(tmp_path, monkeypatch):
    """A folder with an accepted baseline of the good quality."""
    monkeypatch.chdir(tmp_path)
    folder = place(tmp_path, "http://127.0.0.1:9/v1")
    ended, _ = measured(folder, "good", run="first")
    assert ended.status == 0, ended.output
    accept = ["baseline", "accept", "first", "--reason", "release", "--by", "A. Reviewer"]
    assert main([*accept, "--store", "good-first.sqlite"]) == 0
    return folder


BASELINE = "--baseline=cases/baselines/first.json"


@pytest.mark.parametrize("workers", [0, 2])
def test_every_status_of_the_gate(released, workers):
    """10 for a drop, 0 for the same, 11 where nothing is shown, 13 if nothing can be compared."""
    told = {}
    for quality in ("bad", "good", "mixed"):
        ended, _ = measured(released, quality, BASELINE, "--gate", workers=workers, run=quality)
        told[quality] = ended
    assert told["bad"].status == 10, told["bad"].output
    assert told["good"].status == 0, told["good"].output
    assert told["mixed"].status == 11, told["mixed"].output
    assert "FAIL" in told["bad"].output
    assert "PASS" in told["good"].output
    assert "CANNOT TELL" in told["mixed"].output
    assert "cases like these" in told["mixed"].output
    ended, asked = measured(
        released, "good", BASELINE, "--gate", "--protocol=official", workers=workers, run="other"
    )
    assert ended.status == 13, ended.output
    assert "NOT COMPARABLE" in ended.output
    assert asked == 0, "a run that can never be compared was paid for"


def test_a_lost_answer_is_incomplete_not_a_pass(released):
    """12 leads over a gate that would pass: what is missing is never a pass."""
    with Server(lambda body: lost(body) or script("good")(body)) as server:
        path = released / "models.yaml"
        path.write_text(runs.registry_text(server.url), encoding="utf-8")
        ended = runs.command(released, "--run=lost", "--store=lost.sqlite", BASELINE, "--gate")
    assert ended.status == 12, ended.output


def lost(body):
    """Return a refusal for one case's answer."""
    if runs.is_judge(body) or runs.question(body) != 3:
        return None
    return Reply(status=400, body={"error": {"message": "no"}})


def test_without_gate_a_comparison_only_tells(released):
    """`--baseline` alone shows the same lines and leaves the exit status as it is."""
    ended, _ = measured(released, "bad", BASELINE, run="told")
    assert ended.status == 0, ended.output
    assert "FAIL" in ended.output
    folder = released / "reports" / "told"
    page = (folder / "report.html").read_text(encoding="utf-8")
    text = (folder / "summary.md").read_text(encoding="utf-8")
    for report in (page, text):
        assert "Criteria that flipped" in report
    assert "## Gate" in text
    stored = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert stored["gate"]["decisions"][0]["status"] == "FAIL"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--gate"], "--gate: no baseline"),
        ([BASELINE.replace("first", "none"), "--gate"], "there is no such baseline file"),
        (["--baseline=nowhere", "--gate"], "no run"),
    ],
)
def test_a_wrong_baseline_is_refused_before_a_call(released, options, said):
    """No file, no run, no baseline: a usage error, and nobody is asked."""
    ended, asked = measured(released, "good", *options, run="wrong")
    assert ended.status == 4, ended.output
    assert said in ended.output
    assert asked == 0


def test_a_drifted_judge_is_not_comparable(released):
    """13 where frozen answers are judged otherwise than before, whatever the comparison says."""

    def milder(body):
        reply = script("good")(body)
        if runs.is_judge(body) and "demand 3" in runs.identity(body):
            said = json.loads(reply.text)
            return Reply(text=json.dumps({**said, "criteria_met": True}))
        return reply

    with Server(milder) as server:
        path = released / "models.yaml"
        path.write_text(runs.registry_text(server.url), encoding="utf-8")
        ended = runs.command(released, "--run=drift", "--store=drift.sqlite", BASELINE, "--gate")
    assert ended.status == 13, ended.output
    assert "NOT COMPARABLE: the judge has drifted" in ended.output
    with Server(milder) as server:
        path.write_text(runs.registry_text(server.url), encoding="utf-8")
        told = runs.command(released, "--run=told", "--store=drift.sqlite", BASELINE)
    assert "sentinels" not in told.output
    assert told.status == 0


def test_sentinels_are_not_asked_where_nothing_may_be(released):
    """`--responses only` calls nobody, sentinels included."""
    with Server(script("good")) as server:
        path = released / "models.yaml"
        path.write_text(runs.registry_text(server.url), encoding="utf-8")
        store = "--store=good-first.sqlite"
        ended = runs.command(released, "--run=first", store, BASELINE, "--gate", "--responses=only")
        assert ended.status == 0, ended.output
        assert not server.requests
    assert "sentinels" not in ended.output


def certificate(folder, **changes):
    """Write a certificate for the judge of the placed suite."""
    from dataclasses import replace
    from datetime import UTC, datetime, timedelta

    from medcheck import certificates
    from medcheck.graders.rubric import Grader

    day = datetime.now(UTC).date()
    signed = certificates.Certificate(
        judge="judge", provider="openai", model="judge", params={}, judge_params={},
        protocol="strict", grader="rubric", prompts=Grader({"protocol": "strict"}).versions,
        by="Dr. Wu", day=day.isoformat(), valid_until=(day + timedelta(days=9)).isoformat(),
        data={}, sample=None, gradings=1, seed=0,
        checks=(certificates.Check(name="canaries", outcome="PASS", value=1.0, limit=1.0),),
    )  # fmt: skip
    certificates.write(replace(signed, **changes), folder / "cases/certificates/judge.json")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_certificate_is_required(tmp_path, workers):
    """`--require-certificate` refuses before a call: 13; with a certificate scores name it."""
    folder = place(tmp_path, "http://127.0.0.1:9/v1")
    needed = "--require-certificate"
    ended, asked = measured(folder, "good", needed, workers=workers, run="bare")
    assert (ended.status, asked) == (13, 0), ended.output
    assert 'judge "judge" has no certificate' in ended.output
    certificate(folder, prompts={"prompt another": "00"})
    ended, asked = measured(folder, "good", needed, workers=workers, run="void")
    assert (ended.status, asked) == (13, 0), ended.output
    assert "is not covered, or has changed" in ended.output
    certificate(folder)
    ended, _ = measured(folder, "good", needed, workers=workers, run="backed")
    assert ended.status == 0, ended.output
    assert 'faults: judge "judge" is certified by Dr. Wu' in ended.output
    told = (folder / "reports" / "backed" / "summary.md").read_text(encoding="utf-8")
    assert "is certified by Dr. Wu" in told


def test_other_certificates(tmp_path):
    """`--certificate` names files elsewhere; one that is none is an error before a call."""
    folder = place(tmp_path, "http://127.0.0.1:9/v1")
    certificate(folder)
    (folder / "cases" / "certificates").rename(folder / "kept")
    ended, _ = measured(folder, "good", "--certificate=kept", "--require-certificate", run="kept")
    assert ended.status == 0, ended.output
    ended, asked = measured(
        folder, "good", "--certificate=nowhere", "--require-certificate", run="no"
    )
    assert (ended.status, asked) == (4, 0), ended.output
    assert "there is no such certificate" in ended.output
    (folder / "kept" / "judge.json").write_text("{}", encoding="utf-8")
    ended, asked = measured(folder, "good", "--certificate=kept", run="torn")
    assert (ended.status, asked) == (4, 0), ended.output
    assert "no certificate" in ended.output
