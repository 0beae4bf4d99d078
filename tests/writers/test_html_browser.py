"""medcheck.writers.html in a real browser: it opens, filters, compares, and runs nobody's code."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from report_runs import RESCUE, WAIT, many, result, run_of, verdict
from test_html import PAYLOADS, SINKS, hostile

from medcheck.types import Completion, Message, Run
from medcheck.writers import html

LOAD_MILLISECONDS = 3000


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The address of a page with two models and four cases."""
    harm = (verdict(RESCUE, "met"), verdict(WAIT, "met"))
    split = (verdict(RESCUE, "judge_error", explanation="", error="no usable reply"),)
    asked = (Message(role="system", text="Be careful."), Message(role="user", text="Warfarin?"))
    results = [
        result("chest-pain", value=0.9),
        result("chest-pain", "beta", value=0.2, pass_at=0.5),
        result("胸痛-1", value=0.3, tags=("theme:hedging",), verdicts=harm),
        result("胸痛-1", "beta", value=0.4, tags=("theme:hedging",)),
        result("warfarin", value=None, messages=asked, verdicts=split, error="judge timed out"),
        result("warfarin", "beta", value=0.6, messages=asked),
        result("cut", value=None, state="truncated", score=None,
               completion=Completion(text="Half an ans", finish="length", reasoning="Hm, well")),
        result("cut", "beta", value=0.1, repeat=1),
        result("cut", "beta", value=0.7, repeat=2,
               completion=Completion(text="The second answer")),
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("report") / "report.html"
    return html.write(*run_of(results), path).as_uri()


def ids(tab):
    return tab.run("[...document.querySelectorAll('.cases .case a')].map(a => a.textContent)")


def choose(tab, name, text):
    """Choose the option of a filter whose text begins so."""
    tab.run(
        f"(() => {{ const s = document.querySelector('[data-filter={name}]');"
        f"s.value = [...s.options].find(o => o.textContent.startsWith('{text}')).value;"
        "s.dispatchEvent(new Event('change')); })()"
    )


def text_of(tab, selector):
    return tab.run(f"document.querySelector({selector!r}).innerText")


def open_case(tab, report, case_id):
    tab.open(f"{report}#case={quote(case_id)}")
    tab.wait("!document.getElementById('case').hidden && document.querySelector('#case .card')")


def test_list_shows_all_cases(tab, report):
    """The page opens with every case in the order of the data set, without a fault."""
    tab.open(report)
    assert ids(tab) == ["chest-pain", "胸痛-1", "warfarin", "cut"]
    assert tab.went_wrong() == []
    assert "false" not in text_of(tab, "#list").split()


def test_filters_find_cases(tab, report):
    """Outcome, tag, state, model and words each narrow the list; reset undoes them."""
    tab.open(report)
    choose(tab, "outcome", "zero-tolerance")
    assert ids(tab) == ["胸痛-1"]
    choose(tab, "outcome", "not measured")
    assert ids(tab) == ["warfarin", "cut"]
    choose(tab, "model", "beta")
    assert ids(tab) == []
    choose(tab, "outcome", "failed")
    assert ids(tab) == ["chest-pain"]
    tab.run("document.querySelector('.quietbutton').click()")
    choose(tab, "tag", "theme:hedging")
    assert ids(tab) == ["胸痛-1"]
    tab.run("document.querySelector('.quietbutton').click()")
    choose(tab, "state", "Cut off")
    assert ids(tab) == ["cut"]
    tab.run("document.querySelector('.quietbutton').click()")
    tab.run(
        "(() => { const s = document.querySelector('input[type=search]'); s.value = 'WARF';"
        "s.dispatchEvent(new Event('input')); })()"
    )
    assert ids(tab) == ["warfarin"]


def test_order_puts_unmeasured_last(tab, report):
    """Cases are ordered by score or by difference; one without a score is never the best."""
    tab.open(report)
    order = "(() => {{ controls.order.value = '{}'; filterCases(); }})()"
    choose(tab, "model", "alpha")
    tab.run(order.format("worst"))
    assert ids(tab) == ["胸痛-1", "chest-pain", "warfarin", "cut"]
    tab.run(order.format("best"))
    assert ids(tab) == ["chest-pain", "胸痛-1", "warfarin", "cut"]
    tab.run(order.format("difference"))
    assert ids(tab)[0] == "chest-pain"


def test_group_leads_to_its_cases(tab, report):
    """An address with suite and tag lists the cases of that group."""
    tab.open(f"{report}#list=1&suite=triage&tag=theme%3Ahedging")
    assert ids(tab) == ["胸痛-1"]


def test_case_shows_answers_side_by_side(tab, report):
    """An opened case holds the question, both answers, each criterion and the judges' words."""
    open_case(tab, report, "胸痛-1")
    page = text_of(tab, "#case")
    for expected in ("胸口很痛", "alpha", "beta", "0.300", "0.400", "Zero-tolerance hit",
                     "Met: costs points", "Not met: as it should be", "judge-1", "It says so.",
                     "+5 points", "−8 points", "axis:acc"):  # fmt: skip
        assert expected in page
    assert tab.run("document.querySelectorAll('#case .verdict.hit').length") == 1
    assert tab.went_wrong() == []


def test_unmeasured_answer_tells_the_cause(tab, report):
    """An answer without a score says so, why, and what the judge did; system text is shown."""
    open_case(tab, report, "warfarin")
    page = text_of(tab, "#case")
    for expected in ("not measured", "Judge error", "judge timed out", "no usable reply",
                     "System text", "Be careful."):  # fmt: skip
        assert expected in page


def test_cut_answer_and_repeats(tab, report):
    """A cut answer says where it ended, reasoning stays folded, repeats are a press away."""
    open_case(tab, report, "cut")
    page = text_of(tab, "#case")
    assert "cut off at the length limit" in page
    assert "Hm, well" not in page
    assert tab.run("document.querySelector('#case details').textContent.includes('Hm, well')")
    tab.run("document.querySelectorAll('#case .tabs button')[1].click()")
    assert "The second answer" in text_of(tab, "#case")


def test_keys_lead_through_the_cases(tab, report):
    """Escape leads back to the list, j and k to the neighbors, / to the search."""
    open_case(tab, report, "chest-pain")
    press = (
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: '{}', bubbles: true}}))"
    )
    tab.run(press.format("j"))
    tab.wait("document.querySelector('#case h1').textContent.includes('胸痛-1')")
    tab.run(press.format("k"))
    tab.wait("document.querySelector('#case h1').textContent.includes('chest-pain')")
    tab.run(press.format("Escape"))
    tab.wait("document.getElementById('case').hidden")
    tab.run(press.format("/"))
    assert tab.run("document.activeElement.type") == "search"


