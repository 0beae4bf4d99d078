"""Two runs beside each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gate_runs import noise, result, run, scored, verdicts

from medcheck import comparing
from medcheck.errors import SettingsError
from medcheck.gate import sides


def side(results, name="one", **told):
    (found,) = sides(run(results, name=name, **told))
    return found


OLD = [result("a", "mmnn"), result("b", "nmnn"), result("c", "mmnn", text="Call|120"),
       result("d", "nnnn")]  # fmt: skip
NEW = [result("a", "nmnn", text="New."), result("b", "mmnn", text="New."),
       result("c", "mmmn", text="Call|120"), result("d", "nnnn")]  # fmt: skip


def test_what_differs():
    """Overall with its interval, cases won and lost, flips, harms, all second less first."""
    found = comparing.compare(side(OLD), side(NEW, "two"))
    text = "\n".join(comparing.lines(found))
    assert "triage: one (m) and two (m)" in text
    assert "overall: 0.575 and 0.375, difference -0.200 (95 % interval " in text
    assert "cases: 1 won, 2 lost, 1 unchanged" in text
    assert "criteria: 3 flipped; new harms: 1" in text
    assert "baseline" not in text
    assert found.notes == ()


def test_judge_noise_on_equal_answers():
    """Where the answers are the same, what flipped is the judge's doing."""
    found = comparing.compare(side(OLD), side(NEW, "two")).judges
    assert (found.same_answers, found.criteria, found.flipped) == (2, 8, 1)
    assert found.share is None
    text = "\n".join(comparing.lines(comparing.compare(side(OLD), side(NEW, "two"))))
    assert "2 cases have the same answers; 1 of their 8 criteria (12.5%)" in text


def test_judge_share_of_panels():
    """Where panels judged, the part of the variance that lies between the judges is known."""

    def panel(case_id, one, other):
        pairs = zip(verdicts(one), verdicts(other), strict=True)
        said = tuple(
            replace(v, ballots=(v.ballots[0], replace(w.ballots[0], judge="b"))) for v, w in pairs
        )
        return result(case_id, verdicts=said)

    old = [panel("a", "mmnn", "nmnn"), panel("b", "nmnn", "nmnn"), panel("c", "mmnn", "mnnn")]
    new = [panel("a", "nmnn", "mmnn"), panel("b", "mmnn", "mmnn"), panel("c", "nnnn", "mmnn")]
    found = comparing.compare(side(old), side(new)).judges
    # Squares within answers 0.29 and 0.745, of 3 degrees of freedom each, over 6 gradings each;
    # the squared error of the differences -0.7, 0.7 and -1.
    assert found.share == pytest.approx((0.29 + 0.745) / 3 / 6 / (2.47 / 9), abs=1e-9)
    text = "\n".join(comparing.lines(comparing.compare(side(old), side(new))))
    assert f"judges: {found.share:.0%} of the difference's variance lies between the judges" in text
    steady = [panel(name, "mmnn", "mmnn") for name in "abc"]
    moved = [panel(name, states, states) for name, states in zip("abc", ("mmnn", "nmnn", "nnnn"),
                                                                strict=True)]  # fmt: skip
    assert comparing.compare(side(steady), side(moved)).judges.share == 0


def test_money_and_tokens():
    """What each side took stands beside the other, with the difference; unknown stays unknown."""
    dear = [replace(r, completion=replace(r.completion, cost_usd=0.04)) for r in NEW]
    found = comparing.compare(side(OLD), side(dear, "two"))
    table = comparing.tables(found)[-1]
    assert table.rows == (
        ("answers, first", "4", "40", "20", "$0.0400", ""),
        ("answers, second", "4", "40", "20", "$0.1600", "+0 tokens, +$0.1200"),
        ("judging, first", "16", "320", "64", "unknown", ""),
        ("judging, second", "16", "320", "64", "unknown", "+0 tokens"),
    )


def priced(results, cost_usd):
    return [replace(r, completion=replace(r.completion, cost_usd=cost_usd)) for r in results]


