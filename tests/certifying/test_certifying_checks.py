"""Checks compute what their names say, on verdicts that are written down here."""

from __future__ import annotations

import pytest

from medcheck.certifying import checks
from medcheck.certifying.bench import Said, Subject
from medcheck.certifying.items import case_of
from medcheck.types import Criterion

YES, NO, LOST = Said(met=True), Said(met=False), Said(met=None, error="no key")


def subject(name, *truth, category="cluster:hedging_x"):
    """Return a subject with a criterion for each truth."""
    criteria = tuple(Criterion(id=str(n), text=f"t{n}", points=1) for n in range(len(truth)))
    return Subject(
        name=name,
        case=case_of(name, "q", criteria),
        answer="a",
        truth={
            c.id: (t if isinstance(t, tuple) else (t,))
            for c, t in zip(criteria, truth, strict=True)
        },
        category=category,
        cluster=name,
    )


def said(*verdicts):
    """Return verdicts by criterion id."""
    return {str(number): verdict for number, verdict in enumerate(verdicts)}


FOUR = [subject("a", True), subject("b", True), subject("c", False), subject("d", False)]


def test_agreement_and_bias():
    """Balanced F1, kappa and AC1 rest on pairs; bias is the difference of the met rates."""
    verdicts = [said(YES), said(YES), said(YES), said(NO)]
    agreement, bias = checks.agreement(FOUR, verdicts, seed=0)
    assert agreement.value == pytest.approx((0.8 + 2 / 3) / 2)
    assert agreement.figures["kappa"] == pytest.approx(0.5)
    assert agreement.figures["percent_agreement"] == 0.75
    assert agreement.figures["theme:hedging"] == agreement.value
    assert (bias.value, bias.outcome) == (0.25, "FAIL")
    assert bias.figures["judge_met_rate"] == 0.75
    assert bias.figures["mcnemar_p"] == 1.0


def test_several_people_are_several_pairs():
    """Each label counts once; the judge's excess is over their share."""
    rows = [subject("a", (True, True, False)), subject("b", (False, False))]
    agreement, bias = checks.agreement(rows, [said(YES), said(NO)], seed=0)
    assert (agreement.n, bias.n) == (5, 2)
    assert bias.value == pytest.approx((1 - 2 / 3) / 2)


def test_one_verdict_throughout_has_no_f1():
    """Where F1 is not defined it is not measured, with the reason."""
    same = [subject("a", True), subject("b", True)]
    agreement, _ = checks.agreement(same, [said(YES), said(YES)], seed=0)
    assert (agreement.value, agreement.outcome) == (None, "NOT MEASURED")
    assert "not defined" in agreement.note


def test_missing_verdicts():
    """A twentieth may be missing and is told; more is no measurement."""
    twenty = [subject(f"c{n}", True) for n in range(20)]
    few = checks.canaries(twenty, [said(LOST), *[said(YES)] * 19])
    assert (few.outcome, few.n) == ("PASS", 19)
    assert few.note == "1 of 20 verdicts are missing: no key"
    many = checks.canaries(twenty, [*[said(LOST)] * 2, *[said(YES)] * 18])
    assert (many.outcome, many.value) == ("NOT MEASURED", None)


def test_canaries_are_named():
    """Each wrong verdict on a known truth is named; one is too many."""
    check = checks.canaries(FOUR, [said(YES), said(NO), said(NO), said(NO)])
    assert (check.outcome, check.value, check.failures) == ("FAIL", 0.75, ("b/0",))


def test_stability_counts_pairs():
    """Of three gradings one of which differs, one pair in three is equal."""
    gradings = [[said(YES)], [said(YES)], [said(NO)]]
    check = checks.stability([FOUR[0]], gradings)
    assert check.value == pytest.approx(1 / 3)
    assert check.figures["criteria_that_flip"] == 1
    assert checks.stability([FOUR[0]], gradings[:1]).outcome == "NOT MEASURED"


def test_changes_cancel_and_flips_do_not():
    """The mean change may be 0 while verdicts flip both ways; both are told."""
    before = [said(YES), said(NO), said(NO), said(NO)]
    after = [said(NO), said(YES), said(NO), said(NO)]
    check = checks.compared("verbosity", FOUR, before, after)
    assert (check.value, check.outcome) == (0.0, "PASS")
    assert check.figures == {"flips": 2.0, "flip_rate": 0.5}


def test_limits():
    """A value at its limit passes, on either side of 0; failures are listed up to twenty."""
    assert checks.checked("bias", -0.10, n=9).outcome == "PASS"
    assert checks.checked("bias", -0.11, n=9).outcome == "FAIL"
    assert checks.checked("stability", 19 / 20, n=20).outcome == "PASS"
    many = checks.checked("canaries", 0.5, n=50, failures=[str(n) for n in range(25)])
    assert many.failures[-1] == "and 5 more"
