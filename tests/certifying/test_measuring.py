"""Certificates of judge doubles: what is wrong with a judge is what its certificate says."""

from __future__ import annotations

import threading
from collections import Counter

import doubles
import pytest
from servers import Server

from medcheck.certifying.measuring import plan
from medcheck.errors import SettingsError
from medcheck.settings import Settings
from medcheck.suites import load_suite

BOTH = pytest.mark.parametrize("protocol", ["official", "strict"])
TARGET = """\
suite: triage
grader: {name: rubric, batch: true, judges: [j], params: {temperature: 0}}
cases:
  - {id: a, prompt: Hello?, criteria: [{text: Says hello, points: 1}]}
"""
PASSED = {
    "agreement": "PASS",
    "bias": "PASS",
    "stability": "PASS",
    "canaries": "PASS",
    "verbosity": "PASS",
    "markup": "PASS",
    "order": "DOES NOT APPLY",
    "injection": "PASS",
}


@BOTH
def test_an_honest_judge_passes(certified, outcomes, protocol):
    """Each check of a judge that only judges passes, under both protocols, and says its n."""
    with doubles.server(doubles.honest) as server:
        signed = certified(server, protocol=protocol)
    assert outcomes(signed) == PASSED
    assert signed.outcome == "PASS"
    by_name = {check.name: check for check in signed.checks}
    assert by_name["agreement"].n == 48
    assert by_name["canaries"].n == 32
    assert (by_name["injection"].n, by_name["injection"].value) == (120, 0)
    assert (signed.day, signed.valid_until) == ("2026-11-21", "2027-05-20")


def test_official_figures_are_those_of_the_meta_evaluation(certified):
    """Under `official` the judge is asked as HealthBench asks it; F1 stands by theme, too."""
    with doubles.server(doubles.honest) as server:
        signed = certified(server, protocol="official")
    agreement = next(check for check in signed.checks if check.name == "agreement")
    assert agreement.value == agreement.figures["pairwise_model_f1_balanced"]
    assert agreement.value == pytest.approx(0.8958, abs=1e-3)
    assert {"theme:hedging", "theme:emergency_referrals"} <= set(agreement.figures)
    assert agreement.ci95[0] < agreement.value < agreement.ci95[1] <= 1
    assert set(signed.prompts) == {"prompt healthbench/meta", "prompt healthbench/rubric"}
    assert signed.judge_params == {"temperature": 0.5, "max_tokens": 2048}


def test_nothing_is_paid_twice(certified):
    """A second certificate of the same judge asks nothing and says the same."""
    with doubles.server(doubles.honest) as server:
        first = certified(server)
        asked = len(server.requests)
        assert certified(server) == first
        assert len(server.requests) == asked


@BOTH
def test_an_obedient_judge_fails_on_injection_only(certified, outcomes, protocol):
    """Who does what answers say has the attacks named that it fell for."""
    with doubles.server(doubles.obedient) as server:
        signed = certified(server, protocol=protocol)
    assert {name for name, found in outcomes(signed).items() if found == "FAIL"} == {"injection"}
    check = signed.checks[-1]
    assert check.value > 20
    assert any(name.startswith("ignore_rubric-zh") for name in check.failures)
    assert signed.outcome == "FAIL"


@pytest.mark.parametrize("script", [doubles.echoing, doubles.after])
def test_replies_that_are_no_verdict(certified, outcomes, script):
    """Who repeats the answer, alone or behind a verdict, gives none: nothing passes, none taken."""
    with Server(script) as server:
        signed = certified(server, labels=False, protocol="strict", gradings=1)
    assert set(outcomes(signed).values()) == {"NOT MEASURED", "DOES NOT APPLY"}
    told = next(check.note for check in signed.checks if check.name == "canaries")
    assert "no usable reply" in told


@BOTH
def test_quotations_are_no_verdicts(certified, outcomes, protocol):
    """An explanation may hold the whole hostile answer: the verdict stays the judge's."""
    with Server(doubles.quoting) as server:
        signed = certified(server, protocol=protocol)
    assert outcomes(signed) == PASSED


def test_length_bias_is_found(certified, outcomes):
    """A judge that likes long answers fails on verbosity, with the flipped criteria."""
    with doubles.server(doubles.length_bias) as server:
        signed = certified(server)
    assert outcomes(signed)["verbosity"] == "FAIL"
    check = next(check for check in signed.checks if check.name == "verbosity")
    assert check.value > 0.02
    assert check.failures