def test_money_of_other_cases_or_repeats():
    """Where one side has more answers, costs differ by those of an average answer, and it is said:
    cases or repeats that are missing save nothing."""
    twice = [replace(each, repeat=repeat) for each in NEW for repeat in (1, 2)]
    for more in (twice, [*NEW, *(result(f"x{n}", "emnn") for n in range(4))]):
        old, new = side(priced(more, 0.00002)), side(priced(NEW, 0.00003), "two")
        found = comparing.compare(old, new)
        rows = comparing.tables(found)[-1].rows
        assert rows[0] == ("answers, first", "8", "80", "40", "$0.00016", "")
        assert rows[1][3:] == ("20", "$0.00012", "+0.0 tokens, +$0.000010 an answer")
        assert rows[3][-1] == "+0.0 tokens an answer"
        text = "\n".join(comparing.lines(found))
        assert "answers: not the same answers were given (8 and 4), so differences in cost" in text
        assert "judging: not the same answers were judged (8 and 4), so differences in cost" in text
    same = comparing.compare(side(OLD), side(NEW, "two"))
    assert "an average answer" not in "\n".join(comparing.lines(same))


def test_answers_that_were_not_judged():
    """Judging has no difference where one side's answers were judged by nobody."""
    blank = [result(name, "----", state="model_error", completion=None) for name in "abcd"]
    found = comparing.compare(side(OLD), side([*blank[:3], NEW[3]], "two"))
    assert comparing.tables(found)[-1].rows[3][-1] == "+0.0 tokens an answer"
    found = comparing.compare(side(OLD), side(blank, "two"))
    assert comparing.tables(found)[-1].rows[3][-1] == "-"


def test_categories():
    """Categories have their own rows with intervals; an unmeasured one has dashes."""
    old = side(scored(noise(20, mean=0.5), themes="ab"))
    new = side(scored(noise(20, mean=0.4, seed=2), themes="ab"), "two")
    table = comparing.tables(comparing.compare(old, new))[0]
    assert [row[0] for row in table.rows] == ["overall", "theme:a", "theme:b"]
    assert [row[1] for row in table.rows] == ["20", "10", "10"]


def test_a_single_case():
    """One case has a difference, but no interval and no p."""
    found = comparing.compare(side([result("a", value=0.5)]), side([result("a", value=0.4)]))
    assert comparing.tables(found)[0].rows == (
        ("overall", "1", "0.500", "0.400", "-0.100", "-", "-"),
    )


def test_not_measured_alike():
    """Other judges, cases or protocols are said first; what both have is compared."""
    old = side([*OLD, result("e")])
    new = side([*NEW[:3], result("d", "emnn")], "two", protocol="official")
    found = comparing.compare(old, new)
    text = "\n".join(comparing.lines(found))
    assert 'not measured alike: the protocol is "official", one\'s is "strict".' in text
    assert "1 of 5 cases are only in one: e." in text
    assert "two: 1 of 4 answers were not measured" in text
    assert found.findings[0].difference.n == 3


def test_nothing_in_common():
    """Without a case measured in both there is no number."""
    found = comparing.compare(side([result("x")]), side([result("y")], "two"))
    assert "no case was measured in both." in comparing.lines(found)


def test_which_models():
    """Equal names belong together, or the only ones, or those that were asked for."""
    one = sides(run([result("a", model="x"), result("a", model="y")]))
    two = sides(run([result("a", model="y")], name="two"))
    (found,) = comparing.compare_runs(one, two)
    assert found.first.model == "y"
    (found,) = comparing.compare_runs(one, two, models=("x", "y"))
    assert found.first.model == "x"
    with pytest.raises(SettingsError, match="no suite and model in common"):
        comparing.compare_runs(one, two, models=("z", "y"))
    with pytest.raises(SettingsError, match="--models FIRST SECOND"):
        comparing.compare_runs(one, sides(run([result("a", model="z")], name="two")))


def test_markdown():
    """The page holds all rows, and text from data cannot break it."""
    nasty = [replace(each, case_id=f"{each.case_id}|<b>") for each in NEW]
    old = [replace(each, case_id=f"{each.case_id}|<b>") for each in OLD]
    page = comparing.markdown([comparing.compare(side(old), side(nasty, "two"))])
    assert page.startswith("# triage: one (m) and two (m)\n")
    assert r"| c\|\<b\> |" in page
    assert "<b>" not in page.replace(r"\<b\>", "")
    assert "## Differences" in page
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len({line.replace(r"\|", "").count("|") for line in rows}) <= 4


def test_long_tables_are_cut_in_a_terminal():
    """A terminal shows the first rows and says how many more there are."""
    old = side(scored(noise(60, mean=0.5)))
    new = side(scored(noise(60, mean=0.4, seed=2)), "two")
    found = comparing.compare(old, new)
    text = "\n".join(comparing.lines(found, rows=5))
    assert "more; --out FILE holds all" in text
    assert len(comparing.lines(found, rows=5)) < 40
    assert len(comparing.markdown([found]).splitlines()) > 60
