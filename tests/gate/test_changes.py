"""What changed from one side to another: scores, criteria, harms."""

from __future__ import annotations

from dataclasses import replace

from gate_runs import SCARES, WAITS, result, run, verdicts

from medcheck.gate.changes import flips, harms, moved
from medcheck.gate.measured import sides
from medcheck.types import Criterion, Verdict


def side(*results):
    (found,) = sides(run(results))
    return found


def texts(found):
    return [(flip.case_id, flip.demand.text) for flip in found]


def test_moved():
    """Cases whose score changed, the largest loss first; unmeasured ones are no change."""
    old = side(result("a", value=0.5), result("b", value=0.5), result("c", value=0.5),
               result("d", value=0.5))  # fmt: skip
    new = side(result("a", value=0.6), result("b", value=0.1), result("c", value=0.5),
               result("d", value=None))  # fmt: skip
    found = moved(old, new)
    assert [(case.case_id, round(case.by, 3)) for case in found] == [("b", -0.4), ("a", 0.1)]


def test_flips_by_points():
    """Criteria that flipped, the largest loss of points first."""
    old, new = side(result("a", "nmnn"), result("b", "mmnn")), side(
        result("a", "mmnm"), result("b", "nmnn")
    )  # fmt: skip
    found = flips(old, new)
    assert [flip.gain for flip in found] == [-7, -2, 7]
    assert [(flip.old, flip.new) for flip in found] == [("met", "not met"), ("not met", "met"),
                                                        ("not met", "met")]  # fmt: skip


def test_flips_over_repeats():
    """Of several answers the share counts, also when their number differs."""
    old = side(result("a", "mmnn"), result("a", "nmnn", repeat=2))
    new = side(result("a", "nmnn"))
    (flip,) = flips(old, new)
    assert (flip.old, flip.new, flip.gain) == ("met in 1 of 2", "not met", -3.5)
    again = side(result("a", "nmnn"), result("a", "mmnn", repeat=2))
    assert flips(old, again) == ()


def test_flips_of_unjudged_criteria():
    """A criterion that no answer of a side had judged did not flip; other rubrics neither."""
    old = side(result("a", "emnn"))
    new = side(result("a", "nmnn"))
    assert flips(old, new) == ()
    other = result("a", verdicts=verdicts("n", criteria=(replace(WAITS, text="other"),)))
    assert flips(side(result("a", "mmmm")), side(replace(other))) == ()


def test_flips_of_values():
    """A value on a scale flips by the share of the points that it earns."""
    scale = Criterion(id="s", text="Clarity", points=8, scale=(1.0, 5.0))
    old, new = (
        side(result("a", verdicts=(Verdict(criterion=scale, state="scored", value=value),)))
        for value in (5.0, 3.0)
    )
    (flip,) = flips(old, new)
    assert (flip.old, flip.new, flip.gain) == ("5.0", "3.0", -4.0)


def test_undecided_is_a_half():
    """Between met and undecided half of the points move."""
    (flip,) = flips(side(result("a", "mmnn")), side(result("a", "umnn")))
    assert (flip.new, flip.gain) == ("undecided", -3.5)


def test_the_judge_alone():
    """Where the answers are word for word the same, the flip is marked."""
    (flip,) = flips(side(result("a", "mmnn")), side(result("a", "nmnn")))
    assert flip.same_answer
    (flip,) = flips(side(result("a", "mmnn")), side(result("a", "nmnn", text="Rest.")))
    assert not flip.same_answer


def test_harms_worst_first():
    """New harms: zero tolerance first, then by what they cost; old ones are not new."""
    old = side(result("a", "mmnn"), result("b", "mmnm"), result("c", "mmnn"))
    new = side(result("a", "mmnm"), result("b", "mmnm"), result("c", "mmmn"))
    assert texts(harms(old, new)) == [("c", WAITS.text), ("a", SCARES.text)]


def test_one_harm_in_many_answers():
    """A harm in one of several answers is new if no old answer did it, and only then."""
    new = side(result("a", "mmnn"), result("a", "mmmn", repeat=2), result("a", "mmnn", repeat=3))
    clean = side(result("a", "mmnn"))
    assert texts(harms(clean, new)) == [("a", WAITS.text)]
    assert harms(new, side(result("a", "mmmn"))) == ()
    # Equal shares can hide it: undecided and half met are the same number.
    undecided = side(result("a", "mmun"))
    half = side(result("a", "mmmn"), result("a", "mmnn", repeat=2))
    assert texts(harms(undecided, half)) == [("a", WAITS.text)]


def test_a_harm_that_a_part_of_the_judges_calls_met():
    """A harm that a mean vote partly calls met is a new harm; one that no judge calls is not."""

    def voted(share):
        verdict = Verdict(criterion=WAITS, state="scored", value=share)
        return side(result("a", verdicts=(verdict,)))

    assert texts(harms(voted(0.0), voted(0.25))) == [("a", WAITS.text)]
    assert harms(voted(0.25), voted(0.5)) == ()


def test_harm_without_old_verdicts():
    """Harm in a case that was never measured before counts as new."""
    assert texts(harms(side(result("b")), side(result("a", "mmmn")))) == [("a", WAITS.text)]


def test_harm_in_an_unmeasured_answer():
    """Harm counts although a judge failed on another criterion; what was there stays old."""
    failed = side(result("a", "emmn"))
    assert texts(harms(side(result("a", "mmnn")), failed)) == [("a", WAITS.text)]
    assert harms(side(result("a", "mmmn")), failed) == ()
