"""A decision in words and tables."""

from __future__ import annotations

import json

from gate_runs import noise, result, run, scored

from medcheck.gate import GateSettings, data, decide, sides
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
    """One case has no interval and no p: dashes, never a number."""
    found = decide(side([result("a", value=0.5)]), side([result("a", value=0.4)]))
    assert found.status == "CANNOT TELL"
    assert "95 % interval -, 1 cases, p of a drop -" in found.lines[1]
    assert found.needed is None


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
