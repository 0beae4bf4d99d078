"""A decision in words and tables."""

from __future__ import annotations

import json

from gate_runs import noise, result, run, scored

from medcheck.gate import GateSettings, Needed, data, decide, sides
from medcheck.gate.findings import Finding, Proof, findings
from medcheck.gate.needed import needed
from medcheck.stats.paired import Paired
from medcheck.types import Criterion


def side(results, **told):
    (found,) = sides(run(results, **told))
    return found


def test_tables_name_what_changed():
    """Groups, new harms, cases lost and won, criteria that flipped; empty tables are left out."""
    old = side([result("a", "mmnn"), result("b", "nmnn"), result("c", "mmnn")])
    new = side([result("a", "nmnn"), result("b", "mmnn"), result("c", "mmmn")])
    found = decide(old, new)
    titles = [table.title for table in found.tables]
    assert titles == [
        "Differences",
        "New harms, worst first: 1",
        "Cases lost: 2",
        "Cases won: 1",
        "Criteria that flipped: 3",
    ]
    by_title = {table.title: table.rows for table in found.tables}
    assert by_title["Cases lost: 2"][0] == ("c", "1.000", "0.200", "-0.800")
    assert by_title["New harms, worst first: 1"] == (
        ("c", "Suggests waiting at home", "-8", "not met", "met", "-8"),
    )
    assert by_title["Differences"][0][:5] == ("overall", "3", "0.767", "0.500", "-0.267")
    assert all(len(row) == len(table.head) for table in found.tables for row in table.rows)
    assert [t.title for t in decide(old, old).tables] == ["Differences"]


def test_no_tables_without_comparison():
    """Sides that are not comparable have lines, no tables."""
    found = decide(side([result("a")]), side([result("b")]))
    assert found.tables == ()
    assert found.lines[0] == "gate: m on triage against r: NOT COMPARABLE"
    assert len(found.lines) == 3


def test_long_lists_are_cut_in_lines():
    """Lines name the five worst harms, the table all of them; long texts are cut in both."""
    long = Criterion(id="x", text="word " * 100, points=-9, zero_tolerance=True)
    how = {"criteria": (long, *[Criterion(id=str(n), text=f"t{n}", points=1) for n in range(3)])}
    old = side([result(f"c{n}", "nmmm", how=how) for n in range(8)])
    new = side([result(f"c{n}", "mmmm", how=how) for n in range(8)])
    found = decide(old, new)
    assert "8 new harms of zero tolerance" in found.lines[1]
    assert found.lines[7].strip() == "and 3 more"
    assert len(found.tables[1].rows) == 8
    assert found.tables[1].rows[0][1].endswith("...")


def test_numbers_that_are_not_there():
    """One case has no interval and no p: dashes, never a number; how many are needed, is said."""
    found = decide(side([result("a", value=0.5)]), side([result("a", value=0.4)]))
    assert found.status == "CANNOT TELL"
    assert "95 % interval -, 1 cases, p of a drop -" in found.lines[1]
    assert found.needed == Needed(cases=5, repeats=None, at_least=False, spread=False)
    assert "to settle it: at least 5 cases;" in found.lines[-1]


def test_no_spread():
    """Equal differences have no interval of width 0, and need as many cases as the sign test."""
    old, new = side(scored([0.5] * 3)), side(scored([0.4] * 3))
    found = decide(old, new)
    assert found.status == "CANNOT TELL"
    assert "(95 % interval no spread seen, 3 cases, p of a drop 0.125)" in found.lines[1]
    assert "at least 5 cases" in found.lines[-1]
    assert decide(side(scored([0.5] * 5)), side(scored([0.4] * 5))).status == "FAIL"
    strict = decide(old, new, GateSettings(alpha=0.01))
    assert strict.needed.cases == 7


def test_detectable_drop_at_the_level_of_the_test():
    """The smallest drop that would show rests on the suite's alpha, and on overall's half of it."""
    changes = noise(60, deviation=0.2)
    old, new = side(scored([0.5] * 60)), side(scored([0.5 + c for c in changes]))
    error = decide(old, new).findings[0].difference.error
    for alpha, reached in ((0.05, 2.486), (0.001, 3.932)):
        found = decide(old, new, GateSettings(alpha=alpha))
        least = f"overall {reached * error:.3f} (60 cases, one-sided {100 * alpha:g} %)"
        assert f"smallest true drop that would show with 80 % power: {least}" in found.lines[2]
    both = [side(scored(v, themes="ab")) for v in ([0.5] * 60, [0.5 + 2 * c for c in changes])]
    least = f"overall {2.8016 * 2 * error:.3f} (60 cases, one-sided 2.5 %); theme:b "
    assert least in "\n".join(decide(*both).lines)


def test_detectable_drop_of_each_open_group():
    """Where overall holds and a category is open, the category's drop is the one that is named."""
    wild = noise(12, deviation=0.35)
    changes = [wild[n // 10] if n % 10 == 0 else n / 1e5 for n in range(120)]
    old, new = (
        side(scored(v, themes="abbbbbbbbb")) for v in ([0.5] * 120, [0.5 + c for c in changes])
    )
    found = decide(old, new)
    assert [each.verdict for each in found.findings] == ["held", "open", "held"]
    (line,) = (each for each in found.lines if "smallest true drop" in each)
    assert "power: theme:a 0." in line
    assert line.endswith("(12 cases, one-sided 1.25 %)")
    groups = data(found)["groups"]
    assert [each["alpha_drop"] for each in groups] == [0.025, 0.0125, 0.0125]


def test_needed_at_the_alpha_of_the_suite():
    """A smaller alpha needs more cases."""
    changes = noise(60, deviation=0.3)
    old, new = side(scored([0.5] * 60)), side(scored([0.5 + c for c in changes]))
    few, many = (decide(old, new, GateSettings(alpha=a)).needed.cases for a in (0.05, 0.001))
    assert many > 2 * few


def test_tiny_p():
    """A very small p is said to be below 0.001."""
    values = noise(50, mean=0.5)
    new = [value - 0.2 - n / 9999 for n, value in enumerate(values)]
    assert "p of a drop < 0.001" in decide(side(scored(values)), side(scored(new))).lines[1]


def test_data():
    """The decision as plain data holds the same, and is JSON."""
    found = decide(side(scored([0.5, 0.7, 0.6] * 9)), side(scored([0.6, 0.5, 0.6] * 9)))
    told = json.loads(json.dumps(data(found), allow_nan=False))
    assert told["status"] == found.status == "CANNOT TELL"
    assert told["groups"][0]["n"] == 27
    assert told["groups"][0]["difference"] == found.findings[0].difference.mean
    assert told["needed"]["cases"] == found.needed.cases
    assert (told["new_harms"], told["problems"]) == (0, [])


def test_needed_only_where_open():
    """Groups that are decided need nothing more."""
    old = side(scored([0.5] * 20))
    groups = findings(old, old, decide(old, old).settings)
    assert needed((old, old), groups, decide(old, old).settings) is None


def test_needed_is_always_more():
    """A category that Holm leaves open, though it alone would have been found, needs more cases."""
    seen = Paired(mean=-0.075, error=0.03, n=20, units=20)
    proof = Proof(p_drop=0.01, p_within=0.2)
    open_one = Finding(group="overall", old=0.5, new=0.4, difference=seen, proof=proof,
                       margin=0.1, gated=True, verdict="open")  # fmt: skip
    both = (side(scored([0.5] * 20)),) * 2
    assert needed(both, (open_one,), GateSettings()).cases == 21
