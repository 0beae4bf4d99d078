"""`medcheck certify`, `sentinel` and `variance` through the real command line."""

from __future__ import annotations

import json

import pytest
import runs
from servers import Reply, Server

from medcheck import certificates
from medcheck.__main__ import main


def script(body):
    """Judge and answer as the other tests do; a judge's verdicts are a pure function."""
    return Reply(text=runs.healthy(body), usage=runs.USAGE)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with a suite, a server's models file and a stored run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MEDCHECK_STORE", raising=False)
    with Server(script) as server:
        runs.place(tmp_path, server.url)
        runs.measure(tmp_path, store=str(tmp_path / "reports" / "medcheck.sqlite"), repeats=2)
        yield tmp_path


def test_certify(folder, capsys):
    """The certificate is written where it is looked for; a judge that guesses gets status 1."""
    assert main(["certify", "judge", "--by", "吴医生", "--regrade", "2"]) == 1
    said = capsys.readouterr().out
    assert "agreement  NOT MEASURED" in said
    assert "canaries   FAIL" in said
    (signed,) = certificates.known()
    assert (signed.by, signed.protocol, signed.outcome) == ("吴医生", "strict", "FAIL")
    assert "cases/certificates/judge-strict.json" in said


def test_certify_offline(folder, capsys):
    """Without stored replies and without calls nothing is measured: 12."""
    given = ["certify", "judge", "--by", "x", "--responses", "only", "--out", "c.json"]
    assert main(given) == 12
    assert "no stored reply" in capsys.readouterr().out
    assert certificates.read(folder / "c.json").outcome == "NOT MEASURED"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--sample", "some"], "--sample some"),
        (["--regrade", "0"], "--regrade: a number from 1"),
        (["--valid-days", "0"], "--valid-days"),
        (["--batch"], "--batch needs the answers of a run"),
        (["--regrade", "999"], "calls. Add --yes"),
        (["--batch", "--run", "nowhere", "--for", "cases/faults.yaml"], "nowhere"),
    ],
)
def test_certify_refuses(folder, capsys, given, said):
    """What is wrong is one line and 2, before any call."""
    assert main(["certify", "judge", "--by", "x", *given]) == 2
    assert said in capsys.readouterr().err


def test_certify_batch(folder, capsys):
    """`--batch --run` adds the agreement of batch to single verdicts to the certificate."""
    given = ["certify", "judge", "--by", "x", "--batch", "--run", "r", "--regrade", "1"]
    assert main(given) == 1
    (signed,) = certificates.known()
    assert signed.checks[-1].name == "batch"
    # This judge does not know the form of batch replies.
    assert signed.checks[-1].outcome == "NOT MEASURED"
    assert main([*given, "--protocol", "official"]) == 2


def test_sentinel(folder, capsys):
    """A run's sentinels are judged anew, or kept in a file that is judged anew later."""
    assert main(["sentinel", "r"]) == 0
    assert "30 of 30 verdicts as before" in capsys.readouterr().out
    assert main(["sentinel", "r", "--n", "5", "--keep", "five.json"]) == 0
    assert main(["sentinel", "five.json"]) == 0
    assert "5 of 5 verdicts as before" in capsys.readouterr().out
    told = json.loads((folder / "five.json").read_text(encoding="utf-8"))
    assert told["run"] == "r"
    text = (folder / "models.yaml").read_text(encoding="utf-8")
    other = text.replace("judge: {", "judge: {model: another, ")
    (folder / "models.yaml").write_text(other, encoding="utf-8")
    assert main(["sentinel", "five.json"]) == 12


def test_rejudge_says_why_it_could_not(folder, capsys):
    """What was not measured has its causes, counted, and what was sent and spent is told."""
    given = ["rejudge", "r", "--as", "off", "--protocol", "official", "--responses", "only"]
    assert main(given) == 12
    said = capsys.readouterr().out
    assert "not measured, 24: judge_error: " in said
    assert "no stored reply" in said
    assert "this run: 0 requests sent, " in said


def test_variance(folder, capsys):
    """Repeats and re-gradings by `rejudge` are found and told apart."""
    assert main(["rejudge", "r", "--as", "again", "--responses", "fresh"]) == 0
    capsys.readouterr()
    assert main(["variance", "r", "--precision", "0.05"]) == 0
    said = capsys.readouterr().out
    assert "faults: m: mean" in said
    assert "12 cases, 24 answers, 48 gradings" in said
    assert "gradings of an answer: variance 0.00000, 0%" in said
    assert "for a standard error of 0.0500" in said
