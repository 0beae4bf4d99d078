"""`--baseline` and `--gate`: every exit status through the real command, alone and with workers."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
import runs
from servers import Reply, Server

from medcheck.__main__ import main
from medcheck.errors import DatasetError
from medcheck.gate import EXIT
from medcheck.pytest_plugin import ending, gating
from medcheck.store.database import open_database
from medcheck.store.runs import Runs

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
    with Server(script("good")) as server:
        folder = place(tmp_path, server.url)
        runs.measure(folder, run="first", store="good-first.sqlite")
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


def test_a_gate_over_no_case_is_incomplete(released):
    """A gate passes nothing where its suite's data is not here and no case was run: 12."""
    (released / "cases" / "later.yaml").write_text(
        "suite: later\ndata: {format: healthbench, path: data/no.jsonl, fetch: healthbench}\n"
        "grader: {name: rubric, judges: [judge]}\n",
        encoding="utf-8",
    )
    ended = runs.command(released, BASELINE, "--gate", "cases/later.yaml")
    assert ended.status == 12, ended.output
    assert "no case was run" in ended.output


@pytest.mark.parametrize("workers", [0, 2])
def test_a_lost_answer_is_incomplete_not_a_pass(released, workers):
    """12 leads over a gate that would pass: what is missing is never a pass."""
    with Server(lambda body: lost(body) or script("good")(body)) as server:
        path = released / "models.yaml"
        path.write_text(runs.registry_text(server.url), encoding="utf-8")
        options = ("--run=lost", "--store=lost.sqlite", BASELINE, "--gate")
        ended = runs.command(released, *options, workers=workers)
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


@pytest.mark.parametrize("workers", [0, 2])
def test_a_drifted_judge_is_not_comparable(released, workers):
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
        options = ("--run=drift", "--store=drift.sqlite", BASELINE, "--gate", "--max-calls=999")
        ended = runs.command(released, *options, workers=workers)
    assert ended.status == 13, ended.output
    assert "NOT COMPARABLE: the judge has drifted" in ended.output
    # 24 answers, 96 verdicts, 30 sentinels: what was sent is what is told.
    assert len(server.requests) == CASES * 5 + 30
    assert f"this run: {CASES * 5 + 30} requests sent" in ended.output


def again(folder, **changes):
    """Return settings and the stored run of the accepted measurement, for calls in this process."""
    settings = runs.settings_for(
        folder, run="first", store="good-first.sqlite",
        baseline=BASELINE.partition("=")[2], gate=True, **changes,
    )  # fmt: skip
    with open_database(settings.store) as database:
        run = Runs(database).read("first")
        return settings, replace(run, results=tuple(run.results))


def never(name):
    """Stand for a store that is not asked for any run."""
    raise AssertionError(name)


def test_without_gate_no_sentinel_is_asked(released):
    """`--baseline` alone asks no sentinel and says nothing of them."""
    settings, run = again(released)
    told = gating.compared(replace(settings, gate=False), run, never)
    assert told.drift is None
    assert "sentinels" not in "\n".join(told.lines)


def test_unmeasured_sentinels_change_no_status(released):
    """Where the judge cannot be asked, the decision stands, and a line says what was not judged."""
    settings, run = again(released)
    (released / "models.yaml").write_text("judge: {model: another}\n", encoding="utf-8")
    told = gating.compared(settings, run, never)
    assert told.status == 0
    assert (
        "the judge's drift could not be checked: 30 of 30 sentinels were not judged "
        '(judge "judge" is another model' in told.lines[1]
    )
    assert told.data()["lines"] == told.lines
    for decision in ("FAIL", "CANNOT TELL", "INCOMPLETE"):
        turned = replace(told, decisions=(replace(told.decisions[0], status=decision),))
        assert turned.status == EXIT[decision]


def test_without_sentinels_it_is_said(released):
    """A gate whose baseline has no sentinels says that the judge's drift is not checked."""
    settings, run = again(released)
    (released / "cases" / "baselines" / "first.sentinels.json").unlink()
    lines = (
        gating.compared(settings, run, never).lines,
        gating.compared(replace(settings, baseline="first"), run, lambda name: run).lines,
    )
    assert all("no sentinels: the judge's drift is not checked" in each for each in lines)
    only = replace(settings, responses="only")
    assert "sentinels" not in "\n".join(gating.compared(only, run, never).lines)


def test_torn_sentinels_are_refused_before_a_call(released):
    """A file of sentinels that was torn or changed is a usage error, and nobody is asked."""
    path = released / "cases" / "baselines" / "first.sentinels.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("answer", "answre", 1), encoding="utf-8")
    ended, asked = measured(released, "good", BASELINE, "--gate", run="torn")
    assert (ended.status, asked) == (4, 0), ended.output
    assert "first.sentinels.json: no sentinels" in ended.output
    settings, run = again(released)
    for torn in ("", "[]", text[: len(text) // 2]):
        path.write_text(torn, encoding="utf-8")
        with pytest.raises(DatasetError, match="no sentinels"):
            gating.refusal(settings, run, never)
    assert gating.refusal(replace(settings, gate=False), run, never) == []


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("'theme:", "'theme:new-"), "24 of 24 cases stand in other categories"),
        (("by: [theme, axis]", "by: [axis]"), "24 of 24 cases stand in other categories"),
    ],
)
def test_retagged_cases_are_refused_before_a_call(released, edit, said):
    """Other tags or `summary.by` are not comparable, which is known before the first call."""
    path = released / "cases" / "faults.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(*edit), encoding="utf-8")
    settings = runs.settings_for(released, baseline=BASELINE.partition("=")[2], gate=True)
    runs.started(released, settings)
    with open_database(settings.store) as database:
        stored = Runs(database)
        refused = gating.refusal(settings, stored.read("r"), stored.read)
    assert said in "\n".join(refused)


def test_a_baseline_that_breaks_meanwhile(released):
    """What is paid for is reported even where its baseline cannot be read any more at the end."""
    settings, run = again(released)
    (released / "cases" / "baselines" / "first.sentinels.json").write_text("[", encoding="utf-8")
    state = SimpleNamespace(settings=settings)
    with open_database(settings.store) as database:
        gate, notes, error = ending._beside(state, run, Runs(database))
    assert gate is None
    assert "no sentinels" in error
    assert notes == [f"not compared: {error}"]


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
