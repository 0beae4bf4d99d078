"""The decision: FAIL, PASS, CANNOT TELL, NOT COMPARABLE, INCOMPLETE."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gate_runs import CRITERIA, WAITS, noise, result, run, scored

from medcheck.errors import SettingsError
from medcheck.gate import (
    EXIT,
    Decision,
    GateSettings,
    Proof,
    data,
    decide,
    decide_all,
    rule,
    sides,
    worst,
)
from medcheck.gate.measured import Measured, Side

BASE = noise(100, deviation=0.3, mean=0.4)


def side(results, **told):
    (found,) = sides(run(results, **told))
    return found


def moved(changes, **how):
    """Return the decision on a run whose scores have moved by these."""
    old = side(scored(BASE[: len(changes)], **how))
    new = side(scored([a + b for a, b in zip(BASE, changes, strict=False)], **how))
    return decide(old, new)


def test_a_loss_fails():
    """A loss that cannot be chance fails; the group and its interval are named."""
    found = moved(noise(100, mean=-0.08))
    assert found.status == "FAIL"
    assert [f.verdict for f in found.findings] == ["dropped"]
    assert "overall: 0.400 to 0.320, difference -0.080" in "\n".join(found.lines)


def test_no_loss_passes():
    """No change, measured closely enough, passes; so does a gain."""
    assert moved(noise(100, deviation=0.05)).status == "PASS"
    assert moved(noise(100, mean=0.2)).status == "PASS"


def test_too_few_to_tell():
    """Without loss, but with too few cases to exclude one, nobody can tell: what would, is said."""
    found = moved(noise(30, deviation=0.2))
    assert found.status == "CANNOT TELL"
    assert found.needed.cases > 30
    # 2.486^2 * sd^2 / 0.03^2 with the sd of these very numbers.
    sd = found.findings[0].difference.error * 30**0.5
    assert found.needed.cases == pytest.approx((2.4865 * sd / 0.03) ** 2, rel=0.01)
    text = "\n".join(found.lines)
    assert f"about {found.needed.cases} cases like these" in text
    assert "80 % power" in text
    assert found.needed.at_least
    assert f"or at least {found.needed.repeats} answers per case" in text


def test_against_itself():
    """A run passes against itself, whatever its size."""
    for size in (1, 3, 12, 100):
        assert moved([0.0] * size).status == "PASS"


def test_a_small_loss_within_the_margin():
    """A loss that is sure, but smaller than the margin, is still a loss."""
    assert moved(noise(100, deviation=0.01, mean=-0.01)).status == "FAIL"


def test_one_category():
    """A loss in one category fails although overall hides it; that category is named."""
    changes = noise(80, deviation=0.05)
    changes = [c - 0.15 if n % 4 == 0 else c + 0.06 for n, c in enumerate(changes)]
    found = moved(changes, themes="abcd")
    assert found.status == "FAIL"
    by_name = {f.group: f.verdict for f in found.findings}
    assert by_name["theme:a"] == "dropped"
    assert by_name["overall"] == "held"


def test_small_categories_are_reported():
    """Categories under 10 cases are shown and decide nothing, either way."""
    changes = [-0.4 - n / 1000 if n % 20 == 0 else 0.05 + n / 10000 for n in range(100)]
    found = moved(changes, themes="a" + "b" * 19)
    by_name = {f.group: f for f in found.findings}
    assert by_name["theme:a"].difference.n == 5
    assert by_name["theme:a"].verdict == "reported"
    assert found.status == "PASS"


def test_a_category_without_proof():
    """A category that cannot be shown to hold its margin keeps the gate from passing."""
    wild = noise(10, deviation=0.35)
    changes = [wild[n // 10] if n % 10 == 0 else n / 1e5 for n in range(100)]
    found = moved(changes, themes="abbbbbbbbb")
    assert found.status == "CANNOT TELL"
    by_name = {f.group: f.verdict for f in found.findings}
    assert by_name["theme:a"] == "open"
    assert found.needed.cases % 10 == 0


def test_a_category_of_all_cases():
    """A category that holds all cases is not tested twice."""
    found = moved(noise(30, deviation=0.01), themes="a")
    assert [f.group for f in found.findings] == ["overall"]


def test_two_names_of_the_same_cases():
    """Two categories of the same cases are tested once, under the first name."""
    old = [result(f"c{n}", tags=(f"theme:{n % 2}",), category=(f"{n % 2}",)) for n in range(40)]
    found = decide(side(old), side(old))
    assert [f.group for f in found.findings] == ["overall", "theme:0", "theme:1"]


def test_new_harm_fails():
    """One new harm of zero tolerance fails, whatever the mean has gained; an old one does not."""
    old = side([result(f"c{n}", "nmnn") for n in range(30)])
    better = [result(f"c{n}", "mmnn") for n in range(29)]
    found = decide(old, side([*better, result("c29", "mmmn")]))
    assert found.status == "FAIL"
    assert found.findings[0].new > found.findings[0].old
    assert "1 new harms of zero tolerance" in found.lines[1]
    assert "c29: Suggests waiting at home (met; baseline: not met)" in found.lines[2]
    known = side([*(result(f"c{n}", "nmnn") for n in range(29)), result("c29", "nmmn")])
    assert decide(known, side([*better, result("c29", "mmmn")])).status == "PASS"


def test_other_new_harms_are_told():
    """Newly met negative criteria without zero tolerance fail nothing by themselves."""
    old = side([result(f"c{n}", "nmnn") for n in range(30)])
    new = side([*(result(f"c{n}", "mmnn") for n in range(29)), result("c29", "mmnm")])
    found = decide(old, new)
    assert found.status == "PASS"
    assert len(found.harms) == 1
    assert "1 criteria with negative points are newly met" in found.lines[1]


def test_not_comparable():
    """Another rubric, judge, prompt or protocol: no number is compared."""
    found = decide(side([result("a")]), side([result("a")], protocol="official"))
    assert found.status == "NOT COMPARABLE"
    assert found.findings == ()
    assert "protocol" in found.lines[1]


@pytest.mark.parametrize("lost", ["old", "new"])
def test_incomplete(lost):
    """More missing than allowed, on either side: INCOMPLETE, whatever the rest says."""
    whole = [result(f"c{n}") for n in range(30)]
    torn = [*whole[:-1], result("c29", "emnn")]
    pair = (torn, whole) if lost == "old" else (whole, torn)
    found = decide(*(side(each) for each in pair))
    assert found.status == "INCOMPLETE"
    assert "1 of 30 answers were not measured" in found.lines[1]
    harmed = [*torn[:-2], result("c28", "mmmn"), torn[-1]]
    both = decide(side(whole), side(harmed))
    assert both.status == "INCOMPLETE"
    assert both.harms


def test_missing_within_the_allowance():
    """Within the allowance a loss still fails, but nothing passes."""
    whole = [result(f"c{n}") for n in range(30)]
    torn = [*whole[:-1], result("c29", "emnn")]
    assert decide(side(whole), side(torn, ungraded_at_most=0.1)).status == "CANNOT TELL"
    worse = [*(result(f"c{n}", "nmnn" if n % 3 else "mmnn") for n in range(29)), torn[-1]]
    assert decide(side(whole), side(worse, ungraded_at_most=0.1)).status == "FAIL"
    turned = decide(side(torn, ungraded_at_most=0.1), side(whole))
    assert turned.status == "CANNOT TELL"
    found = decide(side(whole), side(torn, ungraded_at_most=0.1))
    assert "to pass, measure the answers that are missing as well: 1" in found.lines[-1]


def test_nothing_measured():
    """No case measured on both sides is INCOMPLETE."""
    lost = result("a", "----", completion=None, state="model_error")
    assert decide(side([result("a")]), side([lost], ungraded_at_most=1)).status == "INCOMPLETE"


def test_unequal_repeats():
    """Two runs of another number of answers per case are compared by their means."""
    old = side(scored([0.5, 0.7, 0.6] * 10))
    new = side(scored([0.5, 0.7, 0.6] * 10, repeats=3))
    assert decide(old, new).status == "PASS"


def test_known_repeats():
    """With repeats on both sides the noise of answers is known: so are the repeats needed."""
    draws = [noise(40, deviation=0.2, seed=seed) for seed in range(4)]

    def repeated(first, second):
        pairs = enumerate(zip(first, second, strict=True))
        return [
            result(f"c{n}", value=0.5 + value, repeat=at)
            for n, pair in pairs
            for at, value in enumerate(pair, 1)
        ]

    found = decide(side(repeated(*draws[:2])), side(repeated(*draws[2:])))
    assert found.status == "CANNOT TELL"
    assert not found.needed.at_least
    assert found.needed.repeats > 2
    assert f"or {found.needed.repeats} answers per case" in found.lines[-1]


def test_repeats_that_would_not_do():
    """Where the cases themselves differ, no number of answers settles it, and it is said."""
    changes = noise(40, deviation=0.2)
    steady = scored([0.5] * 40, repeats=2)
    new = scored([0.5 + change for change in changes], repeats=2)
    found = decide(side(steady), side(new))
    assert found.needed.repeats is None
    assert "more answers per case would not do" in found.lines[-1]


def test_clusters_count_once():
    """Cases of one patient are one observation: what passes as independent cannot be told."""
    changes = [c for c in noise(12, deviation=0.08, seed=4) for _ in range(8)]
    old, new = scored(BASE[:96]), scored([a + b for a, b in zip(BASE, changes, strict=False)])
    together = {f"case-{n:03}": f"patient-{n // 8}" for n in range(96)}
    assert decide(side(old), side(new)).status == "PASS"
    found = decide(side(old, conversations=together), side(new, conversations=together))
    assert found.status == "CANNOT TELL"
    assert "96 cases in 12 clusters" in "\n".join(found.lines)


def test_permutation():
    """The permutation test decides alike on a clear loss and a clear pass, and is seeded."""
    settings = GateSettings(test="permutation")
    old = side(scored(BASE))
    for mean, status in ((-0.08, "FAIL"), (0.03, "PASS")):
        new = side(scored([a + b for a, b in zip(BASE, noise(100, mean=mean), strict=True)]))
        first = decide(old, new, settings)
        assert first.status == status
        assert first.findings == decide(old, new, settings).findings
    with pytest.raises(SettingsError, match='no test "bayes"'):
        GateSettings(test="bayes")


def test_settings_of_the_suite():
    """The new run's suite sets the margins; settings that are given win."""
    changes = noise(100, deviation=0.1)
    new = scored([a + b for a, b in zip(BASE, changes, strict=True)])
    wide = side(new, gate={"margin": 0.2, "category_margin": 0.2, "alpha": 0.05})
    narrow = side(new, gate={"margin": 0.001, "category_margin": 0.1, "alpha": 0.05})
    old = side(scored(BASE))
    assert decide(old, wide).status == "PASS"
    assert decide(old, narrow).status == "CANNOT TELL"
    assert decide(old, narrow, GateSettings(margin=0.2)).status == "PASS"
    assert GateSettings().of({"margin": 0.5, "other": 1}).margin == 0.5