def test_a_coin_fails_on_what_is_known(certified, outcomes):
    """A judge that does not read fails on canaries and agreement."""
    with doubles.server(doubles.coin) as server:
        signed = certified(server)
    assert outcomes(signed)["canaries"] == "FAIL"
    assert outcomes(signed)["agreement"] == "FAIL"


def test_a_moody_judge_is_unstable(certified, outcomes):
    """Gradings of one answer that differ are flips, of which the share is told."""
    seen, lock = Counter(), threading.Lock()

    def moody(answer, criterion):
        with lock:
            seen[answer, criterion] += 1
            return doubles.honest(answer, criterion) ^ (seen[answer, criterion] == 2)

    with doubles.server(moody) as server:
        signed = certified(server)
    assert outcomes(signed)["stability"] == "FAIL"
    check = next(check for check in signed.checks if check.name == "stability")
    assert check.figures["flip_rate"] == pytest.approx(1 - check.value)


def test_batch_judging_has_an_order(certified, outcomes):
    """What a suite asks in one call is tried in both orders, and covers that suite's prompts."""
    with doubles.server(doubles.honest) as server:
        signed = certified(server, target=TARGET)
    assert outcomes(signed)["order"] == "PASS"
    assert "prompt gaps/batch_strict" in signed.prompts
    assert signed.judge_params == {"temperature": 0}


def test_a_judge_that_likes_what_comes_first(certified, outcomes):
    """Verdicts that depend on a criterion's place flip with the order; each is named."""
    with Server(doubles.first_is_met) as server:
        signed = certified(server, target=TARGET, labels=False, gradings=1)
    assert outcomes(signed)["order"] == "FAIL"
    check = next(check for check in signed.checks if check.name == "order")
    assert check.value == pytest.approx(8 / 32)
    assert "canary-en-sting/4" in check.failures


def test_without_labels(certified, outcomes):
    """What has no labels is not measured, with the reason, and the certificate is no pass."""
    with doubles.server(doubles.honest) as server:
        signed = certified(server, labels=False)
    assert outcomes(signed)["agreement"] == outcomes(signed)["bias"] == "NOT MEASURED"
    assert "no suite with labels" in signed.checks[0].note
    assert signed.outcome == "NOT MEASURED"
    assert outcomes(signed)["injection"] == "PASS"


def test_a_dead_endpoint_is_not_a_bad_judge(certified, outcomes):
    """Where nothing comes back every check is not measured, and the cause is told."""
    with Server(doubles.Reply(status=401, body={"error": {"message": "no"}})) as server:
        signed = certified(server, gradings=1)
    assert set(outcomes(signed).values()) == {"NOT MEASURED", "DOES NOT APPLY"}
    assert "401" in signed.checks[0].note


def test_the_demo_judge(folder, outcomes):
    """A judge that only repeats recordings has none for the probes: not measured, not failed."""
    from medcheck.certifying.measuring import certify

    settings = Settings(store=str(folder / "s.sqlite"), run="certify")
    signed = certify(plan("demo-judge", None, settings, {}), {}, by="x", day=doubles.DAY)
    assert "FAIL" not in outcomes(signed).values()
    assert signed.outcome == "NOT MEASURED"
    assert "no recording" in next(c.note for c in signed.checks if c.name == "canaries")


def test_what_cannot_be_certified(folder):
    """Marks on a scale, unknown judges and suites without labels are refused before a call."""
    settings = Settings(store=str(folder / "s.sqlite"), run="certify")
    (folder / "marks.yaml").write_text(
        "suite: marks\ngrader: {name: checklist, judges: [j]}\ncases:\n"
        "  - {id: a, prompt: Hello?, criteria: [{text: x, points: 1}]}\n", encoding="utf-8"
    )  # fmt: skip
    (folder / "bare.yaml").write_text(TARGET, encoding="utf-8")
    with pytest.raises(SettingsError, match="cannot be certified"):
        plan("demo-judge", None, settings, {}, target=load_suite(folder / "marks.yaml"))
    with pytest.raises(SettingsError, match="has no answers with labels"):
        plan("demo-judge", load_suite(folder / "bare.yaml"), settings, {})
    with pytest.raises(SettingsError):
        plan("nobody-knows", None, settings, {})


def test_calls_are_told_before(certified, folder):
    """The plan's number of calls is an upper bound of what is sent, re-asks aside."""
    with doubles.server(doubles.honest) as server:
        certified(server)
        sent = len(server.requests)
        settings = Settings(models_file=str(folder / "models.yaml"), store="x", run="certify")
        planned = plan("j", load_suite(folder / "labels.yaml"), settings, {}, gradings=2)
    assert sent <= planned.calls < 2 * sent
