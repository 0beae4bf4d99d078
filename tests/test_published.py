"""Tables of systems: a run's rows beside published ones, which are never taken for measured."""

from __future__ import annotations

import re

import pytest
from board_runs import THREE, run_of

from medcheck.providers import Entry, load_registry
from medcheck.published import NOT_RERUN, TABLES, facts, figure, systems
from medcheck.summary import summarize


def test_nineteen_rows_were_published():
    """11 of MedBench in two tables, 7 of GAPS, 1 of HealthBench; each dated, with its source."""
    rows = {(fact.table, fact.model) for fact in facts()}
    counts = {table: sum(name == table for name, _ in rows) for table, _ in rows}
    assert counts == {"MedBench old": 6, "MedBench v4": 5, "GAPS": 7, "HealthBench": 1}
    for fact in facts():
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", fact.date)
        assert "@" not in fact.source
        assert fact.source.startswith("github.com/")
        assert 0 <= fact.value <= 1


def test_published_figures_are_shown_as_printed():
    """No digit is added or lost, but MedBench's percent become shares."""
    texts = {(fact.table, fact.model, fact.group): fact.text for fact in facts()}
    assert texts["HealthBench", "AntAngelMed-FP8", "overall"] == "0.435 (0.0049)"
    assert texts["GAPS", "o3", "overall"] == "0.4009"
    assert texts["MedBench old", "GPT4o", "overall"] == "0.554"
    assert texts["MedBench v4", "o3", "医疗安全和伦理"] == "0.183"


@pytest.mark.parametrize(
    ("value", "std", "text"),
    [(0.435, 0.0049, "0.435 (0.0049)"), (0.5, None, "0.500"), (None, None, "not measured"),
     (-0.0001, None, "0.000")],
)  # fmt: skip
def test_a_figure_is_value_and_deviation(value, std, text):
    """A score has three decimals and its bootstrap deviation four, in brackets."""
    assert figure(value, std) == text


def test_a_run_has_its_systems():
    """Openness and kind come from the registry of today; a name it lacks is not known."""
    entries = {
        "a": Entry(name="a", open_weights=True, kind="medical"),
        "b": Entry(name="b", open_weights=False),
    }
    first, second = systems([summarize(run_of(THREE))], entries, published=False)
    assert (first.title, second.title) == ("dosing", "triage")
    assert second.groups == ("overall", "a", "b")
    assert [(s.model, s.weights, s.kind) for s in second.systems] == [
        ("a", "open", "medical"), ("b", "closed", "general"), ("c", "not known", "not known"),
    ]  # fmt: skip
    row = second.systems[0]
    assert row.figures == {"overall": "0.800", "a": "0.800", "b": "0.800"}
    assert (row.n, row.origin) == ("3", "run r")
    assert row.interval.startswith("0.552 to 1.048")


def test_deviations_and_losses_are_shown():
    """A suite with a bootstrap shows value (std); what was not measured stands beside n."""
    options = {"summary": {"by": ["theme"], "bootstrap": {"n": 200, "seed": 0}}}
    run = run_of({"triage": {"a": [0.4, 0.5, None]}}, suites={"triage": options})
    (table,) = systems([summarize(run)], {}, published=False)
    assert re.fullmatch(r"0\.450 \(0\.03\d\d\)", table.systems[0].figures["overall"])
    assert table.systems[0].n == "2 (1 not measured)"


def test_published_rows_stand_beside_the_same_data():
    """Rows of the suite's table are added to it, marked; other tables follow on their own."""
    run = run_of({"healthbench": {"a": [0.4, 0.5]}})
    tables = systems([summarize(run)], {}, published=True)
    assert [table.title for table in tables] == [
        "healthbench",
        *(f"{name}: {NOT_RERUN}" for name in ("MedBench old", "MedBench v4", "GAPS")),
    ]
    own, printed = tables[0].systems
    assert own.origin == "run r"
    assert printed.origin == f"{NOT_RERUN} (2026-02-03)"
    assert (printed.weights, printed.kind, printed.n) == ("open", "not known", "-")
    assert printed.figures["hedging"] == "0.528 (0.008)"
    assert "hedging" in tables[0].groups
    assert sum(len(table.systems) for table in tables) == 19 + 1


def test_nothing_published_unless_asked():
    """Without the switch no published row is shown, not even beside its own data."""
    run = run_of({"healthbench": {"a": [0.4, 0.5]}})
    tables = systems([summarize(run)], {}, published=False)
    assert [system.origin for table in tables for system in table.systems] == ["run r"]
    assert tables[0].notes == ()


def test_notes_say_where_figures_come_from():
    """Source, date, scale and what does not fit are said."""
    run = run_of(THREE)
    notes = [n for t in systems([summarize(run)], {}, published=True) for n in t.notes]
    assert any("nothing of them was measured here" in note for note in notes)
    assert any("harmonic mean only with 86.5" in note for note in notes)


def test_published_tables_belong_to_shipped_suites(project):
    """Each suite name that gets published rows is a suite of ours."""
    suites = {
        line.split(":")[1].strip()
        for path in (project / "cases").glob("*.yaml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("suite:")
    }
    assert set(TABLES) <= suites
    assert set(TABLES.values()) == {fact.table for fact in facts()}


def test_the_registry_tells_open_and_medical():
    """The built-in medical models with open weights are known as such."""
    entries = load_registry().entries
    assert entries["baichuan-m2"].kind == "medical"
    assert entries["baichuan-m2"].open_weights is True
    assert entries["o3"].open_weights is False
