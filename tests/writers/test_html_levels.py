"""medcheck.writers._html_levels: what the page shows of a suite with levels."""

from __future__ import annotations

import json
import re

import pytest
from report_runs import result, row, run_of
from test_html import PAYLOADS, Skeleton, page_of

from medcheck.writers import _html_levels as levels
from medcheck.writers import _html_tables as tables
from medcheck.writers import html

GROUPS = ("grounding", "tier", "incidence", "any", "delta")


def figures(model="alpha", *, grounding="G1", **changes):
    """Return the rows of one model on a suite with levels."""
    found = {
        "overall": 0.5, f"grounding:{grounding}": 0.44, "tier:A1": 0.6, "incidence:S4": 0.25,
        "rate:S4": 1.5, "any:S4": 0.25, "delta:P3": -0.31, "distribution:-0.1": 0.3,
        "distribution:0.9": 0.7,
    }  # fmt: skip
    return tuple(
        row(model, name, **{"value": value, "raw": value, **changes})
        for name, value in found.items()
    )


def table_of(rows, **changes):
    pairs = [run_of(rows=rows, by={"triage": GROUPS}, **changes)]
    return tables.suite_tables(pairs, tables.entries(s for _, s in pairs))[0]


def test_shaded_tables_hold_models_by_level():
    """Each axis of the rubric is a table: a number, its interval, and how much it rests on."""
    sheet = table_of((*figures(), *figures("beta", ungraded=2))).levels
    kinds = {matrix.kind: matrix for matrix in sheet.matrices}
    assert list(kinds) == ["grounding", "tier", "incidence", "delta"]
    assert kinds["incidence"].heads == ("S4", "any:S4")
    (at, (harm, worst)) = kinds["incidence"].lines[1]
    assert (at, harm.value, harm.ci, harm.n, harm.ungraded) == (1, "0.250", "0.400 – 0.600", 10, 2)
    assert harm.more == "1.500"
    assert worst.flagged
    assert not harm.flagged
    assert kinds["grounding"].lines[0][1][0].shade == 4
    [(_, (lost,)), _] = kinds["delta"].lines
    assert (lost.value, lost.ci, lost.shade) == ("-0.310", "+0.400 – +0.600", 3)


def test_missing_groups_and_numbers_stay_missing():
    """A model without a group has no cell, one without a number says so."""
    unknown = {"value": None, "raw": None, "ci95": None}
    alpha, beta = figures(), figures("beta", grounding="G2", **unknown)[:2]
    [grounding] = [m for m in table_of((*alpha, *beta)).levels.matrices if m.kind == "grounding"]
    assert grounding.heads == ("G1", "G2")
    (_, (_, none)), (_, (also_none, unknown)) = grounding.lines
    assert none is also_none is None
    assert (unknown.value, unknown.ci, unknown.shade) == (None, None, 0)


def test_distribution_counts_answers():
    """The bars hold the answers of each tenth, on one scale for all models."""
    [one] = table_of(figures()).levels.distributions
    assert [(bar.low, bar.count) for bar in one.bars if bar.count] == [("-0.1", 3), ("0.9", 7)]
    assert [bar.low for bar in one.bars][:3] == ["-0.1", "0.0", "0.1"]
    assert one.bars[-1].height == f"{levels.BAR_HEIGHT:.1f}"
    assert (one.bars[0].at, one.n) == ("0.45%", 10)


def test_tables_show_bars_but_no_counts():
    """With levels a group is a bar from 0; counts have no place on the scale of scores."""
    table = table_of(figures())
    groups = {group.name: group for group in (*table.groups, *table.others)}
    assert not {name for name in groups if name.startswith("distribution")}
    assert groups["rate:S4"].lines[0].mark is None
    assert table.axis.high == 1.0
    zero, _ = groups["overall"].lines[0].mark.bar
    assert zero == table.axis.place(0.0)
    low, _ = groups["delta:P3"].lines[0].mark.bar
    assert low == groups["delta:P3"].lines[0].mark.at
    assert groups["delta:P3"].link.endswith("tag=perturbation%3AP3")


def test_no_levels_no_figures():
    """A suite without levels looks as it did: dots, and no shaded table."""
    table = table_of((row(), row(group="theme:a"), row(group="distribution:x")))
    assert table.levels is None
    assert table.groups[0].lines[0].mark.bar is None


@pytest.mark.parametrize("payload", [*PAYLOADS, "distribution:0.1e99", "distribution:x"])
def test_hostile_groups_stay_text(tmp_path, payload):
    """Names of models and levels change no element of the figures."""

    def page(text):
        rows = figures(text, grounding=text)
        rows += (row(text, text, value=0.0, raw=0.0, ci95=None),)
        return Skeleton(page_of(run_of(rows=rows, models=(text,)), tmp_path))

    harmless, hostile = page("harmless"), page(payload)
    assert hostile.elements == harmless.elements
    assert hostile.targets == harmless.targets


def test_all_labels_of_the_figures_exist():
    """Every table has its title and its explanation, in both languages."""
    labels = json.loads((html.PAGES / "labels.json").read_text(encoding="utf-8"))
    kinds = ("grounding", "tier", "incidence", "delta", "distribution")
    keys = {f"levels_{kind}{end}" for kind in kinds for end in ("", "_help")}
    assert keys | {"levels_any", "levels_flag", "levels_rate"} <= labels["en"].keys()


def test_figures_need_neither_script_nor_style_attributes(tmp_path):
    """Shades are classes and bars are SVG, as the page's policy demands."""
    text = page_of(run_of([result()], rows=figures(), by={"triage": GROUPS}), tmp_path)
    body = text.partition("</style>")[2].partition("<script")[0]
    assert not re.search(r"<[^>]* style=", body)
    assert body.count('class="fill"') >= 2
    assert 'data-t="levels_flag"' in body
    assert 'aria-label="-0.1: 3, 0.9: 7"' in body


@pytest.mark.parametrize("width", [360, 1280])
def test_figures_fit_the_screen(tab, tmp_path, width):
    """The figures are no wider than a phone, follow the language, and nothing goes wrong."""
    rows = (*figures(), *figures("beta-with-a-name-that-is-rather-long"))
    models = ("alpha", "beta-with-a-name-that-is-rather-long")
    run = run_of([result()], rows=rows, models=models, by={"triage": GROUPS})
    path = html.write(*run, tmp_path / "report.html")
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    tab.call("Emulation.setDeviceMetricsOverride", **size)
    tab.open(path.as_uri())
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    tables = "[...document.querySelectorAll('.figures .wide')]"
    assert tab.run(f"{tables}.every((table) => table.scrollWidth <= table.clientWidth)")
    tab.run("document.querySelector('[data-language=zh]').click()")
    shown = tab.run("document.querySelector('.figures').innerText")
    tab.run("document.querySelector('[data-language=en]').click()")
    tab.call("Emulation.clearDeviceMetricsOverride")
    for expected in ("应答要点覆盖率", "触及 S4", "得分分布"):
        assert expected in shown
    assert tab.went_wrong() == []