def test_language_switch_covers_the_page(tab, report):
    """One press shows every label in Chinese, in the case as in the list."""
    open_case(tab, report, "胸痛-1")
    tab.run("document.querySelector('[data-language=zh]').click()")
    page = text_of(tab, "#case")
    tab.run("document.querySelector('[data-language=en]').click()")
    for expected in ("对话", "评分标准", "触犯零容忍标准", "符合:扣分"):
        assert expected in page
    assert "Zero-tolerance" not in page


def test_unknown_case_is_said(tab, report):
    """An address of a case that the report does not hold is answered, not ignored."""
    tab.open(f"{report}#case=nobody")
    assert "no such case" in text_of(tab, "#case")


@pytest.mark.parametrize("width", [360, 1280])
def test_page_fits_the_screen(tab, report, width):
    """Neither list nor case is wider than a phone."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    tab.call("Emulation.setDeviceMetricsOverride", **size)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    tab.open(report)
    assert tab.run(fits)
    open_case(tab, report, "胸痛-1")
    assert tab.run(fits)
    tab.call("Emulation.clearDeviceMetricsOverride")


def test_hostile_case_stays_text(tab, tmp_path):
    """In an opened case every hostile text is text: same elements, no dialog, no request."""
    shape = (
        "JSON.stringify([...document.querySelectorAll('main *')].map("
        "e => [e.tagName, ...e.getAttributeNames().sort()]))"
    )

    def opened(**at):
        path = html.write(*hostile(**at), tmp_path / "report.html")
        tab.open(path.as_uri())
        listed = tab.run(shape)
        tab.run("document.querySelector('.cases a').click()")
        tab.wait(
            "document.querySelector('#case .card') || document.querySelector('#case .nothing')"
        )
        assert tab.went_wrong() == []
        return listed, tab.run(shape)

    harmless = opened()
    for payload in PAYLOADS:
        assert opened(**dict.fromkeys(SINKS, payload)) == harmless, payload


def test_five_thousand_cases_open_quickly(tab, tmp_path):
    """A page of 5,000 cases is ready within 3 s, and a case opens within another."""
    run, summary = run_of(models=("alpha",))

    class Streamed:
        def __iter__(self):
            return many(5000)

    run = Run(id="run-1", started="", settings={}, versions={}, results=Streamed())
    path = html.write(run, summary, tmp_path / "report.html")
    assert tab.open(path.as_uri()) < LOAD_MILLISECONDS
    assert text_of(tab, "#list .count").startswith("5000 of 5000")
    took = tab.run(
        "(async () => { const start = performance.now();"
        "await showWanted(findCase('case-04321', null)); return performance.now() - start; })()"
    )
    assert took < 1000
    assert "case-04321" in tab.run("document.querySelector('#case h1').textContent")