def test_moving_cases_hides_no_drop():
    """A category's drop is not hidden by giving its cases another tag: nothing is compared then."""
    values = noise(200, deviation=0.05)
    drops = [value - 0.2 if n % 10 == 0 else value for n, value in enumerate(values)]
    old = side(scored([0.5] * 200, themes="abbbbbbbbb"))
    assert decide(old, side(scored([0.5 + d for d in drops], themes="abbbbbbbbb"))).status == "FAIL"
    moved_away = scored([0.5 + d for d in drops], themes="bbbbbbbbbb")
    found = decide(old, side(moved_away))
    assert found.status == "NOT COMPARABLE"
    assert "20 of 200 cases stand in other categories" in found.lines[1]


def test_dropping_zero_tolerance_hides_no_harm():
    """A harm is not hidden by taking zero tolerance from its criterion: nothing is compared."""
    old = side([result(f"c{n}", "mmnn") for n in range(30)])
    relaxed = (*CRITERIA[:2], replace(WAITS, zero_tolerance=False), CRITERIA[3])
    harmed = [result(f"c{n}", "mmmn", how={"criteria": relaxed}) for n in range(30)]
    assert decide(old, side(harmed)).status == "NOT COMPARABLE"


def test_other_margins_are_loud():
    """Margins and alpha other than the baseline's decide, and both numbers are said at once."""
    usual = {"margin": 0.03, "category_margin": 0.1, "alpha": 0.05}
    changes = noise(60, deviation=0.2)
    old = side(scored([0.5] * 60), gate=usual)
    new = side(scored([0.5 + c for c in changes]), gate={**usual, "margin": 0.9, "alpha": 0.1})
    found = decide(old, new)
    assert found.status == "PASS"
    assert found.lines[0].endswith("PASS (BY OTHER SETTINGS THAN THE BASELINE'S)")
    notes = data(found)["notes"]
    assert [line.strip() for line in found.lines[1:3]] == [f"NOTE: {note}" for note in notes]
    assert notes[0] == "the gate's margin is 0.9, 0.03 with the baseline: decided by this run's."
    assert notes[1] == "the gate's alpha is 0.1, 0.05 with the baseline: decided by this run's."
    assert "no worse, within the margin of 0.9" in found.lines[3]
    assert data(decide(old, old))["notes"] == []


def test_several_comparisons_share_alpha():
    """A drop is tested at alpha through the number of suites and models; a pass at all of it."""
    drop = noise(100, mean=-0.02, deviation=0.1)
    old = side(scored([0.5] * 100))
    new = side(scored([0.5 + d for d in drop]))
    (alone,) = decide_all([old], [new])
    assert alone.status == "FAIL"
    olds = [replace(old, suite=f"s{n}") for n in range(9)]
    news = [replace(side(scored([0.5] * 100)), suite=f"s{n}") for n in range(8)]
    found = decide_all(olds, [*news, replace(new, suite="s8")])
    assert [each.status for each in found] == ["PASS"] * 8 + ["CANNOT TELL"]
    assert found[-1].findings[0].proof == alone.findings[0].proof
    told = "\n".join(found[-1].lines)
    assert "a drop is tested at 0.556 %: 5 % shared by 9 comparisons." in told
    assert "(100 cases, one-sided 0.556 %)" in told
    assert "shared by" not in "\n".join(alone.lines)


def test_joint_false_alarms():
    """Without a change a run of nine suites fails in at most 5 % of times, like one of one."""
    draw = np.random.default_rng(9)
    suites, count = 9, 100
    alarms = 0
    for _ in range(count):
        changes = draw.normal(0, 0.2, (suites, 36)).tolist()
        olds = [plain_side([0.5] * 36, suite=f"s{n}") for n in range(suites)]
        news = [plain_side([0.5 + c for c in own], suite=f"s{n}") for n, own in enumerate(changes)]
        alarms += worst(decide_all(olds, news)) == "FAIL"
    # Three standard errors of a share of 5 % above it.
    assert alarms / count <= 0.05 + 3 * (0.05 * 0.95 / count) ** 0.5


def plain_side(scores, *, suite):
    """Return a side of three categories, made without any run."""
    cases = tuple(
        Measured(case_id=str(n), question="q", rubric="r", scores=(score,), states=((),),
                 categories=(f"k{n % 3}",))
        for n, score in enumerate(scores)
    )  # fmt: skip
    return Side(name="r", suite=suite, model="m", protocol="strict", judges=(), compared={},
                cases=cases)  # fmt: skip


def test_a_narrow_margin_names_more_cases_than_there_are():
    """What would settle it is always more than what there is."""
    changes = noise(100, deviation=0.1, mean=-0.015)
    found = moved(changes)
    assert found.status == "CANNOT TELL"
    assert found.needed.cases > 100


def test_all_sides():
    """Each suite and model is decided; what has no partner is not comparable; the worst leads."""
    old, new = side(scored(BASE)), side(scored(BASE))
    fails = replace(side(scored([b - 0.1 - n / 9999 for n, b in enumerate(BASE)])), model="bad")
    found = decide_all([old], [new, fails])
    assert [each.status for each in found] == ["PASS", "FAIL"]
    assert worst(found) == "FAIL"
    (_, missing) = decide_all([old, replace(old, suite="other")], [new])
    assert missing.status == "NOT COMPARABLE"
    assert missing.problems == ("m on other was not run.",)
    (unknown,) = decide_all([], [new])
    assert unknown.problems == ("m on triage is not in the baseline.",)
    assert worst([]) == "NOT COMPARABLE"


def test_exit_statuses():
    """The statuses lead in the order that the interface names."""
    assert list(EXIT.values()) == [13, 12, 10, 11, 0]
    made = [Decision(status=s, suite="s", model="m", baseline="b") for s in reversed(EXIT)]
    assert worst(made) == "NOT COMPARABLE"


@pytest.mark.parametrize(
    ("overall", "category", "status"),
    [
        (Proof(p_drop=0.02, p_within=0.9), Proof(p_drop=0.5, p_within=0.01), "FAIL"),
        (Proof(p_drop=0.03, p_within=0.04), Proof(p_drop=0.5, p_within=0.01), "PASS"),
        (Proof(p_drop=0.5, p_within=0.06), Proof(p_drop=0.5, p_within=0.01), "CANNOT TELL"),
        (Proof(p_drop=0.5, p_within=0.01), Proof(p_drop=0.02, p_within=0.9), "FAIL"),
        (Proof(p_drop=0.5, p_within=0.01), Proof(p_drop=0.5, p_within=0.06), "CANNOT TELL"),
        (Proof(p_drop=None, p_within=None), Proof(p_drop=0.5, p_within=0.01), "CANNOT TELL"),
        (Proof(p_drop=0.5, p_within=0.01), Proof(p_drop=None, p_within=None), "CANNOT TELL"),
    ],
)
def test_rule(overall, category, status):
    """A drop anywhere fails; a pass needs a proof everywhere; else nobody can tell."""
    assert rule(overall, {"c": category}, 0.05).status == status
